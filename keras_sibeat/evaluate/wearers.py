"""What scores are worth on wearers that the model has never seen: by record, and how sure that is."""

import numpy as np

from keras_sibeat.data.protocols import SAME_SUBJECT
from keras_sibeat.evaluate.metrics import LEAST_ABNORMAL, auc_per_record, count_alarms, rows_in_time
from keras_sibeat.train.separation import separation
from sibeat_edge.model.threshold import PERSONAL_BEATS, personal_threshold

MOSTLY_ABNORMAL = "232"  # of MIT-BIH: most of this record's beats are supraventricular
ALARMS_PER_HOUR = (1, 5, 20)
DRAWN, INSIDE = 500, 0.95  # bootstrap samples, and the share of them within the interval


def measure_wearers(scores, beats, normal, seed=0):
    """Metrics beside the pooled ones, of the ``scores`` (beats,) of whole recordings of wearers never seen.

    - ``auc_record`` and ``auc_record_sd``: mean and spread of the AUCs of the records that have one;
    - ``auc_low``, ``auc_high`` and so on for ``ap`` and ``auc_record``: their 95 % intervals, by a bootstrap
      over *wearers*, whose beats come and go together: beats of one wearer are no independent witnesses. Two
      records of one subject are one wearer's;
    - ``auc_without_232``, ``ap_without_232``: without the record that holds most of DS2's supraventricular
      beats, where it is there;
    - ``sensitivity_1``, ``_5``, ``_20``: at the thresholds that would give so many false alarms an hour; they
      are those of these very beats, which no device knows before.

    Args:
        beats: ``BeatSet``, of at least two records.
        normal: its normal class.
    """
    per_record = auc_per_record(scores, beats, normal)
    aucs = list(per_record.values())
    metrics = {}
    if aucs:
        metrics["auc_record"] = float(np.mean(aucs))
        metrics["auc_record_sd"] = float(np.std(aucs, ddof=1)) if len(aucs) > 1 else 0.0
    is_abnormal = beats.classes != normal
    metrics |= _intervals(scores, is_abnormal, beats.records, per_record, seed)
    without = beats.records != MOSTLY_ABNORMAL
    if not without.all():
        rest = separation(scores[without], is_abnormal[without])
        metrics |= {f"{name}_without_{MOSTLY_ABNORMAL}": value for name, value in rest.items()}
    hours = np.nansum(beats.rr_before) / 3600
    for count in ALARMS_PER_HOUR:
        metrics[f"sensitivity_{count}"] = sensitivity_at(scores, is_abnormal, count * hours)
    return metrics


def measure_own_thresholds(scores, beats, normal, threshold, usual):
    """What thresholds of the wearers' own are worth beside the ``threshold`` for all, of ``scores`` (beats,).

    As on the device each is set by the wearer's first scores, until which the one for all holds.

    Args:
        beats: ``BeatSet``.
        normal: its normal class.
        usual: the middle of the first scores of a wearer who keeps the ``threshold`` (``usual_score``).

    Returns ``own_sensitivity``, ``own_false_alarm_rate`` and ``own_false_alarms_per_hour``, as
    ``count_alarms`` counts, and ``sensitivity_record`` and ``own_sensitivity_record``: the means over the
    records with at least 10 abnormal beats.
    """
    alarms = {"": scores > threshold, "own_": scores > threshold}
    records = rows_in_time(beats)
    for rows in records:
        if len(rows) > PERSONAL_BEATS:
            own = personal_threshold(scores[rows[:PERSONAL_BEATS]], threshold, usual)
            alarms["own_"][rows[PERSONAL_BEATS:]] = scores[rows[PERSONAL_BEATS:]] > own
    is_abnormal = beats.classes != normal
    found = {f"own_{name}": value for name, value in count_alarms(alarms["own_"], beats, normal).items()}
    for name, raised in alarms.items():
        abnormal = [rows[is_abnormal[rows]] for rows in records]
        hits = [raised[rows].mean() for rows in abnormal if len(rows) >= LEAST_ABNORMAL]
        if hits:
            found[f"{name}sensitivity_record"] = float(np.mean(hits))
    return found


def sensitivity_at(scores, is_abnormal, alarms):
    """Share of the abnormal beats above the threshold that lets at most ``alarms`` normal ones pass."""
    normals = np.sort(scores[~is_abnormal])[::-1]
    allowed = int(alarms)
    threshold = normals[allowed] if allowed < len(normals) else -np.inf
    return float(np.mean(scores[is_abnormal] > threshold))


def _intervals(scores, is_abnormal, records, per_record, seed):
    first, second = SAME_SUBJECT
    wearers = np.where(records == second, first, records)
    generator, names = np.random.default_rng(seed), np.unique(wearers)
    rows = [np.flatnonzero(wearers == name) for name in names]
    aucs = [
        [per_record[record] for record in np.unique(records[part]) if record in per_record] for part in rows
    ]
    found = {"auc": [], "ap": [], "auc_record": []}
    for _ in range(DRAWN):
        chosen = generator.integers(0, len(rows), len(rows))
        drawn = np.concatenate([rows[number] for number in chosen])
        for name, value in separation(scores[drawn], is_abnormal[drawn]).items():
            found[name].append(value)
        found["auc_record"].append(np.mean([auc for number in chosen for auc in aucs[number]] or [np.nan]))
    ends = {"low": (1 - INSIDE) / 2, "high": (1 + INSIDE) / 2}
    return {
        f"{name}_{end}": float(np.nanquantile(values, share))
        for name, values in found.items()
        if not np.isnan(values).all()
        for end, share in ends.items()
    }
