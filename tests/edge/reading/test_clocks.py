"""Clocks: the rate of what jitters, and the gaps of what was lost."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.clocks import LATE, stretches_of, thinned, told_unit

FILE = Path("a")


def ones(times):
    return np.ones(len(times), np.int64)


@pytest.mark.parametrize("rate", [125, 128, 130, 250, 299.4, 360, 512])
@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e-6, 1e-9])
def test_a_clock_of_unknown_unit_gives_its_rate(rate, unit):
    times = np.round(1.7e9 / unit + np.arange(5000) / rate / unit, 6 if unit == 1.0 else 0)
    found = told_unit(FILE, times, ones(times))
    assert found == unit
    assert stretches_of(FILE, (times - times[0]) * found, ones(times))[0] == pytest.approx(rate, rel=3e-4)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(100, 900), st.floats(0.2, 30))
def test_packets_that_come_late_lose_nothing_and_a_dropout_shifts_nothing(seed, place, pause):
    rng = np.random.default_rng(seed)
    sent = np.arange(1000) * 16 / 128.0
    sent[place:] += pause
    times = sent + np.where(rng.random(1000) < 0.2, rng.uniform(0, 0.1, 1000), 0)
    # A late packet that is the last before a gap, or of all, cannot be told from one behind a gap.
    times[[0, place, *range(place - LATE, place)]] = sent[[0, place, *range(place - LATE, place)]]
    times = np.maximum.accumulate(times)
    rate, stretches = stretches_of(FILE, times, np.full(1000, 16))
    assert rate == pytest.approx(128, rel=2e-3)
    begun = {first: at for at, first, _ in stretches if first < 16 * (1000 - LATE)}
    assert set(begun) == {0, 16 * place}
    assert begun[16 * place] == pytest.approx(sent[place], abs=0.06 + 16 * place / 128 * 2e-3)
    assert stretches[0][0] == 0 and [b for _, _, b in stretches[:-1]] == [a for _, a, _ in stretches[1:]]


def test_samples_that_share_a_time_are_a_packet():
    times = np.repeat(np.arange(50) * 0.56, 73)
    rate, stretches = stretches_of(FILE, times, ones(times))
    assert rate == pytest.approx(73 / 0.56, rel=1e-3) and stretches == [(0.0, 0, 3650)]


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 1, 0.5], "0.5 s after a later time"),
        ([0.0], "fewer than 2 times"),
        ([0, np.nan], "times that are no numbers"),
        ([5, 5, 5], "does not go on"),
        (np.cumsum(np.random.default_rng(0).exponential(0.05, 2000)), "jumps more than once a second"),
    ],
)
def test_what_is_no_clock_is_told(times, words):
    with pytest.raises(RecordError, match=words):
        stretches_of(FILE, np.array(times, float), ones(times))


def test_thinned_times_tell_the_same_gaps():
    times = np.arange(200_000) / 250.0
    times[70_003:] += 7
    times[130_001:] += 9
    few, counts = thinned(times)
    assert len(few) < 13_000 and counts.sum() == 200_000
    rate, stretches = stretches_of(FILE, few, counts)
    assert rate == 250
    expected = [(0, 0, 70_003), (times[70_003], 70_003, 130_001), (times[130_001], 130_001, 200_000)]
    np.testing.assert_allclose(stretches, expected)


def test_many_gaps_in_a_long_clock_take_no_time():
    steps = np.full(2_000_000, 1 / 250)
    steps[::500] += 5
    times = np.cumsum(steps)
    rate, stretches = stretches_of(FILE, times, ones(times))
    assert rate == 250 and len(stretches) == 4000


@pytest.mark.parametrize("most", [0.06, 0.1, 0.2])
def test_stamps_that_jitter_by_packets_lose_nothing(most):
    ends = np.arange(0, 15_073, 73)
    late = np.random.default_rng(0).uniform(0, most, len(ends))
    times = np.interp(np.arange(15_000), ends, np.maximum.accumulate(ends / 250 + late))
    times[9000:] += 20  # and the gap between them is found
    rate, stretches = stretches_of(FILE, *thinned(times - times[0]))
    assert rate == pytest.approx(250, rel=most / 50)
    assert [first for _, first, _ in stretches] == [0, pytest.approx(9000, abs=16)]
    assert stretches[1][0] == pytest.approx(56, abs=most)


def test_a_packet_that_comes_twice_in_a_long_even_clock_is_told():
    times = np.insert(np.arange(15_000) / 250, 1616, np.arange(1600, 1616) / 250)
    with pytest.raises(RecordError, match="after a later time"):
        stretches_of(FILE, *thinned(times))


@pytest.mark.parametrize("size", [1, 16])
def test_packets_that_are_lost_again_and_again_do_not_change_the_rate(size):
    packets = np.arange(1000)
    packets = packets[packets % 50 != 7]
    times = (16 * packets[:, None] + np.arange(0, 16, size)).ravel() / 250
    rate, stretches = stretches_of(FILE, *(thinned(times) if size == 1 else (times, np.full(len(times), 16))))
    assert rate == 250 and len(stretches) == 21
    assert stretches[-1][0] == pytest.approx(16 * 958 / 250)


def test_stamps_that_jitter_around_their_samples_are_a_clock():
    times = np.arange(15_000) / 250 + np.random.default_rng(0).normal(0, 0.002, 15_000)
    rate, stretches = stretches_of(FILE, *thinned(times - times[0]))
    assert rate == pytest.approx(250, rel=1e-3) and len(stretches) == 1


def test_days_are_told_by_their_steps():
    times = 739_000.5 + np.arange(5000) / 250 / 86_400
    assert told_unit(FILE, times - times[0], ones(times)) == 86_400
