"""The threshold: the manifest's, one for another number of false alarms, or the wearer's own."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sibeat_edge.errors import ModelError
from sibeat_edge.model.manifest import Manifest

# Scored beats that set the wearer's own threshold. They are fewer than the warm-up's, of which some may be
# unfit, or still wait for the next beat.
PERSONAL_BEATS = 50
SHRINKAGE = 0.5  # share of the wearer's difference by which the threshold moves


def between_levels(threshold: float, quantisation: Mapping[str, float]) -> float:
    """The threshold moved to the middle between two int8 levels of the score, with the same decisions.

    Many scores share a level. A threshold on the level itself would leave it to rounding whether they are
    alarms.

    Args:
        threshold: a score.
        quantisation: the score's ``scale`` and ``zero_point``.
    """
    scale, zero = quantisation["scale"], quantisation["zero_point"]
    return (np.floor(threshold / scale + zero + 1e-4) + 0.5 - zero) * scale


def threshold_at(manifest: Manifest, per_hour: float) -> tuple[float, float]:
    """The threshold for ``per_hour`` false alarms, and the usual median score that belongs to it.

    Both are interpolated in the manifest's calibration on normal validation beats.

    Raises ``ModelError`` for a rate outside of the calibration, as few beats say nothing about rare alarms.
    """
    known = manifest["calibration"]
    rates = (1 - np.array(known["shares"])) * known["beats_per_hour"]
    low, high = math.ceil(round(100 * rates[-1], 6)) / 100, math.floor(round(rates[0], 6))
    if not low <= per_hour <= high:
        raise ModelError(
            f"{manifest['name']}: found a request for {per_hour:g} false alarms an hour; expected {low:g} to "
            f"{high}, which the model was calibrated for."
        )
    rarity = -np.log(rates)  # the tail of a score is straightest over the logarithm of its rate
    score, usual = (np.interp(-np.log(per_hour), rarity, known[name]) for name in ("scores", "usual"))
    return float(between_levels(score, manifest["score"])), float(usual)


def personal_threshold(scores: Sequence[float] | np.ndarray, threshold: float, usual: float) -> float:
    """The ``threshold`` moved by half the difference between the median of ``scores`` and ``usual``.

    All beats of a wearer may score higher or lower than others' beats. The median of a minute of beats shows
    this, even if some are abnormal. A tail fitted to so few beats would take the wearer's extrasystoles for
    normal. The threshold moves by half the difference, as the median of a minute is uncertain, and the tail
    does not move as far as the median.

    Args:
        scores: ``(beats,)``, the first of one wearer.
        threshold: set for wearers in general.
        usual: the median score of a wearer for whom ``threshold`` does not move, as the manifest has it. It
            is chosen so that personal thresholds give as many false alarms over all wearers.
    """
    return float(threshold + SHRINKAGE * (np.median(scores) - usual))


class Threshold:
    """The score above which a beat is an alarm.

    Args:
        manifest: the model's.
        score: to be used instead of the manifest's threshold.
        per_hour: false alarms an hour that the threshold is set for by ``threshold_at``; excludes ``score``.
        personal: number of the wearer's first scored beats that set the wearer's own threshold, by
            ``personal_threshold``; 0 for none. The default is ``PERSONAL_BEATS``, or 0 for a model without a
            template, or if ``score`` is given.

    Attributes:
        score: the threshold that holds now.
        personal: as the argument, or its default.

    Raises ``ValueError`` if both ``score`` and ``per_hour`` are given, for a ``score`` that is not finite,
    or a negative ``personal``; ``ModelError`` as ``threshold_at``.

    >>> threshold = Threshold({
    ...     "wearer": None,
    ...     "score": {"scale": 0.1, "zero_point": 0},
    ...     "threshold": {"score": 4.05, "usual": 1.0, "false_alarms_per_hour": 40.0},
    ... }, personal=3)
    >>> threshold.learn([2.0, 1.8, 2.2])
    >>> round(threshold.score, 2)
    4.55
    """

    def __init__(
        self,
        manifest: Manifest,
        score: float | None = None,
        per_hour: float | None = None,
        personal: int | None = None,
    ) -> None:
        if score is not None and per_hour is not None:
            raise ValueError("Threshold: found a score and false alarms an hour; expected one of them.")
        if score is not None and not math.isfinite(score):
            raise ValueError(f"Threshold: found the score {score}; expected a finite number.")
        if personal is not None and personal < 0:
            raise ValueError(f"Threshold: found {personal} beats that set it; expected 0 or more.")
        self.score, self._usual = manifest["threshold"]["score"], manifest["threshold"]["usual"]
        if per_hour is not None:
            self.score, self._usual = threshold_at(manifest, per_hour)
        elif score is not None:
            self.score = float(score)
        default = PERSONAL_BEATS if manifest["wearer"] and score is None else 0
        self.personal = default if personal is None else personal
        self._quantisation = manifest["score"]
        self._scores: list[float] = []

    def learn(self, scores: list[float]) -> None:
        """Add a wearer's next ``scores``; the first ``personal`` of them set the wearer's own threshold."""
        if len(self._scores) >= self.personal:
            return
        self._scores += scores[: self.personal - len(self._scores)]
        if len(self._scores) == self.personal:
            moved = personal_threshold(self._scores, self.score, self._usual)
            self.score = float(between_levels(moved, self._quantisation))
