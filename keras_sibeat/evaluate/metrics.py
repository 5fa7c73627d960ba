"""The metrics of a list of anomaly scores, larger = more abnormal, and the thresholds that they set."""

import numpy as np
from sklearn.metrics import f1_score, roc_curve

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.evaluate.alarms import count_alarms
from keras_sibeat.train.separation import separation
from sibeat_edge.model.threshold import PERSONAL_BEATS, SHRINKAGE

LEAST_ABNORMAL = 10  # beats that a record needs for an AUC of its own


def threshold_for(normal_scores: np.ndarray, false_alarm_rate: float) -> float:
    """The threshold that lets ``false_alarm_rate`` of these normal beats pass as alarms."""
    return float(np.quantile(normal_scores, 1 - false_alarm_rate))


def rows_in_time(beats: BeatSet) -> list[np.ndarray]:
    """The rows of each record, in order of time."""
    order = np.lexsort((beats.samples, beats.records))
    _, firsts = np.unique(beats.records[order], return_index=True)
    return np.split(order, firsts[1:])


def usual_score(
    scores: np.ndarray, beats: BeatSet, is_normal: np.ndarray, threshold: float, false_alarm_rate: float
) -> float:
    """The median of a wearer's first scores at which the wearer's own threshold equals the ``threshold``.

    It is chosen so that ``false_alarm_rate`` of all wearers' normal beats score above their wearer's own
    threshold.

    Args:
        scores: ``(beats,)`` of the ``beats``, which are of all classes.
        is_normal: ``(beats,)``, whether each is normal. The first beats' classes are not looked at.
    """
    own = np.asarray(scores, np.float64).copy()
    for rows in rows_in_time(beats):
        own[rows] -= SHRINKAGE * np.median(own[rows[:PERSONAL_BEATS]])
    return (threshold - threshold_for(own[is_normal], false_alarm_rate)) / SHRINKAGE


def evaluate_scores(scores: np.ndarray, beats: BeatSet, normal: str, threshold: float) -> dict[str, float]:
    """All metrics of the ``scores`` (beats,) of test beats.

    AUC and AP over all beats, the AUC of each class against the normal beats, the equal error rate, and at
    the threshold F1 and what ``count_alarms`` counts. Without abnormal beats only false alarms are measured.
    """
    is_abnormal, alarms = beats.classes != normal, scores > threshold
    metrics = {**separation(scores, is_abnormal), **auc_per_class(scores, beats.classes, normal)}
    if is_abnormal.any():
        metrics["eer"] = equal_error_rate(scores, is_abnormal)
        metrics["f1"] = float(f1_score(is_abnormal, alarms))
    return {**metrics, **count_alarms(alarms, beats, normal)}


def equal_error_rate(scores: np.ndarray, is_abnormal: np.ndarray) -> float:
    """The rate at which the shares of false alarms and of missed abnormal beats are equal.

    The ROC curve is interpolated linearly between its points: on the line between two of them lie the rates
    of choosing between their thresholds at random.

    >>> equal_error_rate(np.array([0.0, 1.0, 0.5, 2.0]), np.array([False, False, True, True]))
    0.5
    """
    false_alarm, hit, _ = roc_curve(is_abnormal, scores)
    return float(np.interp(0.0, false_alarm + hit - 1, false_alarm))  # the sum rises along the curve


def separation_with_unscored(scores: np.ndarray, is_abnormal: np.ndarray) -> dict[str, float]:
    """``separation`` where beats may have no score, -inf: a refused beat never raises AUC or precision.

    A normal beat without a score ranks above all others. An abnormal one counts as found by no threshold: its
    pairs are all in the wrong order, and its recall is never reached. So both metrics are those of the scored
    abnormal beats, times their share of all abnormal ones.

    >>> separation_with_unscored(np.array([0.0, -np.inf, 1.0, 2.0]), np.array([False, False, True, True]))
    {'auc': 0.5, 'ap': 0.5833333333333333}
    """
    scored = np.isfinite(scores)
    if is_abnormal.all() or not is_abnormal.any():
        return {}
    highest = np.max(scores[scored], initial=0.0) + 1
    ranks, counts = np.where(scored, scores, highest), scored | ~is_abnormal
    share = float(scored[is_abnormal].mean())
    if share == 0:
        return {"auc": 0.0, "ap": 0.0}
    found = separation(ranks[counts], is_abnormal[counts])
    return {name: share * value for name, value in found.items()}


def auc_per_class(scores: np.ndarray, classes: np.ndarray, normal: str) -> dict[str, float]:
    """``auc_CLASS`` of each abnormal class against the normal beats."""
    is_abnormal, metrics = classes != normal, {}
    for name in sorted(set(classes[is_abnormal])):
        rows = ~is_abnormal | (classes == name)
        if found := separation(scores[rows], is_abnormal[rows]):
            metrics[f"auc_{name}"] = found["auc"]
    return metrics


def auc_per_record(scores: np.ndarray, beats: BeatSet, normal: str) -> dict[str, float]:
    """AUC within each record that has normal beats and at least 10 abnormal ones."""
    is_abnormal = beats.classes != normal
    aucs = {}
    for record in np.unique(beats.records):
        rows = beats.records == record
        if is_abnormal[rows].sum() >= LEAST_ABNORMAL and not is_abnormal[rows].all():
            aucs[str(record)] = separation(scores[rows], is_abnormal[rows])["auc"]
    return aucs
