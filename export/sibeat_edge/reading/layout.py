"""How the rows of a text file are written: encoding, separator, decimal mark, headings."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np

from sibeat_edge.reading.headings import SECONDS, UNIT
from sibeat_edge.reading.leads import millivolts
from sibeat_edge.reading.text.numbers import MISSING, number
from sibeat_edge.reading.text.preamble import PERSONAL, states
from sibeat_edge.reading.text.stamps import is_stamp
from sibeat_edge.reading.text.stream import HEAD, encoding_of

COMMENT = ("#", "%", "//")  # begins a line that is no row
LOOK = 100  # lines from which the layout is taken
# Separators (None: blanks) and decimal marks; of those that fit as many rows, the first.
CHOICES = [(separator, decimal) for separator in (";", "\t", "|", ",", None) for decimal in ".,"]
DECIMAL_COMMA = re.compile(r"(?<!:\d\d),(?!\d{3}(?:,\d{3})*\.\d)")  # but not that of 12:00:00,5 or 1,000.5
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", re.ASCII)
EXCEL = re.compile(r'^"?sep=([;,\t| ])"?\s*$', re.IGNORECASE)  # a first line that names the separator
TELLING = re.compile(r"time|zeit|stamp|e[ck]g|lead|ableitung|^m?l?(i{1,3}|av[rlf]|v[1-6])$", re.IGNORECASE)
# Units beside those of voltage and time that stand in a row of units.
OTHERS = frozenset(("g", "%", "bpm", "adc", "counts", "raw", "no_units", "nounits", "ut", "deg/s", "kohms"))
TIMES = re.compile(r"h+:mm:ss.*|m/.?s.*|yyyy.*", re.IGNORECASE)
PERSON = re.compile(r"[^\W\d_a-z][^\W\d_]+(?:,? [^\W\d_a-z][^\W\d_]*\.?)+")  # a title that may be a name
WHOLE = re.compile(r"[-+]?\d+")


@dataclass(frozen=True)
class Layout:
    """How the rows of a file are written.

    Attributes:
        separator: between columns; None for blanks.
        decimal: a point or a comma.
        headings: of the columns; empty if the file names none.
        first: the number of the first row's line, from 0.
        width: number of columns. A separator at the end of each row begins no further one.
        units: of the columns, where a row below the headings has them.

    >>> layout = find_layout(["Logger 7", "time;x (g)", "0;1,5", "0,01;1,25"])
    >>> layout.separator, layout.decimal, layout.headings, layout.first
    (';', ',', ('time', 'x (g)'), 2)
    >>> [layout.number(cell) for cell in layout.cells("0,01;1,25")]
    [0.01, 1.25]
    """

    separator: str | None
    decimal: str = "."
    headings: tuple[str, ...] = ()
    first: int = 0
    width: int = 1
    units: tuple[str, ...] = ()

    def cells(self, line: str) -> list[str]:
        """The cells of a line, without blanks and quotes around them."""
        if '"' in line:
            text = line.strip() if self.separator != "\t" else line.rstrip("\r\n")
            text = " ".join(text.split()) if self.separator is None else text
            rows = csv.reader([text], delimiter=self.separator or " ", skipinitialspace=True)
            try:
                parts = next(rows, [])
            except csv.Error:  # a cell longer than any number, as in a page of HTML
                parts = text.split(self.separator)
        else:
            parts = line.split(self.separator)
        return [part.strip().strip("\"'") for part in parts]

    def number(self, cell: str) -> float | None:
        """A cell's number, NaN where it is missing, None where it is neither."""
        return number(cell, self.decimal)

    def numbers(self, lines: Sequence[str], columns: Sequence[int] | None = None) -> np.ndarray:
        """The ``(lines, columns)`` of rows without missing cells; raises ``ValueError`` for all others."""
        if self.decimal == ",":
            if self.separator == "," or any("." in line for line in lines):
                raise ValueError("expected cells to be read one by one")
            lines = [line.replace(",", ".") for line in lines]
        return np.loadtxt(
            lines, delimiter=self.separator, comments=None, quotechar='"', usecols=columns, ndmin=2
        )


