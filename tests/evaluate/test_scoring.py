import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.evaluate.baselines import knn_scores, pca_scores
from keras_sibeat.evaluate.metrics import auc_per_record, evaluate_scores, threshold_for
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
    assert np.isnan(separation(np.arange(3.0), np.full(3, True))["auc"])


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
    # One false alarm in six normal beats of half a second each.
    assert metrics["false_alarms_per_hour"] == pytest.approx(3600 / (6 * 0.5))
    assert metrics["f1"] == pytest.approx(f1_score(np.array(classes) != "N", scores > 1))
    assert metrics["auc_V"] == pytest.approx((5 + 0.5) / 6)


def test_false_alarms_per_hour_need_rr_intervals():
    assert "false_alarms_per_hour" not in evaluate_scores(
        np.array([0.0, 1.0]), beats_of(["N", "V"], rr=np.nan), "N", 0.5
    )


def test_equal_error_rate_of_separated_and_of_equal_scores():
    beats = beats_of(["N"] * 4 + ["V"] * 4)
    assert evaluate_scores(np.arange(8.0), beats, "N", 3.5)["eer"] == 0
    assert evaluate_scores(-np.arange(8.0), beats, "N", 3.5)["eer"] >= 0.5


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
