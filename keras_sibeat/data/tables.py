"""A text file's columns of numbers, and which of them are the time."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_sibeat.errors import DataError
from sibeat_edge.reading.headings import UNIT
from sibeat_edge.reading.layout import find_layout, open_text
from sibeat_edge.reading.text.line import is_row, is_timestamp

TIMES = ("time", "elapsed time", "timestamp", "datetime", "date")  # headings of what is no channel
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?")
DAY = 86_400.0  # s
LEAST = 10  # rows, from which an even rise is no coincidence
EVEN = 0.1  # of the usual step
LARGEST = float(np.finfo(np.float32).max)


class Table:
    """The rows of a CSV or blank-separated text file (``sibeat_edge.reading.layout``).

    Attributes:
        file: its path.
        headings: of its columns; empty if the file names none.
        width: number of columns.

    Raises ``DataError`` for a file without rows of numbers, and for a row of another number of columns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("time;x (g)\\n0;1,5\\n1;2,5\\n")
    ...     table = Table(path)
    >>> table.find("x"), table.times(), table.numbers([1]).tolist()
    (1, [0], [[1.5], [2.5]])
    """

    def __init__(self, file: Path) -> None:
        self.file = Path(file)
        try:
            with open_text(self.file) as text:
                lines = text.readlines()
        except OSError as error:
            raise DataError(
                f"{file}: found no file to read ({error.strerror}); expected a series."
            ) from error
        layout = find_layout(lines)
        if layout is None or "\0" in lines[layout.first]:
            raise DataError(f"{file}: found no row of numbers; expected one step a line, a column a channel.")
        self._layout, self.headings, self.width = layout, layout.headings, layout.width
        kept = [(number, line) for number, line in enumerate(lines, 1) if is_row(line)]
        self._lines = [number for number, _ in kept if number > layout.first]
        self._texts = [line for number, line in kept if number > layout.first]
        self._values = self._plain_values()

    def __len__(self) -> int:
        return len(self._texts)

    def name(self, column: int) -> str:
        """A column's heading, or else its number, from 1."""
        return self.headings[column] if column < len(self.headings) else str(column + 1)

    def find(self, column: str | int) -> int:
        """The place, from 0, of a column: by heading, with or without its unit, or by number from 1."""
        listed = ", ".join(self.headings) if self.headings else f"{self.width} without headings"
        told = f"{self.file}: found the columns {listed}; expected {column!r}, as data.columns says."
        if isinstance(column, int):
            if not 1 <= column <= self.width:
                raise DataError(told)
            return column - 1
        fits = [place for place, name in enumerate(self.headings) if column in (name, _without_unit(name))]
        if len(fits) > 1:
            raise DataError(
                f"{self.file}: found {len(fits)} columns {column!r}; expected its number instead."
            )
        if not fits:
            raise DataError(told)
        return fits[0]

    def numbers(self, columns: Sequence[int]) -> np.ndarray:
        """The ``(rows, columns)`` float64; raises ``DataError`` for a cell that is no number of float32."""
        if self._values is not None:
            return self._values[:, columns]
        rows = [self._cells_of(row) for row in range(len(self))]
        found = [[self._layout.number(row[column]) for column in columns] for row in rows]
        for line, row, numbers in zip(self._lines, rows, found, strict=True):
            for column, number in zip(columns, numbers, strict=True):
                if number is None or not abs(number) <= LARGEST:
                    cell = f"{row[column][:30]!r}" if row[column] else "an empty field"
                    raise DataError(
                        f"{self.file}, line {line}: found {cell} in column {self.name(column)}; "
                        "expected a number."
                    )
        return np.array(found, np.float64).reshape(len(rows), len(columns))

    def times(self) -> list[int]:
        """The columns that are the time by their heading or their timestamps."""
        first = self._cells_of(0)
        return [
            column
            for column in range(self.width)
            if is_timestamp(first[column]) or _without_unit(self.name(column)).casefold() in TIMES
        ]

    def rises_evenly(self) -> bool:
        """Whether the first column is a clock, as it always rises, and nearly always by the same step."""
        steps = np.diff(self._clock(0))
        usual = np.median(steps) if len(steps) else 0
        return bool(
            len(self) >= LEAST
            and (steps > 0).all()
            and np.mean(np.abs(steps - usual) <= EVEN * usual) >= 1 - EVEN
        )

    def uneven(self, column: int) -> str | None:
        """What is said of a column of time whose steps are uneven; None if they are even."""
        steps = np.diff(self._clock(column))
        usual = float(np.median(steps)) if len(steps) else 0.0
        if usual <= 0 or not (len(steps) and (np.abs(steps - usual) > usual / 2).any()):
            return None
        return f"steps of {steps.min():.6g} to {steps.max():.6g}, most of {usual:.6g}"

    def _clock(self, column):
        """The column's numbers, or the seconds of its timestamps; empty if it has neither."""
        if self._values is not None:
            return self._values[:, column]
        cells = [self._cells_of(row)[column] for row in range(len(self))]
        if is_timestamp(cells[0]):
            found = [CLOCK.search(cell) for cell in cells if not cell.upper().endswith("M")]
            parts = [
                [float((part or "0").replace(",", ".")) for part in clock.groups()]
                for clock in found
                if clock
            ]
            is_whole = len(parts) == len(cells)
            return np.unwrap(np.array(parts) @ [3600, 60, 1], period=DAY) if is_whole else np.zeros(0)
        numbers = [self._layout.number(cell) for cell in cells]
        return np.zeros(0) if None in numbers else np.array(numbers)[np.isfinite(numbers)]

    def _plain_values(self):
        """All cells, where they are numbers and nothing else, at once; None where they are not."""
        try:
            values = self._layout.numbers(self._texts)
        except ValueError:
            return None
        is_whole = values.shape == (len(self), self.width) and (np.abs(values) <= LARGEST).all()
        return values if is_whole else None

    def _cells_of(self, row):
        """The cells of a row; a separator at its end begins no further one."""
        cells = self._layout.cells(self._texts[row])
        while len(cells) > self.width and not cells[-1]:
            cells.pop()
        if len(cells) != self.width:
            raise DataError(
                f"{self.file}, line {self._lines[row]}: found {len(cells)} columns; "
                f"expected {self.width} of numbers."
            )
        return cells


def _without_unit(heading):
    unit = UNIT.match(heading)
    return unit[1] if unit else heading
