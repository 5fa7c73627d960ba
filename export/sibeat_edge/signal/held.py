"""The newest part of a stream."""

import numpy as np


class Held:
    """The newest part of a stream, addressed by sample numbers that count from the stream's start.

    Args:
        empty: an array without samples, of the stream's type and number of leads.

    >>> held = Held(np.zeros(0))
    >>> held.extend(np.arange(5.0))
    >>> held.drop(2)
    >>> held.part(1, 4), held.end
    (array([2., 3.]), 5)
    """

    def __init__(self, empty: np.ndarray) -> None:
        self._kept, self._first = empty, 0

    @property
    def end(self) -> int:
        """Number of samples that the stream has had so far."""
        return self._first + len(self._kept)

    def extend(self, samples: np.ndarray) -> None:
        """Append the next samples of the stream."""
        if len(samples):
            self._kept = np.concatenate([self._kept, samples])

    def part(self, first: int, last: int) -> np.ndarray:
        """The samples from ``first`` to before ``last`` that are still held."""
        return self._kept[max(first - self._first, 0) : last - self._first]

    def parts(self, starts: np.ndarray, length: int) -> np.ndarray:
        """The samples ``(parts, length, ...)`` from each of the ``starts`` on, all of them still held."""
        return self._kept[(starts - self._first)[:, None] + np.arange(length)]

    def drop(self, first: int) -> None:
        """Forget what is older than sample ``first``."""
        if first > self._first:
            self._kept, self._first = self._kept[first - self._first :], min(first, self.end)
