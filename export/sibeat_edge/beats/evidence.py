"""Whether a beat above the threshold is to be believed, by what surrounds it and by others of its kind.

An electrode that moves makes a score as high as an extrasystole does. What tells them apart is not in the
beat. Noise disturbs the beats around it as well, adds beats where there is no time for them, and hardly ever
makes the same shape again. An ectopic focus does, and the beats around are the wearer's own.

The limits were chosen on DS1 and on the training and validation records of SVDB, by how many alarms of
ventricular beats each of them costs, and how many it spares on people who move and in sinus rhythm.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np

from sibeat_edge.beats.alignment import moving_sum
from sibeat_edge.beats.windows import BEFORE

BACK = 2  # beats before that surround a beat; one behind it does, too
CLEAN = 10.0  # dB: median likeness that the beats around must have to their kinds
CLEANER = 12.0  # dB that they must have around a beat that is like none of its own
ODD = 8.0  # dB of likeness below which a beat is like none of its own
AWAY = 0.5  # distance from the template outside of the QRS, in half its height, that the beats around keep
CROWDED = 0.7  # RR intervals more than there is time for, from which a beat has been found between two others
REACH = 6  # beats before among which the last one below the threshold is looked for
HISTORY = 20  # RR intervals whose median is the usual one
FEWEST = 4  # known ones among them without which there is none
SAME_QRS = 0.95  # correlation with the template's QRS from which only the beat's time can be abnormal
PREMATURE = 0.12  # share of the usual RR interval by which such a beat has to be early
ALIKE = 0.9  # correlation from which two beats are of one kind
ENOUGH = 2  # believed beats of a kind from which the kind is believed in noise, too
KINDS = 8  # kinds kept at most
MEMORY = 8  # beats over which a kind's running mean forgets
HALF_LIFE = 300  # beats above the threshold after which a kind counts half, when one has to go
# Samples at 360 Hz before the R-peak, and from it on.
QRS = (25, 35)
KIND = (40, 80)
INSIDE = (30, 40)  # left out where the rest of a window is compared
SHIFT = 30  # samples by which a QRS may be displaced
SLOW, SLOWER = 54, 108  # samples (150 and 300 ms) of the moving averages that take swings away


@dataclass(frozen=True, slots=True)
class Seen:
    """A beat as ``Evidence`` sees it.

    Attributes:
        time: of the R-peak, s.
        rr: s since the R-peak before, or None if the signal in between is not known throughout.
        likeness: to the kinds of beats before it in dB, as ``Aligner`` measures it; None if not known.
        view: ``beside(window, template)``, ``(length, 2 · leads)``; None for a beat that is not scored.
        is_over: whether its score lies above the threshold.

    >>> Seen(12.5, 0.8, 18.0, None, is_over=False).is_over
    False
    """

    time: float
    rr: float | None
    likeness: float | None
    view: np.ndarray | None
    is_over: bool


@dataclass(slots=True)
class _Kind:
    """Believed beats of one shape: their running mean, their number, and the number of the last one."""

    mean: np.ndarray
    count: int
    last: int


class Evidence:
    """Judges the beats of a stream that lie above the threshold, in order of time.

    A beat is believed if the beats around it, two before and one behind, are clean, and it is not crowded in
    between them. Then it is remembered as one of its kind. A beat of a kind with ``ENOUGH`` such beats is
    believed in noise, too. A beat whose QRS is the template's is believed only if it is premature, too: the
    rest is an electrode's swing.

    The first lead is judged. At most ``KINDS`` shapes of 120 samples are kept.

    Args:
        centre: place of the R-peak in a window.

    >>> evidence, template = Evidence(), np.exp(-np.square(np.arange(-140, 180) / 8.0))
    >>> own = np.stack([template, template], axis=1)
    >>> ectopic = np.stack([-np.roll(template, 9), template], axis=1)
    >>> beats = [Seen(0.8 * n, 0.8, 20.0, own, False) for n in range(6)]
    >>> beats += [Seen(4.5, 0.5, 10.0, ectopic, True), Seen(5.6, 1.1, 20.0, own, False)]
    >>> [verdict for beat in beats for verdict in evidence.push(beat)]
    [False, False, False, False, False, False, True, False]
    """

    def __init__(self, centre: int = BEFORE) -> None:
        self._centre = centre
        self._beats: deque[Seen] = deque()  # the newest, as far back as the first that waits needs them
        self._outside: deque[float | None] = deque()  # distance from the template of each, outside of the QRS
        self._waiting = 0  # how many of the newest have no verdict
        self._kinds: list[_Kind] = []
        self._overs = 0  # beats above the threshold so far

    def push(self, beat: Seen) -> list[bool]:
        """Verdicts that ``beat`` makes certain, in order of time: whether a beat is to be believed.

        A beat above the threshold waits for the next one. Those below it are not to be believed.
        """
        self._beats.append(beat)
        self._outside.append(None if beat.view is None else self._distance(beat.view))
        self._waiting += 1
        return self._release(at_end=False)

    def finish(self) -> list[bool]:
        """Verdicts on the beats that wait, as no beat follows soon."""
        return self._release(at_end=True)

    def _release(self, at_end):
        verdicts = []
        while self._waiting:
            number = len(self._beats) - self._waiting
            is_over = self._beats[number].is_over
            if is_over and self._waiting == 1 and not at_end:
                break
            verdicts.append(is_over and self._believe(number))
            self._waiting -= 1
        while len(self._beats) - self._waiting > HISTORY:
            self._beats.popleft()
            self._outside.popleft()
        return verdicts

    def _believe(self, number):
        self._overs += 1
        beat, usual = self._beats[number], self._usual(number)
        is_clean = self._is_clean(number) and not self._is_crowded(number, usual)
        lead, template = first_lead(beat.view)
        if qrs_likeness(lead, template, self._centre) >= SAME_QRS:
            return is_clean and beat.rr is not None and beat.rr < (1 - PREMATURE) * usual
        shape = part(without_swings(lead, SLOWER), self._centre, *KIND)
        kind = self._kind(shape / max(np.linalg.norm(shape), 1e-9), is_clean)
        return is_clean or (kind is not None and kind.count >= ENOUGH)

    def _around(self, number):
        """The numbers of the beats that surround one."""
        near = range(max(0, number - BACK), min(len(self._beats), number + 2))
        return [other for other in near if other != number]

    def _is_clean(self, number):
        """Whether the beats around are the wearer's own, the cleaner the odder the beat."""
        around = self._around(number)
        known = [self._beats[n].likeness for n in around if self._beats[n].likeness is not None]
        away = [self._outside[n] for n in around if self._outside[n] is not None]
        own = self._beats[number].likeness
        needed = CLEANER if own is not None and own < ODD else CLEAN
        return bool(known and away and median(known) >= needed and median(away) < AWAY)

    def _usual(self, number):
        """The median of the RR intervals before a beat, or NaN if too few are known."""
        before = islice(self._beats, max(0, number - HISTORY), number)
        known = [beat.rr for beat in before if beat.rr is not None]
        return median(known) if len(known) >= FEWEST else np.nan

    def _is_crowded(self, number, usual):
        """Whether a beat has no time between the last and the next one that are below the threshold."""
        before, follows = self._own_before(number), self._is_own(number + 1)
        if before is None or not follows or self._beats[number + 1].rr is None or np.isnan(usual):
            return False
        passed = self._beats[number + 1].time - self._beats[before].time
        return bool(number + 1 - before - passed / usual >= CROWDED)

    def _own_before(self, number):
        """The last beat of a score below the threshold before one, with no gap between them; or None."""
        for before in range(number - 1, max(-1, number - 1 - REACH), -1):
            if self._beats[before + 1].rr is None:
                return None
            if self._is_own(before):
                return before
        return None

    def _is_own(self, number):
        """Whether there is a beat of this number that has a score, below the threshold."""
        is_there = 0 <= number < len(self._beats)
        return is_there and self._beats[number].view is not None and not self._beats[number].is_over

    def _distance(self, view):
        """Standard deviation of a beat's difference from the template, outside of the QRS."""
        lead, template = first_lead(view)
        apart = (lead - template).astype(np.float64)
        before, after = max(0, self._centre - INSIDE[0]), self._centre + INSIDE[1]
        outside = np.concatenate([apart[:before], apart[after:]])
        if not len(outside):
            return 0.0
        mean = np.add.reduce(outside) / len(outside)
        return max(0.0, outside @ outside / len(outside) - mean * mean) ** 0.5

    def _kind(self, shape, is_clean):
        """The kind that a beat is of, or None; a clean beat is remembered, if need be as a new one."""
        alike = [shape @ kind.mean / max(np.linalg.norm(kind.mean), 1e-9) for kind in self._kinds]
        best = int(np.argmax(alike)) if alike else None
        kind = self._kinds[best] if best is not None and alike[best] >= ALIKE else None
        if not is_clean:
            return kind
        if kind is None:
            if len(self._kinds) == KINDS:
                ages = [kind.count * 0.5 ** ((self._overs - kind.last) / HALF_LIFE) for kind in self._kinds]
                del self._kinds[int(np.argmin(ages))]
            kind = _Kind(shape, 0, self._overs)
            self._kinds.append(kind)
        kind.mean = kind.mean + (shape - kind.mean) / MEMORY
        kind.count, kind.last = kind.count + 1, self._overs
        return kind


