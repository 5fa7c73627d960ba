"""What each column of a text file is: a lead, a clock, a date, or a counter of rows or packets."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sibeat_edge.reading.headings import COUNTERS, ECG, SECONDS, TIMES, name_and_unit, words
from sibeat_edge.reading.leads import millivolts, plain
from sibeat_edge.reading.text.dates import is_date
from sibeat_edge.reading.text.line import Layout
from sibeat_edge.reading.text.preamble import Preamble
from sibeat_edge.reading.text.stamps import is_stamp

LEAD, CLOCK, COUNTER, DATE = "lead", "clock", "counter", "date"
LIMB = re.compile(r"i{1,3}|av[rlf]|v[1-9]")
DATES = frozenset(("date", "datum", "fecha"))  # headings of dates that are written as a number
EVEN = 0.9  # of a counter's steps
STAIRS = 3  # steps of a rounded clock, at least
SECOND = 50  # rows that a whole second has at least, while a packet has fewer
LEAST = 10  # rows, from which an even rise is no coincidence


@dataclass(frozen=True)
class Column:
    """A column: its place, from 0, its name and unit, and its kind: a lead, a clock, a counter or a date."""

    place: int
    name: str
    unit: str
    kind: str

    @property
    def is_ecg(self) -> bool:
        """Whether its name or unit says that it is an ECG."""
        return millivolts(self.unit) is not None or is_ecg(self.name)


def find_columns(
    layout: Layout, preamble: Preamble, rows: Sequence[Sequence[str]], more: Sequence[Sequence[str]] = ()
) -> list[Column]:
    """The columns, given the cells of the first rows; a lead may rise in them, but not in ``more`` of them.

    >>> from sibeat_edge.reading.layout import find_layout
    >>> layout = find_layout(["Sample Index,time_ms,ecg_uV\\n", "0,0,5\\n", "1,4,6\\n", "2,8,4\\n"])
    >>> for column in find_columns(layout, Preamble(), [["0", "0", "5"], ["1", "4", "6"], ["2", "8", "4"]]):
    ...     print(column.name, column.unit, column.kind)
    Sample Index  counter
    time_ms ms clock
    ecg_uV uV lead
    """
    headings = layout.headings or (preamble.headings if len(preamble.headings) == layout.width else ())
    columns = []
    for place in range(layout.width):
        cells = [row[place] for row in rows if len(row) > place]
        heading = headings[place] if place < len(headings) else None
        below = layout.units[place] if place < len(layout.units) else ""
        name, unit = name_and_unit(heading or "", below)
        kind = _kind(layout, None if heading is None else name, unit, place, cells)
        if kind == CLOCK and heading is None and not is_stamp(cells[0]) and _falls(layout, place, more):
            kind = LEAD
        if kind == LEAD and heading is not None:
            name = name or str(place + 1)
        if heading is None:
            name = preamble.lead if layout.width == 1 and preamble.lead else str(place + 1)
        if kind == LEAD and not unit and (not preamble.leads or name in preamble.leads):
            unit = preamble.unit
        columns.append(Column(place, name, unit, kind))
    return columns


def is_ecg(name: str) -> bool:
    """Whether a name is that of an ECG's lead.

    >>> [is_ecg(name) for name in ("ECG_LL-RA", "MLII", "EXG Channel 0", "HR", "V5", "Accel X")]
    [True, True, True, False, True, False]
    """
    return bool(ECG & set(words(name)) or LIMB.fullmatch(plain(name)))


def are_split(rows: Sequence[Sequence[str]]) -> bool:
    """Whether commas stand between the columns and before their decimals, too, so that each number is two.

    >>> are_split([["0", "000", "0", "1230"], ["0", "004", "-0", "0100"]]), are_split([["0", "5", "1", "7"]])
    (True, False)
    """
    columns = list(zip(*rows, strict=False))
    if (
        len(columns) < 4
        or len(columns) % 2
        or not all(re.fullmatch(r"-?\d+", cell) for c in columns for cell in c)
    ):
        return False
    return all(
        len({len(cell) for cell in column}) == 1
        and all(map(str.isdigit, column))
        and any(len(cell) > 1 and cell[0] == "0" for cell in column)
        for column in columns[1::2]
    )


def _kind(layout, name, unit, place, cells):
    known = [cell for cell in cells if cell]
    if known and all(map(is_stamp, known)):
        return CLOCK
    if cells and all(map(is_date, cells)) and (not known[0].isdigit() or DATES & set(words(name or ""))):
        return DATE
    values = _values(layout, cells)
    values[~np.isfinite(values)] = np.nan
    if name is None:
        return LEAD if layout.width == 1 else _kind_by_values(values)
    found = set(words(name))
    if (found & COUNTERS or not name.strip(" #")) and not found & ECG and _counts(values):
        return COUNTER
    rises = bool((np.diff(values) >= 0).all())
    if (found & TIMES and (rises or not found & ECG)) or (rises and unit.casefold() in SECONDS):
        return CLOCK
    if not place and layout.width > 1 and not is_ecg(name) and millivolts(unit) is None:
        return _kind_by_values(values)
    return LEAD


def _kind_by_values(values):
    """The kind of a column of which no name tells it: no ECG rises evenly for so many rows."""
    if len(values) < LEAST or not (rises_evenly(values) or _rises_by_stairs(values)):
        return LEAD
    return COUNTER if _are_counted(values) or _are_of_packets(values) else CLOCK


def _falls(layout, place, rows):
    """Whether a column falls in some of the rows, as that of a breath does."""
    values = _values(layout, [row[place] for row in rows if len(row) > place])
    return place > 0 and bool((np.diff(values) < 0).any())


def rises_evenly(values: np.ndarray) -> bool:
    """Whether values rise as those of a clock or of numbers of rows do, and no ECG's.

    >>> rises_evenly(np.arange(20) * 4), rises_evenly(np.sin(np.arange(20)))
    (True, False)
    """
    steps = np.diff(values)
    usual = np.median(steps)
    return bool((steps > 0).all() and np.mean(np.abs(steps - usual) <= usual / 2) >= EVEN)


def _rises_by_stairs(values):
    """Whether values rise as those of a clock do that is rounded to more than a row, but for a gap."""
    if not (np.diff(values) >= 0).all():
        return False
    stairs = np.flatnonzero(np.diff(values)) + 1
    heights, lengths = np.diff(values[np.append(0, stairs)]), np.diff(stairs)
    if len(stairs) < STAIRS:
        return False
    odd = np.abs(heights - np.median(heights)) > np.median(heights) / 100
    return bool(odd.sum() <= 1 and (np.abs(lengths - np.median(lengths)) > 1).sum() <= 2)


def _are_counted(values):
    """Whether these number the rows one by one, but for some that are left out."""
    steps = np.diff(values)
    return len(steps) > 0 and bool((steps >= 1).all() and np.mean(steps == 1) >= EVEN)


def _are_of_packets(values):
    """Whether these number packets of some rows, one by one; of a clock in s, as many rows have a number."""
    steps = np.diff(values)
    return set(steps.tolist()) <= {0.0, 1.0} and len(steps) < SECOND * (steps > 0).sum()


def _counts(values):
    """Whether these are the numbers of rows or packets, which may begin again."""
    steps = np.diff(values)
    is_whole = bool(len(steps)) and bool((values == np.round(values)).all())
    return (
        is_whole
        and bool((steps == 1).any())
        and np.mean((steps == 0) | (steps == 1)) >= EVEN - 1 / len(steps)
    )


def is_counted(layout: Layout, column: Column, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column numbers the rows one by one, but for some that are left out."""
    return _are_counted(_numbers(layout, column, rows))


def turns_at(layout: Layout, column: Column, rows: Sequence[Sequence[str]]) -> float | None:
    """How many numbers a column counts before it begins again, one for each row; None if it does not.

    >>> rows = [[f"{row % 16}", "5"] for row in range(50)]
    >>> turns_at(Layout(","), Column(0, "nSeq", "", COUNTER), rows)
    16.0
    """
    values = _numbers(layout, column, rows)
    steps = np.diff(values)
    if np.isnan(values).any() or not (steps < 0).any():
        return None
    size = float(np.ptp(values)) + 1
    return size if np.mean(steps % size == 1) >= EVEN else None


def _numbers(layout, column, rows):
    return _values(layout, [row[column.place] for row in rows if len(row) > column.place])


def _values(layout, cells):
    return np.array([np.nan if (value := layout.number(cell)) is None else value for cell in cells])
