"""Kinds: which shapes are alike, which kind has to go, and what is known of one."""

import pickle

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sibeat_edge.beats.form import shape_of
from sibeat_edge.beats.kinds import Kind, Kinds

# The rules in numbers of the tests' own, so that none changes unnoticed.
ALIKE, KINDS, MEMORY, RECENT, HALF_LIFE, ENOUGH = 0.9, 12, 8, 32, 600, 4
SAMPLES, BEFORE, AFTER, SLOWER, STEP = 120, 40, 80, 108, 3
VALUES = ("premature", "score", "shape_score", "likeness", "irregular")


def axes(count, seed=0):
    """Orthonormal shapes."""
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((SAMPLES, count)))[0].T


AXES = axes(60)


def turned(cosine, first=0, other=1):
    """A shape whose correlation with the ``first`` axis is ``cosine``."""
    return cosine * AXES[first] + np.sqrt(1 - cosine**2) * AXES[other]


def unit(shape):
    return shape / np.linalg.norm(shape)


def gathered(shapes, kinds=None):
    """The number of each shape's kind."""
    kinds = kinds or Kinds()
    return [kinds.gather(shape).number for shape in shapes]


# What is alike


@settings(max_examples=100, deadline=None)
@given(st.floats(-1, 1), st.integers(0, 29), st.integers(30, 59))
def test_a_shape_is_of_a_kind_from_a_correlation_on(cosine, first, other):
    kinds = Kinds()
    begun = kinds.gather(AXES[first])
    found = kinds.find(turned(cosine, first, other))
    assert abs(cosine - ALIKE) < 1e-9 or found is (begun if cosine > ALIKE else None)


@pytest.mark.parametrize("above", [1e-9, -1e-9])
def test_the_limit_is_as_stated(above):
    kinds = Kinds()
    kinds.gather(AXES[0])
    assert (kinds.find(turned(ALIKE + above)) is not None) == (above > 0)
    assert len(set(gathered([turned(ALIKE + above)], kinds)) | {0}) == (1 if above > 0 else 2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.data())
def test_the_height_of_a_shape_does_not_matter(which, data):
    scales = data.draw(st.lists(st.floats(1e-3, 1e3), min_size=len(which), max_size=len(which)))
    shapes = [turned(0.93, number, number + 1) for number in which]
    one, other = Kinds(), Kinds()
    for shape, scale in zip(shapes, scales, strict=True):
        kind, scaled = one.gather(shape), other.gather(scale * shape)
        assert (kind.number, kind.count, kind.last) == (scaled.number, scaled.count, scaled.last)
        np.testing.assert_allclose(kind.mean, scaled.mean, atol=1e-9)


def test_a_shape_turned_over_is_of_another_kind():
    assert gathered([AXES[0], -AXES[0], AXES[0], -AXES[0]]) == [0, 1, 0, 1]


def test_of_two_kinds_the_one_more_alike_is_found():
    """At 60° both are too far. Between two kinds 20° apart, the nearer one is."""
    kinds, angles = Kinds(), np.radians([0, 40])
    near, far = (kinds.gather(turned(float(np.cos(angle)))) for angle in angles)
    assert near is not far
    for degrees in range(0, 41):
        found = kinds.find(turned(float(np.cos(np.radians(degrees)))))
        assert degrees == 20 or found is (near if degrees < 20 else far)


def test_to_find_a_kind_changes_nothing():
    kinds = Kinds()
    gathered([AXES[0], AXES[1], turned(0.95)], kinds)
    before = pickle.dumps(kinds)
    for shape in AXES[:20]:
        kinds.find(shape)
    assert pickle.dumps(kinds) == before


def test_a_flat_shape_never_fails():
    kinds = Kinds()
    assert gathered([np.zeros(SAMPLES), AXES[0], np.zeros(SAMPLES)], kinds)[1] == 1
    assert kinds.find(AXES[0]).number == 1 and kinds.find(np.zeros(SAMPLES)) is None


# The kinds kept


def test_kinds_are_numbered_in_order_of_appearance_and_no_number_comes_again():
    assert gathered(AXES[:40]) == list(range(40))
    assert gathered([AXES[number] for number in (5, 3, 5, 9, 3, 7)]) == [0, 1, 0, 2, 1, 3]


def test_no_more_kinds_than_stated_are_kept():
    kinds = Kinds()
    gathered(AXES[:KINDS], kinds)
    assert all(kinds.find(shape) is not None for shape in AXES[:KINDS])
    for number in range(KINDS, len(AXES)):
        kinds.gather(AXES[number])
        assert sum(kinds.find(shape) is not None for shape in AXES) == KINDS
        assert kinds.find(AXES[number]).number == number


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 900)), min_size=1, max_size=40))
def test_the_kind_with_the_fewest_recent_beats_has_to_go(stretches):
    """Against a table of counts and ages; of two kinds that are worth the same, either may go."""
    kinds, counts, last, passed = Kinds(), {}, {}, 0
    for which, times in stretches:
        if which not in counts and len(counts) == KINDS:
            worth = {n: counts[n] * 2 ** ((last[n] - passed) / HALF_LIFE) for n in counts}
            kinds.gather(AXES[which])
            gone = [number for number in counts if kinds.find(AXES[number]) is None]
            assert len(gone) == 1 and worth[gone[0]] <= min(worth.values()) * (1 + 1e-9)
            del counts[gone[0]]
            counts[which], passed, times = 1, passed + 1, times - 1
        for _ in range(times):
            kinds.gather(AXES[which])
        passed += times
        counts[which] = counts.get(which, 0) + times
        last[which] = passed
        assert {n for n in range(21) if kinds.find(AXES[n]) is not None} == set(counts)
        found = kinds.find(AXES[which])
        assert (found.count, found.last) == (counts[which], last[which])


