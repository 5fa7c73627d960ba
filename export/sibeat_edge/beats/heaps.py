"""Whether a wearer's scores fall into two heaps, and where the valley between them lies.

Premature beats among regular ones have timing scores in a heap of their own, wherever it lies for this
wearer. In atrial fibrillation every timing is as likely as any other, and there is no valley. The histogram
takes a few dozen numbers, however long the stream.
"""

import numpy as np

# In units of the model's threshold: the scores that the histogram spans, and the width of its bins.
LOWEST, HIGHEST, STEP = -0.06, 0.7, 0.02
SMOOTH = 0.025  # standard deviation by which it is smoothed
HALF_LIFE = 400  # beats after which a beat counts half
DECAY = 0.5 ** (1 / HALF_LIFE)
LEAST = 200  # beats, so weighted, without which nothing is said
UPPER = 0.26  # score at which the search for the upper heap begins
LOWER = 0.15  # score at which that for the valley begins
FEWEST = 2.0  # beats of the upper heap without which there is none
DEEP = 0.55  # height of the valley over that of the upper heap, below which the heaps are apart

_CENTRES = np.arange(LOWEST + STEP / 2, HIGHEST, STEP)
_KERNEL = np.exp(-np.square((_CENTRES[:, None] - _CENTRES) / SMOOTH) / 2)
_KERNEL /= _KERNEL.sum(axis=1, keepdims=True)
_LOWER, _UPPER = (int(place) for place in np.searchsorted(_CENTRES, (LOWER, UPPER)))


class Heaps:
    """A histogram of scores that forgets, and the valley in it, which is sought once it is asked for.

    >>> heaps = Heaps()
    >>> for beat in range(300):
    ...     heaps.push(0.45 if beat % 3 == 0 else 0.05)
    >>> 0.15 <= heaps.valley < 0.45, heaps.depth < 0.1
    (True, True)
    """

    def __init__(self) -> None:
        self._counts = np.zeros(len(_CENTRES))
        self._found: tuple[float | None, float] | None = None  # valley and depth, where they are known

    @property
    def valley(self) -> float | None:
        """The score that parts two heaps, or None if there are no two, or too few scores to tell."""
        return self._parted()[0]

    @property
    def depth(self) -> float:
        """Height of the histogram in the valley over that of the upper heap; 1 if there is no valley."""
        return self._parted()[1]

    def is_upper(self, score: float) -> bool:
        """Whether a score lies above the valley. No valley lies below ``LOWER``, so few scores need it."""
        return score > LOWER and self.valley is not None and score > self.valley

    def push(self, score: float) -> None:
        """Add a beat's ``score``, in units of the model's threshold."""
        self._counts *= DECAY
        self._counts[int((min(max(score, LOWEST), HIGHEST - STEP / 2) - LOWEST) / STEP)] += 1
        self._found = None

    def _parted(self):
        if self._found is None:
            self._found = self._find()
        return self._found

    def _find(self):
        if np.add.reduce(self._counts) < LEAST or np.add.reduce(self._counts[_UPPER:]) < FEWEST:
            return None, 1.0
        heights = self._counts @ _KERNEL
        peak = _UPPER + int(heights[_UPPER:].argmax())
        low = peak - int(heights[_LOWER : peak + 1][::-1].argmin())  # the highest score of equal heights
        depth = float(heights[low] / heights[peak])
        return (float(_CENTRES[low]), depth) if depth < DEEP else (None, 1.0)
