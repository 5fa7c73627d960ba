"""The wearer's template: a running mean of the wearer's own normal beats, learnt in a warm-up."""

from collections import deque

import numpy as np

from sibeat_edge.beats.alignment import core_ticks
from sibeat_edge.beats.rhythm import LONGEST
from sibeat_edge.beats.windows import BEFORE

WARM_UP = 60  # beats fit to be scored that the warm-up needs
MEMORY = 32  # beats over which the template's running mean forgets
BOUND = 0.1  # share of the template's height: the most by which a beat's sample counts as different
ALIKE = 0.9  # correlation from which a beat is like the template
SIMILAR = 0.8  # correlation from which two beats of the warm-up are of one kind
KIND = 0.4  # share of the warm-up's beats that the template's kind needs
RIVAL = 0.25  # share from which another kind of the warm-up may be the normal one
FEW = 0.1  # share from which another kind casts doubt on a more frequent one that is premature
LATER = 1.1  # ratio of mean RR intervals from which the kind with the longer ones is the normal one
PROLONGED = 15  # more beats that the warm-up takes where it found no template
PATIENCE = 300  # beats of a warm-up after which the share ``RIVAL`` is enough for a template
GAIN = 1.5  # ratio of sizes from which a beat says that the amplifier's gain has changed
LOG_GAIN = np.log(GAIN)
_LEAST_GAIN, _MOST_GAIN = 1.01 / GAIN, 0.99 * GAIN  # between which it has not, whatever the rounding
STEADY = 10  # beats in a row that must say so
UNLIKE = 120  # beats unlike any template, after which a frequent kind of them may become a template

NOISE, ABNORMAL = "fewer than two in five beats look alike", "most beats are premature"


