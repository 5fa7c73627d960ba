"""Whether a beat of the wearer's own shape comes too early for this wearer's rhythm.

A premature beat among regular ones is a supraventricular extrasystole. Where the whole rhythm is irregular,
as in atrial fibrillation, to be early means nothing, and timing is silent. There intervals are as often long
without a premature beat before as they are short (``LATE_SHARE``). A beat is premature if

- it lies in the upper of two heaps of timing scores with a valley between (``Heaps``), or
- its interval is the shorter one, where they are of two lengths (``Lengths``), or
- it is early by more than what the normal beats' own intervals spread, which are close together, or
- it is one of a fast, regular row of beats that began abruptly, as supraventricular tachycardia does.

The limits were chosen on DS1 and on the training and validation records of SVDB. What they cost was watched
on people who move and in sinus rhythm.
"""

import math
from collections import deque
from itertools import islice
from statistics import median
from typing import NamedTuple

from sibeat_edge.beats.heaps import Heaps
from sibeat_edge.beats.lengths import Lengths, is_half

PAIRS = 24  # intervals between two normal beats whose spread is known
USUAL = 16  # intervals whose median is the usual one
FEWEST = 6  # without which there is none
EARLY = 0.12  # share of the usual interval by which a beat is early
LOST = 8  # beats without a score or an interval, behind which the intervals before no longer count
# A beat in the upper heap.
LEAST_EARLY = 0.06  # share of the usual interval by which it has to be early, too
DEEPER = 0.2  # depth of the valley from which MANY early beats are no objection
MANY = 0.4  # share of early beats, over about SHARED, from which an irregular rhythm is more likely
MOST = 0.5  # the same share, from which no beat is early among regular ones
MOST_ROWS = 0.6  # the same share, from which no row of early beats begins
SHARED = 40
LATE_SHARE = 0.05  # share of late beats behind none that is early, over about SHARED: no row begins then
FREQUENT = 0.25  # the same share, from which the rhythm is called irregular
SCATTERED = 0.18  # spread of the logarithms from which a rhythm is irregular
APART = 0.1  # depth of the valley from which scattered intervals are of two lengths
# A beat among regular ones.
REGULAR = 0.1  # spread below which a rhythm is regular
EARLIER = 0.15  # share of the usual interval by which it has to be early
SPREADS = 3.0  # spreads by which it has to be early
SCORE = 0.34  # timing score that it needs, in units of the model's threshold
CROWDED = 1.1  # usual intervals that two intervals in a row must exceed, or one of the beats is none
# A premature beat begins abruptly: a breath changes the rhythm bit by bit.
ABRUPT = 0.1  # share by which its interval is shorter than the one before
FOLLOWS = 0.03  # share by which the next interval is longer, unless that is short as well
SHORT = 0.85  # of the usual interval
# A row of early beats.
ROW = 6  # beats that must be as regular
EVEN = 0.12  # range of their intervals over the median
ONSET = 0.3  # share by which the first of them is early
FAST = 0.6  # s: median interval of a tachycardia
SETTLED = 8  # early beats from which another row is a new rate
LONGEST = 2000  # beats from which a fast row is one, too: a detector may have lost every second beat before


class Timed(NamedTuple):
    """A beat as ``Timing`` sees it.

    Attributes:
        rr: s since the R-peak before, or None.
        after: s to the next R-peak, or None.
        score: of the model, for the template at this beat's time, over the model's threshold.
        is_own: whether the beat has the wearer's own shape.
        is_ventricular: whether it is of another, abnormal shape.
        is_clean: whether the beats around are clean enough to trust the intervals.

    >>> Timed(0.8, 0.8, 0.5, is_own=True, is_ventricular=False, is_clean=True).rr
    0.8
    """

    rr: float | None
    after: float | None
    score: float
    is_own: bool
    is_ventricular: bool
    is_clean: bool


