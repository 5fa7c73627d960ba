"""Whether a wearer's RR intervals are of two lengths, the short ones premature.

Where most beats are premature, as in a sick sinus, the usual interval is theirs, and nothing seems early. But
their intervals and the others' lie in two heaps, and follow each other too often for a change of the heart
rate.
"""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from itertools import accumulate
from statistics import median

import numpy as np

from sibeat_edge.beats.heaps import HALF_LIFE, LEAST

LOWEST, HIGHEST, STEP = math.log(0.25), math.log(3.0), 0.04  # logarithms of s that the histogram spans
SMOOTH = 0.05  # standard deviation by which it is smoothed
SHARE = 0.1  # of the intervals that either heap has at least
CLEFT = 0.15  # height between the heaps over that of the lower one, below which they are apart
SCATTERED = (
    0.18  # spread of the short ones' logarithms from which they are of no one length, as in fibrillation
)
TURNS = 0.1  # share of beats at which the lengths change, over about OVER, from which it is no change of rate
OVER = 40
LONG = 8  # long intervals whose median is known
DROPPED = 1.2  # s of a long interval from which a beat may have been dropped in it
HALF = 0.06  # share by which it may differ from twice the short one, then
FAST_HALF = 0.12  # the same of a shorter one: a flutter that is conducted by turns 2 to 1 and 4 to 1

GROWTH = 2.0 ** (1 / HALF_LIFE)
LARGEST_WEIGHT = 1e9  # of an interval; then all are divided

_CENTRES = np.arange(LOWEST + STEP / 2, HIGHEST, STEP)
_KERNEL = np.exp(-np.square((_CENTRES[:, None] - _CENTRES) / SMOOTH) / 2)
_KERNEL /= _KERNEL.sum(axis=1, keepdims=True)


class Lengths:
    """A histogram of intervals that forgets, and the valley in it.

    >>> lengths = Lengths()
    >>> for beat in range(300):
    ...     lengths.push(1.5 if beat % 4 == 0 else 0.8)
    >>> lengths.is_short(0.8), lengths.is_short(1.5)
    (True, False)
    """

    def __init__(self) -> None:
        self._counts = [0.0] * len(_CENTRES)
        self._heights = np.zeros(len(_CENTRES))  # the counts, smoothed
        self._newest = 1.0  # weight of the newest interval: it grows instead of all others' shrinking
        self._valley: float | None = None
        self._long: deque[float] = deque(maxlen=LONG)
        self._turns = 0.0
        self._was_short: bool | None = None

    def push(self, rr: float) -> None:
        """Add an interval, s."""
        place = int((min(max(math.log(rr), LOWEST), HIGHEST - STEP / 2) - LOWEST) / STEP)
        self._newest *= GROWTH
        self._counts[place] += self._newest
        self._heights += self._newest * _KERNEL[place]
        if self._newest > LARGEST_WEIGHT:
            self._counts = [count / self._newest for count in self._counts]
            self._heights /= self._newest
            self._newest = 1.0
        self._valley = self._find()
        if self._valley is None:
            return
        is_short = rr < self._valley
        if not is_short:
            self._long.append(rr)
        turned = self._was_short is not None and is_short != self._was_short
        self._turns, self._was_short = self._turns + (turned - self._turns) / OVER, is_short

    def is_short(self, rr: float) -> bool:
        """Whether an interval, s, is of the shorter of two lengths, and the longer is not twice it."""
        if self._valley is None or self._turns <= TURNS or not self._long:
            return False
        usual = median(self._long)
        return rr < self._valley and not (is_half(rr, usual) or _is_flutter(rr, usual))

    def _find(self):
        below, heights = list(accumulate(self._counts)), self._heights.tolist()
        if below[-1] < LEAST * self._newest:
            return None
        first, last = bisect_right(below, SHARE * below[-1]), bisect_left(below, (1 - SHARE) * below[-1])
        # No valley is as deep, whatever is beside it; most rhythms need no closer look.
        if first == last or min(heights[first:last]) > 2 * CLEFT * max(heights):
            return None
        heights, within = self._heights, self._heights[first:last]
        lower = np.maximum.accumulate(heights)[first:last]
        upper = np.maximum.accumulate(heights[::-1])[::-1][first:last]
        depths = within / np.maximum(np.minimum(lower, upper), 1e-12)
        lowest = int(depths.argmin())
        if depths[lowest] >= CLEFT or self._spread_below(first + lowest) > SCATTERED:
            return None
        lowest += first
        return math.exp(_CENTRES[lowest])

    def _spread_below(self, valley):
        """The difference of the 80 % and 20 % quantiles of what lies below the valley."""
        below = np.cumsum(self._counts[:valley])
        first, last = np.searchsorted(below, [0.2 * below[-1], 0.8 * below[-1]])
        return (last - first) * STEP


def is_half(rr: float, usual: float) -> bool:
    """Whether an interval is half of the usual one, s, so that the usual one may have a beat dropped."""
    return usual > DROPPED and abs(2 * rr / usual - 1) < HALF


def _is_flutter(rr, usual):
    return usual <= DROPPED and abs(2 * rr / usual - 1) < FAST_HALF
