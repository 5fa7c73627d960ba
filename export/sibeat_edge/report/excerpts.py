"""The parts of a long recording that are worth looking at, kept while the recording is read."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from sibeat_edge.scorer import Beat

KEPT = 8  # worst beats
AROUND = 1.0  # s shown on either side of a worst beat
STRIP = 30.0  # s of the strip with the most alarms
SHOWN = 10.0  # s of the strip at the beginning of an episode
LEAD_IN = 2.0  # s of it that come before
HELD = 300.0  # s of signal held for beats that become certain late, as after a long warm-up

_ALARM, _SCORE = attrgetter("alarm"), attrgetter("score")


@dataclass(frozen=True)
class Excerpt:
    """A part of a recording.

    Attributes:
        time: of its first sample, s since the recording's start.
        samples: ``(samples, leads)``, mV, NaN where there is no signal.
        rate: Hz.
        beat: the one that it shows, with its residuals, or None for a strip.

    >>> Excerpt(12.0, np.zeros((720, 1)), rate=360).beat is None
    True
    """

    time: float
    samples: np.ndarray
    rate: float
    beat: Beat | None = None


class Excerpts:
    """Collects the worst beats of a stream, the strip with the most alarms, and how episodes begin.

    Args:
        rate: Hz.

    Attributes:
        worst: after ``finish`` the ``Excerpt`` of each of the 8 beats with the highest scores, without
            overlaps, one of a kind, alarms first, then the highest score.
        strips: the ``Excerpt`` of 10 s at the beginning of the first episode of each sort, by its name.
        strip: the ``Excerpt`` of the 30 s with the most alarms. Without an alarm it has the highest score;
            without a scored beat it is the first 30 s.

    >>> excerpts = Excerpts(rate=100)
    >>> excerpts.push(0.0, np.zeros((6000, 1)), [Beat(10.0, 4.5, True, "", rr=0.8)])
    >>> excerpts.finish()
    >>> [excerpt.beat.time for excerpt in excerpts.worst], excerpts.strip.time
    ([10.0], 0.0)
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.worst: list[Excerpt] = []
        self.strip: Excerpt | None = None
        self.strips: dict[str, Excerpt] = {}
        self._begun: dict[str, float] = {}
        self._blocks: deque[tuple[float, np.ndarray]] = deque()
        self._pending: Sequence[Beat] = []
        self._recent: deque[Beat] = deque()
        self._rank = (-1, -np.inf)

    def push(self, time: float, samples: np.ndarray, beats: Sequence[Beat]) -> None:
        """Add a block ``(samples, leads)`` that begins at ``time``, and the beats that it made certain."""
        self._blocks.append((time, np.asarray(samples, np.float32)))
        while self._end(*self._blocks[0]) < self._end(time, samples) - HELD:
            self._blocks.popleft()
        if self._rank[0] < 0 and (self.strip is None or time < self.strip.time + STRIP):
            self.strip = self._cut(self._blocks[0][0], STRIP)
        # Beats wait for the next block, as the signal after them is shown as well.
        ready, self._pending = self._pending, beats
        for beat in ready:
            self._consider(beat)
        self._cut_begun(self._end(time, samples))

    def keep(self, episodes: Iterable[tuple[str, float]]) -> None:
        """Keep how episodes of these names and starts, s, begin: the first of each name."""
        for name, start in episodes:
            if name not in self.strips:
                self._begun.setdefault(name, start)

    def _cut_begun(self, end):
        for name, start in list(self._begun.items()):
            if start - LEAD_IN + SHOWN <= end:
                self.strips[name] = self._cut(start - LEAD_IN, SHOWN)
                del self._begun[name]

    def finish(self, beats: Sequence[Beat] = ()) -> None:
        """Add the last beats, and order ``worst``."""
        for beat in [*self._pending, *beats]:
            self._consider(beat)
        self._pending = []
        self._cut_begun(np.inf)
        self._blocks.clear()
        self.worst.sort(key=lambda excerpt: _rank(excerpt.beat), reverse=True)

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
        near = [
            other
            for other in self.worst
            if abs(other.beat.time - beat.time) < 2 * AROUND or _is_of_kind(other.beat, beat)
        ]
        if any(_rank(other.beat) >= _rank(beat) for other in near):
            return
        kept = [other for other in self.worst if other not in near]
        if len(kept) == KEPT:
            least = min(kept, key=lambda excerpt: _rank(excerpt.beat))
            if _rank(least.beat) >= _rank(beat):
                return
            kept.remove(least)
        self.worst = [*kept, self._cut(beat.time - AROUND, 2 * AROUND, beat)]

    def _keep_strip(self, beat):
        self._recent.append(beat)
        while self._recent[0].time < beat.time - STRIP + 2:
            self._recent.popleft()
        rank = sum(map(_ALARM, self._recent)), max(map(_SCORE, self._recent))
        if rank > self._rank:
            self._rank = rank
            end = self._end(*self._blocks[-1])
            start = min(beat.time + 1, end) - STRIP
            self.strip = self._cut(max(start, self._blocks[0][0]), STRIP)


def _is_of_kind(beat, other):
    """Whether two beats look alike and were judged alike: one of them is enough."""
    return beat.group is not None and (beat.group, beat.kind) == (other.group, other.kind)


def _rank(beat):
    """Alarms come before beats that noise explains, whatever the score."""
    return beat.alarm, beat.score
