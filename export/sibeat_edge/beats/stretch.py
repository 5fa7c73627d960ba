"""How readable the stretch of signal around a beat is: a stretch is judged, and not a beat alone."""

from collections import deque
from statistics import median

STRETCH = 9  # beats whose median likeness is that of the stretch
LOW, HIGH = -4.0, -2.0  # dB: below the one a stretch becomes unfit, from the other on it is fit again
UNCLEAN, CLEAN = 2.0, 4.0  # dB: the same limits for what a wearer's template may learn from
FEWEST = 3  # beats without which a stretch is not judged
# From the likeness of beats to the signal-to-noise ratio as PhysioNet's ``nst`` defines it, both in dB: the
# line through the medians of DS1's records with electrode motion and muscle noise at 12 and at 6 dB.
SLOPE, OFFSET = 1.28, -1.0
FAST = 0.015  # share of a window's span from which its fast part says muscle and mains, not motion


class Stretch:
    """Judges the newest stretch of a stream of beats by how alike they are.

    Ectopic beats are unlike the wearer's normal ones, but they come alone, or are like each other; noise
    makes every beat different. The median over the stretch tells them apart. Two limits, one for becoming
    unfit and a higher one for becoming fit again, keep a stretch from flickering. Whether a single odd beat
    in a fit stretch is to be believed is for ``Evidence`` to say.

    Attributes:
        snr: signal-to-noise ratio of the stretch, dB; None before there are beats enough.
        is_fit: whether the newest beat may be scored.
        is_clean: whether a wearer's template may learn from it, too, as beats in noise would spoil it.

    >>> stretch = Stretch()
    >>> for likeness in (18.0, -9.0, 17.0, 18.0):  # the second beat is an extrasystole
    ...     stretch.push(likeness)
    >>> stretch.is_fit
    True
    """

    def __init__(self) -> None:
        self._likeness: deque[float] = deque(maxlen=STRETCH)
        self.snr: float | None = None
        self.is_fit = self.is_clean = True

    def push(self, likeness: float | None) -> None:
        """Add a beat by its ``likeness`` in dB, as ``Aligner`` measures it; None if it is not known."""
        if likeness is not None:
            self._likeness.append(likeness)
        self.snr = self._ratio()
        if self.snr is not None:
            self.is_fit = self.snr >= (LOW if self.is_fit else HIGH)
            self.is_clean = self.snr >= (UNCLEAN if self.is_clean else CLEAN)

    def _ratio(self):
        if len(self._likeness) < FEWEST:
            return None
        return SLOPE * median(self._likeness) + OFFSET
