"""A whole recording, thin enough to travel within a report: a day takes less than 5 MB of text.

The lead is averaged over a few samples, so that about a hundred a second are left: at 25 mm/s that is one a
pixel. Their steps are so small that a line's width hides them, or as large as the room asks for. What is
stored is the difference from sample to sample, a byte each, and packed by deflate, which browsers unpack.
"""

import base64
import math
import zlib
from dataclasses import dataclass

import numpy as np

THIN = 100.0  # Hz, about what is left
ROOM = 2_700_000  # bytes of a packed day; base64 makes four thirds of it
STEPS = 50  # that a large square has at least: a tenth of a millimetre each
ESCAPE, MOST = -128, 127  # the byte that stands for a value of its own, and the largest difference
MISSING, LIMIT = -32768, 32767  # the value where there is no signal, and the largest one
DAY = 86_400.0  # s


@dataclass(frozen=True)
class Packed:
    """A trace as a browser reads it.

    Attributes:
        rate: Hz.
        step: mV of a step.
        count: of the samples.
        differences: in steps, a signed byte each, deflated, in base64; -128 stands for one of ``values``.
        values: signed 16-bit numbers, little-endian, deflated, in base64: the value in steps itself;
            -32768 where there is no signal.
    """

    rate: float
    step: float
    count: int
    differences: str
    values: str


class Trace:
    """Collects the first lead of a recording's blocks, thinned.

    Args:
        rate: of the blocks, Hz.

    Attributes:
        rate: that is left, Hz.

    >>> trace = Trace(rate=360)
    >>> trace.push(0.0, np.ones((720, 1)))
    >>> trace.rate, trace.samples.shape, trace.pack(0.5).count
    (90.0, (180,), 180)
    """

    def __init__(self, rate: float) -> None:
        self._of = max(1, round(rate / THIN))
        self.rate = rate / self._of
        self._parts: list[tuple[int, np.ndarray]] = []  # where each begins
        self._held, self._begin = np.zeros(0, np.float32), 0.0

    def push(self, time: float, samples: np.ndarray) -> None:
        """Add a block ``(samples, leads)`` in mV that begins at ``time``, s; blocks may leave gaps."""
        end = self._begin + len(self._held) / (self.rate * self._of)
        if not len(self._held) or abs(time - end) > 1 / self.rate:
            self._held, self._begin = np.zeros(0, np.float32), time
        lead = np.concatenate([self._held, np.asarray(samples[:, 0], np.float32)])
        whole = len(lead) // self._of
        if whole:
            thin = lead[: whole * self._of].reshape(whole, self._of).mean(axis=1)
            self._parts.append((round(self._begin * self.rate), thin))
            self._held, self._begin = lead[whole * self._of :], self._begin + whole / self.rate

    @property
    def samples(self) -> np.ndarray:
        """The thinned lead ``(samples,)``, mV, from the start on; NaN where there is no signal."""
        size = max((begin + len(part) for begin, part in self._parts), default=0)
        whole = np.full(size, np.nan, np.float32)
        for begin, part in self._parts:
            whole[begin : begin + len(part)] = part
        return whole

    def pack(self, square: float) -> Packed:
        """Pack the trace, given the mV of a large ``square`` of the paper that it is drawn on.

        The steps grow until it takes 2.7 MB for each day begun, at most.
        """
        samples = self.samples
        room = ROOM * max(1, math.ceil(len(samples) / self.rate / DAY))
        middle = np.nanmedian(samples) if np.isfinite(samples).any() else 0.0
        samples -= middle
        step = square / STEPS
        while True:
            differences, values = (zlib.compress(part.tobytes(), 6) for part in _encode(samples, step))
            beyond = len(differences) + len(values) - room
            if beyond <= 0:
                text = (base64.b64encode(part).decode("ascii") for part in (differences, values))
                return Packed(self.rate, step, len(samples), *text)
            # Twice the step saves about a bit a sample.
            step *= 2 ** max(0.1, 8 * beyond / len(samples))


def _encode(samples, step):
    """The differences ``(samples,)`` int8 and the values int16 of what they do not reach."""
    levels = np.rint(samples / step).clip(-LIMIT, LIMIT)
    levels = np.where(np.isfinite(levels), levels, MISSING).astype(np.int32)
    differences = np.diff(levels, prepend=MISSING)
    is_escaped = (np.abs(differences) > MOST) | ((levels == MISSING) & (differences != 0))
    is_escaped[:1] = True
    return np.where(is_escaped, ESCAPE, differences).astype(np.int8), levels[is_escaped].astype("<i2")
