"""Parquet files: a row a sample, a column a lead, and a column of time where there is a clock."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import MOST_LEADS, checked_seconds, telling, unique
from sibeat_edge.reading.clocks import UNITS, stretches_of, thinned, told_unit
from sibeat_edge.reading.datasets.named import CONTRADICTS, RATES, plain_key
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.headings import COUNTERS, clock_unit, name_and_unit, words
from sibeat_edge.reading.text.stamps import Stamps
from sibeat_edge.signal.resampling import HIGHEST_RATE

MOST_GROUP = 256 * 2**20  # bytes of a row group, as the file says, that is unpacked at once
ROWS = 65_536  # read at a time
SECONDS = {name: seconds for seconds, name in UNITS.items()}  # of Arrow's units


class ParquetFile:
    """The Parquet file at ``path``; a ``Source`` of samples.

    Columns of numbers are leads, named by their headings, which may state the unit (``name_and_unit``). A
    column of timestamps, or one that its heading calls a clock (``clock_unit``), is the clock; of several
    the first that tells the time, which dates alone do not. If none does, the ``rate`` that is given is
    taken, with a warning. A rate in the file's metadata (``fs``, ``sampling_rate``, …) counts, too.

    Raises ``RecordError`` for what is no such file, or without leads, clock and rate.
    """

    named = True

    def __init__(self, path: Path, rate: float | None) -> None:
        self._path = path
        self.warnings: list[str] = []
        self.cut = ""
        with telling(path, "a Parquet file"), self._opened() as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            self._check_groups(file.metadata)
            self._columns, clocks, numbers = self._look_at(schema)
            notes = {key.decode("utf-8", "replace"): text for key, text in (schema.metadata or {}).items()}
            stated = next((_number(text) for key, text in notes.items() if plain_key(key) in RATES), None)
        if not self._columns or not rows:
            what = "no samples" if self._columns else "no column of numbers"
            raise RecordError(f"{path}: found {what}; expected at least one lead and its samples.")
        if len(self._columns) > MOST_LEADS:
            raise RecordError(f"{path}: found {len(self._columns)} leads; expected at most {MOST_LEADS}.")
        pairs = [name_and_unit(name) for name in self._columns]
        self.leads, self.units = unique([name for name, _ in pairs]), [unit for _, unit in pairs]
        self.told = {"leads": "the columns' names"}
        if any(self.units):
            self.told["units"] = "the columns' names"
        self._stretches = [(0.0, 0, rows)]
        known = stated or rate
        found = self._find_clock(clocks, known) or self._find_numbers(numbers, known)
        if found is None and known is None:
            raise RecordError(f"{path}: found no column of time; expected one, or the rate (--rate HZ).")
        if found is None:
            found, self.told["rate"] = known, "the file's metadata" if stated else "the option"
        self.rates = [float(found)] * len(self.leads)
        time, first, end = self._stretches[-1]
        self.seconds: float | None = checked_seconds(path, time + (end - first) / found)

    def _opened(self):
        from pyarrow.parquet import ParquetFile as Opened

        return Opened(self._path)

    def _check_groups(self, metadata):
        for number in range(metadata.num_row_groups):
            size = metadata.row_group(number).total_byte_size
            if size > MOST_GROUP:
                raise RecordError(
                    f"{self._path}: found a row group of {size / 2**20:,.0f} MiB; expected at most "
                    f"{MOST_GROUP // 2**20} MiB."
                )

    def _look_at(self, schema):
        """The columns of leads, those of clocks with their units in s (0: unknown), and numbers of rows."""
        from pyarrow import types

        if len(set(schema.names)) < len(schema.names):
            raise RecordError(f"{self._path}: found columns of the same name; expected names that differ.")
        columns, clocks, numbers = [], [], []
        for field in schema:
            unit = clock_unit(field.name)
            if types.is_time(field.type) or (unit is not None and _is_text(field.type)):
                clocks.append((field.name, 1.0))
            elif types.is_temporal(field.type) and not types.is_date(field.type):
                clocks.append((field.name, SECONDS[field.type.unit]))
            elif types.is_integer(field.type) or types.is_floating(field.type):
                if unit is not None:
                    clocks.append((field.name, unit))
                elif field.name.startswith(
                    "__index_level"
                ):  # of a frame, from which rows may have been left out
                    numbers.append((field.name, types.is_integer(field.type)))
                else:
                    columns.append(field.name)
                    if types.is_integer(field.type) and COUNTERS & set(words(field.name)):
                        numbers.append((field.name, True))
        return columns, clocks, numbers

    def _find_clock(self, clocks, known):
        """The rate of the first clock that tells the time, whose stretches are kept; None if none does.

        Raises ``RecordError`` if none does, and no rate is ``known``.
        """
        faults = []
        for name, step in clocks:
            try:
                found, self._stretches = self._clock(name, step, known)
            except RecordError as error:
                faults.append((name, error))
                continue
            self.told["clock"] = self.told["rate"] = f"the column {printable(name)}"
            return found
        if faults and known is None:
            raise faults[0][1]
        self.warnings += [
            f"{str(error).split(';')[0]} in {printable(name)}; took {known:g} Hz instead."
            for name, error in faults
        ]
        return None

    def _find_numbers(self, numbers, known):
        """The rate that is ``known``, where a frame's index or the numbers of rows tell the gaps."""
        for name, is_whole in numbers if known else ():
            try:
                found, stretches = self._clock(name, 1 / known if is_whole else 0, known)
            except RecordError:
                continue
            if abs(found / known - 1) <= CONTRADICTS:
                self._stretches, self.told["rate"] = (
                    stretches,
                    "the option, by which numbers of rows tell gaps",
                )
                return found
        return None

    def _clock(self, name, step, known):
        times, counts, origin, stamps = [], [], None, Stamps(None)
        for batch in self._batches([name]):
            values = batch.column(0)
            if values.null_count:
                raise RecordError(
                    f"{self._path}: found a row without a time; expected one in each, or the rate "
                    "(--rate HZ)."
                )
            with telling(self._path, "a column of time"):
                values = _ticks(values, stamps)
            origin = values[0] if origin is None and len(values) else origin
            part = thinned((values - origin).astype(np.float64))  # of differences, which float64 holds
            times.append(part[0])
            counts.append(part[1])
        times, counts = np.concatenate(times), np.concatenate(counts)
        step = step or told_unit(self._path, times, counts, float(origin), known)
        return stretches_of(self._path, times * step, counts)

    def _batches(self, names):
        with telling(self._path, "columns that can be read"), self._opened() as file:
            yield from file.iter_batches(ROWS, columns=names, use_threads=False)

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        rate = self.rates[0]
        step = max(1, int(seconds * rate))
        names = [self._columns[column] for column in columns]
        held, begin = np.empty((0, len(names))), 0  # rows that are read and not given yet, and their first
        batches = self._batches(names)
        for time, first, end in self._stretches:
            for start in range(first, end, step):
                stop = min(start + step, end)
                while begin + len(held) < stop:
                    held = np.concatenate([held, self._values(next(batches, None), names)])
                yield time + (start - first) / rate, held[: stop - begin]
                held, begin = held[stop - begin :], stop

    def _values(self, batch, names):
        if batch is None:
            raise RecordError(f"{self._path}: found fewer rows than the file says; expected all.")
        columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
        return np.stack(columns, axis=1).astype(np.float64)


def _ticks(values, stamps):
    """A column of time as numbers of its unit; times of day and texts, which go on behind midnight, in s."""
    from pyarrow import types

    if _is_text(values.type):
        return stamps.of_words(values.to_pylist())
    if types.is_time(values.type):
        whole = values.cast("int32" if types.is_time32(values.type) else "int64")
        return stamps.seconds(whole.to_numpy(zero_copy_only=False) * SECONDS[values.type.unit])
    numbers = values.to_numpy(zero_copy_only=False)
    return numbers.view("i8") if numbers.dtype.kind in "mM" else numbers


def _is_text(kind):
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def _number(text):
    """A rate in Hz, or None."""
    try:
        return float(text) if 0 < float(text) <= HIGHEST_RATE else None
    except ValueError:
        return None
