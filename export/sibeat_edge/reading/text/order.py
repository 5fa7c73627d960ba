"""Rows of packets that came in another order, or twice, in the order of an even clock."""

import numpy as np

from sibeat_edge.reading.text.clock import WINDOW, Pace
from sibeat_edge.reading.text.numbers import Cells

MARKS = np.random.default_rng(0).random(16)  # by which the texts of cells are told apart
EVEN = 0.5, 1.5  # of the time from sample to sample, between which one follows another


class InOrder:
    """Puts rows, part by part, in the order of their stamps where these then are even; else they stay.

    Args:
        pace: of the clock; nothing is changed if it is not fine, as its stamps tell no order.

    Attributes:
        changed: rows that were moved, or left out as they came twice.

    >>> order = InOrder(Pace(100))
    >>> _ = order.push(np.array([0, 0.02, 0.03, 0.01, 0.02]), np.array([[5], [7], [8], [6], [7]]))
    >>> order.changed, [part.tolist() for part in order.finish()]
    (4, [[0.0, 0.01, 0.02, 0.03], [[5], [6], [7], [8]]])
    """

    def __init__(self, pace: Pace) -> None:
        self._step = 1 / pace.rate if pace.is_fine else 0.0
        self._held: tuple[np.ndarray, np.ndarray] | None = None
        self.changed = 0

    def push(self, times: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ``times`` (samples,) and the ``rows`` (samples, columns) whose order is certain."""
        if not self._step:
            return times, rows
        if self._held is not None:
            times, rows = np.concatenate([self._held[0], times]), np.concatenate([self._held[1], rows])
        times, rows = self._ordered(times, rows)
        out = max(0, len(times) - round(WINDOW / self._step))
        self._held = times[out:], rows[out:]
        return times[:out], rows[:out]

    @property
    def held(self) -> int:
        """Rows that wait."""
        return 0 if self._held is None else len(self._held[0])

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows that still wait."""
        held, self._held = self._held, None
        return held or (np.zeros(0), np.zeros((0, 0)))

    def _ordered(self, times, rows):
        if not (np.diff(times) <= 0).any():
            return times, rows
        latest = np.maximum.accumulate(times)
        least = np.minimum.accumulate(times[::-1])[::-1]
        # Before these places all stamps are less than all behind them.
        cuts = np.flatnonzero(np.concatenate([[True], latest[:-1] < least[1:], [True]]))
        places, done = [], 0
        for cut in np.flatnonzero(np.diff(cuts) > 1):
            first, end = cuts[cut], cuts[cut + 1]
            order = first + np.argsort(times[first:end], kind="stable")
            again = np.zeros(len(order), bool)
            again[1:] = (np.diff(times[order]) == 0) & _alike(rows[order[1:]], rows[order[:-1]])
            chosen = order[~again]
            is_short = times[order[-1]] - times[order[0]] < WINDOW
            if is_short and self._is_even(times, chosen, end, again.any()):
                places += [np.arange(done, first), chosen]
                self.changed += len(order) - int((chosen == np.arange(first, first + len(chosen))).sum())
                done = end
        if not places:
            return times, rows
        places = np.concatenate([*places, np.arange(done, len(times))])
        return times[places], rows[places]

    def _is_even(self, times, chosen, end, is_shorter):
        """Whether one sample follows another, up to the row at ``end`` where some were left out."""
        beyond = times[end : end + 1] if is_shorter else times[:0]
        steps = np.diff(np.concatenate([times[chosen], beyond])) / self._step
        return bool(((steps > EVEN[0]) & (steps < EVEN[1])).all())


def _alike(rows, others):
    return ((rows == others) | (np.isnan(rows) & np.isnan(others))).all(axis=1)


def marks_of(cells: Cells) -> np.ndarray:
    """A number of each cell that is another where its text is, up to 16 bytes."""
    return cells.matrix(len(MARKS)) @ MARKS
