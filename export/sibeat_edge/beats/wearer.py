"""The views that a wearer's model judges: each beat beside the wearer's own template and rhythm."""

from collections import deque
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sibeat_edge.beats.rhythm import HISTORY, LONGEST, rhythm
from sibeat_edge.beats.template import WARM_UP, WearerTemplate
from sibeat_edge.beats.windows import BEFORE, beside

FEWEST = 20  # beats fit to be scored that are enough for a template if the stream ends in its warm-up
HELD = 2 * WARM_UP  # beats of a warm-up that wait for its end, ``WARM_UP`` fit ones among them at most

View: TypeAlias = tuple[np.ndarray, np.ndarray]  # ``beside(window, template)`` and the ``rhythm`` features


class Wearer:
    """Puts each beat of a stream beside the wearer's own template and rhythm.

    A beat's view becomes certain with the next beat. The views of the warm-up's beats become certain at its
    end, and all of them have the first template; that a beat has none may be certain before. If there are two
    templates, a beat gets the one that it is more like. A gap in the signal, or a jump of the clock, changes
    neither template nor rhythm.

    A view is a pair: ``beside(window, template)`` and the ``rhythm`` features. It is None for a beat without
    a window, and for a beat of a warm-up that took too long to find a template: the windows of the newest
    ``WARM_UP`` fit beats are held, as a device has no room for more.

    Args:
        waits: whether a beat waits for the next one, to know the RR interval after it.
        centre: place of the R-peak in a window.

    Attributes:
        template: the ``WearerTemplate``.

    >>> wearer, shape = Wearer(), np.hanning(320)[:, None]
    >>> views = [view for beat in range(61) for view in wearer.push(0.8 * beat, shape)]
    >>> len(views), views[0][0].shape, views[0][1].shape
    (60, (320, 2), (8,))
    """

    def __init__(self, waits: bool = True, centre: int = BEFORE) -> None:
        self.template, self._waits = WearerTemplate(centre), waits
        self._held: deque[np.ndarray | None] = deque()  # windows of the beats without a view yet
        self._intervals: list[float] = []  # the newest, as far back as the oldest beat held needs them
        self._previous: float | None = None  # time of the beat before, if that was fit to be scored

    def push(self, time: float, window: npt.ArrayLike | None, follows: bool = True) -> list[View | None]:
        """Views of the beats that this one makes certain, in order of time.

        Args:
            time: of the R-peak, s.
            window: filtered ``(length, leads)`` in mV, or None if it is not fit to be scored. An RR interval
                is known only between two beats that are.
            follows: False if the signal since the beat before had a gap. A beat may be lost in it, so that
                the RR interval is unknown.
        """
        interval = np.nan
        if follows and window is not None and self._previous is not None:
            interval = time - self._previous
        self._previous = None if window is None else time
        self._intervals.append(interval)
        if window is not None:
            window = np.asarray(window, np.float32)
            self._forget_oldest()
            self.template.push(window, interval)
        self._held.append(window)
        return self._release(HELD if self.template.beat is None else int(self._waits))

    def pause(self, follows: bool = True) -> list[View | None]:
        """Views after ``rhythm.LONGEST`` seconds without a beat: the newest beat waits no longer.

        Its view is the same that the next beat would give, however late it comes. ``follows`` is as for
        ``push``.
        """
        if self.template.beat is None or not self._held:
            return []
        return self._release(0, LONGEST if follows else np.nan)

    def interrupt(self) -> list[View | None]:
        """Views of the beats that wait for the next one, as the signal breaks off here.

        Beats of a warm-up go on waiting for its end.
        """
        self._previous = None
        return [] if self.template.beat is None else self._release(0)

    def finish(self) -> list[View | None]:
        """Views of all beats that are left, once the stream has ended."""
        if self.template.beat is None and self.template.waiting >= FEWEST:
            self.template.settle()
        self._previous = None
        return self._release(0)

    def _release(self, waiting, after_newest=np.nan):
        views = []
        while len(self._held) > waiting or self._is_hopeless():
            views.append(self._view(len(self._intervals) - len(self._held), after_newest))
            self._held.popleft()
        del self._intervals[: max(0, len(self._intervals) - len(self._held) - HISTORY - 3)]
        return views

    def _forget_oldest(self):
        """Make room for the window of one more beat of a warm-up."""
        held = [place for place, window in enumerate(self._held) if window is not None]
        if len(held) == WARM_UP:
            self._held[held[0]] = None

    def _is_hopeless(self):
        """Whether the oldest beat held has no window in a warm-up: it gets no view, whenever that ends."""
        return bool(self._held) and self._held[0] is None and self.template.beat is None

    def _view(self, number, after_newest):
        """The view of the oldest beat held, whose RR interval has this number among those kept."""
        if self._held[0] is None or self.template.beat is None:
            return None
        unknown = [np.nan] * 3
        recent = [*unknown, *self._intervals[: number + 1]][-3:]
        earlier = max(0, number - 2 - HISTORY)  # the first beats of a warm-up take those that follow, too
        history = self._intervals[earlier : earlier + HISTORY]
        after = [*self._intervals[number + 1 :], after_newest][0] if self._waits else np.nan
        return beside(self._held[0], self.template.nearest(self._held[0])), rhythm(history, recent, after)
