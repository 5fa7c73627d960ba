"""A beat as its wearer's model sees it: beside the wearer's own template and rhythm, beat by beat."""

from collections import deque

import numpy as np

from sibeat_edge.beats.rhythm import HISTORY, LONGEST, rhythm
from sibeat_edge.beats.template import WARM_UP, WearerTemplate
from sibeat_edge.beats.windows import beside

FEWEST = 20  # beats fit to be scored that make a template where the stream ends in its warm-up
HELD = 2 * WARM_UP  # beats of a warm-up that wait for its end; older ones get no view


class Wearer:
    """Puts each beat of a stream beside what the wearer's beats are like.

    A beat's view is certain after the next beat, and the views of the warm-up's beats at its end: all of
    them see the first template. Of two templates a beat sees the one that it is more like. A gap in the
    signal, or a clock that jumps, leaves template and rhythm as they are.

    Args:
        waits: whether a beat waits for the next one, for the RR interval after it.

    Attributes:
        template: the ``WearerTemplate``.
    """

    def __init__(self, waits=True):
        self.template, self._waits = WearerTemplate(), waits
        self._held = deque()  # windows of the beats without a view yet
        self._intervals = []  # the newest, as far back as the oldest beat held needs them
        self._previous = None  # time of the beat before, if that was fit to be scored

    def push(self, time, window, follows=True):
        """Views of the beats that this one makes certain, in order of time.

        Args:
            time: of the R-peak, s.
            window: filtered ``(length, leads)`` in mV, or None where it is not fit to be scored. An RR
                interval is known between two beats that are.
            follows: False where the signal between the beat before and this one had a gap, in which a beat
                may have been: the interval is not known, either.

        A view is a pair, ``beside(window, template)`` and the ``rhythm`` features, or None: of a beat without
        a window, or from a warm-up that found no template for too long.
        """
        known = follows and window is not None and self._previous is not None
        interval = time - self._previous if known else np.nan
        self._previous = None if window is None else time
        self._intervals.append(interval)
        if window is not None:
            window = np.asarray(window, np.float32)
            self.template.push(window, interval)
        self._held.append(window)
        return self._release(HELD if self.template.beat is None else int(self._waits))

    def pause(self, follows=True):
        """Views, once ``rhythm.LONGEST`` seconds have gone by without a beat: the newest one waits no longer.

        It is the view that the next beat would give, however late it comes; ``follows`` is as for ``push``.
        """
        if self.template.beat is None or not self._held:
            return []
        return self._release(0, LONGEST if follows else np.nan)

    def interrupt(self):
        """Views of the beats that wait for the next: the signal breaks off, and what comes next does not
        follow in time. Those of a warm-up wait on, for its end.
        """
        self._previous = None
        return [] if self.template.beat is None else self._release(0)

    def finish(self):
        """Views of all beats that are left: nothing comes next."""
        if self.template.beat is None and self.template.waiting >= FEWEST:
            self.template.settle()
        self._previous = None
        return self._release(0)

    def _release(self, waiting, after_newest=np.nan):
        views = []
        while len(self._held) > waiting:
            views.append(self._view(len(self._intervals) - len(self._held), after_newest))
            self._held.popleft()
        del self._intervals[: max(0, len(self._intervals) - len(self._held) - HISTORY - 3)]
        return views

    def _view(self, number, after_newest):
        """Of the oldest beat held, whose RR interval has this number among those kept; the one after the
        newest beat is given.
        """
        if self._held[0] is None or self.template.beat is None:
            return None
        unknown = [np.nan] * 3
        recent = [*unknown, *self._intervals[: number + 1]][-3:]
        earlier = max(0, number - 2 - HISTORY)  # in the warm-up the first intervals, also those that follow
        history = self._intervals[earlier : earlier + HISTORY]
        after = [*self._intervals[number + 1 :], after_newest][0] if self._waits else np.nan
        return beside(self._held[0], self.template.nearest(self._held[0])), rhythm(history, recent, after)
