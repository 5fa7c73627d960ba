"""The rhythm's features against the same computed by hand, and intervals that are not known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sibeat_edge.beats.rhythm import FEATURES, rhythm

INTERVALS = st.lists(st.floats(0.25, 2.5), min_size=1, max_size=40)


def named(*arguments):
    return dict(zip(FEATURES, rhythm(*arguments).tolist(), strict=True))


def test_a_steady_rhythm_is_all_zero():
    np.testing.assert_array_equal(rhythm([0.8] * 40, [0.8] * 3, 0.8), np.zeros(8))


def test_a_premature_beat_and_its_pause():
    found = named([0.8] * 40, [0.8, 0.8, 0.6], 1.0)
    assert found["before"] == found["before_slow"] == pytest.approx(np.log(0.6 / 0.8))
    assert found["after"] == pytest.approx(np.log(1.0 / 0.8))
    assert found["turn"] == pytest.approx(np.log(1.0 / 0.6))
    assert found["one_earlier"] == found["two_earlier"] == found["spread"] == found["range"] == 0


def test_the_wearers_own_intervals_are_those_of_statistics():
    history = np.random.default_rng(0).uniform(0.5, 1.5, 40)
    found = named(history, [0.7, 0.9, 1.1], 1.3)
    logs = np.log(history)
    assert found["before"] == pytest.approx(np.log(1.1) - np.median(logs))
    assert found["before_slow"] == pytest.approx(np.log(1.1) - np.quantile(logs, 0.9))
    assert found["two_earlier"] == pytest.approx(np.log(0.7) - np.median(logs))
    assert found["spread"] == pytest.approx(np.median(np.abs(logs - np.median(logs))))
    assert found["range"] == pytest.approx(np.quantile(logs, 0.9) - np.quantile(logs, 0.1))


@given(INTERVALS, st.floats(0.3, 2.0), st.floats(0.7, 1.4))
def test_the_same_at_any_heart_rate(history, rr, faster):
    few = np.array([rr, rr, rr])
    slow = rhythm(history, few, rr)
    if min([*history, rr]) * faster > 0.2 and max([*history, rr]) * faster < 3:
        np.testing.assert_allclose(
            rhythm(np.array(history) * faster, few * faster, rr * faster), slow, atol=1e-5
        )


def test_what_is_not_known_is_as_if_on_time():
    waiting = named([0.8] * 40, [0.8, 0.8, 0.6], np.nan)
    assert waiting["after"] == waiting["turn"] == 0 and waiting["before"] < 0
    gap = named([0.8] * 40, [0.8, 0.8, np.nan], 0.9)
    assert gap["before"] == gap["turn"] == gap["before_slow"] == 0 and gap["after"] > 0
    np.testing.assert_array_equal(rhythm([np.nan] * 40, [0.8] * 3, 0.8), np.zeros(8))
    assert named([np.nan, 0.8], [0.8] * 3, 0.8) == named([0.8], [0.8] * 3, 0.8)


def test_a_pause_of_minutes_is_a_long_interval_like_any_other():
    np.testing.assert_array_equal(
        rhythm([0.8] * 40, [0.8, 0.8, 300.0], 0.8), rhythm([0.8] * 40, [0.8, 0.8, 3.0], 0.8)
    )
