"""A device's clock: the rate that it states, and how far its stamps are off it.

Samples are taken at a steady rate; their stamps are late or early by the jitter of packets and of rounding.
So a stamp that is off says nothing, but a step from which on all stamps are later is a gap.
"""

from bisect import bisect
from dataclasses import dataclass

import numpy as np

JUMP = 0.05  # s that stamps are later by, from which a stream of samples is broken off
# s of stamps on either side of a step, by which it is judged: packets that were held up come in a burst.
WINDOW = 10.0
LONGEST, SHORTEST = 1e8, 1e-9  # s of a step, and from sample to sample
LONG = 1.0  # s of a step
SHORT = 0.4  # of such a window, below which a step has to be larger to be a gap
PACKETS = 8  # that such a window holds at least
EARLY = 10  # %: stamps are seldom earlier than their samples, so that the early ones tell the time
USUAL = 95  # %: steps between stamps that are larger may be gaps
STEADY = 0.9  # of the steps of a clock without packets are alike
EXACT = 0.45  # of the time from sample to sample, by which an exact clock's stamps are off at most
LATE = 0.5  # s that a steady clock may go back, or lag behind the count of samples
# Hz of common devices, of which a clock that is too coarse to tell is taken to have the nearest.
COMMON = np.array([50, 64, 100, 125, 128, 130, 200, 250, 256, 300, 360, 400, 500, 512, 1000, 1024, 2000])


class BadClock(ValueError):
    """A clock that tells no time: what was found and expected, at ``place`` of the stamps."""

    def __init__(self, found: str, place: int = 0) -> None:
        super().__init__(found)
        self.place = place


@dataclass(frozen=True)
class Pace:
    """How a clock goes.

    Attributes:
        rate: Hz.
        jitter: s from the earliest to the latest stamps, as compared with a steady rate.
        step: s from stamp to stamp, of the largest that are usual.
        unsure: share of the rate by which it may be wrong.
    """

    rate: float
    jitter: float = 0.0
    step: float = 0.0
    unsure: float = 0.0

    @property
    def window(self) -> int:
        """Samples on either side of a step, by which it is judged."""
        return max(2, round(self.rate * max(WINDOW, PACKETS * self.step)))

    @property
    def is_fine(self) -> bool:
        """Whether a stamp is off by less than a sample."""
        return self.jitter < 1 / self.rate

    @property
    def is_exact(self) -> bool:
        """Whether each stamp tells its sample, however many are lost before it."""
        return self.jitter < EXACT / self.rate

    def most_gaps(self, rows: int) -> float:
        """How many gaps so many rows may have: more are no gaps, if not each is of whole samples."""
        return rows * (1 - STEADY) if self.is_exact else 3 + rows / self.rate

    @property
    def least(self) -> float:
        """The least gap in s that the clock can tell, up to ``JUMP`` if it is not too coarse for that."""
        if self.jitter > JUMP / 2:
            return JUMP + self.jitter / 2
        return min(JUMP, max(0.75 / self.rate, 2 * self.jitter))

    def is_of(self, rate: float, share: float = 0.0) -> bool:
        """Whether the clock agrees with a ``rate``, to a ``share`` of it if that is more than it can tell."""
        return abs(self.rate / rate - 1) <= max(self.unsure, share)

    def named(self) -> float:
        """The rate as its maker means it: whole, or a common one where the clock is too coarse to tell."""
        nearest = float(COMMON[np.argmin(np.abs(COMMON / self.rate - 1))])
        if self.unsure * self.rate > 0.5 and self.is_of(nearest):
            return nearest
        whole = float(round(self.rate))
        return whole if whole and self.is_of(whole) else self.rate


def find_pace(times: np.ndarray) -> Pace:
    """The pace of a clock by its first ``times`` ``(samples,)`` in s.

    Raises ``BadClock`` for one that does not go on, goes back, or is not steady.

    >>> times = np.round(np.arange(2000) / 130, 3)
    >>> times[1000:] += 60  # s without signal
    >>> pace = find_pace(times)
    >>> pace.named(), pace.is_fine
    (130.0, True)
    """
    if len(times) < 2:
        raise BadClock("fewer than 2 samples; expected an even clock")
    steps, count = np.diff(times), np.arange(len(times))
    slope, jitter = _rough(times, steps)
    if slope < SHORTEST or not (steps > 0).any():
        raise BadClock("a clock that does not go on; expected an even one")
    pace = Pace(1 / slope, step=float(np.percentile(steps[steps > 0], USUAL)))
    for _ in range(2):  # the gaps found at a first, rough rate are taken out for a second, exact one
        off = times - count / pace.rate
        pace = Pace(pace.rate, jitter or _usual_jitter(off, pace.window), pace.step)
        check_steps(times, pace)
        gaps = find_gaps(off, steps, pace, range(1, len(times)))
        if len(gaps) > pace.most_gaps(len(times)):
            raise unsteady(pace, gaps[0][0])
        even = times - times[0]
        for place, size in gaps:
            even[place:] -= size
        slope = _slope(count, even, slope)
        if slope < SHORTEST:
            raise BadClock("a clock that does not go on; expected an even one")
        pace = Pace(1 / slope, pace.jitter, pace.step)
    spread = float(np.ptp(np.percentile(even - count * slope, [5, 95])))
    if spread > max(2 * LATE, 3 * pace.step):
        raise unsteady(pace, int(np.argmax(steps)) + 1)
    jitter = max(pace.jitter, spread)
    if not even[-1] > 0:
        raise unsteady(pace, int(np.argmax(steps)) + 1)
    unsure = jitter * (1 + len(gaps)) / float(even[-1])
    return Pace(pace.rate, jitter, pace.step, max(unsure, 1 / len(times)))


