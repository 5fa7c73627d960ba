"""CSV files: a row a sample, a column a lead, and a column of time where the device has a clock."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.layout import UNIT, find_layout, is_row, open_text

TIME, SECONDS = ("time", "elapsed time"), {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3}
LONGEST = 65_536  # characters of a line, beyond which a file is no CSV
LOOK = 10_000  # rows from which the layout and the clock's rate are taken
JUMP = 0.05  # s off an even clock, from which samples are lost


class CsvFile:
    """The CSV file at ``path``; a ``Source`` of samples.

    Columns are separated by comma, semicolon, tab or blanks, and decimals by a point or a comma. Headings
    name the columns, each with its unit in brackets or parentheses (``find_layout``). The default units are
    mV, and s for the time. Without headings the leads are named 1, 2, …. A cell that is empty, NaN, NA, null
    or - is missing. A line that begins with ``#`` is left out.

    A column named ``time`` is the clock, in seconds or milliseconds from any start. If the clock differs from
    an even one by 50 ms, samples are lost there, and a new block begins.

    Args:
        path: of the file.
        rate: Hz; may be None if there is a clock.

    Raises ``RecordError`` for a file that is no such table, a missing rate, or a clock that goes back or
    jumps more than once a second.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("MLII (uV),V1\\n100,0.2\\n-,0.3\\n")
    ...     file = CsvFile(path, rate=250)
    ...     blocks = list(file.blocks([0], seconds=60))
    >>> file.leads, file.units, blocks
    (['MLII', 'V1'], ['uV', ''], [(0.0, array([[100.],
           [ nan]]))])
    """

    seconds: float | None = None  # the number of rows is not known before they are read

    def __init__(self, path: Path, rate: float | None) -> None:
        self._path = path
        self.warnings: list[str] = []
        self.cut = ""
        with open_text(self._path) as file:
            self._layout = layout = self._look_at(file)
            self.named = bool(layout.headings)
            headings = layout.headings or [str(number + 1) for number in range(layout.width)]
            pairs = [UNIT.match(heading) for heading in headings]
            names = [pair[1] if pair else head for pair, head in zip(pairs, headings, strict=True)]
            units = [pair[2] if pair else "" for pair in pairs]
            clocks = [column for column, name in enumerate(names) if name.casefold() in TIME]
            self._clock = clocks[0] if clocks else None
            self._columns = [column for column in range(len(names)) if column not in clocks]
            self.leads = [names[column] for column in self._columns]
            self.units = [units[column] for column in self._columns]
            if not self.leads:
                raise RecordError(f"{path}: found a column of time alone; expected a lead beside it.")
            if self._clock is None and rate is None:
                raise RecordError(f"{path}: found no column of time; expected one, or the rate (--rate HZ).")
            if self._clock is not None:
                self._tick = self._unit_of_time(units[self._clock])
                self._start, found = self._find_rate()
                rate = found if rate is None or abs(found / rate - 1) > 0.01 else rate
        assert rate is not None  # given, or taken from the clock
        self._rate = float(rate)
        self.rates = [self._rate] * len(self.leads)

    def _look_at(self, file):
        """The layout of the first lines."""
        lines = list(islice(iter(lambda: file.readline(LONGEST), ""), LOOK))
        if not any(map(str.strip, lines)) or any("\0" in line or len(line) == LONGEST for line in lines):
            raise RecordError(f"{self._path}: found no row of text; expected columns of numbers.")
        layout = find_layout(lines)
        if layout is None:
            raise RecordError(f"{self._path}: found no samples; expected rows of numbers.")
        return layout

    def _unit_of_time(self, unit):
        if (unit or "s") not in SECONDS:
            raise RecordError(f"{self._path}: found time in {unit!r}; expected s or ms.")
        return SECONDS[unit or "s"]

    def _find_rate(self):
        """The clock's start in s and its rate in Hz, from the first rows."""
        with open_text(self._path) as file:
            lines = list(islice(file, self._layout.first, self._layout.first + LOOK))
        times = self._rows(lines, [self._clock], self._layout.first + 1)[:, 0] * self._tick
        steps = np.diff(times)
        even = steps[steps <= max(JUMP, 3 * np.median(steps))] if len(steps) else steps
        if not len(even) or not even.sum() > 0:
            found = "fewer than 2 samples" if not len(steps) else "a clock that does not go on"
            raise RecordError(f"{self._path}: found {found}; expected an even clock.")
        rate = len(even) / even.sum()
        # Times are rounded, so rates that differ by less than a sample over these rows cannot be told apart.
        return times[0], round(rate) if abs(rate - round(rate)) * even.sum() < 1 else rate

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        used = [self._columns[column] for column in columns]
        used = used if self._clock is None else [self._clock, *used]
        count = max(1, int(seconds * self._rate))
        line, seen, last = self._layout.first + 1, 0, -np.inf
        with open_text(self._path) as file:
            rest = islice(file, self._layout.first, None)
            while lines := list(islice(rest, count)):
                rows = self._rows(lines, used, line)
                if self._clock is None:
                    yield seen / self._rate, rows
                elif len(rows):
                    times = rows[:, 0] * self._tick - self._start
                    for first, end in self._stretches(times, last, line):
                        yield times[first], rows[first:end, 1:]
                    last = times[-1]
                line, seen = line + len(lines), seen + len(rows)
        if not seen:
            raise RecordError(f"{self._path}: found no samples; expected rows of numbers.")

    def _stretches(self, times, last, line):
        """The (first, end) of the stretches in which the clock is even."""
        back = np.flatnonzero(np.diff(times, prepend=last) < 0)
        if len(back):
            raise RecordError(
                f"{self._path}, about line {line + back[0]}: found {times[back[0]] + self._start:g} s after "
                f"a later time; expected a clock that does not go back."
            )
        bounds = [0]
        while bounds[-1] < len(times):
            part = times[bounds[-1] :]
            off = np.abs(part - part[0] - np.arange(len(part)) / self._rate) > JUMP
            bounds.append(bounds[-1] + (int(np.argmax(off)) if off.any() else len(part)))
            if len(bounds) > 3 + len(times) / self._rate:
                raise RecordError(
                    f"{self._path}, about line {line + bounds[-2]}: found a clock that jumps more than once "
                    f"a second; expected an even one of {self._rate:g} Hz."
                )
        return list(zip(bounds[:-1], bounds[1:], strict=True))

    def _rows(self, lines, columns, line):
        """The numbers ``(rows, columns)`` of these lines; blank ones are left out."""
        try:
            rows = self._layout.numbers(lines, columns)
            if len(rows) == len(lines) and (self._clock not in columns or np.isfinite(rows[:, 0]).all()):
                return rows
        except ValueError:
            pass  # cells are missing: read cell by cell, to name the line of what is no number
        rows = [
            self._cells(text, columns, line + number) for number, text in enumerate(lines) if is_row(text)
        ]
        return np.array(rows, np.float64).reshape(-1, len(columns))

    def _cells(self, text, columns, line):
        cells = self._layout.cells(text)
        if len(cells) <= max(columns):
            raise RecordError(
                f"{self._path}, line {line}: found {len(cells)} of {self._layout.width} columns; "
                "expected all (a truncated file?)."
            )
        values = [self._layout.number(cells[column]) for column in columns]
        for column, value in zip(columns, values, strict=True):
            if value is None or (column == self._clock and not np.isfinite(value)):
                raise RecordError(
                    f"{self._path}, line {line}: found {cells[column][:30]!r}; expected a number."
                )
        return values
