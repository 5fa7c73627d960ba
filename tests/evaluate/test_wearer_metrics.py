"""Metrics of wearers never seen, against counting and against what a bootstrap must do."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from test_scoring import beats_of

from keras_sibeat.data.mitbih import wearer_of
from keras_sibeat.evaluate.wearers import (
    ALARMS_PER_HOUR,
    measure_own_thresholds,
    measure_wearers,
    sensitivity_at,
)


def drawn(records=8, each=100, seed=0, spread=0.0):
    """Scores of several wearers, a tenth of their beats abnormal; ``spread`` of the wearers' own levels."""
    generator = np.random.default_rng(seed)
    count = records * each
    classes = np.where(np.arange(count) % 10 == 0, "V", "N")
    names = np.repeat([f"{230 + n}" for n in range(records)], each)
    level = np.repeat(generator.normal(scale=spread, size=records), each)
    beats = replace(beats_of(classes, names), worn_by={"232": wearer_of("232")})
    return generator.normal(size=count) + 2 * (classes == "V") + level, beats


def test_sensitivity_is_counted_at_the_alarms_allowed():
    scores, is_abnormal = np.array([5, 4, 3, 2, 1, 0.0]), np.array([1, 0, 1, 0, 1, 0], bool)
    assert [sensitivity_at(scores, is_abnormal, alarms) for alarms in (0, 1, 1.9, 2, 3)] == pytest.approx(
        [1 / 3, 2 / 3, 2 / 3, 1, 1]
    )


def test_records_are_measured_each_and_232_left_out():
    scores, beats = drawn()
    found, is_abnormal = measure_wearers(scores, beats, "N"), beats.classes != "N"
    each = [roc_auc_score(is_abnormal[rows], scores[rows]) for rows in np.split(np.arange(800), 8)]
    assert found["auc_record"] == pytest.approx(np.mean(each))
    assert found["auc_record_sd"] == pytest.approx(np.std(each, ddof=1))
    rest = beats.records != "232"
    assert found["auc_without_232"] == pytest.approx(roc_auc_score(is_abnormal[rest], scores[rest]))
    assert found["sensitivity_1"] <= found["sensitivity_5"] <= found["sensitivity_20"]
    assert len(ALARMS_PER_HOUR) == 3
    own = measure_wearers(scores, replace(beats, worn_by={}), "N")  # another database may have a record 232
    assert set(found) - set(own) == {"auc_without_232", "ap_without_232"}


def test_the_interval_holds_the_value_and_is_wider_where_wearers_differ():
    widths = []
    for spread in (0.0, 3.0):
        scores, beats = drawn(each=400, spread=spread)
        found = measure_wearers(scores, beats, "N")
        auc = roc_auc_score(beats.classes != "N", scores)
        assert found["auc_low"] < auc < found["auc_high"]
        widths.append(found["auc_high"] - found["auc_low"])
    assert widths[1] > 1.5 * widths[0]


def test_the_interval_of_the_mean_within_a_record_holds_it():
    found = measure_wearers(*drawn(spread=3.0), "N")
    assert found["auc_record_low"] < found["auc_record"] < found["auc_record_high"]


def test_two_records_of_one_wearer_come_and_go_together():
    """Two records, one wearer: every sample of the bootstrap holds both, so the interval has no width."""
    scores, beats = drawn(records=2)
    one = replace(beats, worn_by={"230": "ann", "231": "ann"})
    found = measure_wearers(scores, one, "N")
    assert found["auc_low"] == found["auc_high"] and found["auc_record_low"] == found["auc_record_high"]
    apart = measure_wearers(scores, beats, "N")
    assert apart["auc_low"] < apart["auc_high"]


def test_the_interval_is_that_of_the_seed():
    scores, beats = drawn()
    first, same, other = (measure_wearers(scores, beats, "N", seed)["auc_low"] for seed in (0, 0, 1))
    assert first == same != other


def test_an_own_threshold_holds_after_the_first_beats_in_time():
    """One wearer's scores lie 4 higher than usual, so the own threshold is 2 higher than the one for all."""
    classes = np.where(np.arange(110) < 70, "N", "V")
    order = np.random.default_rng(0).permutation(110)  # rows in any order: what counts is the time
    scores = np.where(np.arange(110) < 60, 4.0, np.where(np.arange(110) < 70, 5.5, 6.5))
    beats = replace(beats_of(classes, rr=0.5), samples=np.arange(110)).take(order)
    found = measure_own_thresholds(scores[order], beats, "N", threshold=5.0, usual=0.0)
    # For all, 10 of 70 normal beats and all abnormal ones are alarms; the own threshold is 7.
    assert found["own_false_alarm_rate"] == 0 and found["own_sensitivity"] == 0
    found = measure_own_thresholds(scores[order], beats, "N", threshold=5.0, usual=2.0)  # the own is 6
    assert found["own_sensitivity"] == found["own_sensitivity_record"] == 1
    found = measure_own_thresholds(scores[order], beats, "N", threshold=3.0, usual=4.0)  # the same as for all
    assert found["own_false_alarms_per_hour"] == pytest.approx(70 * 3600 / (110 * 0.5))
    found = measure_own_thresholds(scores[order], beats, "N", threshold=3.0, usual=0.0)
    # The first 50 are alarms by the threshold for all, then 10 of 20 normal ones by the own, which is 5.
    assert found["own_false_alarm_rate"] == pytest.approx(60 / 70)


def test_a_wearer_of_few_beats_keeps_the_threshold_for_all():
    scores, beats = drawn(records=2, each=50)
    found = measure_own_thresholds(scores, beats, "N", threshold=1.0, usual=-100.0)
    assert found["own_sensitivity"] == np.mean(scores[beats.classes == "V"] > 1.0)
    assert "sensitivity_record" not in found  # five abnormal beats make no record's own