def qrs_likeness(lead: np.ndarray, template: np.ndarray, centre: int = BEFORE) -> float:
    """The highest correlation of a template's QRS with a lead, within ``SHIFT`` samples of its place.

    Both go without what a moving average of 150 ms keeps, so that an electrode's swing changes little. 0 if
    the template's QRS is flat.

    Args:
        lead, template: one lead each, ``(length,)``, on one scale.
        centre: place of the R-peak.
    """
    lead, template = (without_swings(whole, SLOW) for whole in (lead, template))
    qrs = part(template, centre, *QRS)
    around = part(lead, centre, QRS[0] + SHIFT, QRS[1] + SHIFT)
    sizes = np.sqrt(moving_sum(np.square(around), len(qrs)) * (qrs @ qrs))
    return float((np.correlate(around, qrs, "valid") / np.maximum(sizes, 1e-9)).max())


def without_swings(lead: np.ndarray, width: int) -> np.ndarray:
    """A lead ``(length,)`` without its moving average of ``width`` samples; its ends go on as they are."""
    lead = np.asarray(lead, np.float64)
    before, after = np.full(width // 2, lead[0]), np.full(width - 1 - width // 2, lead[-1])
    return lead - moving_sum(np.concatenate([before, lead, after]), width) / width


def first_lead(view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first lead of a beat and of its template."""
    return view[:, 0], view[:, view.shape[1] // 2]


def part(lead: np.ndarray, centre: int, before: int, after: int) -> np.ndarray:
    """The samples of a lead from ``before`` the R-peak at ``centre`` to ``after`` it."""
    return lead[max(0, centre - before) : centre + after]
