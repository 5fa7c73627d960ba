"""The views that a wearer's model judges: each beat beside the wearer's own template and rhythm."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sibeat_edge.beats.rhythm import HISTORY, LONGEST, rhythms
from sibeat_edge.beats.template import WARM_UP, WearerTemplate
from sibeat_edge.beats.windows import BEFORE, besides

FEWEST = 20  # beats fit to be scored that are enough for a template if the stream ends in its warm-up
HELD = 2 * WARM_UP  # beats of a warm-up that wait for its end, ``WARM_UP`` fit ones among them at most

View: TypeAlias = tuple[np.ndarray, np.ndarray]  # ``beside(window, template)`` and the ``rhythm`` features


class Pair(NamedTuple):
    """A beat and what it is seen beside, of which ``views_of`` makes its view.

    Attributes:
        window: filtered ``(length, leads)``, mV.
        template: of the wearer, as the window.
        intervals: ``HISTORY`` RR intervals, three recent ones and the next, as ``rhythms`` takes them, s.

    >>> shape = np.hanning(320)[:, None]
    >>> ((window, rhythm),) = views_of([Pair(shape, shape, [0.8] * (HISTORY + 4))])
    >>> window.shape, rhythm.shape
    ((320, 2), (8,))
    """

    window: np.ndarray
    template: np.ndarray
    intervals: list[float]


def views_of(pairs: Sequence[Pair | None]) -> list[View | None]:
    """The view of each pair: for many at once in the same bits as for each alone; None stays None."""
    known = [pair for pair in pairs if pair is not None]
    if not known:
        return [None] * len(pairs)
    timing = rhythms(np.array([pair.intervals for pair in known]))
    made = iter(zip(_windows_of(known), timing, strict=True))
    return [None if pair is None else next(made) for pair in pairs]


def _windows_of(pairs):
    if len({pair.template.dtype for pair in pairs}) > 1:  # one array of both would round differently
        return [window for pair in pairs for window in _windows_of([pair])]
    shape = (len(pairs), *pairs[0].window.shape)
    windows, templates = ([pair[part] for pair in pairs] for part in (0, 1))
    return besides(np.concatenate(windows).reshape(shape), np.concatenate(templates).reshape(shape))


class Wearer:
    """Puts each beat of a stream beside the wearer's own template and rhythm.

    A beat's view becomes certain with the next beat. The views of the warm-up's beats become certain at its
    end, and all of them have the first template; that a beat has none may be certain before. If there are two
    templates, a beat gets the one that it is more like. A gap in the signal, or a jump of the clock, changes
    neither template nor rhythm.

    What becomes certain is a ``Pair`` for each beat, of which ``views_of`` makes the view. It is None for a
    beat without a window, and for a beat of a warm-up that took too long to find a template: the windows of
    the newest ``WARM_UP`` fit beats are held, as a device has no room for more.

    Args:
        waits: whether a beat waits for the next one, to know the RR interval after it.
        centre: place of the R-peak in a window.

    Attributes:
        template: the ``WearerTemplate``.

    >>> wearer, shape = Wearer(), np.hanning(320)[:, None]
    >>> pairs = [pair for beat in range(61) for pair in wearer.push(0.8 * beat, shape)]
    >>> len(pairs), pairs[0].window.shape, pairs[0].template.shape
    (60, (320, 1), (320, 1))
    """

    def __init__(self, waits: bool = True, centre: int = BEFORE) -> None:
        self.template, self._waits = WearerTemplate(centre), waits
        self._held: deque[np.ndarray | None] = deque()  # windows of the beats without a view yet
        self._intervals: list[float] = []  # the newest, as far back as the oldest beat held needs them
        self._previous: float | None = None  # time of the beat before, if that was fit to be scored

    def push(
        self, time: float, window: npt.ArrayLike | None, follows: bool = True, is_clean: bool = True
    ) -> list[Pair | None]:
        """Pairs of the beats that this one makes certain, in order of time.

        Args:
            time: of the R-peak, s.
            window: filtered ``(length, leads)`` in mV, or None if it is not fit to be scored. An RR interval
                is known only between two beats that are.
            follows: False if the signal since the beat before had a gap. A beat may be lost in it, so that
                the RR interval is unknown.
            is_clean: whether the template may learn from the window. Another can be judged beside a template,
                but would spoil it; in a warm-up it is as none.
        """
        if self.template.beat is None and not is_clean:
            window = None
        interval = np.nan
        if follows and window is not None and self._previous is not None:
            interval = time - self._previous
        self._previous = None if window is None else time
        self._intervals.append(interval)
        if window is not None:
            window = np.asarray(window, np.float32)
            self._forget_oldest()
            if is_clean:
                self.template.push(window, interval)
        self._held.append(window)
        return self._release(HELD if self.template.beat is None else int(self._waits))

    def pause(self, follows: bool = True) -> list[Pair | None]:
        """Pairs after ``rhythm.LONGEST`` seconds without a beat: the newest beat waits no longer.

        Its view is the same that the next beat would give, however late it comes. ``follows`` is as for
        ``push``.
        """
        if self.template.beat is None or not self._held:
            return []
        return self._release(0, LONGEST if follows else np.nan)

    def interrupt(self) -> list[Pair | None]:
        """Pairs of the beats that wait for the next one, as the signal breaks off here.

        Beats of a warm-up go on waiting for its end.
        """
        self._previous = None
        return [] if self.template.beat is None else self._release(0)

    def finish(self) -> list[Pair | None]:
        """Pairs of all beats that are left, once the stream has ended."""
        if self.template.beat is None and self.template.waiting >= FEWEST:
            self.template.settle()
        self._previous = None
        return self._release(0)

    def _release(self, waiting, after_newest=np.nan):
        pairs, held, is_warm_up = [], self._held, self.template.beat is None
        # In a warm-up a beat without a window gets no view, whenever that ends.
        while len(held) > waiting or (is_warm_up and held and held[0] is None):
            is_seen = not is_warm_up and held[0] is not None
            pairs.append(self._pair(len(self._intervals) - len(held), after_newest) if is_seen else None)
            held.popleft()
        del self._intervals[: max(0, len(self._intervals) - len(held) - HISTORY - 3)]
        return pairs

    def _forget_oldest(self):
        """Make room for the window of one more beat of a warm-up."""
        if len(self._held) < WARM_UP:
            return
        held = [place for place, window in enumerate(self._held) if window is not None]
        if len(held) == WARM_UP:
            self._held[held[0]] = None

    def _pair(self, number, after_newest):
        """The pair of the oldest beat held, whose RR interval has this number among those kept."""
        known, window = self._intervals, self._held[0]
        first = max(0, number - 2)
        earlier = max(0, first - HISTORY)  # the first beats of a warm-up take those that follow, too
        history, recent = known[earlier : earlier + HISTORY], known[first : number + 1]
        after = known[number + 1] if number + 1 < len(known) else after_newest
        missing = [[np.nan] * (size - len(part)) for size, part in ((HISTORY, history), (3, recent))]
        intervals = [*missing[0], *history, *missing[1], *recent, after if self._waits else np.nan]
        return Pair(window, self.template.nearest(window), intervals)
