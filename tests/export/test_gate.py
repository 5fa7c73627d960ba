"""The gate's measures against NumPy by hand, and what it lets through."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from keras_sibeat.export.gate import Verdict, judge


def scores(count=400, seed=0):
    """Float scores of ``count`` beats, a quarter of them abnormal and mostly higher."""
    generator = np.random.default_rng(seed)
    is_abnormal = np.arange(count) % 4 == 0
    return generator.normal(size=count) + 1.5 * is_abnormal, is_abnormal


def test_the_same_scores_lose_nothing():
    values, is_abnormal = scores()
    verdict = judge(values, values, is_abnormal, 0.05)
    assert verdict.auc == verdict.auc_float and verdict.ap == verdict.ap_float
    assert verdict.correlation == pytest.approx(1) and verdict.decisions_flipped == 0
    assert verdict.threshold == verdict.threshold_float and verdict.failures == []


def test_the_measures_are_those_of_numpy():
    values, is_abnormal = scores()
    rounded = np.round(values, 0)
    verdict = judge(values, rounded, is_abnormal, 0.05, runtimes_differ=1)
    pairs = rounded[is_abnormal][:, None] - rounded[~is_abnormal]
    assert verdict.auc == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    ranks = rankdata(values), rankdata(rounded)
    assert verdict.correlation == pytest.approx(np.corrcoef(*ranks)[0, 1])
    decided = [v > np.quantile(v[~is_abnormal], 0.95) for v in (values, rounded)]
    assert verdict.decisions_flipped == np.mean(decided[0] != decided[1]) > 0
    assert verdict.runtimes_differ == 1


def test_the_threshold_is_fitted_again_after_quantisation():
    values, is_abnormal = scores()
    verdict = judge(values, 3 * values - 7, is_abnormal, 0.05)
    assert verdict.decisions_flipped == 0 and verdict.failures == []
    assert verdict.threshold == pytest.approx(3 * verdict.threshold_float - 7)
    assert np.mean(values[~is_abnormal] > verdict.threshold_float) == pytest.approx(0.05, abs=0.005)


def test_scores_that_are_all_the_same_rank_nothing():
    values, is_abnormal = scores()
    verdict = judge(values, np.zeros(len(values)), is_abnormal, 0.05)
    assert verdict.correlation == 0 and verdict.auc == 0.5
    assert "rank correlation: found 0, expected at least 0.995" in verdict.failures
    json.dumps(verdict.as_dict(), allow_nan=False)


def test_labels_may_be_0_and_1():
    values, is_abnormal = scores()
    rounded = np.round(values, 1)
    assert judge(values, rounded, is_abnormal.astype(int), 0.05) == judge(values, rounded, is_abnormal, 0.05)


PASSING = Verdict(
    auc_float=0.9,
    auc=0.8971,
    ap_float=0.8,
    ap=0.8,
    correlation=0.995,
    decisions_flipped=0.005,
    runtimes_differ=1,
    threshold_float=1.0,
    threshold=1.0,
)


def test_what_is_just_within_the_limits_passes():
    assert PASSING.failures == []


@pytest.mark.parametrize(
    "change, failure",
    [
        ({"auc": 0.8969}, "AUC loss: found 0.0031, expected at most 0.003"),
        ({"correlation": 0.9949}, "rank correlation: found 0.9949, expected at least 0.995"),
        ({"decisions_flipped": 0.0051}, "decisions flipped: found 0.0051, expected at most 0.005"),
        (
            {"kinds_flipped": 0.0051, "kinds_played": 2000},
            "kinds flipped: found 0.0051, expected at most 0.005",
        ),
        ({"runtimes_differ": 2}, "runtimes' difference: found 2, expected at most 1"),
        ({"auc": float("nan")}, "AUC loss: found nan, expected at most 0.003"),
        ({"correlation": float("nan")}, "rank correlation: found nan, expected at least 0.995"),
    ],
)
def test_each_limit_refuses_and_says_why(change, failure):
    assert replace(PASSING, **change).failures == [failure]


def test_every_failure_is_told():
    assert (
        len(replace(PASSING, auc=0.5, correlation=0.1, decisions_flipped=0.4, runtimes_differ=9).failures)
        == 4
    )


def test_a_better_model_passes():
    assert replace(PASSING, auc=0.99).failures == []


@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_a_model_that_says_always_the_same_is_refused():
    values, is_abnormal = scores()
    failures = judge(values, np.zeros(len(values)), is_abnormal, 0.05).failures
    assert [failure.split(":")[0] for failure in failures] == [
        "AUC loss",
        "rank correlation",
        "decisions flipped",
    ]


def test_one_kind_of_beat_alone_proves_nothing():
    values, _ = scores()
    failures = judge(values, values, np.zeros(len(values), bool), 0.05).failures
    assert failures == ["AUC loss: found nan, expected at most 0.003"]


def test_the_runtimes_difference_and_the_kinds_may_come_later():
    assert PASSING.with_runtimes(2) == replace(PASSING, runtimes_differ=2)
    assert PASSING.with_kinds(0.1, 50) == replace(PASSING, kinds_flipped=0.1, kinds_played=50)


def test_a_model_that_names_no_kinds_is_not_judged_by_them():
    assert PASSING.kinds_flipped is None and PASSING.with_kinds(0.005, 10).failures == []


def test_the_report_holds_the_measures_and_the_failures():
    told = json.loads(json.dumps(replace(PASSING, runtimes_differ=3).as_dict()))
    assert told["auc"] == 0.8971 and told["runtimes_differ"] == 3
    assert told["failures"] == ["runtimes' difference: found 3, expected at most 1"]