def open_text(path: Path) -> TextIO:
    """Open a file of UTF-8, of UTF-16, or of Latin-1 if its beginning is neither."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    wide = encoding_of(head)
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
        other = "utf-8-sig"
    except UnicodeDecodeError:
        other = "latin-1"
    return open(path, encoding=wide or other, errors="replace", newline=None)


def is_row(line: str) -> bool:
    """Whether a line may be a row: it is no comment, and neither blank nor of separators alone."""
    return bool(line.strip(" \t\r\n;,")) and not line.lstrip().startswith(COMMENT) and not EXCEL.match(line)


def is_timestamp(cell: str) -> bool:
    """Whether a cell is a date, a time of day, or both.

    >>> [is_timestamp(cell) for cell in ("2024-01-31 12:00:00.5", "31.1.2024", "9:05 PM", "1.2", "x")]
    [True, True, True, False, False]
    """
    return is_stamp(cell) or DATE.fullmatch(cell) is not None


def find_layout(lines: Sequence[str]) -> Layout | None:
    """The layout of a file that begins with these lines; None if none of them is a row of numbers.

    What comes before the first row of numbers is left out, but for the headings: the line of texts above it
    that has as many cells or, of several such lines in a row, the first whose cells differ (and name a lead
    or a time, if one does), and a row of units below it. A single heading that may be a name is none. A
    first row may be headings that are numbers, as pandas writes them, and a comment right above the first
    row, as NumPy does. A row may hold timestamps, too.
    """
    kept = [(place, line) for place, line in enumerate(lines) if is_row(line)]
    looked = kept[:LOOK] if len(kept) < 2 * LOOK else kept[-LOOK:]
    excel = EXCEL.match(next((line for line in lines if line.strip()), ""))
    if excel:
        choices = [(excel[1], decimal) for decimal in ".,"]
    elif _is_of_decimal_commas([line for _, line in looked]):
        choices = [(";", ",")]
    else:
        choices = [  # a file of one column has commas for separators
            choice
            for choice in CHOICES
            if choice[0] not in (";", "\t", "|") or any(choice[0] in line for _, line in looked)
        ]
    best, most = None, (0, 0)
    for separator, decimal in choices:
        layout = Layout(separator, decimal)
        counts = [_count(layout, line) for _, line in looked]
        found = sum(full for full, _ in counts), sum(count for _, count in counts)
        if found[0] > most[0] or (not most[0] and found > most):
            best, most = layout, found
    if best is None:
        return None
    numbers = [_count(best, line) for _, line in kept]
    wanted = (True, 0) if most[0] else max(numbers)
    place = next(place for place, count in enumerate(numbers) if count >= wanted)
    layout = _with_headings(best, kept, place)
    return layout if layout.headings else _with_comment(layout, lines)


def _is_of_decimal_commas(lines):
    """Whether the rows are one number each, with a comma before the decimals.

    Two columns of whole numbers look so, too, but for zeros in front of the second and a zero below 0.
    """
    rows = [line.strip().split(",") for line in lines]
    rows = [row for row in rows if 1 <= len(row) <= 2 and all(map(WHOLE.fullmatch, row))]
    pairs = [row for row in rows if len(row) == 2]
    return (
        2 * len(pairs) > len(lines)
        and all(row[1].isdigit() for row in pairs)
        and any((row[1][0] == "0" and len(row[1]) > 1) or row[0] == "-0" for row in pairs)
    )


def _count(layout, line):
    """Whether a line is a row of nothing but numbers, missing cells and timestamps; and its numbers."""
    cells = layout.cells(line)
    count = sum(_is_number(layout, cell) for cell in cells)
    others = [cell for cell in cells if layout.number(cell) is None]
    return bool(cells) and len(others) < len(cells) and all(map(is_timestamp, others)), count


def _with_headings(layout, kept, place):
    """The layout with its headings and width, given the ``place`` in ``kept`` of the first row."""
    rows = [(number, layout.cells(line)) for number, line in kept[: place + LOOK]]
    size = {len(rows[place][1]), _width(rows[place][1])}
    top = place
    while (
        top and size & {len(rows[top - 1][1]), _width(rows[top - 1][1])} and not _is_stated(kept[top - 1][1])
    ):
        top -= 1
    either = [replace(layout, decimal=decimal) for decimal in ".,"]
    numbers = [
        [cell for cell in cells if any(_is_number(one, cell) for one in either)]
        for _, cells in rows[top:place]
    ]
    texts = [number for number, found in enumerate(numbers, top) if not found]
    units = ()
    if texts:  # what follows the last of them is a spoilt row
        head, first = texts[-1], texts[-1] + 1
        while head - 1 in texts and rows[head - 1][0] == rows[head][0] - 1:
            head -= 1
        head, units = _of_block([cells for _, cells in rows[head:first]], head)
    elif len(numbers) == 1 and all(map(str.isdigit, numbers[0])):  # columns may be called 1, 2, …
        head, first = top, place
    elif _are_numbered([cells for _, cells in rows[place:]]):
        head, first = place, place + 1
    elif place and (_have_names(rows[place - 1 :]) or _is_narrow(rows[place - 1 : place + 1])):
        head, first = place - 1, place
    else:
        head, first = top, top
    headings = rows[head][1] if head < first else []
    if head < first and _have_names(rows[head:]):
        headings = ["", *headings]  # R writes none above the names of rows
    headings = tuple(headings[: _width(headings)])
    if len(headings) == 1 and PERSON.fullmatch(headings[0]) and not _is_telling(headings[0]):
        headings = ()
    widths = Counter(_width(cells) for _, cells in rows[first:])
    width = len(headings) or max(widths, key=lambda width: (widths[width], width))
    decimal = layout.decimal
    if layout.separator != "," and any(DECIMAL_COMMA.search(line) for _, line in kept[first:]):
        decimal = ","
    return Layout(layout.separator, decimal, headings, rows[first][0], width, units)


def _is_stated(line):
    return states(line) or bool(PERSONAL.match(line) and not re.search(TELLING.pattern, line, re.IGNORECASE))


def _of_block(block, head):
    """The place of the headings among lines of texts, the first of which is at ``head``; and the units."""
    units = next((tuple(cells) for cells in block[1:] if _are_units(cells)), ())
    differ = [place for place, cells in enumerate(block) if len(set(cells)) == len(cells)]
    names = [place for place in differ if tuple(block[place]) != units]
    telling = [place for place in names if any(map(_is_telling, block[place]))]
    return head + next(iter(telling or names), 0), units[: _width(units)]


def _are_units(cells):
    told = [cell.casefold() for cell in cells if cell]
    known = sum(
        millivolts(cell) is not None or cell in SECONDS or bool(TIMES.fullmatch(cell)) for cell in told
    )
    return bool(known) and 2 * (known + sum(cell in OTHERS for cell in told)) >= len(told)


def _are_numbered(rows):
    """Whether the first row are the numbers of columns: beside an empty cell, or above decimals alone."""
    first, others = rows[0], rows[1 : 1 + LOOK]
    if not others:
        return False
    if len(first) > 1 and not first[0]:
        is_counted = [row[0] for row in others] == [str(number) for number in range(len(others))]
        return is_counted or (all(map(str.isdigit, first[1:])) and all(row[0] for row in others))
    is_counted = first in [[str(start + place) for place in range(len(first))] for start in (0, 1)]
    return is_counted and all("." in cell or "e" in cell for row in others for cell in row)


def _have_names(rows):
    """Whether rows have one cell more than the headings above them, which numbers them one by one."""
    (above, names), (place, cells), *_ = [*rows, (0, [])][:2]
    numbers = [cells[0] for _, cells in rows[1:]]
    is_counted = len(numbers) > 1 and numbers == [str(number) for number in range(1, len(rows))]
    return above == place - 1 and len(names) + 1 == len(cells) and is_counted


def _is_narrow(rows):
    """Whether the line right above the first row has fewer cells than it, and can be nothing but headings."""
    (above, names), (place, cells) = rows
    names = [name for name in names if name]
    return above == place - 1 and 0 < len(names) < len(cells) and all(map(_is_telling, names))


def _with_comment(layout, lines):
    """With the headings of a comment right above the first row, if it can be nothing else."""
    comment = lines[layout.first - 1].strip() if layout.first else ""
    if not comment.startswith(COMMENT):
        return layout
    cells = layout.cells(comment.lstrip("#%/ "))
    fits = (
        len(cells) == layout.width
        and any(map(_is_telling, cells))
        and None is next((cell for cell in cells if _is_number(layout, cell)), None)
    )
    return replace(layout, headings=tuple(cells)) if fits else layout


def _is_telling(cell):
    return bool(UNIT.match(cell) or TELLING.search(cell))


def _is_number(layout, cell):
    return cell.casefold() not in MISSING and layout.number(cell) is not None


def _width(cells):
    """The number of cells without the empty ones at the end."""
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1]), 0)
