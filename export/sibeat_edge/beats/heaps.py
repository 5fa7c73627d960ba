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
    """A histogram of scores that forgets, and the valley in it.

    Attributes:
        valley: the score that parts two heaps, or None if there are no two, or too few scores to tell.
        depth: height of the histogram in the valley over that of the upper heap; 1 if ``valley`` is None.

    >>> heaps = Heaps()
    >>> for beat in range(300):
    ...     heaps.push(0.45 if beat % 3 == 0 else 0.05)
    >>> 0.15 <= heaps.valley < 0.45, heaps.depth < 0.1
    (True, True)
    """

    def __init__(self) -> None:
        self._counts = np.zeros(len(_CENTRES))
        self.valley: float | None = None
        self.depth = 1.0

    def push(self, score: float) -> None:
        """Add a beat's ``score``, in units of the model's threshold."""
        self._counts *= 0.5 ** (1 / HALF_LIFE)
        self._counts[int((min(max(score, LOWEST), HIGHEST - STEP / 2) - LOWEST) / STEP)] += 1
        self._find()

    def _find(self):
        self.valley, self.depth = None, 1.0
        if np.add.reduce(self._counts) < LEAST or np.add.reduce(self._counts[_UPPER:]) < FEWEST:
            return
        heights = self._counts @ _KERNEL
        peak = _UPPER + int(heights[_UPPER:].argmax())
        low = peak - int(heights[_LOWER : peak + 1][::-1].argmin())  # the highest score of equal heights
        depth = float(heights[low] / heights[peak])
        if depth < DEEP:
            self.valley, self.depth = float(_CENTRES[low]), depth
