"""The threshold: the manifest's, one for another number of false alarms, or the wearer's own."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from sibeat_edge.errors import ModelError
from sibeat_edge.model.manifest import Manifest

# Scored beats from which the wearer's own threshold holds. They are fewer than the warm-up's, of which some
# may be unfit, or still wait for the next beat.
PERSONAL_BEATS = 50
SHRINKAGE = 0.5  # share of the wearer's difference by which the threshold moves
HALF_LIFE = 2000  # scores after which one counts half
GROWTH = 2 ** (1 / HALF_LIFE)
LARGEST_WEIGHT = 1e9  # of a score; then all are divided

Value = TypeVar("Value", float, np.ndarray)


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


class Median:
    """The median of all scores so far, of which one counts half once ``HALF_LIFE`` more have come.

    It takes as many numbers as there are different scores; an int8 model has 256.

    >>> median = Median()
    >>> for score in (3.0, 1.0, 2.0):
    ...     median.push(score)
    >>> median.value
    2.0
    """

    def __init__(self) -> None:
        self._scores: list[float] = []  # in order of size
        self._weights: list[float] = []
        self._newest = 1.0  # weight of the newest score: it grows instead of all others' shrinking
        self._middle = 0  # place of the median
        self._below = self._total = 0.0  # weight of the scores below the median, and of all

    def push(self, score: float) -> None:
        """Add the next score."""
        place = bisect_left(self._scores, score)
        if place == len(self._scores) or self._scores[place] != score:
            self._scores.insert(place, score)
            self._weights.insert(place, 0.0)
            self._middle += place <= self._middle and len(self._scores) > 1
        self._weights[place] += self._newest
        self._total += self._newest
        self._below += self._newest * (place < self._middle)
        self._newest *= GROWTH
        if self._newest > LARGEST_WEIGHT:
            self._weights = [weight / self._newest for weight in self._weights]
            self._below, self._total = sum(self._weights[: self._middle]), sum(self._weights)
            self._newest = 1.0
        while self._below >= self._total / 2:
            self._middle -= 1
            self._below -= self._weights[self._middle]
        while self._below + self._weights[self._middle] < self._total / 2:
            self._below += self._weights[self._middle]
            self._middle += 1

    @property
    def value(self) -> float:
        """The least score that, with those below it, has half of the weight; NaN without scores."""
        return self._scores[self._middle] if self._scores else math.nan


def personal_threshold(threshold: float, median: Value, usual: float) -> Value:
    """The ``threshold`` moved by half the difference between a wearer's ``median`` and the ``usual`` one.

    All beats of a wearer may score higher or lower than others' beats. The median shows this, even if many
    are abnormal. A tail fitted to the scores takes a wearer's extrasystoles for normal, and a valley between
    two heaps is seldom there: ``benchmarks/wearer_thresholds.py`` compares these rules. The threshold moves
    by half the difference, as the tail does not move as far as the median.

    Args:
        threshold: set for wearers in general.
        median: of a wearer's scores, or an array of such medians.
        usual: that of a wearer for whom ``threshold`` does not move, as the manifest has it. It
            is chosen so that personal thresholds give as many false alarms over all wearers.
    """
    return threshold + SHRINKAGE * (median - usual)


def medians_in_time(scores: Sequence[float] | np.ndarray) -> np.ndarray:
    """The median ``(beats,)`` that is known when each of a wearer's ``scores`` (beats,) is judged.

    The first ``PERSONAL_BEATS`` are judged together, and each later one once it has been counted.
    """
    median, known = Median(), np.empty(len(scores))
    for place, score in enumerate(scores):
        median.push(float(score))
        known[place] = median.value
    known[:PERSONAL_BEATS] = known[:PERSONAL_BEATS][-1:]
    return known


class Threshold:
    """The score above which a beat is an alarm.

    Args:
        manifest: the model's.
        score: to be used instead of the manifest's threshold.
        per_hour: false alarms an hour that the threshold is set for by ``threshold_at``; excludes ``score``.
        personal: number of scores from which the wearer's own threshold holds, that of
            ``personal_threshold``; 0 for never. All later scores move it on. The default is
            ``PERSONAL_BEATS``, or 0 for a model without a template, or if ``score`` is given.

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
        self._general = self.score
        self._median, self._learnt = Median(), 0
        self._moved_by: float | None = None  # median by which the threshold has been moved

    def learn(self, scores: Sequence[float]) -> None:
        """Add a wearer's next ``scores``."""
        if not self.personal:
            return
        for score in scores:
            self._median.push(score)
        self._learnt += len(scores)
        if self._learnt >= self.personal and (median := self._median.value) != self._moved_by:
            self._moved_by = median
            moved = personal_threshold(self._general, median, self._usual)
            self.score = float(between_levels(moved, self._quantisation))
