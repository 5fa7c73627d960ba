"""Which seconds of a recording were not scored, and why; together they make up the whole."""

import math
from collections.abc import Sequence

import numpy as np

from sibeat_edge.scorer import GAP, Beat
from sibeat_edge.signal.contact import REASONS, Contact

REACH = 1.5  # s around an R-peak that belong to its beat; beyond them no beat was found
NO_BEAT = "no beat found"


class Coverage:
    """Follows a recording's blocks; then ``reasons`` says which of its seconds were not scored, and why.

    Args:
        rate: Hz.

    Attributes:
        any_finite: whether any sample was finite.
        end: s from the recording's start to the last block's end.

    >>> coverage = Coverage(rate=100)
    >>> coverage.push(0.0, np.random.default_rng(0).normal(size=(200, 1)))
    >>> list(coverage.reasons([Beat(0.2, 1.0, False, "", rr=None)]))
    ['', '']
    """

    def __init__(self, rate: float) -> None:
        self.rate, self.any_finite, self.end = rate, False, 0.0
        self._flags = np.zeros(0, np.int8)  # the worst flag of each second
        self._seen = np.zeros(0, bool)
        self._contact: Contact | None = None

    def push(self, time: float, samples: np.ndarray) -> None:
        """Add a block ``(samples, leads)`` that begins at ``time``, s; blocks may leave gaps."""
        self.any_finite = self.any_finite or bool(np.isfinite(samples).any())
        if self._contact is None or abs(time - self.end) > GAP:
            self._finish_part()
            self._contact, self._start, self._flagged = Contact(self.rate), time, 0
        self.end = time + len(samples) / self.rate
        self._add(self._contact.push(samples))

    def reasons(self, beats: Sequence[Beat]) -> np.ndarray:
        """Why each second ``(seconds,)`` was not scored, or an empty text; the last one may be cut short.

        The reason is that of the nearest beat, if that is within 1.5 s. Otherwise it is the signal's, or that
        no beat was found.
        """
        self._finish_part()
        self._contact = None
        whole = np.arange(math.ceil(self.end))
        flags = np.zeros(len(whole), np.int8)
        flags[: len(self._flags)] = np.where(self._seen, self._flags, REASONS.index("missing"))[: len(whole)]
        why = np.array([NO_BEAT, *REASONS[1:]], dtype=object)[flags]
        if beats:
            times = np.array([beat.time for beat in beats])
            after = np.searchsorted(times, whole + 0.5).clip(1, max(1, len(times) - 1))
            pair = np.stack([after - 1, np.minimum(after, len(times) - 1)])
            distance = np.abs(times[pair] - whole - 0.5)
            nearest = pair[distance.argmin(axis=0), np.arange(len(whole))]
            reasons = np.array([beat.reason for beat in beats], dtype=object)
            why = np.where(distance.min(axis=0) <= REACH, reasons[nearest], why)
        return why

    def _finish_part(self):
        if self._contact is not None:
            self._add(self._contact.finish())

    def _add(self, flags):
        if not len(flags):
            return
        samples = self._flagged + np.arange(len(flags))
        seconds = (self._start + samples / self.rate).astype(np.int64)
        self._flagged += len(flags)
        longer = max(0, int(seconds[-1]) + 1 - len(self._flags))
        self._flags = np.append(self._flags, np.zeros(longer, np.int8))
        self._seen = np.append(self._seen, np.zeros(longer, bool))
        np.maximum.at(self._flags, seconds, flags)
        self._seen[seconds] = True
