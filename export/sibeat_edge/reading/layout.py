"""How the rows of a text file are written: encoding, separator, decimal mark, headings."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np

MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-"))
UNIT = re.compile(r"^(.*?)\s*[(\[]\s*([^)\]]*?)\s*[)\]]$")  # a heading's name and unit: MLII (mV)
COMMENT = ("#", "%", "//")  # begins a line that is no row
LOOK = 100  # lines from which the layout is taken
# Separators (None: blanks) and decimal marks; of those that fit as many rows, the first.
CHOICES = [(separator, decimal) for separator in (";", "\t", ",", None) for decimal in ".,"]
DECIMAL_COMMA = re.compile(r"(?<!:\d\d),")  # a comma, but not that of 12:00:00,5
DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"
CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]M)?"
TIMESTAMP = re.compile(rf"{DATE}|(?:{DATE}[ T])?{CLOCK}(?:Z|[+-]\d{{2}}:?\d{{2}})?", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How the rows of a file are written.

    Attributes:
        separator: between columns; None for blanks.
        decimal: a point or a comma.
        headings: of the columns; empty if the file names none.
        first: the number of the first row's line, from 0.
        width: number of columns. A separator at the end of each row begins no further one.

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

    def cells(self, line: str) -> list[str]:
        """The cells of a line, without blanks and quotes around them."""
        if '"' in line:
            text = line.strip() if self.separator != "\t" else line.rstrip("\r\n")
            text = " ".join(text.split()) if self.separator is None else text
            rows = csv.reader([text], delimiter=self.separator or " ", skipinitialspace=True)
            parts = next(rows, [])
        else:
            parts = line.split(self.separator)
        return [part.strip().strip("\"'") for part in parts]

    def number(self, cell: str) -> float | None:
        """A cell's number, NaN where it is missing, None where it is neither."""
        if cell.casefold() in MISSING:
            return np.nan
        if self.decimal == ",":
            cell = cell.replace(".", "?").replace(",", ".")
        try:
            return None if "_" in cell else float(cell)  # Python's own 1_000 is no file's
        except ValueError:
            return None

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
    """Open a file of UTF-8, with or without a byte order mark, or of UTF-16 with one."""
    with open(path, "rb") as file:
        is_wide = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return open(path, encoding="utf-16" if is_wide else "utf-8-sig", errors="replace", newline=None)


def is_row(line: str) -> bool:
    """Whether a line may be a row: it is no comment, and neither blank nor of separators alone."""
    return bool(line.strip(" \t\r\n;,")) and not line.lstrip().startswith(COMMENT)


def is_timestamp(cell: str) -> bool:
    """Whether a cell is a date, a time of day, or both.

    >>> [is_timestamp(cell) for cell in ("2024-01-31 12:00:00.5", "31.1.2024", "9:05 PM", "1.2", "x")]
    [True, True, True, False, False]
    """
    return TIMESTAMP.fullmatch(cell) is not None


def find_layout(lines: Sequence[str]) -> Layout | None:
    """The layout of a file that begins with these lines; None if none of them is a row of numbers.

    What comes before the first row of numbers is left out, but for the headings: the line of texts above it
    that has as many cells or, of several such lines in a row, the first. A row may hold timestamps, too.
    """
    kept = [(number, line) for number, line in enumerate(lines) if is_row(line)]
    looked = kept[:LOOK]
    best, most = None, (0, 0)
    for separator, decimal in CHOICES:
        layout = Layout(separator, decimal)
        if separator in (";", "\t") and not any(separator in line for _, line in looked):
            continue  # a file of one column has commas for separators
        counts = [_count(layout, line) for _, line in looked]
        found = sum(full for full, _ in counts), sum(count for _, count in counts)
        if found[0] > most[0] or (not most[0] and found > most):
            best, most, numbers = layout, found, counts
    if best is None:
        return None
    wanted = (True, 0) if most[0] else max(numbers)
    place = next(place for place, count in enumerate(numbers) if count >= wanted)
    return _with_headings(best, kept, place)


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
    while top and size & {len(rows[top - 1][1]), _width(rows[top - 1][1])}:
        top -= 1
    either = [replace(layout, decimal=decimal) for decimal in ".,"]
    numbers = [
        [cell for cell in cells if any(_is_number(one, cell) for one in either)]
        for _, cells in rows[top:place]
    ]
    texts = [number for number, found in enumerate(numbers, top) if not found]
    if texts:  # what follows the last of them is a spoilt row
        head, first = texts[-1], texts[-1] + 1
        while head - 1 in texts and rows[head - 1][0] == rows[head][0] - 1:
            head -= 1
    elif len(numbers) == 1 and all(map(str.isdigit, numbers[0])):  # columns may be called 1, 2, …
        head, first = top, place
    else:
        head, first = top, top
    headings = rows[head][1] if head < first else []
    headings = tuple(headings[: _width(headings)])
    widths = Counter(_width(cells) for _, cells in rows[first:])
    width = len(headings) or max(widths, key=lambda width: (widths[width], width))
    decimal = layout.decimal
    if layout.separator != "," and any(DECIMAL_COMMA.search(line) for _, line in kept[first:]):
        decimal = ","
    return Layout(layout.separator, decimal, headings, rows[first][0], width)


def _is_number(layout, cell):
    return cell.casefold() not in MISSING and layout.number(cell) is not None


def _width(cells):
    """The number of cells without the empty ones at the end."""
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1]), 0)
