"""Rhythm: the RR intervals around a beat, relative to the wearer's own of the last half minute.

A premature beat that starts in the atria may have the shape of all others: its time alone tells it. Intervals
are compared as logarithms, so that "a fifth too early" is the same at 50 and at 150 beats a minute.
"""

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
OF_A_BEAT = np.array(
    [name not in ("spread", "range") for name in FEATURES]
)  # the others: of the rhythm as a whole
HISTORY = 40  # RR intervals that the wearer's own are taken from: about half a minute
FEWEST = 8  # of them that must be known
SHORTEST, LONGEST = 0.2, 3.0  # s: an interval beyond counts as these


def rhythm(history, recent, after):
    """The ``FEATURES`` (8,) of a beat, natural logarithms. What is not known is 0, as if on time.

    Args:
        history: the wearer's RR intervals (intervals,) before those of ``recent``, s. Of fewer than
            ``FEWEST`` nothing is known.
        recent: the last three RR intervals (3,), the beat's own last, s.
        after: the RR interval to the next beat, s.

    A NaN is an interval that is not known: the next beat has not come, or the signal had a gap.
    """
    history, recent, after = (_logarithm(intervals) for intervals in (history, recent, after))
    history = history[np.isfinite(history)]
    if len(history) < FEWEST:
        return np.zeros(len(FEATURES), np.float32)
    two, one, before = recent
    history.sort()
    low, median, high = (_quantile(history, share) for share in (0.1, 0.5, 0.9))
    found = [before - median, after - median, after - before, before - high, one - median, two - median]
    spread = _quantile(np.sort(np.abs(history - median)), 0.5)
    found = np.array([*found, spread, high - low], np.float32)
    found[np.isnan(found)] = 0
    return found


def _quantile(ordered, share):
    """As NumPy's, of values in order; its own takes longer than all else that is done of a beat."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _logarithm(intervals):
    return np.log(np.minimum(np.maximum(np.asarray(intervals, np.float64), SHORTEST), LONGEST))
