"""A beat as a device tells it."""

from dataclasses import dataclass

import numpy as np

from sibeat_edge.beats.stretch import UNCLEAN


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat, scored or not.

    Attributes:
        time: of the R-peak, s since the stream's start, or by the clock that ``push`` was given.
        score: larger = more abnormal; None if the signal is not fit to be scored.
        alarm: whether the beat is abnormal: of the kind ``S`` or ``V`` or, for a model without a template,
            of a score above the threshold.
        reason: why there is no score, or an empty text. The reasons are ``missing``, ``flat``, ``saturated``,
            ``noisy``, ``motion``, ``edge`` and ``warm-up``. ``motion``: the beats of the last seconds are
            unlike each other, as electrodes that move make them. ``edge``: the window exceeds the stream, or
            the R-peak was found too late. ``warm-up``: the model needs a template of the wearer, and there is
            none yet.
        rr: s since the R-peak before, or None for the first beat after a start or a gap.
        residuals: where the beat is abnormal, ``(length,)``, if asked for: the model's squared error of each
            sample or, for a wearer's model, the squared difference from the template.
        why: what is abnormal, for a wearer's model: ``shape``, ``timing`` or ``both``; else an empty text.
        snr: signal-to-noise ratio of the newest beats in dB, or None if there are too few to tell.
        above: whether the score lies above the threshold.
        bridged: whether samples that were missing around the beat, at most 40 ms, have been interpolated.
        kind: for a wearer's model ``N``, ``S`` (supraventricular: premature, of the wearer's own shape) or
            ``V`` (ventricular: of another shape), as ``Judge`` finds; an empty text without a score.
        irregular: whether the rhythm as a whole is irregular at this beat, as atrial fibrillation makes it.
        group: number of the kind of beats, alike in shape, that it was gathered with; None for none.
        shape: score had the beat been on time, if asked for, of a wearer's model.
        timing: score of the template at the beat's time, if asked for, of a wearer's model.

    >>> Beat(time=12.5, score=None, alarm=False, reason="noisy", rr=0.8).quality
    'noisy'
    """

    time: float
    score: float | None
    alarm: bool
    reason: str
    rr: float | None
    residuals: np.ndarray | None = None
    why: str = ""
    snr: float | None = None
    above: bool = False
    bridged: bool = False
    kind: str = ""
    irregular: bool = False
    group: int | None = None
    shape: float | None = None
    timing: float | None = None

    @property
    def quality(self) -> str:
        """``good``, ``poor`` for a score in noise, below 2 dB, or why there is no score."""
        return self.reason or ("poor" if self.snr is not None and self.snr < UNCLEAN else "good")

    @property
    def doubted(self) -> bool:
        """Whether the score lies above the threshold, but noise or the beat's kind explains it: no alarm."""
        return self.above and not self.alarm
