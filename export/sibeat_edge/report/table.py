"""A scored recording as text tables: the figures, what was not scored, the first alarms; and at a glance."""

import io

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sibeat_edge.report.findings import as_text
from sibeat_edge.report.letters import glance
from sibeat_edge.report.performance import measured_figures, on_new_wearers, set_for
from sibeat_edge.report.scored import Scored

WIDTH = 100  # characters of a table that is written to a file
LISTED = 20  # alarms in the table
SUMMARY = (
    *("leads", "rate", "seconds", "model", "threshold", "threshold_from", "beats", "scored", "alarms"),
    "doubted",
    *("alarms_per_hour", "alarms_per_scored_hour", "heart_rate"),
)
UNITS = {"rate": ", Hz", "heart_rate": ", beats/min"}


def as_table(scored: Scored, width: int) -> str:
    """The tables, ``width`` characters wide."""
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False)
    figures = Table("", "", box=box.SIMPLE, show_header=False, title=f"{scored.name}: scored beats")
    for name in SUMMARY:
        value = scored.summary[name]
        heading = name.replace("_", " ") + UNITS.get(name, "")
        figures.add_row(heading, "unknown" if value is None else _cell(value))
    for name, burden in scored.burdens.items():
        figures.add_row(f"{name} beats", as_text(burden))
    figures.add_row("threshold set for false alarms", set_for(scored))
    figures.add_row("false alarms on new wearers", on_new_wearers(scored))
    for heading, words in measured_figures(scored.manifest).items():
        figures.add_row(heading, words)
    console.print(figures)
    if scored.episodes:
        console.print(_episodes(scored))
    if scored.unscored or scored.not_scored:
        console.print(_not_scored(scored))
    if scored.alarms:
        console.print(_alarms(scored))
        if len(scored.alarms) > LISTED:
            console.print(f"and {len(scored.alarms) - LISTED} more: --format csv lists all")
    console.print(_glance(scored))  # last, where the screen stops
    console.print(scored.manifest["notice"])
    return text.getvalue()


def _glance(scored):
    table = Table("", "", box=box.SIMPLE, show_header=False, title=f"{scored.name} at a glance")
    for heading, words in glance(scored).items():
        table.add_row(f"[bold]{heading}[/bold]", escape(words))
    return table


def _episodes(scored):
    table = Table("episodes", "number", "minutes", "first at, s", box=box.SIMPLE)
    for what in sorted({episode.what for episode in scored.episodes}):
        those = [episode for episode in scored.episodes if episode.what == what]
        minutes = sum(episode.end - episode.start for episode in those) / 60
        table.add_row(what, str(len(those)), f"{minutes:.1f}", f"{those[0].start:.2f}")
    return table


def _not_scored(scored):
    table = Table("not scored", "beats", "minutes", box=box.SIMPLE)
    for reason in sorted(scored.unscored.keys() | scored.not_scored.keys()):
        minutes = scored.not_scored.get(reason, 0) / 60
        table.add_row(reason, str(scored.unscored.get(reason, 0)), f"{minutes:.1f}")
    return table


def _alarms(scored):
    has_template = scored.manifest["wearer"] is not None
    heads = ["kind", "raised by"] if has_template else []
    table = Table("alarm at, s", "score", "RR, s", *heads, box=box.SIMPLE)
    for beat in scored.alarms[:LISTED]:
        row = f"{beat.time:.2f}", _cell(beat.score), _cell(beat.rr)
        table.add_row(*row, *([beat.kind, beat.why] if has_template else []))
    return table


def _cell(value):
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
