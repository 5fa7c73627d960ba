from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from normal_recordings import SOME, write_normals
from scipy import interpolate, optimize, stats
from sklearn.metrics import f1_score, roc_curve

from keras_sibeat.config import read_config
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.evaluate.alarms import count_alarms_of_wearers
from keras_sibeat.evaluate.baselines import evaluate_baseline, knn_scores, pca_scores
from keras_sibeat.evaluate.metrics import (
    auc_per_record,
    equal_error_rate,
    evaluate_scores,
    separation_with_unscored,
    threshold_for,
)
from keras_sibeat.evaluate.wearers import measure_own_thresholds, measure_wearers
from keras_sibeat.models.inference import residuals
from keras_sibeat.train.separation import separation


def beats_of(classes, records=None, rr=1.0):
    count = len(classes)
    classes = np.array(classes)
    return BeatSet(
        windows=np.zeros((count, 1, 1), np.float32),
        rhythm=np.zeros((count, 0), np.float32),
        samples=np.arange(count),
        rr_before=np.full(count, rr),
        rr_after=np.full(count, rr),
        seconds=np.full(count, rr),
        records=np.array(records if records is not None else ["r"] * count),
        symbols=classes,
        classes=classes,
        detected=np.full(count, True),
    )


@given(
    hnp.arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 9)),
    st.randoms(use_true_random=False),
)
def test_auc_is_the_share_of_pairs_in_the_right_order(scores, random):
    is_abnormal = np.array([random.random() < 0.5 for _ in scores])
    is_abnormal[:2] = True, False
    pairs = scores[is_abnormal][:, None] - scores[~is_abnormal]
    expected = np.mean((pairs > 0) + 0.5 * (pairs == 0))
    assert separation(scores, is_abnormal)["auc"] == pytest.approx(expected)


def test_one_kind_of_beat_has_no_auc():
    for is_abnormal in (True, False):
        assert separation(np.arange(3.0), np.full(3, is_abnormal)) == {}
        assert separation_with_unscored(np.arange(3.0), np.full(3, is_abnormal)) == {}


@given(st.floats(0.001, 0.5))
def test_threshold_lets_the_stated_share_of_normals_pass(rate):
    normals = np.random.default_rng(0).normal(size=5000)
    assert np.mean(normals > threshold_for(normals, rate)) == pytest.approx(rate, abs=1 / 2500)


def test_residual_is_the_mean_square_over_channels():
    window, rebuilt = np.zeros((1, 3, 2)), np.zeros((1, 3, 2))
    rebuilt[0, 1] = [1.0, 3.0]
    np.testing.assert_allclose(residuals(window, rebuilt), [[0, 5, 0]])


def test_metrics_at_the_threshold_count_alarms():
    classes = ["N"] * 6 + ["S", "S", "V", "V"]
    scores = np.array([0, 0, 0, 0, 5, 0, 0, 5, 5, 5], float)
    metrics = evaluate_scores(scores, beats_of(classes, rr=0.5), "N", 1.0)
    assert metrics["sensitivity"] == 3 / 4
    assert metrics["false_alarm_rate"] == pytest.approx(1 / 6)
    # One false alarm in ten beats, abnormal ones among them, that stand for half a second each.
    assert metrics["false_alarms_per_hour"] == pytest.approx(3600 / (10 * 0.5))
    assert metrics["f1"] == pytest.approx(f1_score(np.array(classes) != "N", scores > 1))
    assert metrics["auc_V"] == pytest.approx((5 + 0.5) / 6)


def test_false_alarms_per_hour_need_the_recordings_length():
    assert "false_alarms_per_hour" not in evaluate_scores(
        np.array([0.0, 1.0]), beats_of(["N", "V"], rr=np.nan), "N", 0.5
    )


def test_normal_beats_alone_measure_false_alarms_alone():
    scores, beats = np.array([0.0, 2.0, 0.0, 0.0]), beats_of(["N"] * 4, ["a", "a", "b", "b"], rr=0.5)
    assert evaluate_scores(scores, beats, "N", 1.0) == {
        "false_alarm_rate": 1 / 4,
        "false_alarms_per_hour": 1800.0,
    }
    assert measure_wearers(scores, beats, "N") == {}
    own = measure_own_thresholds(scores, beats, "N", 1.0, usual=0.0)
    assert set(own) == {
        "own_false_alarm_rate",
        *(f"own_false_alarms_per_hour{which}" for which in ("", "_median", "_worst")),
    }


def test_folds_without_abnormal_beats_are_named(tmp_path):
    data = write_normals(tmp_path, 9)
    first = np.random.default_rng(0).permutation([f"n{number}" for number in range(9)])[0]
    write_normals(data, 9, abnormal={int(first[1:]): SOME})
    settings = ["data.source=wfdb", "protocol.name=leave_out", "protocol.folds=[0, 1]"]
    result = evaluate_baseline(read_config(overrides=settings, data=data), "pca")
    assert result["not_measured"].startswith("No test beat is abnormal in fold 1: ")
    assert "false_alarm_rate" in result["metrics"] and "auc" not in result["metrics"]
    assert set(result["auc_per_record"]) <= {first}


def test_equal_error_rate_of_separated_and_of_reversed_scores():
    is_abnormal = np.arange(8) >= 4
    assert equal_error_rate(np.arange(8.0), is_abnormal) == 0
    assert equal_error_rate(-np.arange(8.0), is_abnormal) == 1


