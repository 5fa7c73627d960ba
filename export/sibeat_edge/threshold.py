"""The wearer's own threshold, from the first beats."""

import numpy as np

FIRST = 50  # beats that set it: some of those that make the template may be unfit, or wait for the next
SHRINKAGE = 0.5  # of how far it moves


def between_levels(threshold, quantisation):
    """The threshold moved half a level up from the int8 score it lies on or above: the same decisions.

    On the level itself, rounding would decide whether the many scores that share it are alarms.
    """
    scale, zero = quantisation["scale"], quantisation["zero_point"]
    return (np.floor(threshold / scale + zero + 1e-4) + 0.5 - zero) * scale


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
