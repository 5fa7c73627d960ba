"""The threshold: what is refused, and how a wearer's own is learnt."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sibeat_edge.model.threshold import (
    HALF_LIFE,
    PERSONAL_BEATS,
    Median,
    Threshold,
    medians_in_time,
    personal_threshold,
)

MANIFEST = {
    "wearer": None,
    "score": {"scale": 0.1, "zero_point": 0},
    "threshold": {"score": 4.0, "usual": 1.0, "false_alarms_per_hour": 40.0},
}


@pytest.mark.parametrize("options", [{"score": np.nan}, {"score": np.inf}, {"personal": -1}])
def test_a_threshold_that_is_no_number_and_fewer_than_no_beats_are_refused(options):
    with pytest.raises(ValueError, match=r"expected (a finite number|0 or more)"):
        Threshold(MANIFEST, **options)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=300))
def test_the_median_is_the_least_level_that_has_half_of_the_weight(levels):
    median = Median()
    for level in levels:
        median.push(float(level))
    ages = np.arange(len(levels))[::-1]
    weights = 0.5 ** (ages / HALF_LIFE)
    enough = [
        x for x in sorted(levels) if weights[np.array(levels) <= x].sum() >= weights.sum() / 2 * (1 - 1e-9)
    ]
    assert median.value == enough[0]


def test_a_median_without_scores_is_not_a_number():
    assert np.isnan(Median().value)


def test_a_score_counts_half_after_as_many_beats_as_stated():
    median = Median()
    for _ in range(4 * HALF_LIFE):
        median.push(1.0)
    # With weights of 2 ** (-age / HALF_LIFE), n new scores outweigh all old ones once n > HALF_LIFE.
    for _ in range(HALF_LIFE - HALF_LIFE // 8):
        median.push(5.0)
    assert median.value == 1.0
    for _ in range(HALF_LIFE // 4):
        median.push(5.0)
    assert median.value == 5.0


def test_weights_stay_finite_and_memory_bounded_over_months():
    median = Median()
    for beat in range(150_000):
        median.push(float(beat % 200))
    assert 98 <= median.value <= 101
    assert len(median._scores) == len(median._weights) == 200 and max(median._weights) < 1e12


def test_a_wearer_s_threshold_moves_half_as_far_as_the_median():
    assert personal_threshold(5.0, 2.0, 2.0) == 5.0
    assert personal_threshold(5.0, 5.0, 2.0) == 6.5


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=120))
def test_the_first_beats_share_a_median_and_each_later_one_has_its_own(scores):
    known, median = medians_in_time(scores), Median()
    for score in scores[:PERSONAL_BEATS]:
        median.push(score)
    assert (known[:PERSONAL_BEATS] == median.value).all() and len(known) == len(scores)
    for place in range(PERSONAL_BEATS, len(scores)):
        median.push(scores[place])
        assert known[place] == median.value


def test_the_threshold_is_learnt_all_the_time():
    threshold = Threshold({**MANIFEST, "wearer": {"waits": True}})
    threshold.learn([1.0] * 49)
    assert threshold.score == 4.0
    threshold.learn([1.0])
    assert threshold.score == pytest.approx(4.05)  # between two levels
    threshold.learn([3.0] * 60)
    assert threshold.score == pytest.approx(5.05)


def test_a_run_of_abnormal_beats_does_not_teach_the_threshold():
    threshold, other = (Threshold({**MANIFEST, "wearer": {"waits": True}}) for _ in range(2))
    normal = np.random.default_rng(0).uniform(0.5, 1.5, 2000).tolist()
    threshold.learn(normal)
    other.learn(normal)
    other.learn([9.0] * 300)
    assert abs(threshold.score - other.score) < 0.1


def test_the_threshold_follows_a_wearer_whose_scores_drift():
    threshold = Threshold({**MANIFEST, "wearer": {"waits": True}})
    threshold.learn([1.0] * 1000)
    threshold.learn([2.0] * 3000)
    assert threshold.score == pytest.approx(4.55)
