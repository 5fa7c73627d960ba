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
    limited = np.minimum(
        np.maximum(np.array([*np.asarray(history), *np.asarray(recent), after], np.float64), SHORTEST),
        LONGEST,
    )
    logarithms = np.log(limited)
    past, (two, one, before, following) = logarithms[:-4], logarithms[-4:].tolist()
    known = past[past == past]
    if len(known) < FEWEST:
        return np.zeros(len(FEATURES), np.float32)
    known.sort()
    low, median, high = (_quantile(known, share) for share in (0.1, 0.5, 0.9))
    of_beat = (
        before - median,
        following - median,
        following - before,
        before - high,
        one - median,
        two - median,
    )
    away = np.abs(known - median)
    away.sort()
    spread = _quantile(away, 0.5)
    features = (*of_beat, spread, high - low)
    return np.array([value if value == value else 0.0 for value in features], np.float32)


def _quantile(ordered, share):
    """As ``np.quantile`` of sorted values, which takes longer than everything else done for a beat."""
    place = share * (len(ordered) - 1)
    below = int(place)
    low, high = ordered.item(below), ordered.item(min(below + 1, len(ordered) - 1))
    return low + (place - below) * (high - low)
