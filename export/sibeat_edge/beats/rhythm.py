"""Rhythm: the RR intervals around a beat, relative to the wearer's own in the last half minute.

A premature beat from the atria may look like any other beat; only its time shows it. Intervals are compared
as logarithms, so that "a fifth too early" is the same at 50 and at 150 beats a minute.
"""

from collections.abc import Iterable

import numpy as np

FEATURES = (
    "before",  # RR before, over the median
    "after",  # RR after, over the median
    "turn",  # RR after over RR before: the pause behind a premature beat
    "before_slow",  # RR before over the 90 % quantile: premature against the slow beats of a wearer
    "one_earlier",  # the RR before that, over the median
    "two_earlier",
    "spread",  # median absolute deviation: atrial fibrillation is irregular everywhere
    "range",  # 90 % over 10 % quantile
)
# Which features describe the single beat; the others describe the rhythm as a whole.
OF_A_BEAT = np.array([name not in ("spread", "range") for name in FEATURES])
HISTORY = 40  # RR intervals that the features are relative to: about half a minute
FEWEST = 8  # known ones among them, without which there are no features
SHORTEST, LONGEST = 0.2, 3.0  # s, to which RR intervals are limited


def rhythm(history: Iterable[float], recent: Iterable[float], after: float) -> np.ndarray:
    """The ``FEATURES`` of a beat, ``(8,)`` float32 natural logarithms; an unknown one is 0, as if on time.

    Args:
        history: the wearer's RR intervals ``(intervals,)`` before those in ``recent``, s. With fewer than
            ``FEWEST`` known ones, all features are 0.
        recent: the last three RR intervals ``(3,)``, the beat's own last, s.
        after: the RR interval to the next beat, s.

    NaN is an unknown interval: the next beat has not come, or the signal had a gap.
    """
    intervals = [*np.asarray(history), *np.asarray(recent), after]
    return rhythms(np.array([intervals], np.float64))[0]


def rhythms(intervals: np.ndarray) -> np.ndarray:
    """As ``rhythm``, of many beats: ``(beats, 8)`` float32, each in the bits of a beat alone.

    Args:
        intervals: ``(beats, history + 4)``: each beat's ``history``, ``recent`` and ``after``, s; NaN is
            unknown, or stands for what is not there.
    """
    logarithms = np.log(np.minimum(np.maximum(intervals, SHORTEST), LONGEST))
    past, (two, one, before, after) = np.sort(logarithms[:, :-4], axis=1), logarithms[:, -4:].T
    known = np.isfinite(past).sum(axis=1)  # NaN comes last
    low, median, high = (_quantiles(past, known, share) for share in (0.1, 0.5, 0.9))
    spread = _quantiles(np.sort(np.abs(past - median[:, None]), axis=1), known, 0.5)
    of_beat = (before - median, after - median, after - before, before - high, one - median, two - median)
    features = np.stack([*of_beat, spread, high - low], axis=1)
    is_known = (known >= FEWEST)[:, None] & np.isfinite(features)
    return np.where(is_known, features, 0.0).astype(np.float32)


def _quantiles(ordered, known, share):
    """As ``np.nanquantile`` of rows of sorted values, of which so many are ``known``."""
    rows, last = np.arange(len(ordered)), np.maximum(known - 1, 0)
    place = share * last
    below = place.astype(np.int64)
    low, high = ordered[rows, below], ordered[rows, np.minimum(below + 1, last)]
    return low + (place - below) * (high - low)
