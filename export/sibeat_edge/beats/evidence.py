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
from typing import NamedTuple

import numpy as np

from sibeat_edge.beats.form import Form, forms
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


class Seen(NamedTuple):
    """A beat as ``Evidence`` sees it.

    Attributes:
        time: of the R-peak, s.
        rr: s since the R-peak before, or None if the signal in between is not known throughout.
        likeness: to the kinds of beats before it in dB, as ``Aligner`` measures it; None if not known.
        view: ``beside(window, template)``, ``(length, 2 · leads)``; None for a beat that is not scored.
        is_over: whether its score lies above the threshold.
        form: of the view, where it is known already, as ``forms`` of many views at once costs less.

    >>> Seen(12.5, 0.8, 18.0, None, is_over=False).is_over
    False
    """

    time: float
    rr: float | None
    likeness: float | None
    view: np.ndarray | None
    is_over: bool
    form: Form | None = None

    def with_form(self, centre: int) -> "Seen":
        """The beat with the form of its view, if it has one; the R-peak's place in the view is ``centre``."""
        if self.form is not None or self.view is None:
            return self
        return self._replace(form=forms(self.view[None], centre)[0])


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
        self._waiting = 0  # how many of the newest have no verdict
        self._kinds: list[_Kind] = []
        self._overs = 0  # beats above the threshold so far

    def push(self, beat: Seen) -> list[bool]:
        """Verdicts that ``beat`` makes certain, in order of time: whether a beat is to be believed.

        A beat above the threshold waits for the next one. Those below it are not to be believed.
        """
        self._beats.append(beat.with_form(self._centre))
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
        return verdicts

    def _believe(self, number):
        self._overs += 1
        beat, usual = self._beats[number], self._usual(number)
        is_clean = self._is_clean(number) and not self._is_crowded(number, usual)
        if beat.form.likeness >= SAME_QRS:
            return is_clean and beat.rr is not None and beat.rr < (1 - PREMATURE) * usual
        shape = beat.form.shape
        kind = self._kind(shape / max(np.linalg.norm(shape), 1e-9), is_clean)
        return is_clean or (kind is not None and kind.count >= ENOUGH)

    def _around(self, number):
        """The numbers of the beats that surround one."""
        near = range(max(0, number - BACK), min(len(self._beats), number + 2))
        return [other for other in near if other != number]

    def _is_clean(self, number):
        """Whether the beats around are the wearer's own, the cleaner the odder the beat."""
        around = [self._beats[n] for n in self._around(number)]
        known = [beat.likeness for beat in around if beat.likeness is not None]
        away = [beat.form.outside for beat in around if beat.form is not None]
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
