"""Anomaly scores of windows, larger = more abnormal, and the metrics of a list of scores."""

import numpy as np
from sklearn.metrics import f1_score, roc_curve

from keras_sibeat.train.separation import separation
from sibeat_edge.model.threshold import FIRST, SHRINKAGE

LEAST_ABNORMAL = 10  # beats that a record needs for an AUC of its own


def threshold_for(normal_scores, false_alarm_rate):
    """The threshold that lets ``false_alarm_rate`` of these normal beats pass as alarms."""
    return float(np.quantile(normal_scores, 1 - false_alarm_rate))


def rows_in_time(beats):
    """The rows of each record of a ``BeatSet``, in order of time."""
    order = np.lexsort((beats.samples, beats.records))
    _, firsts = np.unique(beats.records[order], return_index=True)
    return np.split(order, firsts[1:])


def usual_score(scores, beats, is_normal, threshold, false_alarm_rate):
    """The middle of a wearer's first scores with which the ``threshold`` is the wearer's own, too.

    It is such that ``false_alarm_rate`` of all wearers' normal beats score above their wearer's threshold.

    Args:
        scores: ``(beats,)`` of the ``beats``, a ``BeatSet`` of all classes.
        is_normal: ``(beats,)``, whether each is normal. The first beats' classes are not looked at.
    """
    own = np.asarray(scores, np.float64).copy()
    for rows in rows_in_time(beats):
        own[rows] -= SHRINKAGE * np.median(own[rows[:FIRST]])
    return (threshold - threshold_for(own[is_normal], false_alarm_rate)) / SHRINKAGE


def evaluate_scores(scores, beats, normal, threshold):
    """All metrics of the ``scores`` (beats,) of a test ``BeatSet``.

    AUC and AP over all beats, the AUC of each class against the normal beats, equal error rate, and at the
    threshold F1 and what ``count_alarms`` counts.
    """
    is_abnormal = beats.classes != normal
    metrics = {**separation(scores, is_abnormal), **auc_per_class(scores, beats.classes, normal)}
    false_alarm, hit, _ = roc_curve(is_abnormal, scores)
    metrics["eer"] = float(false_alarm[np.argmin(np.abs(1 - hit - false_alarm))])
    alarms = scores > threshold
    metrics["f1"] = float(f1_score(is_abnormal, alarms))
    return {**metrics, **count_alarms(alarms, beats, normal)}


def count_alarms(alarms, beats, normal):
    """Sensitivity, share and hourly rate of false alarms (per hour of normal beats; absent where RR intervals
    are unknown), of ``alarms`` (beats,).
    """
    is_abnormal = beats.classes != normal
    metrics = {"sensitivity": float(alarms[is_abnormal].mean())}
    metrics["false_alarm_rate"] = float(alarms[~is_abnormal].mean())
    hours = np.nanmean(beats.rr_before[~is_abnormal]) / 3600 if np.isfinite(beats.rr_before).any() else np.nan
    if np.isfinite(hours):
        metrics["false_alarms_per_hour"] = metrics["false_alarm_rate"] / float(hours)
    return metrics


def auc_per_class(scores, classes, normal):
    """``auc_CLASS`` of each abnormal class against the normal beats."""
    is_abnormal, metrics = classes != normal, {}
    for name in sorted(set(classes[is_abnormal])):
        rows = ~is_abnormal | (classes == name)
        metrics[f"auc_{name}"] = separation(scores[rows], is_abnormal[rows])["auc"]
    return metrics


def auc_per_record(scores, beats, normal):
    """AUC within each record that has normal beats and at least 10 abnormal ones."""
    is_abnormal = beats.classes != normal
    aucs = {}
    for record in np.unique(beats.records):
        rows = beats.records == record
        if is_abnormal[rows].sum() >= LEAST_ABNORMAL and not is_abnormal[rows].all():
            aucs[str(record)] = separation(scores[rows], is_abnormal[rows])["auc"]
    return aucs