def test_a_kind_that_was_frequent_long_ago_goes_before_a_recent_one():
    """64 beats that are four half-lives old count as 4: more than three beats, less than five."""
    for recent, is_kept in ((3, True), (5, False)):
        kinds = Kinds()
        gathered([AXES[0]] * 64, kinds)
        gathered([AXES[1]] * (4 * HALF_LIFE - (KINDS - 2) * recent), kinds)
        for number in range(2, KINDS):
            gathered([AXES[number]] * recent, kinds)
        kinds.gather(AXES[50])
        assert (kinds.find(AXES[0]) is not None) == is_kept


def test_no_more_is_held_however_many_beats_come():
    kinds, draws, sizes = Kinds(), np.random.default_rng(0), []
    for number in range(10_000):
        shape = draws.standard_normal(SAMPLES) if number % 3 else AXES[number % 7]
        kinds.gather(shape).learn(score=1.0)
        if number % 100 == 99:
            sizes.append(len(pickle.dumps(kinds)))
    assert max(sizes) < KINDS * (2 * 8 * SAMPLES + 500) and max(sizes[1:]) <= sizes[0] + 500  # shapes twice


# What is known of a kind


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.integers(0, 99))
def test_the_shape_is_a_mean_that_forgets_and_has_length_1(offsets, seed):
    """The first counts whole, each further one an eighth."""
    draws, kinds = np.random.default_rng(seed), Kinds()
    shapes = [AXES[0] + 0.01 * offset * draws.standard_normal(SAMPLES) for offset in offsets]
    wanted = unit(shapes[0])
    for shape in shapes[1:]:
        wanted = unit((MEMORY - 1) / MEMORY * wanted + unit(shape) / MEMORY)
    found = [kinds.gather(shape) for shape in shapes][-1]
    np.testing.assert_allclose(found.mean, wanted, atol=1e-12)
    assert found.number == 0 and found.count == found.last == len(shapes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=120))
@example([float(number) for number in range(120)])
def test_the_means_are_those_of_the_first_beats_and_then_forget(values):
    """The weights: alike up to ``RECENT``, then a share of 1/32 for the newest, and so on back."""
    kinds = Kinds()
    for value in values:
        kind = kinds.gather(AXES[0])
        kind.learn(**{name: value * (number + 1) for number, name in enumerate(VALUES)})
    later = np.arange(max(0, len(values) - RECENT))[::-1]
    first, fade = values[:RECENT], 1 - 1 / RECENT
    weights = np.concatenate([np.full(len(first), fade ** len(later) / len(first)), fade**later / RECENT])
    assert weights.sum() == pytest.approx(1)
    for number, name in enumerate(VALUES):
        assert getattr(kind, name) == pytest.approx((number + 1) * (weights @ values), abs=1e-9)


def test_a_kind_s_values_are_learnt_apart_from_those_of_another():
    kinds = Kinds()
    for number in range(40):
        kinds.gather(AXES[0]).learn(score=1.0, likeness=0.5)
        kinds.gather(AXES[1]).learn(score=float(number % 2))
    one, other = kinds.find(AXES[0]), kinds.find(AXES[1])
    assert (one.score, one.likeness, other.likeness) == (1.0, 0.5, 0.0)
    assert 0.45 < other.score < 0.55


def test_a_kind_is_known_from_its_fourth_beat_on():
    kinds = Kinds()
    known = [kinds.gather(AXES[0]).is_known for _ in range(8)]
    assert known == [False] * (ENOUGH - 1) + [True] * (8 - ENOUGH + 1)
    assert not Kind(0, AXES[0]).is_known


# The shape


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.integers(40, 200))
def test_the_shape_is_the_part_around_the_r_peak_without_slow_swings(seed, centre):
    lead = np.random.default_rng(seed).standard_normal(320)
    wanted = (lead - ndimage.uniform_filter1d(lead, SLOWER, mode="nearest"))[centre - BEFORE : centre + AFTER]
    np.testing.assert_allclose(shape_of(lead, centre), wanted[BEFORE % STEP :: STEP], atol=1e-9)


@given(st.floats(-5, 5), st.floats(-0.05, 0.05))
def test_an_electrode_s_drift_leaves_the_kind_as_it_is(offset, slope):
    lead = np.exp(-np.square(np.arange(-140, 180) / 8.0))
    drift = offset + slope * np.arange(320)
    kinds = Kinds()
    assert gathered([shape_of(lead, 140), shape_of(lead + drift, 140)], kinds) == [0, 0]