def test_a_missed_abnormal_beat_counts_in_the_equal_error_rate():
    """One of sixteen lies below all normal ones: between (0, 15/16) and (1, 15/16) a sixteenth is missed."""
    is_abnormal = np.r_[np.zeros(15, bool), np.ones(16, bool)]
    scores = np.r_[np.arange(15.0), np.arange(15.0) + 20, -1]
    assert equal_error_rate(scores, is_abnormal) == pytest.approx(1 / 16)


def test_the_equal_error_rate_of_two_normal_distributions_is_that_of_their_formula():
    draws, distance = np.random.default_rng(0).normal(size=400_000), 1.5
    is_abnormal = np.arange(400_000) % 2 == 0
    found = equal_error_rate(draws + distance * is_abnormal, is_abnormal)
    assert found == pytest.approx(stats.norm.cdf(-distance / 2), abs=2e-3)


@given(
    hnp.arrays(np.int64, st.integers(2, 40), elements=st.integers(0, 9)),
    st.randoms(use_true_random=False),
)
def test_the_equal_error_rate_is_where_the_interpolated_rates_meet(scores, random):
    """With ties, as int8 has them, found by a root finder on SciPy's interpolation of the ROC curve."""
    is_abnormal = np.array([random.random() < 0.5 for _ in scores])
    is_abnormal[:2] = True, False
    false_alarm, hit, _ = roc_curve(is_abnormal, scores, drop_intermediate=False)
    along = np.arange(len(hit))  # the curve's steps, as it may be vertical over the false-alarm rate
    alarms, misses = interpolate.interp1d(along, false_alarm), interpolate.interp1d(along, 1 - hit)
    step = optimize.brentq(lambda place: alarms(place) - misses(place), 0, len(hit) - 1, xtol=1e-13)
    assert equal_error_rate(scores, is_abnormal) == pytest.approx(float(alarms(step)), abs=1e-9)


def test_a_gate_that_refuses_gains_nothing():
    is_abnormal = np.array([False, True, False, True])
    scores = np.array([2.0, 3.0, 5.0, 3.0])
    before = separation_with_unscored(scores, is_abnormal)
    assert before == separation(scores, is_abnormal) and before["auc"] == 0.5
    refused = np.where(scores == 5, -np.inf, scores)  # the false alarm alone
    assert separation_with_unscored(refused, is_abnormal)["auc"] == 0.5


@given(
    hnp.arrays(np.int64, st.integers(2, 30), elements=st.integers(0, 6)),
    st.randoms(use_true_random=False),
)
def test_refusing_any_beat_never_raises_auc_or_average_precision(drawn, random):
    """Ties and beats that were refused before are among the scores."""
    is_abnormal = np.array([random.random() < 0.5 for _ in drawn])
    is_abnormal[:2] = True, False
    scores = np.where(drawn == 0, -np.inf, drawn)
    before = separation_with_unscored(scores, is_abnormal)
    for beat in range(len(scores)):
        refused = scores.astype(float)
        refused[beat] = -np.inf
        after = separation_with_unscored(refused, is_abnormal)
        assert all(after[name] <= before[name] + 1e-12 for name in ("auc", "ap"))


def test_beats_that_all_have_a_score_are_ranked_as_ever():
    scores = np.random.default_rng(0).integers(0, 9, 200).astype(float)
    is_abnormal = np.random.default_rng(1).random(200) < 0.3
    assert separation_with_unscored(scores, is_abnormal) == separation(scores, is_abnormal)


def test_hourly_rates_are_over_the_recorded_hours_of_all_and_of_each_wearer():
    """Three records of an hour, two of them one wearer's, with 10, 2 and 4 false alarms."""
    records = np.repeat(["a1", "a2", "b"], 40)
    alarms = np.concatenate([np.arange(40) < count for count in (10, 2, 4)])
    classes = np.where(np.arange(120) % 40 == 39, "V", "N")
    beats = replace(beats_of(classes, records, rr=90.0), worn_by={"a1": "ann", "a2": "ann"})
    found = count_alarms_of_wearers(alarms, beats, "N")
    rates = [found[f"false_alarms_per_hour{end}"] for end in ("", "_median", "_worst")]
    assert rates == pytest.approx([16 / 3, (6 + 4) / 2, 6])


def test_auc_per_record_leaves_out_records_with_few_abnormal_beats():
    classes = ["N"] * 5 + ["V"] * 10 + ["N"] * 5 + ["V"] * 9 + ["V"] * 10
    records = ["a"] * 15 + ["b"] * 14 + ["c"] * 10
    scores = np.arange(len(classes), dtype=float)
    assert auc_per_record(scores, beats_of(classes, records), "N") == {"a": 1.0}


def test_pca_baseline_is_what_the_leading_singular_vectors_leave():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(200, 40)) * np.linspace(3, 0.1, 40), random.normal(size=(30, 40))
    mean = train.mean(axis=0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2][:20]
    left = (test - mean) - (test - mean) @ axes.T @ axes
    np.testing.assert_allclose(pca_scores(train, test), np.square(left).mean(axis=1), rtol=0.05)


def test_knn_baseline_is_the_distance_to_the_nearest_training_window():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(50, 7)), random.normal(size=(20, 7))
    expected = np.linalg.norm(test[:, None] - train, axis=2).min(axis=1)
    np.testing.assert_allclose(knn_scores(train, test), expected)
