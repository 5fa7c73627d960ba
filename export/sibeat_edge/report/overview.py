"""Many scored recordings as a text table: a row each, and what failed."""

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sibeat_edge.report.batch import Outcome
from sibeat_edge.report.html import duration


def as_overview(outcomes: Sequence[Outcome], width: int) -> str:
    """The table, ``width`` characters wide, and a line that counts what was scored.

    >>> from pathlib import Path
    >>> found = Outcome(Path("a"), 7200.0, 9000, 1.5), Outcome(Path("b"), error="b: found no such file.")
    >>> print("\\n".join(line.rstrip() for line in as_overview(found, 80).splitlines() if line.strip()))
      recording   h:mm:ss   beats   alarms/h
     ──────────────────────────────────────────────────────────────────────
      a           2:00:00   9,000        1.5
      b                 –       –          –   failed: found no such file.
    2 recordings: 1 scored, 0 partly, 1 failed
    """
    text = io.StringIO()
    console = Console(file=text, width=width, highlight=False)
    table = Table("recording", box=box.SIMPLE)
    for head in ("h:mm:ss", "beats", "alarms/h"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for one in outcomes:
        table.add_row(escape(str(one.record)), *_figures(one), escape(_told(one)))
    console.print(table)
    failed, cut = sum(bool(one.error) for one in outcomes), sum(bool(one.cut) for one in outcomes)
    whole = len(outcomes) - failed - cut
    count = f"{len(outcomes)} recording" + "s" * (len(outcomes) != 1)
    console.print(f"{count}: {whole} scored, {cut} partly, {failed} failed")
    return text.getvalue()


def _figures(one):
    if one.error:
        return ("–",) * 3
    rate = "unknown" if one.alarms_per_hour is None else f"{one.alarms_per_hour:.1f}"
    return duration(one.seconds), f"{one.beats:,}", rate


def _told(one):
    """What is said behind the figures, without the path, which stands before them."""
    if one.error or one.cut:
        what, text = ("failed", one.error) if one.error else ("partly", one.cut)
        return f"{what}: {text.removeprefix(f'{one.record}: ')}"
    warnings = len(one.warnings)
    return f"{warnings} warning" + "s" * (warnings != 1) if warnings else ""
