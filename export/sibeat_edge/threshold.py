"""Which threshold: for other false alarms than the manifest's, and the wearer's own, from the first beats."""

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
    share = 1 - per_hour / known["beats_per_hour"]
    least, most = known["shares"][0], known["shares"][-1]
    if not least <= share <= most:
        low, high = ((1 - end) * known["beats_per_hour"] for end in (most, least))
        raise ModelError(
            f"{manifest['name']}: found {per_hour:g} false alarms an hour asked for; expected {low:.3g} to "
            f"{high:.3g}, which the model was calibrated for."
        )
    score, usual = (float(np.interp(share, known["shares"], known[name])) for name in ("scores", "usual"))
    return float(between_levels(score, manifest["score"])), usual


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