def _rough(times, steps):
    """The time from sample to sample, roughly, and the jitter of the stamps; 0 if it is yet to be found.

    Where nearly all steps are alike, and hardly any of the others is shorter, these are gaps and the first
    ones tell the rate. Else the clock has packets, and tells it over many of them.
    """
    usual = float(np.median(steps))
    is_usual = np.abs(steps - usual) <= usual / 2
    if usual > 0 and is_usual.mean() >= STEADY and (steps < usual / 2).sum() <= 1 + 0.1 * (~is_usual).sum():
        return float(steps[is_usual].mean()), float(np.ptp(np.percentile(steps[is_usual], [1, 99]))) or 1e-9
    span = max(1, len(steps) // 10)
    return float(np.median(times[span:] - times[:-span])) / span, 0.0


def _slope(count, times, slope):
    """The slope by least squares, without the stamps that are far off, as of a burst."""
    rest = times - count * slope
    low, high = np.percentile(rest, [5, 95])
    fits = np.abs(rest - (low + high) / 2) <= high - low + 1e-9
    return float(np.polyfit(count[fits], times[fits], 1)[0]) if fits.sum() > 2 else slope


def check_steps(times: np.ndarray, pace: Pace) -> None:
    """Raise ``BadClock`` where the clock goes back by more than its jitter explains, or on by years."""
    steps = np.diff(times)
    if (steps > LONGEST).any():
        place = int(np.argmax(steps > LONGEST)) + 1
        raise BadClock("a clock that jumps by years; expected one that goes on", place)
    back = steps < -max(LATE, 2 * pace.jitter)
    if back.any():
        place = int(np.argmax(back)) + 1
        found = f"{times[place]:.10g} s after a later time"
        if times[place] > LONGEST:  # since 1970
            found = f"a time {-steps[place - 1]:.4g} s before that of the row above"
        raise BadClock(f"{found}; expected a clock that does not go back", place)


def unsteady(pace: Pace, place: int) -> BadClock:
    """The error of a clock whose rate changes or that jumps all the time."""
    return BadClock(f"a clock that is not steady; expected one of about {pace.rate:.4g} Hz", place)


def find_gaps(off: np.ndarray, steps: np.ndarray, pace: Pace, places: range) -> list[tuple[int, float]]:
    """The gaps at these ``places``: the place of the first sample behind each, and its size in s.

    The long ones come first, so that a short one is not judged by stamps beyond them.

    Args:
        off: s by which the stamps ``(samples,)`` are later than the count of samples says.
        steps: from stamp to stamp, ``(samples - 1,)``.
        pace: of the clock.
    """
    most = 1 / pace.rate + (pace.least if pace.jitter <= JUMP / 2 else max(JUMP, 1.5 * pace.step))
    behind = np.flatnonzero(steps > most) + 1
    if pace.is_exact and len(behind) > 3 + len(off) / pace.rate:  # single rows that were left out
        samples = steps[behind - 1] * pace.rate
        if np.abs(samples - np.round(samples)).max() < EXACT:
            lost = (np.round(samples) - 1) / pace.rate
            return [one for one in zip(behind.tolist(), lost.tolist(), strict=True) if one[0] in places]
    bounds, sizes = [0, len(off)], {}
    is_long = steps[behind - 1] > max(LONG, 4 * pace.jitter)
    for place in [*behind[is_long].tolist(), *behind[~is_long].tolist()]:
        at = bisect(bounds, place)
        before = off[max(bounds[at - 1], place - pace.window) : place]
        later = off[place : min(bounds[at], place + pace.window)]
        # Gaps that are near one another raise a level, but never the step itself.
        size = min(level(later) - level(before), steps[place - 1] - 1 / pace.rate + pace.jitter)
        is_short = min(len(before), len(later)) < SHORT * pace.window
        if size > pace.least + (pace.jitter / 2 if is_short and pace.jitter > JUMP / 2 else 0):
            bounds.insert(at, place)
            sizes[place] = size
    return [(place, sizes[place]) for place in bounds[1:-1] if place in places]


def level(off: np.ndarray) -> float:
    """By how many s the early ones of stamps are off."""
    return float(np.percentile(off, EARLY))


def _usual_jitter(off, window):
    """The usual difference of the latest and the earliest stamps of a window."""
    count = len(off) // window
    if not count:
        return float(np.percentile(off, 95) - np.percentile(off, 5))
    return float(np.median(np.ptp(off[: count * window].reshape(count, window), axis=1)))
