"""Markdown tables and their cells, of metrics as results hold them."""

from collections.abc import Mapping, Sequence
from typing import Any

MISSING = "–"
MOST_COLUMNS = 8  # of a table: more do not fit a page
HOURLY = ("false_alarms_per_hour_median", "false_alarms_per_hour_worst", "false_alarms_per_hour")
HOURLY_HEADS = tuple(f"false alarms/h: {name}" for name in ("median", "worst", "mean"))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, without the columns in which no row has a value; an empty text without rows.

    Not by a library: those pad the columns, so that one longer cell changes every line of a committed page.

    >>> print(table(["result", "AUC", "AP"], [["a", "0.9", "–"], ["b", "–", "–"]]), end="")
    | result | AUC |
    |---|---|
    | a | 0.9 |
    | b | – |
    """
    if not rows:
        return ""
    kept = [place for place in range(len(heads)) if any(row[place] != MISSING for row in rows)]
    lines = [[line[place] for place in kept] for line in (heads, *rows)]
    head, *body = [f"| {' | '.join(line)} |\n" for line in lines]
    return "".join([head, f"|{'---|' * len(kept)}\n", *body])


def tables(first: str, groups: Mapping[str, Sequence[str]], rows: Sequence[Sequence[str]]) -> str:
    """Rows of many columns as several tables, each under its caption and with the ``first`` column.

    Args:
        first: head of the first column.
        groups: caption -> heads of the columns of its table.
        rows: a cell of the first column each, then those of all groups in their order.

    A table has no row without a value in it, and is left out where no row has any.

    >>> print(tables("result", {"Ranks": ["AUC"], "Rates": ["share"]}, [["a", "0.9", "–"]]), end="")
    **Ranks**
    <BLANKLINE>
    | result | AUC |
    |---|---|
    | a | 0.9 |
    """
    made, place = [], 1
    for caption, heads in groups.items():
        parts = [[row[0], *row[place : place + len(heads)]] for row in rows]
        place += len(heads)
        kept = [part for part in parts if any(value not in (MISSING, "") for value in part[1:])]
        if kept:
            made.append(f"**{caption}**\n\n{table([first, *heads], kept)}")
    return "\n".join(made)


def cell(metric: Mapping[str, Any] | None, digits: int) -> str:
    """A summarised metric as text: its mean, and its spread where there are several values."""
    if metric is None:
        return MISSING
    spread = f" ± {metric['sd']:.{digits}f}" if len(metric["values"]) > 1 else ""
    return f"{metric['mean']:.{digits}f}{spread}"


def metric_cells(metrics: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The summarised ``metrics`` of these names: hourly rates to a tenth, all others to four digits."""
    return [cell(metrics.get(name), 1 if "per_hour" in name else 4) for name in names]


def comparable(result: Mapping[str, Any], key: str = "metrics") -> dict[str, Any]:
    """The result's metrics, without the hourly rates where these had other denominators, before format 2."""
    metrics = result.get(key, {})
    if result.get("format", 1) >= 2:
        return metrics
    return {name: value for name, value in metrics.items() if "per_hour" not in name}
