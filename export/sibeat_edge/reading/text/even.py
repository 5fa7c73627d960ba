"""Rows on a clock become stretches of samples at an even rate, with the gaps between them."""

from typing import NamedTuple

import numpy as np

from sibeat_edge.reading.text.clock import JUMP, LATE, BadClock, Pace, check_steps, find_gaps, level, unsteady

SHARE = 0.01  # of the time that has gone by, by which the clock may go wrong


class Run(NamedTuple):
    """Rows without a gap: how many, the time in s of the first, and samples that are lost before it."""

    rows: int
    time: float
    lost: int = 0


class EvenClock:
    """Places rows by their stamps on an even axis that begins with 0 s.

    Jitter is smoothed. Gaps up to ``JUMP`` are told as lost samples, so that a stream goes on over them, and
    longer ones as runs at a later time. Runs never overlap.

    Args:
        rate: of the samples, Hz.
        pace: of the clock.

    >>> clock = EvenClock(100, Pace(100))
    >>> runs = clock.push(np.array([5.0, 5.01, 5.02, 7.03, 7.04, 7.07]), at_end=True)
    >>> [(run.rows, round(run.time, 2), run.lost) for run in runs]
    [(3, 0.0, 0), (2, 2.03, 0), (1, 2.07, 2)]
    """

    def __init__(self, rate: float, pace: Pace) -> None:
        self._rate, self._pace = rate, pace
        self._times = np.zeros(0)  # stamps that wait, behind some that are out, by which they are judged
        self._out = 0
        self._zero: float | None = None  # stamp of 0 s
        self._end = 0.0  # time of the next sample
        self._lead = 0.0  # s that the stamps are ahead of it

    def push(self, times: np.ndarray, at_end: bool = False) -> list[Run]:
        """The runs that have become certain.

        Raises ``BadClock`` for a clock that goes back or changes its rate, and its place in these ``times``.
        """
        held = len(self._times)
        times = np.concatenate([self._times, times])
        first, last = self._out, len(times) if at_end else len(times) - self._pace.window
        try:
            check_steps(times[max(0, held - 1) :], self._pace)
            if last > first:
                return self._runs(times, first, last)
        except BadClock as error:
            raise BadClock(str(error), max(0, error.place - (held and 1))) from error
        self._times = times
        return []

    def _runs(self, times, first, last):
        off = times - np.arange(len(times)) / self._rate
        gaps = find_gaps(off, np.diff(times), self._pace, range(max(1, first), last))
        ends = [place for place, _ in gaps] + [len(times)]
        if self._zero is None:
            self._zero = self._stamp(times, off, 0, ends[0])
        if len(gaps) > 3 + self._pace.most_gaps(last - first):
            raise unsteady(self._pace, 0)
        runs, begin, lost = [], first, 0
        for number, (place, size) in enumerate([*gaps, (last, 0.0)], 1):
            if place > begin:
                runs.append(Run(place - begin, self._end, lost))
                self._end += (place - begin) / self._rate
            begin, lost = place, 0
            if size > JUMP:
                self._end = max(self._end, self._stamp(times, off, place, ends[number]) - self._zero)
                self._lead = 0.0
            elif size:
                lost = round(size * self._rate)
                self._end += lost / self._rate
        kept = max(gaps[-1][0] if gaps else 0, last - self._pace.window)
        self._follow(level(off[kept:last]) + last / self._rate, (last - first) / self._rate)
        self._times, self._out = times[kept:], last - kept
        return runs

    def _stamp(self, times, off, place, end):
        """The stamp of the sample at ``place`` without its jitter, by those up to the gap at ``end``."""
        if self._pace.is_fine:
            return float(times[place])
        return level(off[place : min(end, place + self._pace.window)]) + place / self._rate

    def _follow(self, stamp, seconds):
        """Follow a clock that drifts away from the count, in so many s; ``BadClock`` if it runs away."""
        lead, most = stamp - self._zero - self._end, LATE + self._pace.jitter
        if abs(lead - self._lead) > max(most, SHARE * seconds):
            raise unsteady(self._pace, 0)
        self._lead = lead
        if lead > most:
            self._end, self._lead = self._end + lead, 0.0
