"""A row of a text file: its cells and their numbers, and which lines are none."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sibeat_edge.reading.text.numbers import ERROR, number
from sibeat_edge.reading.text.stamps import is_stamp

COMMENT = ("#", "%", "//")  # begins a line that is no row
REMARK = "\t#*"  # begins a remark behind a row, as LabChart writes it
ERRORS = re.compile(rf"\s*\"?{ERROR.pattern}\"?\s*(?:[;,\t|]|$)", re.IGNORECASE)  # begin a row
EMPTY = " \t\r\n;,"  # letters that make no row
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", re.ASCII)
EXCEL = re.compile(r'^"?sep=([;,\t| ])"?\s*$', re.IGNORECASE)  # a first line that names the separator


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
        apart: numbers above the first row that are no samples: how many these are, or a start and a rate.

    >>> from sibeat_edge.reading.layout import find_layout
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
    apart: tuple[str, ...] = ()

    def cells(self, line: str) -> list[str]:
        """The cells of a line, without blanks and quotes around them."""
        line = line.partition(REMARK)[0]
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


def is_row(line: str) -> bool:
    """Whether a line may be a row: it is no comment, and neither blank nor of separators alone."""
    return bool(line.strip(EMPTY)) and not is_comment(line) and not EXCEL.match(line)


def is_comment(line: str) -> bool:
    """Whether a line is a comment, and no row that begins with a spreadsheet's error.

    >>> is_comment("# N/A, 5"), is_comment("#N/A,5")
    (True, False)
    """
    return line.lstrip().startswith(COMMENT) and not ERRORS.match(line)


def is_timestamp(cell: str) -> bool:
    """Whether a cell is a date, a time of day, or both.

    >>> [is_timestamp(cell) for cell in ("2024-01-31 12:00:00.5", "31.1.2024", "9:05 PM", "1.2", "x")]
    [True, True, True, False, False]
    """
    return is_stamp(cell) or DATE.fullmatch(cell) is not None


def is_number(layout: Layout, cell: str) -> bool:
    """Whether a cell is a number, and not missing."""
    value = layout.number(cell)
    return value is not None and not np.isnan(value)


def width_of(cells: Sequence[str]) -> int:
    """The number of cells without the empty ones at the end."""
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1]), 0)
