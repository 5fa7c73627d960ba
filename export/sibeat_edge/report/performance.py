"""What is known of a model's performance, in words for whoever reads its alarms.

Test figures are the manifest's ``expected``. The threshold is set on other beats, the normal ones of the
validation set, so the false alarms that it was set for say little about a new wearer. Of a wearer's model
both count normal beats above the threshold; the judgement, which decides what is an alarm, comes after that.
"""

from collections.abc import Mapping

from sibeat_edge.model.manifest import Manifest
from sibeat_edge.report.scored import Scored


def set_for(scored: Scored) -> str:
    """How many false alarms the threshold was set for, and on what."""
    if scored.threshold_set_for is None:
        return "unknown, as the threshold was given by hand"
    rate = per_hour_told(scored.threshold_set_for)
    told = f"{rate} per hour, on normal validation beats of the training database"
    return told + _before_judgement(scored.manifest)


def on_new_wearers(scored: Scored) -> str:
    """How many false alarms are known to occur on wearers that the model has not seen."""
    expected = scored.manifest["expected"]
    if expected["false_alarms_per_hour"] is None:
        return "not measured for this model"
    if scored.false_alarms_on_new_wearers is None:
        return "not measured for this threshold"
    told = f"{describe_rates(scored.false_alarms_on_new_wearers)}, on {expected['on']}"
    return told + _before_judgement(scored.manifest)


def _before_judgement(manifest):
    return ": scores above the threshold, before the judgement" if manifest["wearer"] else ""


def describe_rates(rates: Mapping[str, float]) -> str:
    """The ``mean``, ``median`` and ``worst`` false alarms per hour over wearers, in words.

    >>> describe_rates({"mean": 70.9, "median": 21.8, "worst": 506.2})
    'median 22, mean 71, worst wearer 506 per hour'
    """
    return (
        f"median {per_hour_told(rates['median'])}, mean {per_hour_told(rates['mean'])}, "
        f"worst wearer {per_hour_told(rates['worst'])} per hour"
    )


def measured_figures(manifest: Manifest) -> dict[str, str]:
    """What the model's test figures are, by heading; what was not measured is left out."""
    expected = manifest["expected"]
    figures = {
        "AUC": (expected["auc"], "1: all abnormal beats score above all normal ones, 0.5: chance"),
        "AUC within a recording": (expected["auc_record"], "the mean over recordings"),
        "average precision": (expected["ap"], "the share of true alarms, averaged over thresholds"),
    }
    known = {
        heading: f"{value:.3f} ({meaning})"
        for heading, (value, meaning) in figures.items()
        if value is not None
    }
    return {"tested on": expected["on"], **known} if known else {"test figures": "none in the model's file"}


def per_hour_told(per_hour: float) -> str:
    """A rate of alarms in as many digits as it deserves.

    >>> per_hour_told(39.8), per_hour_told(0.0421)
    ('40', '0.04')
    """
    return f"{per_hour:.0f}" if per_hour >= 1 else f"{per_hour:.1g}"
