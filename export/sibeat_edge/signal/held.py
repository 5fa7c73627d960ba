"""The newest part of a stream."""

import numpy as np


class Held:
    """The newest part of a stream, by the numbers of its samples."""

    def __init__(self, empty):
        self._kept, self._first = empty, 0

    @property
    def end(self):
        return self._first + len(self._kept)

    def extend(self, samples):
        if len(samples):
            self._kept = np.concatenate([self._kept, samples])

    def part(self, first, last):
        return self._kept[max(first - self._first, 0) : last - self._first]

    def drop(self, first):
        """Forget what is older than sample ``first``."""
        if first > self._first:
            self._kept, self._first = self._kept[first - self._first :], min(first, self.end)
