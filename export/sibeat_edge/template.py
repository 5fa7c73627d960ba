"""The wearer's template: the wearer's own normal beat, learnt from the first beats and kept up to date."""

from collections import deque

import numpy as np

WARM_UP = 60  # beats fit to be scored, before there is a template
KEPT = 64  # latest beats like the template, whose median it is
RENEWED = 16  # such beats after which the median is taken anew
ALIKE = 0.95  # correlation from which a beat is like the template
SIMILAR = 0.9  # correlation from which two beats of the warm-up are of one kind
KIND = 0.4  # share of the warm-up's beats that the template's kind must have
RIVAL = 0.25  # share from which another kind of the warm-up may be the normal one
LATER = 1.1  # times the RR before: the normal kind of two is the one that is not premature
PROLONGED = 15  # beats that a warm-up which found no template goes on for
UNLIKE = 120  # beats in a row unlike the template, after which they are the wearer's new beat

NOISE, ABNORMAL = "fewer than two beats in five alike", "most beats premature"


class WearerTemplate:
    """A running median of the wearer's beats, immune to abnormal ones and to noise.

    The first ``WARM_UP`` beats are sorted by their likeness; the largest kind gives the template, or another
    large kind whose RR intervals are longer, as frequent extrasystoles are premature. Where no kind is large
    enough the warm-up goes on. Later only beats like the template renew it, so a run of abnormal beats leaves
    it as it is, unless the run has ``UNLIKE`` beats of which the warm-up's rule makes a template: a lead
    turned over, a wearer who moved, a bundle that ceased to conduct.

    Attributes:
        beat: the template ``(length, leads)`` in mV, or None in the warm-up.
        trouble: why the warm-up has to go on (``NOISE`` or ``ABNORMAL``), or an empty text.
        trouble_before: why it last had to.
        replaced: how often beats unlike the template have taken its place.
    """

    def __init__(self):
        self.beat, self.trouble, self.trouble_before, self.replaced = None, "", "", 0
        self._first, self._kept, self._unlike, self._fresh = [], deque(maxlen=KEPT), [], 0

    def push(self, window, rr):
        """Learn from a beat fit to be scored.

        Args:
            window: filtered ``(length, leads)``, mV.
            rr: s since the beat before, or NaN.
        """
        if self.beat is None:
            self._first.append((window, rr))
            if len(self._first) == WARM_UP:
                self.settle()
        elif likeness(window, self.beat) >= ALIKE:
            self._kept.append(window)
            self._unlike.clear()
            self._fresh += 1
            if self._fresh == RENEWED:
                self._renew()
        else:
            self._unlike.append((window, rr))
            if len(self._unlike) == UNLIKE:
                self._replace()

    def settle(self):
        """Make the template of the warm-up's beats so far, or find out why there can be none yet."""
        normal, self.trouble = _normal(self._first)
        if self.trouble:
            self.trouble_before = self.trouble
            del self._first[:PROLONGED]
        else:
            self._first.clear()
            self._kept.extend(normal)
            self._renew()

    def _renew(self):
        self.beat, self._fresh = np.median(self._kept, axis=0), 0

    def _replace(self):
        """The beats in a row that are unlike the template give a new one, where enough are of one kind."""
        normal, trouble = _normal(self._unlike)
        self._unlike.clear()
        if not trouble:
            self._kept.clear()
            self._kept.extend(normal)
            self.replaced += 1
            self._renew()


def _normal(beats):
    """The normal ones among pairs of window and RR, and what ``normal_kind`` says of them."""
    windows, intervals = (np.array(part) for part in zip(*beats, strict=True))
    kind, trouble = normal_kind(windows, intervals)
    return windows[kind], trouble


def normal_kind(windows, intervals):
    """Which of the warm-up's beats are the wearer's normal ones.

    Args:
        windows: ``(beats, length, leads)``.
        intervals: RR before each ``(beats,)``, s, or NaN.

    Returns their numbers, and why they cannot be told (``NOISE``, ``ABNORMAL``), or an empty text.
    """
    directions = _directions(windows)
    similar = directions @ directions.T >= SIMILAR
    kinds, left = [], np.ones(len(windows), bool)
    while left.any():
        centre = np.argmax((similar & left).sum(axis=1) * left)
        kind = np.flatnonzero(similar[centre] & left)
        if len(kind) < RIVAL * len(windows):
            break
        kinds.append(kind)
        left[kind] = False
    if not kinds:
        return np.arange(0), NOISE
    usual = [_median(intervals[kind]) for kind in kinds]
    chosen = 0
    for number in range(1, len(kinds)):
        if usual[number] > LATER * usual[chosen]:
            chosen = number
    if len(kinds[chosen]) < KIND * len(windows):
        return kinds[chosen], ABNORMAL if chosen else NOISE
    return kinds[chosen], ""


def _median(intervals):
    """Of the known ones; 0 where none is."""
    known = intervals[np.isfinite(intervals)]
    return np.median(known) if len(known) else 0.0


def likeness(window, template):
    """Correlation of two beats ``(length, leads)``, each lead without its mean; 0 where one is flat."""
    first, second = _directions(np.stack([window, template]))
    return float(first @ second)


def _directions(windows):
    """Windows ``(beats, length, leads)``, each lead without its mean, as unit vectors; 0 where flat."""
    flat = (windows - windows.mean(axis=1, keepdims=True)).reshape(len(windows), -1)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
