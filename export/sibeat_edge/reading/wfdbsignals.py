"""The signals of a WFDB header, read in blocks from its signal files."""

from collections.abc import Iterator, Sequence

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.wfdbheader import Header, Signal, as_there
from sibeat_edge.reading.wfdbsamples import COMPRESSED, SignalFile

MOST = 1 << 22  # samples of all signals that are read at a time


class Signals:
    """The signals of the ``header`` of a record, or segment of one.

    Attributes:
        header: of the signals.
        frames: as many as the header declares, or fewer if a signal file ends too early; where it declares
            none, as many as the files hold.
        cut: a sentence if a file ends too early or, after reading to the end, if it is damaged; else empty.
        surplus: a sentence if the files hold more than is declared; else empty.
        unchecked: a sentence, known after reading to the end, if a checksum was left 0; else empty.

    Raises ``RecordError`` for a signal file that is not there, holds no samples, or is of an unknown format.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        # A signal's file and its place in each of the frames there.
        self._places: dict[int, tuple[SignalFile, int]] = {}
        names = list(dict.fromkeys(signal.file for signal in header.signals))
        files = [self._add(name) for name in names]
        held = min(file.frames for file in files)
        self.frames = held if header.frames is None else min(held, header.frames)
        self._per_frame = sum(signal.per_frame for signal in header.signals)
        shortest = header.file.parent / names[[file.frames for file in files].index(held)]
        self.cut = self.surplus = self.unchecked = ""
        if header.frames is not None:
            told = f"expected {header.frames} as {header.file.name} declares"
            if held < header.frames:
                self.cut = f"{shortest}: found {held or 'no'} samples; {told} (a truncated file?)."
            elif held - header.frames >= header.rate:
                self.surplus = f"{shortest}: found {held} samples; {told}, and no more are read."
        if not self.frames:
            raise RecordError(self.cut or f"{shortest}: found no samples; expected at least one.")

    def _add(self, name):
        """The signal file ``name``, and in it the places of its signals."""
        header, path = self.header, as_there(self.header.file.parent / name)
        try:
            if not path.is_file():
                raise RecordError(f"{path}: found no such file; {header.file.name} names it.")
            numbers = [number for number, signal in enumerate(header.signals) if signal.file == name]
            signals = [header.signals[number] for number in numbers]
            one = signals[0]
            uneven = one.form in COMPRESSED and len({signal.per_frame for signal in signals}) > 1
            if uneven or len({signal.form for signal in signals}) > 1:
                what = "numbers of samples a frame" if uneven else "formats"
                raise RecordError(f"{path}: found several {what} in its header; expected one.")
            total = sum(signal.per_frame for signal in signals)
            file = SignalFile(path, one.form, total, one.offset, len(signals))
        except OSError as error:
            raise RecordError(
                f"{header.file}: found a signal file that cannot be read ({error.strerror}); expected one."
            ) from error
        place = 0
        for number, signal in zip(numbers, signals, strict=True):
            self._places[number] = file, place
            place += signal.per_frame
        return file

    def blocks(
        self, numbers: Sequence[int | None], frames: int, step: int
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first frame of each block, and its samples ``(samples, signals)`` in the header's units.

        Args:
            numbers: of the signals to read, of the same number of samples a frame; None for a missing one.
            frames: how many to read.
            step: frames of a block, at most.
        """
        frames, step = min(frames, self.frames), min(step, max(1, MOST // self._per_frame))
        leads = {number: _Lead(self.header.signals[number]) for number in numbers if number is not None}
        reach = max(lead.signal.skew for lead in leads.values())
        for first in range(0, frames, step):
            count = min(step, frames - first)
            stored: dict[SignalFile, np.ndarray] = {}
            read = {}
            for number, lead in leads.items():
                file, place = self._places[number]
                if file not in stored:
                    stored[file] = file.read(first, min(first + count + reach, self.frames))
                if len(stored[file]) < min(count, self.frames - first):
                    self.cut = f"{self.header.file}: found the end of its signals at {first}; expected more."
                    return
                part = stored[file][:, place : place + lead.signal.per_frame].ravel()
                read[number] = lead.push(part, count, file)
            length = len(next(iter(read.values())))
            missing = np.full(length, np.nan)
            yield first, np.stack([missing if n is None else read[n] for n in numbers], axis=1)
        if frames == self.header.frames or self.header.frames is None:
            for lead in leads.values():
                self._check(lead)

    def _check(self, lead):
        """Compare the checksum with that of the header; 0 is none, since many writers leave it."""
        declared, found = lead.signal.checksum, lead.total % 65536
        if declared is None or declared == found:
            return
        path, name = self.header.file.parent / lead.signal.file, lead.signal.name or "without a name"
        told = (
            f"{path}: found the checksum {found} of lead {name}; expected {{}} {self.header.file.name} {{}}."
        )
        if declared:
            self.cut = self.cut or told.format(f"{declared} as", "declares (a damaged file?)")
        else:
            self.unchecked = told.format("it in", "too, and not 0, so damage cannot be told")


class _Lead:
    """A signal while it is read: the sum of its samples as they are stored, without regard to the skew."""

    def __init__(self, signal: Signal) -> None:
        self.signal, self.total, self._last = signal, 0, signal.first

    def push(self, stored, count, file):
        """The values of the next ``count`` frames, of which ``stored`` begins with these and goes on."""
        signal, own = self.signal, count * self.signal.per_frame
        if file.has_differences:
            stored = self._last + np.cumsum(stored, dtype=np.int64)
            self._last = int(stored[own - 1])
        self.total += int(stored[:own].sum(dtype=np.int64))
        skipped = signal.skew * signal.per_frame
        part = stored[skipped : skipped + own]
        values = np.full(own, np.nan)
        with np.errstate(over="ignore"):  # a gain next to 0 gives what is no number
            values[: len(part)] = (part.astype(np.float64) - signal.baseline) / signal.gain
        if file.missing is not None:
            values[: len(part)][part == file.missing] = np.nan
        return values
