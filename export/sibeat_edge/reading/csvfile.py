"""Text files: a row a sample, a column a lead, and a column of time where the device has a clock."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import STANDARD_INPUT
from sibeat_edge.reading.layout import are_spaced, find_layout
from sibeat_edge.reading.start import start_of_epoch
from sibeat_edge.reading.text.clock import BadClock
from sibeat_edge.reading.text.columns import (
    CLOCK,
    COUNTER,
    DATE,
    LEAD,
    are_split,
    find_columns,
    is_counted,
    is_ecg,
    turns_at,
)
from sibeat_edge.reading.text.even import EvenClock
from sibeat_edge.reading.text.line import is_number, is_row
from sibeat_edge.reading.text.mixed import check_sensors
from sibeat_edge.reading.text.order import InOrder
from sibeat_edge.reading.text.preamble import read_preamble
from sibeat_edge.reading.text.rows import Rows
from sibeat_edge.reading.text.stream import TextStream
from sibeat_edge.reading.text.thousands import Numbers
from sibeat_edge.reading.text.timing import find_timing
from sibeat_edge.reading.text.turning import Turning

HEAD = 1 << 18  # bytes from which the layout is taken
LOOK = 2000  # lines of them
WIDE = 100  # columns, of which no recording has more than rows
FEW = 100  # rows by which the columns are told


class CsvFile:
    """The text file at ``path``, gzipped or not, or standard input for ``-``; a ``Source`` of samples.

    Columns are separated by comma, semicolon, tab, bar or blanks, and decimals by a point or a comma.
    Headings name the columns, each with its unit in brackets or parentheses, or in a row below
    (``find_layout``). Lines above them may state rate, unit and lead (``read_preamble``). Without headings
    the leads are named 1, 2, …. A cell that is empty, NaN, NA, null, - or a spreadsheet's error is missing;
    without a clock, so is a row of such, or an empty line of one column. A line that begins with ``#`` is
    left out. Columns that count rows or packets are no leads. The leads that are called an ECG, or
    are in units of voltage, come first.

    A column of time is the clock (``find_timing``). Its jitter is smoothed, and after a gap a new block
    begins (``EvenClock``). Rows in another order than an even clock, or twice, are put in order, with a
    warning (``InOrder``).

    Args:
        path: of the file.
        rate: Hz; may be None if there is a clock, or a line that states it. It goes before a clock that is
            not even.

    Attributes:
        numbers: of the leads' columns, from 1.
        told: how the ``rate`` was told.

    Raises ``RecordError`` for a file that is no such table, a missing rate, or a clock that goes back or
    is not steady.

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
        self._name = "standard input" if path == STANDARD_INPUT else str(path)
        self.warnings: list[str] = []
        self.cut = ""
        self._stream = TextStream(path)
        lines = self._stream.head(HEAD)[:LOOK]
        layout = find_layout(lines)
        if layout is None:
            raise RecordError(f"{self._name}: found no samples; expected rows of numbers.")
        self._layout, self._is_spaced = layout, are_spaced(lines[layout.first :])
        preamble = read_preamble(lines[: layout.first])
        if len(layout.apart) == 2:
            preamble = replace(preamble, rate=layout.number(layout.apart[1]))
        elif layout.apart:
            self._warn(f"found {layout.apart[0]} above the rows, which is no sample; left it out")
        self._head = [layout.cells(line) for line in lines[layout.first :] if is_row(line)]
        if len(self._head) < layout.width >= WIDE and sum(map(len, lines)) < HEAD / 2:
            count = f"{len(self._head)} row{'s' * (len(self._head) > 1)} of {layout.width:,} cells"
            raise RecordError(f"{self._name}: found {count}; expected a row a sample, and a column a lead.")
        first = self._head[:FEW]
        if layout.separator == "," and are_split(first):
            raise RecordError(
                f"{self._name}: found commas between the columns and before decimals; expected semicolons, "
                "tabs or quotes to tell them apart."
            )
        columns = find_columns(layout, preamble, first, self._head)
        self.warnings += check_sensors(self._name, layout, columns, self._head)
        leads = [column for column in columns if column.kind == LEAD]
        if not leads:
            raise RecordError(f"{self._name}: found a column of time alone; expected a lead beside it.")
        if preamble.warning:  # of counts
            leads = [self._in_unit_of_decimals(column, preamble.unit, first) for column in leads]
        leads.sort(key=lambda column: self._rank(column, preamble))
        self._columns = [column.place for column in leads]
        self.numbers = [str(place + 1) for place in self._columns]
        self.leads = [column.name for column in leads]
        self.units = [column.unit for column in leads]
        self.named = not all(name.isdigit() for name in self.leads)
        self._timing = self._find_timing(columns, rate, preamble.rate)
        self._rate, self.start = float(self._timing.rate), self._timing.start(first[0])
        if not self._timing.places and len(layout.apart) == 2:
            self.start = start_of_epoch(layout.number(layout.apart[0]) or 0.0)
        by_count = "the option" if self._timing.is_given else "the lines above the rows"
        self.told = {"rate": by_count if not self._timing.places else "the clock"}
        self.rates = [self._rate] * len(self.leads)
        if preamble.warning and any(column.unit == preamble.unit for column in leads):
            self._warn(preamble.warning)

    def _rank(self, column, preamble):
        """What comes first: the lead above the rows, an ECG by its name or its unit, a column of numbers."""
        is_named = is_ecg(column.name)
        is_empty = not is_named and not _has_numbers(self._layout, column, self._head)
        return column.name not in preamble.leads, not is_named, not column.is_ecg, is_empty

    def _in_unit_of_decimals(self, column, counts, first):
        """The column in mV if it is said to be in ``counts``, but has decimals."""
        cells = [row[column.place] for row in first if len(row) > column.place]
        values = [value for cell in cells if (value := self._layout.number(cell)) is not None]
        if column.unit != counts or all(value % 1 == 0 or value != value for value in values):
            return column
        self._warn(f"found decimals in {column.name}, which is said to be in counts; took them for mV")
        return replace(column, unit="mV")

    def _warn(self, what):
        told = f"{self._name}: {what}."
        self.warnings += [] if told in self.warnings else [told]

    def _find_timing(self, columns, rate, stated):
        """The clock and the rate, with warnings of what was guessed."""
        head = self._head
        clocks = [column for column in columns if column.kind in (CLOCK, DATE)]
        counters = [column for column in columns if column.kind == COUNTER]
        clocks += [column for column in counters if is_counted(self._layout, column, head)]
        turns = [(column, turns_at(self._layout, column, head)) for column in counters]
        self._turning = next(((column, size) for column, size in turns if size), None)
        rows = Rows(self._name, self._stream, self._layout, self._columns[0])
        try:
            timing = find_timing(rows, self._columns[0], head[0], self._layout.decimal, clocks, rate, stated)
        except BadClock as error:
            raise self._of_clock(error, self._layout.first + 1) from error
        for warning in timing.warnings:
            self._warn(warning)
        return timing

    def _of_clock(self, error, line):
        """A clock's fault as a sentence, given the line of its first stamp."""
        where = f", about line {line + error.place}" if error.place else ""
        return RecordError(f"{self._name}{where}: found {error}, or the rate (--rate HZ).")

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        count = max(1, int(seconds * self._rate))
        held: list[np.ndarray] = []  # parts of the next block
        begin, size = 0.0, 0
        for time, part in self._parts([self._columns[column] for column in columns]):
            if held and abs(time - begin - size / self._rate) > 0.5 / self._rate:
                yield begin, np.concatenate(held)
                held, size = [], 0
            if not held:
                begin = time
            held.append(part)
            size += len(part)
            if size >= count:
                whole = np.concatenate(held)
                for first in range(0, size - count + 1, count):
                    yield begin + first / self._rate, whole[first : first + count]
                done = size // count * count
                held, size, begin = (
                    ([whole[done:]] if done < size else []),
                    size - done,
                    begin + done / self._rate,
                )
        if held:
            yield begin, np.concatenate(held)

    def _parts(self, places):
        """The time and the samples of parts of any length, which follow one another but for gaps."""
        keeps_empty = not self._timing.places and not self._is_spaced
        rows = Rows(self._name, self._stream, self._layout, keeps_empty=keeps_empty)
        parse = [Numbers(self._layout.decimal, self._head_of(place)) for place in places]
        if not self._timing.places:
            yield from self._by_count(0.0, self._counted(rows, places, parse))
        else:
            stamps = self._timing.stamps()
            parts = rows.read([*self._timing.places, *places], [*stamps.parsers, *parse])
            yield from self._timed(rows, self._ordered(parts, stamps), len(places))
        for grouped in {one.grouped for one in parse if one.grouped}:
            self._warn(f"found {grouped} among whole numbers below 1000; took its mark for one of thousands")
        if rows.filled:
            self._warn("found empty lines among the rows; took them for missing samples")
        self.cut = rows.cut

    def _head_of(self, place):
        """The cells of a column in the first lines, as far as they are numbers."""
        cells = (row[place] for row in self._head if len(row) > place)
        return [cell for cell in cells if cell and self._layout.number(cell) is not None]

    def _by_count(self, begin, parts):
        """The time and the samples of rows without a clock, the first of them at ``begin``."""
        seen = 0
        for values in parts:
            if len(values):
                yield begin + seen / self._rate, values
            seen += len(values)

    def _counted(self, rows, places, parse):
        """The samples of rows without a clock; tells where numbers that begin again jump."""
        if self._turning is None:
            yield from (values for _, values in rows.read(places, parse))
            return
        turning = Turning(*self._turning, self._layout.decimal)
        for _, values in rows.read([*places, turning.place], [*parse, turning.read]):
            turning.push(values[:, -1])
            yield values[:, :-1]
        if told := turning.told():
            self._warn(told)

    def _ordered(self, parts, stamps):
        """The line, the stamps in s and the samples of parts whose rows are in the order of an even clock."""
        order, end = InOrder(self._timing.pace), 1
        for line, values in parts:
            end, first = line + len(values), line - order.held
            times, values = stamps.joined(values), values[:, len(stamps.parsers) :]
            is_read = np.isfinite(times)  # where a row could not be read, the clock tells the gap
            yield first, *order.push(stamps.seconds(times[is_read]), values[is_read])
        if order.held:
            yield end - order.held, *order.finish()
        if order.changed:
            self._warn("found rows in another order than their stamps, or twice; put them in order")

    def _timed(self, rows, parts, width):
        """The time and the samples of rows behind whose stamps they stand."""
        clock, end = EvenClock(self._rate, self._timing.pace), 0.0
        waits = np.zeros((0, width))
        part = next(parts, None)
        while part is not None:
            line, times, values = part
            part = next(parts, None)
            try:
                runs = clock.push(times)
            except BadClock as error:
                if part is None and error.place == len(values) - 1:  # the last line's stamp was cut
                    rows.cut = (
                        f"{self._name}: found a last line that is cut, so the recording ends before it."
                    )
                    runs, values = clock.push(times[:-1]), values[:-1]
                elif self._timing.is_given:
                    self._warn(
                        f"found {error}; took {self._rate:g} Hz from about line {line + error.place} on"
                    )
                    later = chain([part] if part else [], parts)
                    rest = chain([waits, values], (values for _, _, values in later))
                    yield from self._by_count(end, rest)
                    return
                else:
                    raise self._of_clock(error, line) from error
            waits = np.concatenate([waits, values])
            for run in runs:
                end = run.time + run.rows / self._rate
            waits = yield from self._runs(runs, waits)
        yield from self._runs(clock.push(np.zeros(0), at_end=True), waits)

    def _runs(self, runs, waits):
        """The time and the samples of these runs; returns the rows that go on waiting."""
        for run in runs:
            if run.lost:
                lost = np.full((run.lost, waits.shape[1]), np.nan)
                yield run.time - run.lost / self._rate, lost
            yield run.time, waits[: run.rows]
            waits = waits[run.rows :]
        return waits


def _has_numbers(layout, column, rows):
    return any(is_number(layout, row[column.place]) for row in rows if len(row) > column.place)
