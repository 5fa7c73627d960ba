"""What ``BeatStream`` cuts from a stream: beats with their windows, and pauses."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class CutBeat(NamedTuple):
    """A beat that has been cut from the stream.

    Attributes:
        time: of the R-peak, s.
        window: filtered ``(length, leads)``, mV, or None if it is not fit to be scored.
        reason: what is wrong with the signal (``missing``, ``flat``, ``saturated``, ``noisy``, ``motion`` or
            ``edge``), or an empty text. A wearer's beat may have a window despite ``noisy`` or ``motion``.
        rr: s since the R-peak before, or None if the signal in between is not known throughout.
        snr: signal-to-noise ratio in dB of the newest beats, as ``Stretch`` has it; None if not known.
        likeness: of this beat to those before it in dB, as ``Aligner`` has it; None if not known.
        bridged: whether samples that were missing in the window, or close by, have been interpolated.

    >>> CutBeat(1.5, None, "flat", rr=0.8).reason
    'flat'
    """

    time: float
    window: np.ndarray | None
    reason: str
    rr: float | None
    snr: float | None = None
    likeness: float | None = None
    bridged: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether a wearer's template may learn from the beat. Noise does not keep it from being judged."""
        return self.window is not None and not self.reason


@dataclass(frozen=True, slots=True)
class Pause:
    """Too long a time without a beat for the newest one to wait for the next.

    ``follows`` is False if the signal since the newest beat is not known throughout.

    >>> Pause(follows=True).follows
    True
    """

    follows: bool
