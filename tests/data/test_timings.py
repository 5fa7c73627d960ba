"""Simulated rhythms: whose intervals they are, which beats are premature, and what is never used."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.timings import (
    FEWEST,
    LONGEST_RUN,
    normal_intervals,
    rhythms,
    simulate_rhythm,
    simulate_timings,
    with_premature,
)
from sibeat_edge.beats.rhythm import FEATURES, rhythm


def wearer(intervals, name="a", left_out=()):
    """Normal beats at these intervals; those ``left_out`` are no part of the set, but were there."""
    samples = np.round(np.cumsum([1000, *np.multiply(intervals, 360)])).astype(int)
    count = len(samples)
    rr = np.diff(samples) / 360
    beats = BeatSet(
        windows=np.zeros((count, 1, 1), np.float32),
        rhythm=np.zeros((count, 0), np.float32),
        samples=samples,
        rr_before=np.concatenate([[np.nan], rr]),
        rr_after=np.concatenate([rr, [np.nan]]),
        seconds=np.full(count, samples[-1] / 360 / count),
        records=np.full(count, name),
        symbols=np.full(count, "N"),
        classes=np.full(count, "N"),
        detected=np.full(count, True),
    )
    return beats.take(np.setdiff1d(np.arange(count), left_out))


def test_intervals_to_a_beat_that_is_left_out_are_left_out():
    beats = wearer([0.8, 0.5, 1.1, 0.9, 0.7], left_out=[2])
    np.testing.assert_allclose(normal_intervals(beats), [0.8, 0.9, 0.7], atol=0.002)
    shuffled = beats.take(np.random.default_rng(0).permutation(len(beats)))
    np.testing.assert_array_equal(normal_intervals(shuffled), normal_intervals(beats))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000))
def test_premature_beats_come_early_and_a_pause_follows(seed):
    intervals = np.full(300, 0.8)
    found, is_premature = with_premature(intervals, np.random.default_rng(seed))
    assert np.all(found[is_premature] < 0.971 * 0.8)
    behind = np.flatnonzero(is_premature[:-1] & ~is_premature[1:]) + 1
    assert np.all(found[behind] >= 0.8)
    others = np.setdiff1d(np.flatnonzero(~is_premature), behind)
    np.testing.assert_array_equal(found[others], 0.8)
    runs = np.diff(np.flatnonzero(np.diff(np.r_[0, is_premature, 0])))[::2]
    assert not len(runs) or runs.max() <= LONGEST_RUN


def test_fibrillation_has_no_premature_beat_and_pauses_are_none():
    drawn = [simulate_rhythm(np.full(300, 0.8), np.random.default_rng(seed)) for seed in range(200)]
    irregular = [found for found, labels in drawn if not labels.any() and np.std(np.log(found)) > 0.08]
    assert 0.1 < np.mean([not labels.any() for _, labels in drawn]) < 0.5 and len(irregular) > 20
    lengthened = [np.mean(found > 1.3 * 0.8) for found, labels in drawn if not labels.any()]
    assert max(lengthened) > 0 and not any(labels[found > 0.8].any() for found, labels in drawn)


def test_variability_differs_and_the_middle_stays():
    intervals = 0.8 * np.exp(np.random.default_rng(0).normal(0, 0.02, 300))
    spreads = []
    for seed in range(100):
        found, labels = simulate_rhythm(intervals, np.random.default_rng(seed))
        if labels.mean() < 0.4:  # else it is that of the premature beats
            assert np.median(found) == pytest.approx(0.8, rel=0.25)
        spreads.append(np.median(np.abs(np.log(found / np.median(found)))))
    assert min(spreads) < 0.008 and max(spreads) > 0.03


def test_without_waiting_nothing_is_known_of_the_next_interval():
    beats = wearer(np.random.default_rng(0).normal(0.8, 0.02, 700))
    features, _ = simulate_timings(beats, sequences=2, waits=False, seed=1)
    assert not features[:, [FEATURES.index("after"), FEATURES.index("turn")]].any()
    assert simulate_timings(beats, sequences=2, seed=1)[0][:, FEATURES.index("after")].any()


def test_burdens_are_of_all_kinds():
    generator = np.random.default_rng(0)
    shares = [with_premature(np.full(600, 0.8), generator)[1].mean() for _ in range(300)]
    assert min(shares) < 0.02 and 0.03 < np.median(shares) < 0.2
    assert 0.05 < np.mean(np.array(shares) > 0.5) < 0.25  # most beats are premature


def test_the_features_are_the_edges():
    intervals = np.random.default_rng(0).uniform(0.6, 1.0, 100)
    found = rhythms(intervals)
    np.testing.assert_array_equal(found[70], rhythm(intervals[28:68], intervals[68:71], intervals[71]))
    np.testing.assert_array_equal(
        found[0], rhythm(intervals[:40], [np.nan, np.nan, intervals[0]], intervals[1])
    )


def test_a_seed_decides_and_premature_beats_are_told_by_their_first_feature():
    beats = wearer(np.random.default_rng(0).normal(0.8, 0.02, 700))
    features, labels = simulate_timings(beats, sequences=3, seed=1)
    again = simulate_timings(beats, sequences=3, seed=1)
    np.testing.assert_array_equal(features, again[0])
    np.testing.assert_array_equal(labels, again[1])
    assert features.shape == (3 * 600, 8) and labels.any()
    assert np.median(features[labels, 0]) < -0.1 < np.median(features[~labels, 0])


def test_however_few_the_sequences_there_are_beats_of_both_kinds():
    beats = wearer(np.random.default_rng(0).normal(0.8, 0.02, 120))
    counts = []
    for seed in range(12):
        features, labels = simulate_timings(beats, sequences=1, seed=seed)
        assert len(features) == len(labels) and 0 < labels.sum() < len(labels)
        counts.append(len(labels))
    assert len(set(counts)) > 1  # some took further sequences


def test_a_wearer_with_few_beats_is_left_out_and_none_is_an_error():
    few, many = wearer(np.full(FEWEST - 1, 0.8), "few"), wearer(np.full(FEWEST, 0.8), "many")
    both = BeatSet.join([few, many], "")
    np.testing.assert_array_equal(simulate_timings(both, 2, 0)[0], simulate_timings(many, 2, 0)[0])
    with pytest.raises(ValueError, match="found at most 99 normal RR intervals of a wearer; expected 100"):
        simulate_timings(few)
