"""Which threshold: for other false alarms than the manifest's, and the wearer's own, from the first beats."""

import math

import numpy as np

from sibeat_edge.errors import ModelError

FIRST = 50  # beats that set it: some of those that make the template may be unfit, or wait for the next
SHRINKAGE = 0.5  # of how far it moves


def between_levels(threshold, quantisation):
    """The threshold moved half a level up from the int8 score it lies on or above: the same decisions.

    On the level itself, rounding would decide whether the many scores that share it are alarms.
    """
    scale, zero = quantisation["scale"], quantisation["zero_point"]
    return (np.floor(threshold / scale + zero + 1e-4) + 0.5 - zero) * scale


def threshold_at(manifest, per_hour):
    """The threshold for ``per_hour`` false alarms, and the usual middle score beside it, both of a manifest.

    They lie between those that the manifest's calibration tells of the validation normals.

    Raises ``ModelError`` for a rate beyond the calibration: few beats tell nothing of rare alarms.
    """
    known = manifest["calibration"]
    rates = (1 - np.array(known["shares"])) * known["beats_per_hour"]
    low, high = math.ceil(round(100 * rates[-1], 6)) / 100, math.floor(round(rates[0], 6))
    if not low <= per_hour <= high:
        raise ModelError(
            f"{manifest['name']}: found {per_hour:g} false alarms an hour asked for; expected {low:g} to "
            f"{high}, which the model was calibrated for."
        )
    rarity = -np.log(rates)  # in which the tail of a score is straightest
    score, usual = (np.interp(-np.log(per_hour), rarity, known[name]) for name in ("scores", "usual"))
    return float(between_levels(score, manifest["score"])), float(usual)


def personal_threshold(scores, threshold, usual):
    """The ``threshold`` moved half as far as the middle of a wearer's first ``scores`` lies from the usual.

    A wearer's beats score higher or lower than others' as a whole; their middle tells so from a minute of
    them, abnormal ones or not, while a tail fitted to so few beats holds the wearer's extrasystoles for
    normal. Half, as the middle of a minute is uncertain, and not all of a score's tail moves with it.

    Args:
        scores: ``(beats,)`` of one wearer.
        threshold: set for wearers in general.
        usual: the middle score of a wearer who keeps the threshold, as the manifest has it: so that wearers
            together have the stated false alarms when each has a threshold of the own.
    """
    return float(threshold + SHRINKAGE * (np.median(scores) - usual))


class Threshold:
    """The score above which a beat is an alarm: the model's, another one, or after some beats the wearer's.

    Args:
        manifest: the model's.
        score: in place of the manifest's.
        per_hour: false alarms that it is set for from the manifest's calibration, in place of ``score``.
        personal: number of the wearer's first scores that set a threshold of the wearer's own, as
            ``personal_threshold`` says; until then the given one holds. 0 for none. By default 50 of the
            warm-up's; none for a model without a template, or beside a ``score``.

    Raises ``ValueError`` for both ``score`` and ``per_hour``, ``ModelError`` as ``threshold_at`` does.
    """

    def __init__(self, manifest, score=None, per_hour=None, personal=None):
        if score is not None and per_hour is not None:
            raise ValueError("Threshold: found a score and false alarms an hour; expected one of them.")
        self.score, self._usual = manifest["threshold"]["score"], manifest["threshold"]["usual"]
        if per_hour is not None:
            self.score, self._usual = threshold_at(manifest, per_hour)
        elif score is not None:
            self.score = float(score)
        own = FIRST if manifest["wearer"] and score is None else 0
        self.personal = own if personal is None else personal
        self._quantisation, self._scores = manifest["score"], []

    def learn(self, scores):
        """Set the wearer's own threshold from the first of the ``scores``, once there are enough of them."""
        if len(self._scores) >= self.personal:
            return
        self._scores += scores[: self.personal - len(self._scores)]
        if len(self._scores) == self.personal:
            moved = personal_threshold(self._scores, self.score, self._usual)
            self.score = float(between_levels(moved, self._quantisation))
