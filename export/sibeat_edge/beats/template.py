"""The wearer's template: the wearer's own normal beats, learnt from the first ones and kept up to date."""

from collections import deque

import numpy as np

from sibeat_edge.beats.rhythm import LONGEST

WARM_UP = 60  # beats fit to be scored, before there is a template
MEMORY = 32  # beats like the template that it remembers, the latest most
BOUND = 0.1  # of the template's height: how far from it a beat's tick counts at most
ALIKE = 0.95  # correlation from which a beat is like the template
SIMILAR = 0.9  # correlation from which two beats of the warm-up are of one kind
KIND = 0.4  # share of the warm-up's beats that the template's kind must have
RIVAL = 0.25  # share from which another kind of the warm-up may be the normal one, and
FEW = 0.1  # share from which, as its beats are not premature, it casts doubt on the more frequent one
LATER = 1.1  # times the RR before: the normal kind of two is the one that is not premature
PROLONGED = 15  # beats that a warm-up which found no template goes on for
PATIENCE = 300  # beats of a warm-up after which a kind of the share ``RIVAL`` is enough
UNLIKE = 120  # beats unlike any template, after which a frequent kind of them may become one

NOISE, ABNORMAL = "fewer than two beats in five alike", "most beats premature"


class WearerTemplate:
    """Robust running means of the wearer's normal beats, immune to abnormal ones and to noise.

    The first ``WARM_UP`` beats are sorted by their likeness; the largest kind gives the template, or another
    large kind whose RR intervals are longer, as frequent extrasystoles are premature. Where no kind is large
    enough, or a rarer one's intervals are longer, the warm-up goes on; after ``PATIENCE`` beats a smaller
    kind is enough, and a rare one counts no more.

    Later only beats like the template renew it. Of every ``UNLIKE`` beats that are unlike it a kind that is
    frequent, and not premature, becomes a template of its own: a bundle that conducts now and then, a lead
    turned over, a wearer who moved. There are two at most; a third takes the place of the one that was longer
    out of use.

    Attributes:
        trouble: why the warm-up has to go on (``NOISE`` or ``ABNORMAL``), or an empty text.
        trouble_before: why it last had to.
        added: how many templates came after the first.
    """

    def __init__(self):
        self.trouble, self.trouble_before, self.added = "", "", 0
        self._kinds = []  # the one in use last is the first
        self._others = deque(maxlen=WARM_UP)  # the latest beats of no kind, or of the warm-up, with their RR
        self._count, self._unlike, self._since = 0, 0, 0  # beats; those of no kind since the beat ``_since``

    @property
    def beats(self):
        """The templates ``(length, leads)``, mV, none to two of them, the one in use last first."""
        return tuple(kind.middle for kind in self._kinds)

    @property
    def beat(self):
        """The template in use last, or None in the warm-up."""
        return self._kinds[0].middle if self._kinds else None

    @property
    def waiting(self):
        """Number of beats that a template could be made of now."""
        return len(self._others)

    def nearest(self, window):
        """The template ``(length, leads)`` that a beat is most like, or None in the warm-up."""
        if len(self._kinds) < 2:
            return self.beat
        return max(self._kinds, key=lambda kind: likeness(window, kind.middle)).middle

    def push(self, window, rr):
        """Learn from a beat fit to be scored.

        Args:
            window: filtered ``(length, leads)``, mV.
            rr: s since the beat before, or NaN; what is longer than ``rhythm.LONGEST`` counts as that.
        """
        self._count += 1
        rr = np.minimum(rr, LONGEST)
        alike = [likeness(window, kind.middle) for kind in self._kinds]
        if alike and max(alike) >= ALIKE:
            kind = self._kinds.pop(int(np.argmax(alike)))
            kind.push(window, rr)
            self._kinds.insert(0, kind)
            return
        self._others.append((window, rr))
        if not self._kinds:
            if len(self._others) == WARM_UP:
                self.settle()
            return
        self._unlike += 1
        if self._unlike == UNLIKE:
            self._add()
            self._unlike, self._since = 0, self._count

    def settle(self):
        """Make the template of the warm-up's beats so far, or find out why there can be none yet."""
        windows, intervals = (np.array(part) for part in zip(*self._others, strict=True))
        least = KIND if self._count < PATIENCE else RIVAL
        found, self.trouble = normal_kind(windows, intervals, least)
        if self.trouble:
            self.trouble_before = self.trouble
            for _ in range(min(PROLONGED, len(self._others))):
                self._others.popleft()
        else:
            self._kinds = [_Kind(windows[found], intervals[found])]
            self._others.clear()
            self._since = self._count

    def _add(self):
        """Make a template of the largest kind of the latest beats unlike any, if that may be a normal one."""
        windows, intervals = (np.array(part) for part in zip(*self._others, strict=True))
        found = kinds_of(windows)
        usual = min(kind.rr for kind in self._kinds)
        for kind in found:
            is_frequent = len(kind) * UNLIKE >= RIVAL * len(windows) * (self._count - self._since)
            if is_frequent and LATER * _median(intervals[kind]) >= usual:
                self._kinds = [_Kind(windows[kind], intervals[kind]), *self._kinds[:1]]
                self._others.clear()
                self.added += 1
                return


