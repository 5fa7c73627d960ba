"""What scores are worth on wearers that the model has never seen: by record, and how sure that is."""

from collections.abc import Iterator, Sequence

import numpy as np

from keras_sibeat.data.beatset import BeatSet, recorded_hours
from keras_sibeat.data.mitbih import MOSTLY_ABNORMAL, wearer_of
from keras_sibeat.evaluate.alarms import count_alarms_of_wearers
from keras_sibeat.evaluate.metrics import LEAST_ABNORMAL, auc_per_record, rows_in_time
from keras_sibeat.train.separation import separation
from sibeat_edge.model.threshold import PERSONAL_BEATS, medians_in_time, personal_threshold

ALARMS_PER_HOUR = (1, 5, 20)
DRAWN, INSIDE = 500, 0.95  # bootstrap samples, and the share of them within the interval


def measure_wearers(scores: np.ndarray, beats: BeatSet, normal: str, seed: int = 0) -> dict[str, float]:
    """Metrics over wearers, of the ``scores`` (beats,) of whole recordings that the model has not seen.

    - ``auc_record`` and ``auc_record_sd``: mean and spread of the AUCs of the records that have one.
    - ``auc_low``, ``auc_high`` and so on for ``ap`` and ``auc_record``: the ends of their 95 % intervals, by
      a bootstrap over *wearers*. The beats of a wearer are drawn together, as they are no independent
      samples. Two records of one wearer are drawn together, too.
    - ``auc_without_232``, ``ap_without_232``: without MIT-BIH's record, if it is among the ``beats``, which
      has most of DS2's supraventricular beats (``mitbih.MOSTLY_ABNORMAL``).
    - ``sensitivity_1``, ``_5``, ``_20``: at the thresholds that would give so many false alarms an hour.
      These thresholds are set on the very beats that are tested, so no device can know them before.

    Without abnormal beats there is nothing to measure here.

    Args:
        beats: of at least two records.
        normal: the normal class.
        seed: of the bootstrap.
    """
    is_abnormal = beats.classes != normal
    if not is_abnormal.any():
        return {}
    per_record = auc_per_record(scores, beats, normal)
    aucs = list(per_record.values())
    metrics = {}
    if aucs:
        metrics["auc_record"] = float(np.mean(aucs))
        metrics["auc_record_sd"] = float(np.std(aucs, ddof=1)) if len(aucs) > 1 else 0.0
    metrics |= _intervals(scores, is_abnormal, beats, per_record, seed)
    without = beats.persons != wearer_of(MOSTLY_ABNORMAL)
    if not without.all():
        rest = separation(scores[without], is_abnormal[without])
        metrics |= {f"{name}_without_{MOSTLY_ABNORMAL}": value for name, value in rest.items()}
    hours = recorded_hours(beats)
    for count in ALARMS_PER_HOUR:
        metrics[f"sensitivity_{count}"] = sensitivity_at(scores, is_abnormal, count * hours)
    return metrics


def measure_own_thresholds(
    scores: np.ndarray, beats: BeatSet, normal: str, threshold: float, usual: float
) -> dict[str, float]:
    """What thresholds of the wearers' own are worth beside the ``threshold`` for all, of ``scores`` (beats,).

    A wearer's first scores are judged by the one for all.

    Args:
        usual: the median of the scores of a wearer who keeps the ``threshold`` (``usual_score``).

    Returns what ``count_alarms_of_wearers`` counts at the own thresholds, its names with ``own_`` before
    them, and ``sensitivity_record`` and ``own_sensitivity_record``: the means over the records with at least
    10 abnormal beats.
    """
    alarms = {"": scores > threshold, "own_": scores > threshold}
    records = rows_in_time(beats)
    for rows in records:
        own = personal_threshold(threshold, medians_in_time(scores[rows]), usual)
        alarms["own_"][rows[PERSONAL_BEATS:]] = (scores[rows] > own)[PERSONAL_BEATS:]
    is_abnormal = beats.classes != normal
    counted = count_alarms_of_wearers(alarms["own_"], beats, normal)
    found = {f"own_{name}": value for name, value in counted.items()}
    for name, raised in alarms.items():
        abnormal = [rows[is_abnormal[rows]] for rows in records]
        hits = [raised[rows].mean() for rows in abnormal if len(rows) >= LEAST_ABNORMAL]
        if hits:
            found[f"{name}sensitivity_record"] = float(np.mean(hits))
    return found


def sensitivity_at(scores: np.ndarray, is_abnormal: np.ndarray, alarms: float) -> float:
    """Share of the abnormal beats above the threshold that lets at most ``alarms`` normal ones pass.

    >>> sensitivity_at(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]), alarms=0)
    0.5
    """
    normals = np.sort(scores[~is_abnormal])[::-1]
    allowed = int(alarms)
    threshold = normals[allowed] if allowed < len(normals) else -np.inf
    return float(np.mean(scores[is_abnormal] > threshold))


def draw_wearers(wearers: np.ndarray, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The samples of a bootstrap over wearers, ``DRAWN`` of them.

    Args:
        wearers: ``(beats,)``, the name of each beat's.
        seed: the same seed draws the same wearers.

    Yields the numbers of the wearers drawn, in the order of their names, and the rows of all of their beats.

    >>> chosen, rows = next(draw_wearers(np.array(["b", "a", "b"])))
    >>> len(chosen), set(rows.tolist()) <= {0, 1, 2}
    (2, True)
    """
    generator, names = np.random.default_rng(seed), np.unique(wearers)
    rows = [np.flatnonzero(wearers == name) for name in names]
    for _ in range(DRAWN):
        chosen = generator.integers(0, len(rows), len(rows))
        yield chosen, np.concatenate([rows[number] for number in chosen])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the interval that holds the share ``INSIDE`` of the ``values`` of a bootstrap's samples."""
    low, high = (float(np.nanquantile(values, share)) for share in ((1 - INSIDE) / 2, (1 + INSIDE) / 2))
    return low, high


def _intervals(scores, is_abnormal, beats, per_record, seed):
    wearers, records = beats.persons, beats.records
    aucs = [
        [per_record[record] for record in np.unique(records[wearers == name]) if record in per_record]
        for name in np.unique(wearers)
    ]
    found = {"auc": [], "ap": [], "auc_record": []}
    for chosen, drawn in draw_wearers(wearers, seed):
        for name, value in separation(scores[drawn], is_abnormal[drawn]).items():
            found[name].append(value)
        found["auc_record"].append(np.mean([auc for number in chosen for auc in aucs[number]] or [np.nan]))
    ends = {name: interval(values) for name, values in found.items() if not np.isnan(values).all()}
    return {
        f"{name}_{end}": value
        for name, pair in ends.items()
        for end, value in zip(("low", "high"), pair, strict=True)
    }