class Answer(NamedTuple):
    """What ``Timing`` says of a beat.

    Attributes:
        is_premature: for what is known so far.
        early: share of the usual interval by which the beat is early; 0 if it is not known.
        is_fit: whether the beat could be called premature by its heap, once there are two.
        is_certain: whether it is premature whatever the heaps turn out to be.
        is_in_row: whether it is one of a fast, regular row.
        interval: s since the beat before, if that tells whether it is a short one; or None.
        score: as the beat's.

    >>> Answer().is_premature
    False
    """

    is_premature: bool = False
    early: float = 0.0
    is_fit: bool = False
    is_certain: bool = False
    is_in_row: bool = False
    score: float = 0.0
    interval: float | None = None


class Timing:
    """Judges the times of a stream's beats, in order.

    >>> timing = Timing()
    >>> own = {"is_own": True, "is_ventricular": False, "is_clean": True}
    >>> for beat in range(20):
    ...     answer = timing.push(Timed(0.8 + 0.01 * (beat % 2), 0.8, 0.05, **own))
    >>> timing.push(Timed(0.5, 1.1, 0.5, **own)).is_premature
    True
    """

    def __init__(self) -> None:
        self.heaps, self._lengths = Heaps(), Lengths()
        self._pairs: deque[float] = deque(maxlen=PAIRS)  # intervals between two normal beats
        self._spread: float | None = None  # of the pairs
        self._on_time: deque[float] = deque(maxlen=USUAL)  # those of beats that are on time
        self._own: deque[float] = deque(maxlen=USUAL)  # those of all beats of the wearer's own shape
        self._row: deque[float] = deque(maxlen=SETTLED)  # those of the newest beats, as all of them are early
        self._onset = 0.0  # how early the first of the row was
        self._in_row = 0  # beats of the row
        self._before: Timed | None = None  # the beat before, if it has a score
        self._was_premature = self._was_normal = False
        self._lost = 0  # beats in a row without a score or an interval
        self._early_share = self._late_share = 0.0
        self._was_early = False

    @property
    def is_scattered(self) -> bool:
        """Whether the intervals between the newest normal beats are scattered."""
        return self._spread is not None and self._spread > SCATTERED

    @property
    def is_irregular(self) -> bool:
        """Whether the whole rhythm is irregular: scattered, or with many early beats but no two heaps."""
        if self._is_in_fast_row():
            return False
        return self.is_scattered or (self._early_share > FREQUENT and self.heaps.depth > DEEPER)

    def push(self, beat: Timed | None) -> Answer:
        """The answer for the next ``beat``; None is one without a score."""
        self._lost = self._lost + 1 if beat is None or beat.rr is None else 0
        if self._lost >= LOST:
            self._forget()
        if beat is None:
            self._before, self._was_premature, self._was_normal = None, False, False
            self._row.clear()
            return Answer()
        answer = self._answer(beat)
        self._learn(beat, answer)
        return answer

    def confirm(self, answer: Answer) -> bool:
        """Whether a beat of an earlier ``answer`` is premature, by the heaps as they are now."""
        return self._confirm(answer.is_certain, answer.is_fit, answer.score, answer.interval)

    def _confirm(self, is_certain, is_fit, score, interval):
        return is_certain or (is_fit and self._is_in_upper_heap(score)) or self._is_short(interval)

    def _answer(self, beat):
        usual = self._usual()
        if beat.rr is None or usual is None:
            self._row.clear()
            return Answer(score=beat.score)
        early = 1 - beat.rr / usual
        self._follow_row(beat, early)
        is_counted = beat.is_own and self._has_trusted_interval()
        if is_counted:
            self.heaps.push(beat.score)
            self._lengths.push(beat.rr)
        if self._before is None or not self._before.is_ventricular:
            self._early_share += ((beat.is_own and early > EARLY) - self._early_share) / SHARED
        if is_counted and not self._was_early:
            self._late_share += ((early < -EARLY) - self._late_share) / SHARED
        begins = is_counted and beat.is_clean and self._is_abrupt(beat, usual) and not is_half(beat.rr, usual)
        is_in_row = self._is_in_fast_row()
        is_certain = is_in_row or (begins and self._is_among_regular(beat, early, usual))
        is_fit = begins and early > LEAST_EARLY and (not self.is_scattered or self.heaps.depth <= APART)
        interval = beat.rr if is_counted and beat.is_clean else None
        is_premature = self._confirm(is_certain, is_fit, beat.score, interval)
        return Answer(is_premature, early, is_fit, is_certain, is_in_row, beat.score, interval)

    def _is_short(self, interval):
        return interval is not None and self._lengths.is_short(interval)

    def _has_trusted_interval(self):
        """Whether the beat before is a beat indeed, and none that makes a pause."""
        return self._before is not None and self._before.is_own and not self._before.is_ventricular

    def _is_in_upper_heap(self, score):
        return self.heaps.is_upper(score) and (self.heaps.depth <= DEEPER or self._early_share <= MANY)

    def _is_among_regular(self, beat, early, usual):
        spread = self._spread
        if spread is None or spread >= REGULAR or early <= max(EARLIER, SPREADS * spread):
            return False
        if self._early_share > MOST:  # the usual interval is that of the few
            return False
        before = self._before.rr if self._before.rr is not None else math.inf
        after = beat.after if beat.after is not None else math.inf
        behind_crowded = before + beat.rr < CROWDED * usual and not self._was_premature
        return beat.score > SCORE and not behind_crowded and beat.rr + after >= CROWDED * usual

    def _is_abrupt(self, beat, usual):
        before = self._before.rr if self._before.rr is not None else usual
        begins = self._was_premature or beat.rr < (1 - ABRUPT) * before
        goes_on = beat.after is not None and max(beat.after, beat.rr) < SHORT * usual
        return begins and (beat.after is None or beat.after >= (1 + FOLLOWS) * beat.rr or goes_on)

    def _follow_row(self, beat, early):
        if early <= EARLY:
            self._row.clear()
        else:
            is_even = self._early_share <= MOST_ROWS and self._late_share <= LATE_SHARE
            onset = early if is_even else 0.0
            self._onset, self._in_row = (self._onset, self._in_row + 1) if self._row else (onset, 1)
            self._row.append(beat.rr)

    def _is_in_fast_row(self):
        if len(self._row) < ROW or self._onset <= ONSET:
            return False
        newest = list(islice(self._row, len(self._row) - ROW, None))
        middle = median(newest)
        return middle < FAST and max(newest) - min(newest) < EVEN * middle

    def _learn(self, beat, answer):
        is_normal = beat.is_own and not beat.is_ventricular and not answer.is_premature
        if beat.rr is not None and beat.is_own and not beat.is_ventricular:
            self._own.append(beat.rr)
        is_on_time = is_normal and beat.rr is not None and answer.early < EARLY
        if is_on_time and not self.heaps.is_upper(beat.score):
            if self._was_normal:
                self._pairs.append(beat.rr)
                self._spread = _spread(self._pairs)
            if self._was_normal or (self.heaps.valley is not None and self._has_trusted_interval()):
                self._on_time.append(beat.rr)
        self._before, self._was_normal, self._was_premature = beat, is_normal, answer.is_premature
        self._was_early = answer.is_premature or answer.early > EARLY
        if len(self._row) == SETTLED and beat.is_own and not self._is_fast():
            row = list(self._row)
            self._forget()
            self._pairs.extend(row)
            self._spread = _spread(row)
            self._on_time.extend(row)

    def _is_fast(self):
        return self._onset > ONSET and median(self._row) < FAST and self._in_row < LONGEST

    def _forget(self):
        """Forget the intervals: another rate has begun, or what came between is not known."""
        for intervals in (self._pairs, self._on_time, self._own, self._row):
            intervals.clear()
        self._spread = None

    def _usual(self):
        """The median interval of beats that are on time, or of all own ones at first; None if too few."""
        known = self._on_time if len(self._on_time) >= FEWEST else self._own
        return median(known) if len(known) >= FEWEST else None


def _spread(intervals):
    """The difference of the 80 % and 20 % quantiles of the logarithms, or None if there are too few."""
    if len(intervals) < SETTLED:
        return None
    ordered = sorted(intervals)
    return math.log(ordered[int(0.8 * len(ordered))] / ordered[int(0.2 * len(ordered))])
