"""Rows of several sensors in one table, which are no samples of one rate."""

from collections.abc import Sequence

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.headings import words
from sibeat_edge.reading.text.columns import CLOCK, LEAD, Column, is_ecg
from sibeat_edge.reading.text.line import Layout

SENSORS = frozenset("sensor sensors channel channels stream device".split())  # may name whose a row is
OTHERS = frozenset("signal lead type kind source variable name label id".split())  # only where times say so
MOST, LEAST = 8, 20  # sensors at most; rows at least
SWITCHES = 4  # from one sensor to another at least
ALIKE = 0.1  # share by which the steps of an even clock differ at most
EVEN = 0.95  # of the steps of an even clock
SHARE = 0.02  # of the rows at least, that hold another column alone


def check_sensors(
    name: str, layout: Layout, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> list[str]:
    """A sentence if rows hold one of two columns each, as in a table merged of two rates; else none.

    Args:
        name: of the file, for errors.
        layout: of its rows.
        columns: of the table.
        rows: the cells of the first ones.

    Raises ``RecordError`` for a long table, in which a column tells whose value a row has.
    """
    rows = [row for row in rows if len(row) == layout.width]
    leads = [column for column in columns if column.kind == LEAD]
    if len(rows) < LEAST or len(columns) < 2 or not leads:
        return []
    clocks = [_values(layout, rows, column) for column in columns if column.kind == CLOCK]
    called = [column for column in columns if _is_called(column.name)]
    for column in called:
        if (
            len(called) == 1
            and any(lead is not column for lead in leads)
            and _tells_sensor(column, rows, clocks, leads)
        ):
            found = printable(", ".join(sorted({row[column.place] for row in rows})))
            raise RecordError(
                f"{name}: found rows of several sensors, which column {column.name} tells ({found}); "
                "expected a column for each, or the rows of one alone."
            )
    return _merged(name, layout, sorted(leads, key=lambda lead: not lead.is_ecg), rows)


def _values(layout, rows, column):
    values = (layout.number(row[column.place]) for row in rows)
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _is_called(name):
    """Whether a column is called sensor, sensor id, type and the like, without a number of its own."""
    called = set(words(name))
    return bool(called) and called <= SENSORS | OTHERS and name.strip("\"' ").isidentifier()


def _tells_sensor(column, rows, clocks, leads):
    """Whether a column tells whose value a row has: by its name and by a clock that is even for one alone."""
    is_sensor = bool(SENSORS & set(words(column.name))) and not any(is_ecg(lead.name) for lead in leads)
    cells = np.array([row[column.place] for row in rows])
    _, kinds = np.unique(cells, return_inverse=True)
    if not 1 < kinds.max() + 1 <= MOST:
        return False
    if (np.diff(kinds) != 0).sum() < SWITCHES or "" in cells:
        return False
    times = next((times for times in clocks if np.isfinite(times).all()), None)
    most = np.bincount(kinds).argmax()
    if times is None or _evenness(times[kinds == most]) < EVEN:
        return is_sensor
    return _evenness(times) < EVEN


def _evenness(times):
    """The share of a clock's steps that are alike."""
    steps = np.diff(times)
    usual = np.median(steps) if len(steps) else 0.0
    rounding = 1.0 if (times == np.round(times)).all() else 0.0
    is_alike = np.abs(steps - usual) <= max(ALIKE * usual, rounding)
    return float(np.mean(is_alike)) if usual > 0 else 0.0


def _merged(name, layout, leads, rows):
    """A sentence if the first lead is missing in many rows, and another lead in most of the rest."""
    first = np.isfinite(_values(layout, rows, leads[0]))
    switches = (np.diff(first.astype(int)) != 0).sum()
    for other in leads[1:]:
        there = np.isfinite(_values(layout, rows, other))
        if (
            (there & ~first).mean() >= SHARE
            and (first & ~there).sum() > first.sum() / 2
            and switches >= SWITCHES
        ):
            return [
                f"{name}: found rows that hold either column {leads[0].name} or {other.name}, as in a table "
                "merged of two rates, and took the rate of all rows; expected a table of one rate."
            ]
    return []
