"""The gate: what an exported model must keep of the float model's scores before it may leave."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from keras_sibeat.evaluate.metrics import threshold_for
from keras_sibeat.train.separation import rank_correlation, separation

AUC_LOSS = 0.003
CORRELATION = 0.995
FLIPPED = 0.005  # of the decisions at the threshold
LAST_PLACE = 1  # units by which runtimes may differ


@dataclass(frozen=True)
class Verdict:
    """What the gate measured on the validation fold; ``failures`` is empty for a model that may leave."""

    auc_float: float
    auc: float
    ap_float: float
    ap: float
    correlation: float
    decisions_flipped: float
    runtimes_differ: int | None  # units of the last place; None where they were not compared
    threshold_float: float
    threshold: float

    @property
    def failures(self):
        limits = {
            "AUC loss": (self.auc_float - self.auc, "at most", AUC_LOSS),
            "rank correlation": (self.correlation, "at least", CORRELATION),
            "decisions flipped": (self.decisions_flipped, "at most", FLIPPED),
            "runtimes' difference": (self.runtimes_differ or 0, "at most", LAST_PLACE),
        }
        return [
            f"{name}: found {found:.4g}, expected {which} {limit:g}"
            for name, (found, which, limit) in limits.items()
            if not (found <= limit if which == "at most" else found >= limit)
        ]

    def with_runtimes(self, differ):
        """The same verdict, with what runtimes differ by, in units of the last place."""
        return replace(self, runtimes_differ=int(differ))

    def as_dict(self):
        """All of it, for the report."""
        return {**asdict(self), "failures": self.failures}


def judge(float_scores, scores, is_abnormal, false_alarm_rate, runtimes_differ=None):
    """The ``Verdict`` on an exported model's ``scores`` (beats,) beside the float model's.

    Each gets the threshold that lets ``false_alarm_rate`` of its own normal beats pass: it is fitted again
    after quantisation, and a decision is flipped where the two disagree.

    Args:
        runtimes_differ: largest difference between runtimes, in units of the last place, where compared.
    """
    is_abnormal = np.asarray(is_abnormal, bool)
    pairs = [separation(values, is_abnormal) for values in (float_scores, scores)]
    thresholds = [threshold_for(values[~is_abnormal], false_alarm_rate) for values in (float_scores, scores)]
    decisions = [
        values > threshold for values, threshold in zip((float_scores, scores), thresholds, strict=True)
    ]
    return Verdict(
        auc_float=pairs[0]["auc"],
        auc=pairs[1]["auc"],
        ap_float=pairs[0]["ap"],
        ap=pairs[1]["ap"],
        correlation=rank_correlation(float_scores, scores),
        decisions_flipped=float(np.mean(decisions[0] != decisions[1])),
        runtimes_differ=runtimes_differ,
        threshold_float=thresholds[0],
        threshold=thresholds[1],
    )
