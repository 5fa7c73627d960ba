"""Whether premature beats of the wearer's own shape are of another size than the beats on time.

Correlation says nothing of size. Premature beats that are conducted as the others are of their size, or now
larger and now smaller. Where they are larger on the whole, or smaller, they come from another place.
"""

import math

import numpy as np

LEAST = 0.18  # difference of the logarithms from which a size is another one
SPREADS = 3.0  # mean deviations of the wearer's own sizes that it has to differ by, too
FIRST = 0.1  # the mean deviation at first
OWN = 32  # beats over which what is known of the wearer's own sizes forgets
PREMATURE = 16  # the same of the premature ones
ENOUGH = 4  # premature ones without which nothing is said


class Sizes:
    """The sizes of a wearer's beats on time, and of the premature ones of the same shape.

    >>> sizes, shape = Sizes(), np.hanning(120)
    >>> for _ in range(20):
    ...     sizes.learn(shape)
    >>> [sizes.is_other(1.4 * shape) for _ in range(4)], sizes.is_other(shape)
    ([False, False, False, True], False)
    """

    def __init__(self) -> None:
        self._own: float | None = None
        self._spread = FIRST
        self._premature = 0.0
        self._count = 0  # premature beats so far

    def learn(self, shape: np.ndarray) -> None:
        """Add a beat on time, by its shape ``(samples,)`` as a ``Form`` has it."""
        size = _size(shape)
        self._own = size if self._own is None else self._own
        self._spread += (abs(size - self._own) - self._spread) / OWN
        self._own += (size - self._own) / OWN

    def is_other(self, shape: np.ndarray) -> bool:
        """Add a premature beat of the wearer's own shape: whether it and such beats are of another size."""
        if self._own is None:
            return False
        self._count += 1
        self._premature += (_size(shape) - self._premature) / min(self._count, PREMATURE)
        apart = (_size(shape) - self._own, self._premature - self._own)
        least = max(LEAST, SPREADS * self._spread)
        return self._count >= ENOUGH and (min(apart) > least or max(apart) < -least)


def _size(shape):
    return math.log(max(math.sqrt(shape.dot(shape)), 1e-9))
