"""The rows of a text file as numbers, part by part, with gaps where they are damaged, up to their end."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.text.line import EMPTY, Layout, is_row
from sibeat_edge.reading.text.numbers import Cells, NoNumber, cells_of
from sibeat_edge.reading.text.stream import TextStream, decoded

REST = 1 << 18  # bytes behind a fault that are looked through
MANY = 10  # rows behind a fault, from which the file goes on
SHARE = 1000  # rows for one of which, faulty in their middle, a file is still one of samples
FEW = 10  # faulty rows that are too many before it is an error at once, and not at the end
PIECE = 1 << 14  # bytes at a time behind a fault, as others are likely there
BLANK_LINES = re.compile(rb"^[ \t;,]*\n", re.MULTILINE)
INNER = "\x1f"  # between cells that were separated one by one

Parser = Callable[[Cells], np.ndarray]


class Rows:
    """The rows of a text.

    Args:
        name: of the file, for errors.
        stream: its text.
        layout: of its rows.
        least: place of a column that every row has, whichever are read.
        keeps_empty: whether a line without cells is a row of missing ones, but behind the last row.

    Attributes:
        name: as above.
        filled: whether a blank line was taken for a missing sample, known after reading.
        cut: a sentence on where the rows end before the text does, or on those that are left out, known after
            reading; else empty.
    """

    def __init__(
        self, name: str, stream: TextStream, layout: Layout, least: int = 0, keeps_empty: bool = False
    ) -> None:
        self.name, self._stream, self._layout, self._least, self.cut = name, stream, layout, least, ""
        self._keeps_empty, self._waits, self.filled = keeps_empty, 0, False  # _waits: empty rows so far
        self._faults, self._first = 0, ""  # rows that could not be read so far, and a sentence on the first

    def read(self, columns: Sequence[int], parsers: Sequence[Parser]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the line of the first row, and the numbers ``(rows, columns)`` of many rows.

        A row that cannot be read is NaN in all columns, and told by ``cut``. If it is a last line or begins a
        footer, the rows end there. Raises ``RecordError`` if more than one row in ``SHARE`` cannot be read,
        and if there is no row at all. The parsers keep nothing from one part to the next.
        """
        line, seen = 1, 0
        self._faults, self.cut, self._waits = 0, "", 0
        chunks = _Chunks(self._stream.chunks())
        for text in chunks:
            count = text.count(b"\n")
            if (skip := self._layout.first + 1 - line) > 0:  # the lines above the rows
                skip = min(skip, count)
                text, line, count = text.split(b"\n", skip)[-1], line + skip, count - skip
            if not text:
                continue
            waits, self._waits = self._waits, 0
            values, fault = self._values(text, line, columns, parsers)
            if waits and len(values):
                values = np.concatenate([self._missing(waits, columns), values])
            elif waits:
                self._waits += waits
            seen += len(values)
            if len(values):
                yield line, values
            if fault is None:
                line += count
                continue
            at, found = fault
            chunks.give_back(text.split(b"\n", at - line + 1)[-1])
            if not (seen and self._goes_on(chunks, columns, parsers)):
                if not seen:
                    raise RecordError(f"{self.name}, line {at}: found {found}.")
                self._end(at, self._stream.fault or found, seen)
                return
            self._count(at, found, seen)
            missing = self._missing(1 + self._waits, columns)
            yield at, missing
            line, seen, self._waits = at + 1, seen + len(missing), 0
        self._end(line, self._stream.fault, seen)
        if not seen:
            raise RecordError(f"{self.name}: found no samples; expected rows of numbers.")

    def _missing(self, rows, columns):
        self.filled |= self._layout.width == 1
        return np.full((rows, len(columns)), np.nan)

    def _count(self, line, found, seen):
        """Count a row that cannot be read; ``RecordError`` if there are too many by now."""
        self._first = self._first if self._faults else f"{self.name}, line {line}: found {found}"
        self._faults += 1
        if self._faults > FEW + seen / SHARE:
            raise RecordError(f"{self._first}; {self._faults:,} of {seen + 1:,} rows are none.")

    def _end(self, line, fault, seen):
        """Tell what ended the rows, or was left out; ``RecordError`` if that was too much."""
        if self._faults * SHARE > seen:
            more = f"; {self._faults:,} of {seen:,} rows are none" if self._faults > 1 else ""
            raise RecordError(f"{self._first}{more}.")
        if self._faults:
            more = f"{self._faults - 1:,} more of {seen:,} rows are" if self._faults > 1 else "its row is"
            self.cut = f"{self._first}; {'this and ' if self._faults > 1 else ''}{more} taken for missing"
        if fault:
            ends = f"line {line}: found {fault}, so the recording ends there"
            self.cut = f"{self.cut}, and {ends}" if self.cut else f"{self.name}, {ends}"
        self.cut += "." if self.cut else ""

    def _values(self, text, line, columns, parsers):
        """The numbers of the rows up to a fault, and the fault: (line, what was found) or None."""
        layout = self._layout
        for once in (text,) if self._keeps_empty else (text, None):
            once = BLANK_LINES.sub(b"", text) if once is None else once
            cells = cells_of(once, layout.separator, layout.width, columns) if once else None
            if cells is not None and (cells[0].ends > cells[0].starts).all():
                values, place = _parsed(cells, parsers)
                if place is None:
                    return values, None
        return self._one_by_one(text, line, columns, parsers)

    def _one_by_one(self, text, line, columns, parsers):
        """As ``_values``, of lines among which are blank ones, comments, quotes or cells that are missing."""
        kept, lines, fault, waits = [], [], None, 0
        for number, row in enumerate(decoded(text).split("\n")[:-1], line):
            if not is_row(row):
                waits += self._is_missing(row)
                continue
            cells = self._layout.cells(row)
            if found := self._misfit(cells, columns):
                fault = number, found
                break
            self.filled |= bool(waits) and self._layout.width == 1
            kept += [INNER * (len(columns) - 1)] * waits
            lines += [number] * waits
            waits = 0
            kept.append(
                INNER.join(cell.replace(INNER, "?") for cell in (cells[column] for column in columns))
            )
            lines.append(number)
        self._waits = waits
        if not kept:
            return np.zeros((0, len(columns))), fault
        joined = ("\n".join(row.replace("\n", " ") for row in kept) + "\n").encode("utf-8", "replace")
        cells = cells_of(joined, INNER, len(columns), range(len(columns)))
        values, place = _parsed(cells, parsers)
        if place is not None:
            row, column = place
            self._waits = 0  # those behind the fault will be read again
            fault = lines[row], f"{_shown(cells[column].cell(row))}; expected a number"
        return values, fault

    def _is_missing(self, row):
        """Whether a line that is no row has nothing but empty cells."""
        if not self._keeps_empty or row.strip(EMPTY):
            return False
        return self._layout.width == 1 or (self._layout.separator or "\n") in row

    def _misfit(self, cells, columns):
        """What is wrong with the number of a row's cells; empty if nothing is."""
        width = self._layout.width
        size = next((place for place in range(len(cells), width, -1) if cells[place - 1]), width)
        if size > width:
            what = "headings" if self._layout.headings else "in the rows above"
            return f"{size} cells; expected {width}, as there are {what}"
        if len(cells) <= max(self._least, *columns):
            return f"{len(cells)} of {width} columns; expected all"
        return ""

    def _goes_on(self, chunks, columns, parsers):
        """Whether many rows follow."""
        good, size = 0, 0
        for text in chunks.ahead():
            for row in decoded(text).split("\n")[:-1]:
                good += is_row(row) and self._is_good(row, columns, parsers)
                if good >= MANY:
                    return True
            size += len(text)
            if size > REST:
                break
        return False

    def _is_good(self, row, columns, parsers):
        cells = self._layout.cells(row)
        numbers = (
            [self._layout.number(cells[column]) for column in columns]
            if not self._misfit(cells, columns)
            else []
        )
        return bool(numbers) and numbers[-1] is not None


class _Chunks:
    """The parts of a text, which take back what is left of one, and let others look ahead."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, deque[bytes]()

    def __iter__(self) -> Iterator[bytes]:
        while (text := self._held.popleft() if self._held else next(self._chunks, None)) is not None:
            yield text

    def give_back(self, text):
        """Put a text of whole lines before the rest, in pieces."""
        pieces = []
        while text:
            cut = text.find(b"\n", PIECE) + 1 or len(text)
            pieces.append(text[:cut])
            text = text[cut:]
        self._held.extendleft(reversed(pieces))

    def ahead(self):
        """The parts that are to come, which stay to come."""
        yield from tuple(self._held)
        for text in self._chunks:
            self._held.append(text)
            yield text


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
