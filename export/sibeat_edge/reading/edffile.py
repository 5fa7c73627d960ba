"""EDF, EDF+ and BDF files."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.edfheader import read_edf_header
from sibeat_edge.reading.integers import signed24
from sibeat_edge.reading.limits import LONGEST

JUMP = 0.05  # s off an even clock, from which data records do not follow one another
ONSET = re.compile(rb"([+-]\d{1,12}(?:\.\d{0,12})?)(?:\x15[\d.]*)?\x14")  # begins a data record's annotations
LOOK = 64  # bytes of a data record's annotations, in which its time stands


class EdfFile:
    """The EDF, EDF+ or BDF file at ``path``; a ``Source`` of samples.

    It is read by own code: EDFlib refuses headers with an umlaut, a micro sign or an anonymised date, files
    that were not finished or are cut, and gaps, which are common.

    Signals of annotations are no leads. A unit of microvolts is uV in any encoding. Data records of EDF+D
    have times of their own: behind a gap a new block begins, and so it does, with a warning, where times of
    other files tell a gap. All data records that the file holds are read; if its header declares others, or
    the last one is cut, ``cut`` says so.

    Args:
        path: of the file.
        rate: Hz, for a file whose data records have no duration; may be None.

    Raises ``RecordError`` for a file that is not EDF or BDF, or holds no samples. ``blocks`` also raises it
    for a lead without a range of values.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.edf"
    ...     _ = path.write_bytes(b"no EDF")
    ...     EdfFile(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: ...a.edf: found no EDF header; expected an EDF or BDF file.
    """

    def __init__(self, path: Path, rate: float | None = None) -> None:
        self._path = path
        self.warnings: list[str] = []
        self._header = header = read_edf_header(path, rate)
        self.start = header.start
        self._channels = [channel for channel in header.channels if not channel.is_annotations]
        if not self._channels:
            raise RecordError(f"{path}: found no signals but annotations; expected at least one lead.")
        self._whole, self._rest = self._count_records()
        if not any(channel.samples for channel in self._channels) or not self._whole + self._rest:
            raise RecordError(f"{path}: found no samples; expected at least one lead and its samples.")
        self.cut = self._compare()
        self.named = any(channel.label for channel in self._channels)
        self.leads = [channel.label or str(number) for number, channel in enumerate(self._channels, 1)]
        self.units = [channel.unit for channel in self._channels]
        self.rates = [channel.samples / header.duration for channel in self._channels]
        self._stretches = self._find_stretches()
        time, first, end = self._stretches[-1]
        self.seconds: float | None = time + max(
            (self._count(channel, end) / channel.samples - first) * header.duration
            for channel in self._channels
            if channel.samples
        )

    def _count_records(self):
        """How many whole data records the file holds, and how many bytes of a cut one behind them."""
        header, size = self._header, self._path.stat().st_size - self._header.begin
        whole, rest = divmod(size, header.size) if header.size else (0, 0)
        # What stands behind as many as are declared is no data record. Where each has a time of its own, that
        # of a cut one is not known.
        return whole, 0 if whole == header.records or header.has_gaps else rest

    def _compare(self):
        """A sentence if the file holds other data records than its header declares."""
        declared, held = self._header.records, self._whole + self._rest / self._header.size
        if declared == held:
            return ""
        found = f"{self._path}: found {round(held, 3):g} data records"
        if declared is None:
            return f"{found}; expected their number in its header, too (an unfinished recording?)."
        if held < declared:
            return f"{found}; expected {declared} as its header declares (a truncated file?)."
        return f"{found}, and all are read; expected {declared} as its header declares (an old header?)."

    def _find_stretches(self):
        """The stretches without gaps: each one's time in s, and its first and end data record."""
        end, duration = self._whole + bool(self._rest), self._header.duration
        if not self._header.has_gaps:
            return self._undeclared_gaps(end) or [(0.0, 0, end)]
        onsets = self._onsets()
        stretches, begin, first, before = [], 0.0, 0, -duration
        for record, onset in enumerate(onsets):
            if onset is None:
                continue
            if not before < onset < LONGEST:
                what = "not behind the one before" if onset <= before else "beyond any recording"
                self.cut = (
                    f"{self._path}: found data record {record + 1} at {onset:g} s, {what}; expected a clock "
                    "that goes on, so no more are read."
                )
                return [*stretches, (begin, first, record)]
            before = onset
            if onset - (begin + (record - first) * duration) > JUMP:
                stretches.append((begin, first, record))
                begin, first = onset, record
        return [*stretches, (begin, first, end)]

    def _undeclared_gaps(self, end):
        """The stretches where data records' times tell gaps, though the header declares none; else empty.

        Such times are taken if every one goes on by a data record or more: there are files whose times mean
        nothing.
        """
        place = next((c for c in self._header.channels if c.is_annotations), None)
        found = [] if place is None else [ONSET.match(text) for text in self._texts(place)]
        if len(found) < 2 or not all(found):
            return []
        duration, times = self._header.duration, np.array([float(match[1]) for match in found])
        steps = np.diff(times)
        gaps = np.flatnonzero(steps > duration + JUMP) + 1
        if not len(gaps) or (steps < duration - JUMP).any() or not times[-1] - times[0] < LONGEST:
            return []
        lost = (steps - duration)[gaps - 1].sum()
        self.warnings.append(
            f"{self._path}: found data records with times that leave out {lost:.4g} s; expected none to be "
            "left out as its header declares, so these are gaps."
        )
        begins = [0, *gaps.tolist()]
        return [
            (float(times[first] - times[0]), first, last)
            for first, last in zip(begins, [*begins[1:], end], strict=True)
        ]

    def _onsets(self):
        """Each data record's time in s from the first one's; None where it has none."""
        header = self._header
        place = next((c for c in header.channels if c.is_annotations), None)
        texts = [] if place is None else self._texts(place)
        found = [ONSET.match(text) for text in texts]
        missing = found.count(None)
        if not any(found):
            self.warnings.append(
                f"{self._path}: found data records without times; expected them, as in EDF+D, and took them "
                "to follow at once, so gaps cannot be told."
            )
            return []
        if missing:
            self.warnings.append(
                f"{self._path}: found {missing} data records without a time; expected them to follow at once."
            )
        times = [float(match[1]) if match else None for match in found]
        start = next(t - n * header.duration for n, t in enumerate(times) if t is not None)
        return [None if time is None else time - start for time in times]

    def _texts(self, channel):
        """The first bytes of the channel in each whole data record."""
        data = self._map(0, self._whole)[:, channel.place :][
            :, : min(LOOK, channel.samples * self._header.width)
        ]
        return [row.tobytes() for row in data]

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        channels = [self._channels[column] for column in columns]
        for channel, column in zip(channels, columns, strict=True):
            if channel.gain is None:
                raise RecordError(
                    f"{self._path}: found no range of values of channel {self.leads[column]}; expected its "
                    "physical and digital minimum and maximum."
                )
            if not self._count(channel, self._stretches[-1][2]):
                raise RecordError(
                    f"{self._path}: found no samples of channel {self.leads[column]}; expected some."
                )
        rate, each = self.rates[columns[0]], channels[0].samples
        step = max(1, int(min(seconds * rate, (self._whole + 1) * each)))
        for time, begin, end in self._stretches:
            first, last = begin * each, min(self._count(channel, end) for channel in channels)
            for start in range(first, last, step):
                stop = min(start + step, last)
                leads = [self._read(channel, start, stop) for channel in channels]
                yield time + (start - first) / rate, np.stack(leads, axis=1)

    def _count(self, channel, end):
        """The number of the channel's samples in the first ``end`` data records; the last may be cut."""
        there = (self._rest - channel.place) // self._header.width
        cut = min(channel.samples, max(0, there)) if end > self._whole else 0
        return min(end, self._whole) * channel.samples + cut

    def _read(self, channel, start, stop):
        """The channel's values from sample ``start`` to before ``stop``."""
        width, each = self._header.width, channel.samples
        first, last = start // each, -(-stop // each)
        own = slice(channel.place, channel.place + width * each)
        raw = self._map(first, min(last, self._whole))[:, own].reshape(-1)
        if last > self._whole:
            raw = np.concatenate([raw, self._map(self._whole, last)[0, own]])
        raw = raw[width * (start - first * each) : width * (stop - first * each)]
        stored = raw.view("<i2") if width == 2 else signed24(raw)
        return channel.gain * stored + channel.offset

    def _map(self, first, last):
        """The bytes ``(records, size)`` of these data records, which are read when used."""
        size = self._header.size
        if first >= last:
            return np.zeros((0, size), np.uint8)
        shape = (1, self._rest) if first == self._whole else (last - first, size)
        return np.memmap(self._path, np.uint8, "r", self._header.begin + first * size, shape)
