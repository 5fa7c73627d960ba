"""What scores are worth on wearers that the model has never seen: by record, and how sure that is."""

import numpy as np

from keras_sibeat.scoring import auc_per_record, separation

MOSTLY_ABNORMAL = "232"  # of MIT-BIH: most of this record's beats are supraventricular
ALARMS_PER_HOUR = (1, 5, 20)
DRAWN, INSIDE = 500, 0.95  # bootstrap samples, and the share of them within the interval


def measure_wearers(scores, beats, normal, seed=0):
    """Metrics beside the pooled ones, of the ``scores`` (beats,) of whole recordings of wearers never seen.

    - ``auc_record`` and ``auc_record_sd``: mean and spread of the AUCs of the records that have one;
    - ``auc_low`` to ``ap_high``: 95 % intervals of the pooled AUC and AP, by a bootstrap over *wearers*,
      whose beats come and go together: beats of one wearer are no independent witnesses;
    - ``auc_without_232``, ``ap_without_232``: without the record that holds most of DS2's supraventricular
      beats, where it is there;
    - ``sensitivity_1``, ``_5``, ``_20``: at the thresholds with so many false alarms an hour of all beats.

    Args:
        beats: ``BeatSet``, of at least two records.
        normal: its normal class.
    """
    aucs = list(auc_per_record(scores, beats, normal).values())
    metrics = {}
    if aucs:
        metrics["auc_record"] = float(np.mean(aucs))
        metrics["auc_record_sd"] = float(np.std(aucs, ddof=1)) if len(aucs) > 1 else 0.0
    is_abnormal = beats.classes != normal
    metrics |= _intervals(scores, is_abnormal, beats.records, seed)
    without = beats.records != MOSTLY_ABNORMAL
    if not without.all():
        rest = separation(scores[without], is_abnormal[without])
        metrics |= {f"{name}_without_{MOSTLY_ABNORMAL}": value for name, value in rest.items()}
    hours = np.nansum(beats.rr_before) / 3600
    for count in ALARMS_PER_HOUR:
        metrics[f"sensitivity_{count}"] = sensitivity_at(scores, is_abnormal, count * hours)
    return metrics


def sensitivity_at(scores, is_abnormal, alarms):
    """Share of the abnormal beats above the threshold that lets at most ``alarms`` normal ones pass."""
    normals = np.sort(scores[~is_abnormal])[::-1]
    allowed = int(alarms)
    threshold = normals[allowed] if allowed < len(normals) else -np.inf
    return float(np.mean(scores[is_abnormal] > threshold))


def _intervals(scores, is_abnormal, records, seed):
    generator, names = np.random.default_rng(seed), np.unique(records)
    rows = [np.flatnonzero(records == name) for name in names]
    found = {"auc": [], "ap": []}
    for _ in range(DRAWN):
        drawn = np.concatenate([rows[number] for number in generator.integers(0, len(rows), len(rows))])
        for name, value in separation(scores[drawn], is_abnormal[drawn]).items():
            found[name].append(value)
    ends = {"low": (1 - INSIDE) / 2, "high": (1 + INSIDE) / 2}
    return {
        f"{name}_{end}": float(np.nanquantile(values, share))
        for name, values in found.items()
        for end, share in ends.items()
    }
