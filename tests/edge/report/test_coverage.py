"""Which seconds were not scored, and why."""

import numpy as np
import pytest

from sibeat_edge.report.coverage import NO_BEAT, Coverage
from sibeat_edge.scorer import Beat

RATE = 50


def lively(seconds, seed=0):
    return np.random.default_rng(seed).normal(size=(round(seconds * RATE), 1))


def beats(times, reason=""):
    score = None if reason else 1.0
    return [Beat(float(time), score, False, reason, None) for time in times]


def reasons(signal, found, size=None):
    coverage = Coverage(RATE)
    size = size or len(signal)
    for first in range(0, len(signal), size):
        coverage.push(first / RATE, signal[first : first + size])
    return coverage.reasons(found).tolist()


def test_seconds_near_scored_beats_are_scored():
    assert reasons(lively(10), beats(np.arange(0.5, 10))) == [""] * 10


def test_a_beat_without_a_score_gives_its_reason_to_the_seconds_nearest_to_it():
    found = [*beats(np.arange(0.5, 5)), *beats([5.5, 6.5], "noisy"), *beats(np.arange(7.5, 10))]
    assert reasons(lively(10), found) == [""] * 5 + ["noisy"] * 2 + [""] * 3


@pytest.mark.parametrize("size", [None, 7, 50, 333])
@pytest.mark.parametrize(("value", "reason"), [(0.0, "flat"), (np.nan, "missing")])
def test_far_from_beats_the_signal_tells_the_reason(size, value, reason):
    signal = lively(20)
    signal[8 * RATE : 14 * RATE] = value
    found = beats([*np.arange(0.5, 5), *np.arange(15.5, 20)])
    wanted = [""] * 6 + [NO_BEAT] * 2 + [reason] * 6 + [""] * 6
    assert reasons(signal, found, size) == wanted


def test_without_beats_a_signal_has_none_found():
    assert reasons(lively(3.5), []) == [NO_BEAT] * 4


@pytest.mark.parametrize("found", [[], beats([1.5])])
def test_what_lies_in_a_gap_is_missing(found):
    coverage = Coverage(RATE)
    coverage.push(0.0, lively(3))
    coverage.push(10.0, lively(3))
    told = coverage.reasons(found).tolist()
    assert coverage.end == 13 and told[3:10] == ["missing"] * 7
    assert told[:3] == ([""] * 3 if found else [NO_BEAT] * 3) and told[10:] == [NO_BEAT] * 3


def test_whether_any_sample_was_finite():
    coverage = Coverage(RATE)
    coverage.push(0.0, np.full((10, 1), np.nan))
    assert not coverage.any_finite
    coverage.push(0.2, lively(1))
    assert coverage.any_finite