class _Kind:
    """A template and the usual RR interval of its beats.

    It begins as a median. Each beat then moves it by a ``MEMORY``-th of its distance, which counts no further
    than ``BOUND``: Huber's estimate of location, beat by beat, in the memory of one beat.
    """

    def __init__(self, windows, intervals):
        self.middle, self.rr = np.median(windows, axis=0), _median(intervals)

    def push(self, window, rr):
        bound = BOUND * (self.middle.max(axis=0) - self.middle.min(axis=0))
        step = np.minimum(np.maximum(window - self.middle, -bound), bound)
        self.middle = self.middle + step / MEMORY
        if np.isfinite(rr):
            self.rr += (rr - self.rr) / MEMORY if self.rr else rr


def normal_kind(windows, intervals, least=KIND):
    """Which of the warm-up's beats are the wearer's normal ones.

    Args:
        windows: ``(beats, length, leads)``.
        intervals: RR before each ``(beats,)``, s, or NaN.
        least: share of the beats that must be of their kind.

    Returns their numbers, and why they cannot be told (``NOISE``, ``ABNORMAL``), or an empty text.
    """
    kinds = [kind for kind in kinds_of(windows) if len(kind) >= FEW * len(windows)]
    large = sum(len(kind) >= RIVAL * len(windows) for kind in kinds)
    if not large:
        return np.arange(0), NOISE
    usual = [_median(intervals[kind]) for kind in kinds]
    chosen = 0
    for number in range(1, len(kinds) if least > RIVAL else large):
        if usual[number] > LATER * usual[chosen]:
            chosen = number
    if chosen >= large or len(kinds[chosen]) < least * len(windows):
        return kinds[chosen], ABNORMAL if chosen else NOISE
    return kinds[chosen], ""


def kinds_of(windows):
    """Numbers of the ``windows`` (beats, length, leads) alike among themselves, kind by kind, largest first.

    A kind is a beat and all that are like it; the beat with the most is taken first.
    """
    directions = _directions(windows)
    similar = directions @ directions.T >= SIMILAR
    kinds, left = [], np.ones(len(windows), bool)
    while left.any():
        centre = np.argmax(np.where(left, (similar & left).sum(axis=1), -1))
        kinds.append(np.union1d(np.flatnonzero(similar[centre] & left), centre))
        left[kinds[-1]] = False
    return kinds


def _median(intervals):
    """Of the known ones; 0 where none is."""
    known = intervals[np.isfinite(intervals)]
    return np.median(known) if len(known) else 0.0


def likeness(window, template):
    """Correlation of two beats ``(length, leads)``, each lead without its mean; 0 where one is flat."""
    first, second = (x - np.add.reduce(x, axis=0) / len(x) for x in (window, template))
    size = np.sqrt(np.vdot(first, first) * np.vdot(second, second))
    return float(np.vdot(first, second) / size) if size > 0 else 0.0


def _directions(windows):
    """Windows ``(beats, length, leads)``, each lead without its mean, as unit vectors; 0 where flat."""
    flat = (windows - windows.mean(axis=1, keepdims=True)).reshape(len(windows), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
