"""What scores are worth on a fold's test beats, and over the test beats of several folds."""

from collections.abc import Sequence

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.protocols import Fold
from keras_sibeat.evaluate.alarms import count_alarms_of_wearers
from keras_sibeat.evaluate.metrics import (
    auc_per_class,
    auc_per_record,
    evaluate_scores,
    threshold_for,
    usual_score,
)
from keras_sibeat.evaluate.wearers import measure_own_thresholds, measure_wearers
from keras_sibeat.train.separation import separation


def set_thresholds(config: Config, scores: np.ndarray, fold: Fold) -> tuple[float, float]:
    """The threshold that the validation beats' ``scores`` set, and the ``usual_score`` that goes with it."""
    is_normal, rate = ~fold.is_abnormal(fold.validation), config.evaluate.false_alarm_rate
    threshold = threshold_for(scores[is_normal], rate)
    return threshold, usual_score(scores, fold.validation, is_normal, threshold, rate)


def measure(
    config: Config, scores: np.ndarray, fold: Fold, threshold: float, usual: float | None = None
) -> dict[str, float]:
    """Metrics of the test beats' ``scores`` (beats,) at the ``threshold``.

    Where wearers are kept apart, also those over wearers and, given the ``usual_score`` of the threshold, at
    the wearers' own thresholds.
    """
    metrics = evaluate_scores(scores, fold.test, fold.normal, threshold)
    if config.protocol.is_of_wearers:
        metrics |= count_alarms_of_wearers(scores > threshold, fold.test, fold.normal)
        metrics |= measure_wearers(scores, fold.test, fold.normal)
        if usual is not None:
            metrics |= measure_own_thresholds(scores, fold.test, fold.normal, threshold, usual)
    return metrics | _measure_databases(config, scores, fold)


def _measure_databases(config, scores, fold):
    """What the scores separate within each of several databases: ``DATABASE_auc``, ``DATABASE_auc_V``, …"""
    metrics = {}
    for name in config.data.sources:
        rows = np.char.startswith(fold.test.records, f"{name}/")
        if rows.any():
            beats, own = fold.test.take(rows), scores[rows]
            found = {
                **separation(own, fold.is_abnormal(beats)),
                **auc_per_class(own, beats.classes, fold.normal),
                **_auc_within_records(own, beats, fold.normal),
            }
            metrics |= {f"{name}_{key}": value for key, value in found.items()}
    return metrics


def measure_alone(config: Config, scores: np.ndarray, fold: Fold) -> dict[str, float]:
    """What one of a model's several scores separates by itself; of new wearers, also within a record."""
    found = separation(scores, fold.is_abnormal(fold.test))
    if config.protocol.is_of_wearers:
        found |= _auc_within_records(scores, fold.test, fold.normal)
    return found


def _auc_within_records(scores, beats, normal):
    """``auc_record``, the mean AUC of the records that have one; nothing where none has."""
    aucs = list(auc_per_record(scores, beats, normal).values())
    return {"auc_record": float(np.mean(aucs))} if aucs else {}


def measure_all_wearers(
    tested: Sequence[tuple[np.ndarray, np.ndarray, BeatSet]], normal: str
) -> dict[str, float]:
    """Metrics over the wearers of all folds, each judged by the model that has not seen it.

    Args:
        tested: of each fold its test beats' scores ``(beats,)``, which of them are alarms, and the beats.
        normal: the normal class.
    """
    scores, alarms = (np.concatenate([fold[place] for fold in tested]) for place in (0, 1))
    beats = BeatSet.join([fold[2] for fold in tested], tested[0][2].sha256)
    return {
        **separation(scores, beats.classes != normal),
        **auc_per_class(scores, beats.classes, normal),
        **count_alarms_of_wearers(alarms, beats, normal),
        **measure_wearers(scores, beats, normal),
    }
