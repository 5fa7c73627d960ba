"""The wearer's own threshold, from the first beats."""

import numpy as np

FIRST = 50  # beats that set it: some of those that make the template may be unfit, or wait for the next
SHRINKAGE = 0.5  # of how far it moves


def personal_threshold(scores, threshold, usual):
    """The ``threshold`` moved half as far as the middle of a wearer's first ``scores`` lies from the usual.

    A wearer's beats score higher or lower than others' as a whole; their middle tells so from a minute of
    them, abnormal ones or not, while a tail fitted to so few beats holds the wearer's extrasystoles for
    normal. Half, as the middle of a minute is uncertain, and not all of a score's tail moves with it.

    Args:
        scores: ``(beats,)`` of one wearer.
        threshold: set for wearers in general.
        usual: the middle score of the wearers that it was set on, as the manifest has it.
    """
    return float(threshold + SHRINKAGE * (np.median(scores) - usual))
