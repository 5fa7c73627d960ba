"""RESULTS.md's tables of where in a beat, or in a series, maps say that an anomaly is."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_sibeat.results.markdown import MISSING, MOST_COLUMNS, cell, table, tables

METRICS = {"pointing": "pointing game", "overlap": "overlap", "deletion": "deletion"}
ALL = "planted"  # the mean over the planted kinds
BY_CLASS = {"V": "V: the QRS", "S": "S: the P wave"}
LEGEND = """**Pointing game**: how often a map's highest place lies in the anomaly (1 is best). **Overlap**:
intersection over union of the anomaly and as many of a map's highest places (1 is best). **Deletion**: the
area under the score, from 1 to 0, while a map's highest places become as usual first (0 is best). Mean
± standard deviation over seeds, the same anomalies for all of them.
"""


def where(result: Mapping[str, Any]) -> str:
    """The section of a result of ``keras_sibeat.evaluate.explain``."""
    if result["config"]["protocol"]["name"] == "series":
        return _of_series(result)
    sections = [
        "## Where in the beat\n",
        LEGEND,
        "A map of a model is measured by that model's score, a map of no model by the student's "
        "or, without one, the first run's. `smoothed`: the mean within 40 ticks (111 ms). "
        "Planted: the mean over the planted kinds.\n",
    ]
    if result.get("refused"):
        parts = ", ".join(result["refused"])
        sections.append(f"The export's gate refused {parts}; the int8 rows are without.\n")
    for source, rows in result["maps"].items():
        counts = result["beats"][source]
        total = sum(counts.values())
        sections.append(
            f"### {source.capitalize()}: {total:,} beats\n\n**Maps of {source} beats**\n\n{_summary(rows)}"
        )
    kinds = list(dict.fromkeys(kind for counts in result["beats"].values() for kind in counts))
    for metric in ("pointing", "overlap"):
        for source, rows in result["maps"].items():
            title = f"### {METRICS[metric].capitalize()} by kind, {source} beats"
            sections.append(f"{title}\n\n{_by_kind(rows, kinds, metric)}")
    if agreement := _agreement(result):
        sections.append(f"### Occlusion of int8 beside that of float\n\n**How nearly alike**\n\n{agreement}")
    return "\n".join(sections)


def _summary(rows):
    heads = ["map", *METRICS.values()]
    heads += [f"{title}, {METRICS[name]}" for title in BY_CLASS.values() for name in ("pointing", "overlap")]
    lines = [
        [
            name,
            *(_cell(row, ALL, metric) for metric in METRICS),
            *(_cell(row, kind, metric) for kind in BY_CLASS for metric in ("pointing", "overlap")),
        ]
        for name, row in rows.items()
    ]
    return table(heads, lines)


def _by_kind(rows: Mapping[str, Any], kinds: Sequence[str], metric: str) -> str:
    half = -(-len(kinds) // 2) if len(kinds) >= MOST_COLUMNS else len(kinds)
    groups = {
        f"{METRICS[metric].capitalize()}: {', '.join(part)}": part for part in (kinds[:half], kinds[half:])
    }
    lines = [[name, *(_mean(row, kind, metric) for kind in kinds)] for name, row in rows.items()]
    return tables("map", {caption: part for caption, part in groups.items() if part}, lines)


def _agreement(result):
    heads = [
        "model",
        "beats",
        "correlation",
        "highest places within 8 ticks",
        "overlap of the highest places",
    ]
    lines = [
        [f"`{name}`", source, *(cell(found[key], 3) for key in ("correlation", "same_place", "overlap"))]
        for source, models in result["agreement"].items()
        for name, found in models.items()
    ]
    return table(heads, lines)


def _of_series(result):
    rows = result["maps"]
    kinds = [kind for kind in next(iter(rows.values())) if kind != ALL]
    names = {"pointing": "pointing game", "channel": "right channel", **METRICS}
    lines = [[name, *(_cell(row, ALL, metric) for metric in names)] for name, row in rows.items()]
    title = f"## Which channel, and when: `{result['name']}`"
    text = (
        "Changes planted in one of the channels, for a quarter of a window, in files that trained nothing.\n"
    )
    by_kind = f"### Pointing game by kind of change\n\n{_by_kind(rows, kinds, 'pointing')}"
    return "\n".join(
        (title, "", text, LEGEND, "**Maps of series**\n", table(["map", *names.values()], lines), by_kind)
    )


def _cell(row, kind, metric):
    return cell(row.get(kind, {}).get(metric), 3)


def _mean(row, kind, metric):
    found = row.get(kind, {}).get(metric)
    return f"{found['mean']:.2f}" if found else MISSING