class WearerTemplate:
    """Robust running means of the wearer's normal beats, which abnormal beats and noise do not move.

    The warm-up sorts the first ``WARM_UP`` beats into kinds by their likeness. The largest kind gives the
    template. If another large kind has longer RR intervals, that kind does, as frequent extrasystoles are
    premature. The warm-up goes on if no kind is large enough, or if a rare kind has longer intervals. After
    ``PATIENCE`` beats a smaller kind is enough, and rare kinds no longer count.

    After the warm-up only beats like the template renew it. Among every ``UNLIKE`` beats unlike it, a kind
    that is frequent and not premature becomes a second template. This happens if a bundle branch conducts
    only at times, a lead is turned over, or the wearer has moved. There are at most two templates; a third
    replaces the one that has been out of use for longer.

    Likeness is that of the beats' cores. The rest of a window holds the beats before and after, whose places
    change with the heart rate, in atrial fibrillation from beat to beat.

    Args:
        centre: place of the R-peak in a window.

    Attributes:
        trouble: why the warm-up has to go on (``NOISE`` or ``ABNORMAL``), or an empty text.
        trouble_before: the last such reason, kept after the warm-up has ended.
        added: how many templates came after the first.

    >>> template = WearerTemplate()
    >>> shape = np.hanning(320)[:, None]
    >>> for _ in range(WARM_UP):
    ...     template.push(shape, rr=0.8)
    >>> template.beat.shape, template.trouble
    ((320, 1), '')
    """

    def __init__(self, centre: int = BEFORE) -> None:
        self._core = slice(*core_ticks(centre))
        self.trouble, self.trouble_before, self.added = "", "", 0
        self._kinds: list[_Kind] = []  # the one in use last comes first
        # The latest beats of no kind, or of the warm-up, with their RR intervals.
        self._others: deque[tuple[np.ndarray, float]] = deque(maxlen=WARM_UP)
        self._count, self._unlike, self._since = 0, 0, 0  # beats; those of no kind since the beat ``_since``

    @property
    def beats(self) -> tuple[np.ndarray, ...]:
        """The templates ``(length, leads)``, mV, none to two of them; the one in use last comes first."""
        return tuple(kind.middle for kind in self._kinds)

    @property
    def beat(self) -> np.ndarray | None:
        """The template in use last, or None in the warm-up."""
        return self._kinds[0].middle if self._kinds else None

    @property
    def waiting(self) -> int:
        """Number of beats that a template could be made of now."""
        return len(self._others)

    def nearest(self, window: np.ndarray) -> np.ndarray | None:
        """The template ``(length, leads)`` that a beat is most like, or None in the warm-up."""
        if len(self._kinds) < 2:
            return self.beat
        return self._kinds[int(np.argmax(self._alike(window)))].middle

    def push(self, window: np.ndarray, rr: float) -> None:
        """Learn from a beat fit to be scored.

        Args:
            window: filtered ``(length, leads)``, mV.
            rr: s since the beat before, or NaN; limited to ``rhythm.LONGEST``.
        """
        self._count += 1
        rr = LONGEST if rr > LONGEST else rr  # and not the lesser of both, which NaN would be lost in
        alike = self._alike(window)
        if alike and max(alike) >= ALIKE:
            kind = self._kinds.pop(alike.index(max(alike)))
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

    def _alike(self, window):
        if not self._kinds:
            return []
        core = _without_mean(window[self._core])
        return [_likeness(core, _without_mean(kind.middle[self._core])) for kind in self._kinds]

    def settle(self) -> None:
        """Make the template from the warm-up's beats so far, or set ``trouble`` to why there can be none."""
        windows, intervals = (np.array(part) for part in zip(*self._others, strict=True))
        least = KIND if self._count < PATIENCE else RIVAL
        found, self.trouble = normal_kind(windows[:, self._core], intervals, least)
        if self.trouble:
            self.trouble_before = self.trouble
            for _ in range(min(PROLONGED, len(self._others))):
                self._others.popleft()
        else:
            self._kinds = [_Kind(windows[found], intervals[found])]
            self._others.clear()
            self._since = self._count

    def _add(self):
        """Make a template from the largest kind among the beats unlike any, if it may be a normal one."""
        windows, intervals = (np.array(part) for part in zip(*self._others, strict=True))
        found = kinds_of(windows[:, self._core])
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

    It begins as a median. Each beat then moves it by a ``MEMORY``-th of its distance, limited to ``BOUND``.
    This is Huber's estimate of location, computed beat by beat. Where ``STEADY`` beats in a row are larger by
    the factor ``GAIN``, or all smaller, it takes their size at once.
    """

    def __init__(self, windows: np.ndarray, intervals: np.ndarray) -> None:
        self.middle, self.rr = np.median(windows, axis=0), _median(intervals)
        self._steady, self._gain = 0, 0.0  # beats in a row of another size, and the sum of their logarithms

    def push(self, window, rr):
        self._follow_gain(window)
        bound = BOUND * (np.maximum.reduce(self.middle, axis=0) - np.minimum.reduce(self.middle, axis=0))
        step = window - self.middle
        np.minimum(np.maximum(step, -bound, out=step), bound, out=step)
        step /= MEMORY
        step += self.middle
        self.middle = step  # a new array, as views hold the one before
        if rr == rr:
            self.rr += (rr - self.rr) / MEMORY if self.rr else rr

    def _follow_gain(self, window):
        size, common = np.vdot(self.middle, self.middle), np.vdot(window, self.middle)
        if _LEAST_GAIN * size < common < _MOST_GAIN * size:
            self._steady, self._gain = 0, 0.0
            return
        gain = np.log(max(common / size, 1e-6)) if size > 0 else 0.0
        if abs(gain) < LOG_GAIN or gain * self._gain < 0:
            self._steady, self._gain = 0, 0.0
        if abs(gain) >= LOG_GAIN:
            self._steady, self._gain = self._steady + 1, self._gain + gain
        if self._steady == STEADY:
            self.middle = self.middle * np.exp(self._gain / STEADY)
            self._steady, self._gain = 0, 0.0


def normal_kind(windows: np.ndarray, intervals: np.ndarray, least: float = KIND) -> tuple[np.ndarray, str]:
    """Which of the warm-up's beats are the wearer's normal ones.

    Args:
        windows: ``(beats, length, leads)``.
        intervals: RR interval before each beat ``(beats,)``, s, or NaN.
        least: share of the beats that their kind must have.

    Returns:
        Their numbers, and why they cannot be told (``NOISE`` or ``ABNORMAL``), or an empty text.
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


def kinds_of(windows: np.ndarray) -> list[np.ndarray]:
    """The numbers of the beats of each kind; the largest kind comes first.

    A kind is a beat and all beats similar to it. The beat with most similar ones is taken first.

    Args:
        windows: ``(beats, length, leads)``.
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
    """The median of the known intervals, or 0 where none is known."""
    known = intervals[np.isfinite(intervals)]
    return np.median(known) if len(known) else 0.0


def likeness(window: np.ndarray, template: np.ndarray) -> float:
    """Correlation of two beats ``(length, leads)``, each lead without its mean; 0 if either is flat."""
    return _likeness(_without_mean(window), _without_mean(template))


def _likeness(first, second):
    size = np.sqrt(np.vdot(first, first) * np.vdot(second, second))
    return float(np.vdot(first, second) / size) if size > 0 else 0.0


def _without_mean(beat):
    return beat - np.add.reduce(beat, axis=0) / len(beat)


def _directions(windows):
    """Windows ``(beats, length, leads)``, each lead without its mean, as unit vectors; 0 if flat."""
    flat = (windows - windows.mean(axis=1, keepdims=True)).reshape(len(windows), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
