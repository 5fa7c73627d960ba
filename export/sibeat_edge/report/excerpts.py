"""The pieces of a long recording worth looking at, kept while it streams by: the rest is forgotten."""

from collections import deque
from dataclasses import dataclass

import numpy as np

KEPT = 8  # worst beats
AROUND = 1.0  # s shown on either side of a worst beat
STRIP = 30.0  # s of the stretch with the most alarms
HELD = 300.0  # s of signal held, so that a beat found late, or after a long warm-up, can still be cut out


@dataclass(frozen=True)
class Excerpt:
    """Signal ``(samples, leads)`` in mV from ``time`` (s since the recording's start) on, NaN where none is.

    ``beat`` is the one that it was cut out for, with its residuals, or None.
    """

    time: float
    samples: np.ndarray
    rate: float
    beat: object = None


class Excerpts:
    """Collects the worst beats and the worst stretch of a stream.

    Each block of signal is ``push``-ed, and then the beats that it made certain; ``finish`` ends. Then
    ``worst`` holds the ``Excerpt`` of each of the 8 beats with the highest scores, of which none overlap,
    and ``strip`` that of the 30 s with the most alarms (where there are none, with the highest score;
    without a scored beat, the first).
    """

    def __init__(self, rate):
        self.rate = rate
        self.worst, self.strip = [], None
        self._blocks, self._pending, self._recent = deque(), [], deque()
        self._rank = (-1, -np.inf)

    def push(self, time, samples, beats):
        """Add a block that begins at ``time``, and the beats that it made certain."""
        self._blocks.append((time, np.asarray(samples, np.float32)))
        while self._end(*self._blocks[0]) < self._end(time, samples) - HELD:
            self._blocks.popleft()
        if self._rank[0] < 0 and (self.strip is None or time < self.strip.time + STRIP):
            self.strip = self._cut(self._blocks[0][0], STRIP)
        # Beats wait for the block after theirs, as the signal that follows them is shown as well.
        ready, self._pending = self._pending, beats
        for beat in ready:
            self._consider(beat)

    def finish(self, beats=()):
        for beat in [*self._pending, *beats]:
            self._consider(beat)
        self._pending = []
        self._blocks.clear()
        self.worst.sort(key=lambda excerpt: -excerpt.beat.score)

    def _end(self, time, samples):
        return time + len(samples) / self.rate

    def _count(self, seconds):
        return round(seconds * self.rate)

    def _cut(self, start, seconds, beat=None):
        """The signal from ``start`` s on; NaN where there is none."""
        samples = np.full((self._count(seconds), self._blocks[0][1].shape[1]), np.nan, np.float32)
        for time, block in self._blocks:
            offset = round((time - start) * self.rate)
            first, last = max(offset, 0), min(offset + len(block), len(samples))
            if first < last:
                samples[first:last] = block[first - offset : last - offset]
        return Excerpt(start, samples, self.rate, beat)

    def _consider(self, beat):
        if beat.score is None:
            return
        self._keep_strip(beat)
        near = [other for other in self.worst if abs(other.beat.time - beat.time) < 2 * AROUND]
        if any(other.beat.score >= beat.score for other in near):
            return
        kept = [other for other in self.worst if other not in near]
        if len(kept) == KEPT:
            least = min(kept, key=lambda other: other.beat.score)
            if least.beat.score >= beat.score:
                return
            kept.remove(least)
        self.worst = [*kept, self._cut(beat.time - AROUND, 2 * AROUND, beat)]

    def _keep_strip(self, beat):
        self._recent.append(beat)
        while self._recent[0].time < beat.time - STRIP + 2:
            self._recent.popleft()
        alarms = sum(other.alarm for other in self._recent)
        rank = (alarms, max(other.score for other in self._recent))
        if rank > self._rank:
            self._rank = rank
            end = self._end(*self._blocks[-1])
            start = min(beat.time + 1, end) - STRIP
            self.strip = self._cut(max(start, self._blocks[0][0]), STRIP)
