"""WFDB records, of one segment or several."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.wfdbheader import read_header
from sibeat_edge.reading.wfdbsegments import ASSUMED, Part, open_segments
from sibeat_edge.reading.wfdbsignals import Signals


class WfdbFile:
    """The WFDB record at ``path`` (without extension); a ``Source`` of samples.

    It is read by own code: wfdb cannot read a part of a record without a length, drops what is not ASCII (of
    µV it makes V), and sums up no skewed leads.

    A skewed lead is moved to where it belongs. A lead without a name has its number. A lead without a gain is
    in steps, of which there are ``assumed`` to be 200 in a mV, as WFDB has it. A segment without a lead is a
    gap in it. If a signal file ends too early or a checksum differs, ``cut`` says so: what is there is read.

    Raises ``RecordError`` if the header cannot be read or contradicts itself, or if there are no samples.

    >>> WfdbFile(Path("absent"))
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: absent.hea: found no such file; expected a WFDB header.
    """

    assumed = ASSUMED

    def __init__(self, path: Path) -> None:
        if not path.name:
            raise RecordError(f"{path}: found a folder; expected a WFDB record.")
        header = read_header(path.with_name(path.name + ".hea"))
        self.warnings: list[str] = []
        if header.segments:
            self._parts, self._signals, self._frames, self.cut = open_segments(header)
        else:
            one = Signals(header)
            self._parts, self._signals, self.cut = [Part(0, one.frames, one)], header.signals, one.cut
            self._frames = one.frames
            self.warnings += [one.surplus] if one.surplus else []
        self._rate, self.start = header.rate, header.start
        self.named = any(signal.name for signal in self._signals)
        self.leads = [signal.name or str(number) for number, signal in enumerate(self._signals, 1)]
        self.units = [signal.unit for signal in self._signals]
        # A lead may have several samples a frame.
        self.rates = [self._rate * signal.per_frame for signal in self._signals]
        self.seconds: float | None = self._frames / self._rate

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        step = max(1, int(min(seconds * self._rate, self._frames)))
        per_frame, ended = self._signals[columns[0]].per_frame, 0
        for part in self._parts:
            places, factors = zip(*(part.find(c, self._signals[c]) for c in columns), strict=True)
            if places.count(None) == len(places):
                continue
            for first, values in part.signals.blocks(places, part.frames, step):
                ended = part.first + first + len(values) // per_frame
                yield (part.first + first) / self._rate, values * np.array(factors)
            self.cut = self.cut or part.signals.cut
            if part.signals.unchecked and part.signals.unchecked not in self.warnings:
                self.warnings.append(part.signals.unchecked)
        if ended < self._frames:  # the recording goes on without these leads
            last = self._frames * per_frame - 1
            yield last / (self._rate * per_frame), np.full((1, len(columns)), np.nan)
