"""The rows of a text file as numbers, part by part, up to where they end or are damaged."""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.layout import Layout, is_row
from sibeat_edge.reading.text.numbers import Cells, NoNumber, cells_of
from sibeat_edge.reading.text.stream import TextStream, decoded

REST = 1 << 18  # bytes behind a fault that are looked through
MANY = 10  # rows behind a fault, from which the file goes on
BLANK_LINES = re.compile(rb"^[ \t;,]*\n", re.MULTILINE)
INNER = "\x1f"  # between cells that were separated one by one

Parser = Callable[[Cells], np.ndarray]


class Rows:
    """The rows of a text.

    Args:
        name: of the file, for errors.
        stream: its text.
        layout: of its rows.

    Attributes:
        name: as above.
        cut: a sentence on where the rows end before the text does, known after reading; else empty.
    """

    def __init__(self, name: str, stream: TextStream, layout: Layout) -> None:
        self.name, self._stream, self._layout, self.cut = name, stream, layout, ""

    def read(self, columns: Sequence[int], parsers: Sequence[Parser]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the line of the first row, and the numbers ``(rows, columns)`` of many rows.

        What follows a row that cannot be read is left out, and told by ``cut``, if it is a last line or a
        footer. Raises ``RecordError`` if many rows follow, and if there is no row at all.
        """
        line, seen = 1, 0
        chunks = self._stream.chunks()
        for text in chunks:
            count = text.count(b"\n")
            if (skip := self._layout.first + 1 - line) > 0:  # the lines above the rows
                skip = min(skip, count)
                text, line, count = text.split(b"\n", skip)[-1], line + skip, count - skip
            if not text:
                continue
            values, fault = self._values(text, line, columns, parsers)
            seen += len(values)
            if len(values):
                yield line, values
            if fault is not None:
                self._end(fault, text, line, seen, columns, parsers, chunks)
                return
            line += count
        if self._stream.fault:
            self.cut = f"{self.name}, line {line}: found {self._stream.fault}, so the recording ends there."
        if not seen:
            raise RecordError(f"{self.name}: found no samples; expected rows of numbers.")

    def _values(self, text, line, columns, parsers):
        """The numbers of the rows up to a fault, and the fault: (line, what was found) or None."""
        layout = self._layout
        for once in (text, None):
            once = BLANK_LINES.sub(b"", text) if once is None else once
            cells = cells_of(once, layout.separator, layout.width, columns) if once else None
            if cells is not None and (cells[0].ends > cells[0].starts).all():
                values, place = _parsed(cells, parsers)
                if place is None:
                    return values, None
        return self._one_by_one(text, line, columns, parsers)

    def _one_by_one(self, text, line, columns, parsers):
        """As ``_values``, of lines among which are blank ones, comments, quotes or cells that are missing."""
        kept, lines, fault = [], [], None
        for number, row in enumerate(decoded(text).split("\n")[:-1], line):
            if not is_row(row):
                continue
            cells = self._layout.cells(row)
            if found := self._misfit(cells, columns):
                fault = number, found
                break
            kept.append(
                INNER.join(cell.replace(INNER, "?") for cell in (cells[column] for column in columns))
            )
            lines.append(number)
        if not kept:
            return np.zeros((0, len(columns))), fault
        joined = ("\n".join(row.replace("\n", " ") for row in kept) + "\n").encode("utf-8", "replace")
        cells = cells_of(joined, INNER, len(columns), range(len(columns)))
        values, place = _parsed(cells, parsers)
        if place is not None:
            row, column = place
            fault = lines[row], f"{_shown(cells[column].cell(row))}; expected a number"
        return values, fault

    def _misfit(self, cells, columns):
        """What is wrong with the number of a row's cells; empty if nothing is."""
        width = self._layout.width
        size = next((place for place in range(len(cells), width, -1) if cells[place - 1]), width)
        if size > width:
            what = "headings" if self._layout.headings else "in the rows above"
            return f"{size} cells; expected {width}, as there are {what}"
        if len(cells) <= max(columns):
            return f"{len(cells)} of {width} columns; expected all"
        return ""

    def _end(self, fault, text, line, seen, columns, parsers, chunks):
        """Tell a fault by ``cut`` if it is at the end of the rows, or else raise it."""
        at, found = fault
        rest = decoded(text).split("\n")[at - line + 1 : -1]
        size = sum(map(len, rest))
        for more in chunks:
            if size > REST:
                break
            rest += decoded(more).split("\n")[:-1]
            size += len(more)
        good = 0
        for row in rest:
            good += is_row(row) and self._is_good(row, columns, parsers)
            if good >= MANY:
                break
        if not seen or good >= MANY:
            raise RecordError(f"{self.name}, line {at}: found {found}.")
        self.cut = (
            f"{self.name}, line {at}: found {self._stream.fault or found}, so the recording ends there."
        )

    def _is_good(self, row, columns, parsers):
        cells = self._layout.cells(row)
        numbers = (
            [self._layout.number(cells[column]) for column in columns]
            if not self._misfit(cells, columns)
            else []
        )
        return bool(numbers) and numbers[-1] is not None


def _parsed(cells, parsers):
    """The numbers of the rows before the first cell that is none, and that cell's (row, column) or None."""
    columns, worst = [], None
    for column, (part, parse) in enumerate(zip(cells, parsers, strict=True)):
        while True:
            try:
                columns.append(parse(part))
                break
            except NoNumber as error:
                worst = error.place, column
                if not error.place:
                    return np.zeros((0, len(cells))), worst
                cells = [Cells(one.text, one.starts[: error.place], one.ends[: error.place]) for one in cells]
                part = cells[column]
    rows = min(map(len, columns))
    return np.stack([values[:rows] for values in columns], axis=1), worst


def _shown(cell):
    """A cell that is no number, as an error shows it: no words, which might be a name."""
    letters = sum(map(str.isalpha, cell))
    return repr(cell[:30]) if letters <= 3 else "a word"
