"""Two heaps of scores have a valley between them; one heap, or scores of every height, have none."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.beats.heaps import Heaps

# The rules in numbers of the tests' own, so that none changes unnoticed.
LOWEST, HIGHEST, STEP, SMOOTH = -0.06, 0.7, 0.02, 0.025
HALF_LIFE, LEAST, FEWEST = 400, 200, 2.0
LOWER, UPPER, DEEP = 0.15, 0.26, 0.55
DECAY = 0.5 ** (1 / HALF_LIFE)
BINS = 38


def pushed(scores, heaps=None):
    heaps = heaps or Heaps()
    for score in scores:
        heaps.push(float(score))
    return heaps


def answer(heaps):
    return heaps.valley, heaps.depth


def mixed(share, low, high, width, count, seed=0):
    """Scores of which a ``share`` is of the heap at ``high``, the rest of that at ``low``."""
    draws = np.random.default_rng(seed)
    centres = np.where(draws.random(count) < share, high, low)
    return centres + width * draws.standard_normal(count)


def plain(scores):
    """The valley and the depth by the definition, at once for all scores, or (None, 1.0)."""
    places = np.clip(np.floor((np.asarray(scores) - LOWEST) / STEP), 0, BINS - 1).astype(int)
    weights = DECAY ** np.arange(len(scores) - 1, -1, -1)
    counts = np.bincount(places, weights, BINS)
    centres = [LOWEST + STEP / 2 + STEP * number for number in range(BINS)]
    heights = np.zeros(BINS)
    for centre, count in zip(centres, counts, strict=True):
        spread = np.array([math.exp(-(((centre - other) / SMOOTH) ** 2) / 2) for other in centres])
        heights += count * spread / spread.sum()
    first, upper = 10, 16  # the bins around 0.15 and 0.27
    if counts.sum() < LEAST or counts[upper:].sum() < FEWEST:
        return None, 1.0
    peak = max(range(upper, BINS), key=lambda number: heights[number])
    low = min(range(first, peak + 1), key=lambda number: (heights[number], -number))
    depth = heights[low] / heights[peak]
    return (centres[low], depth) if depth < DEEP else (None, 1.0)


# The definition


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 999),
    st.floats(0.02, 0.6),
    st.floats(-0.1, 0.3),
    st.floats(0.2, 0.8),
    st.floats(0.005, 0.15),
    st.integers(150, 900),
)
def test_the_valley_is_the_lowest_place_of_a_smoothed_forgetting_histogram(seed, share, low, high, width, n):
    """But for heights so low or so equal that rounding decides."""
    scores = np.round(mixed(share, low, high, width, n, seed), 2) + 0.005  # inside of a bin
    (valley, depth), (wanted, wanted_depth) = answer(pushed(scores)), plain(scores)
    assert depth == pytest.approx(wanted_depth, abs=1e-6)
    assert (valley is None) == (wanted is None)
    assert valley is None or wanted_depth < 1e-6 or valley == pytest.approx(wanted)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6) | st.floats(-0.1, 0.8), min_size=1, max_size=60), st.integers(1, 12))
def test_the_valley_is_always_within_the_span_and_the_depth_is_a_share(scores, times):
    heaps = Heaps()
    for score in scores * times:
        heaps.push(score)
        if heaps.valley is None:
            assert heaps.depth == 1.0
        else:
            assert LOWER - 1e-9 <= heaps.valley <= HIGHEST and 0 <= heaps.depth < DEEP


@pytest.mark.parametrize("ending", [[], [0.05] * 5])
def test_a_place_of_every_height_is_the_valley_if_it_is_lowest(ending):
    """Every bin is filled alike but for an empty stretch of four, narrower than the kernel's reach."""
    for gap in range(12, 26):
        places = [number for number in range(BINS) if not gap <= number < gap + 4]
        scores = [LOWEST + STEP * (number + 0.5) for number in places] * 20
        heaps = pushed(scores + ending)
        assert LOWEST + STEP * gap <= heaps.valley <= LOWEST + STEP * (gap + 4)


# Two heaps, and what is none


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("high", [0.35, 0.45, 0.6])
def test_between_two_heaps_apart_there_is_a_valley(share, high):
    """The lowest place of the two densities' sum is sought on a fine grid."""
    scores = mixed(share, 0.05, high, 0.03, 1200)
    heaps, width = pushed(scores), math.hypot(0.03, SMOOTH)
    assert 0.05 + 0.03 < heaps.valley < high - 0.03 and heaps.depth < DEEP / 2
    places = np.linspace(LOWER, high, 2001)
    density = sum(
        part * np.exp(-np.square((places - centre) / width) / 2)
        for part, centre in ((1 - share, 0.05), (share, high))
    )
    assert np.interp(heaps.valley, places, density) < 0.1 * density[-1] + density.min()


@pytest.mark.parametrize("centre", [-0.2, 0.0, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("width", [0.0, 0.02, 0.04, 0.08])
@pytest.mark.parametrize("seed", range(3))
def test_in_a_single_low_heap_there_is_no_valley(centre, width, seed):
    heaps, draws = Heaps(), np.random.default_rng(seed)
    for _ in range(1200):
        heaps.push(centre + width * draws.standard_normal())
        assert answer(heaps) == (None, 1.0)


@pytest.mark.parametrize("low, high", [(0.0, 0.5), (0.0, 0.4), (-0.06, 0.6)])
def test_where_every_timing_is_as_likely_as_any_other_there_is_no_valley(low, high):
    """As in atrial fibrillation."""
    found = []
    for seed in range(8):
        heaps, draws = Heaps(), np.random.default_rng(seed)
        for number in range(1200):
            heaps.push(draws.uniform(low, high))
            found.append(number > 300 and heaps.valley is not None)
    assert np.mean(found) < 0.02


def test_heaps_that_overlap_are_one():
    assert pushed(mixed(0.5, 0.1, 0.28, 0.07, 2000)).valley is None


@pytest.mark.parametrize("score", [-1e9, -0.07, LOWEST, HIGHEST, 0.71, 5.0, 1e9])
def test_a_score_outside_of_the_span_counts_in_the_outer_bin(score):
    inner = LOWEST + STEP / 2 if score < 0 else HIGHEST - STEP / 2
    for other in (0.05, 0.45):
        found, wanted = (pushed([other, other, value] * 120) for value in (score, inner))
        assert answer(found) == answer(wanted)


# What is too little, and what is forgotten


def test_nothing_is_said_before_enough_beats_have_come():
    """Each beat weighs less the older it is: their sum is that of a geometric series."""
    needed = math.ceil(math.log(1 - LEAST * (1 - DECAY)) / math.log(DECAY))
    heaps = Heaps()
    for number in range(1, 400):
        heaps.push(0.45 if number % 2 else 0.05)
        assert (heaps.valley is not None) == (number >= needed), number
    assert 200 < needed < 250


@pytest.mark.parametrize("uppers", [3, 10, 100, 300])
def test_a_heap_that_is_not_seen_again_is_forgotten(uppers):
    """The upper heap's weight halves within ``HALF_LIFE`` beats, until less than two beats are left."""
    heaps = pushed([0.05] * 300 + [0.45] * uppers)
    weight = (1 - DECAY**uppers) / (1 - DECAY)
    lasts = math.floor(math.log(FEWEST / weight) / math.log(DECAY))
    for number in range(1, lasts + 50):
        heaps.push(0.05)
        assert (heaps.valley is not None) == (number <= lasts)


def test_two_beats_of_an_upper_heap_are_too_few():
    heaps = pushed([0.05] * 300)
    found = []
    for _ in range(4):
        heaps.push(0.45)
        found.append(heaps.valley is not None)
    assert found == [False, False, True, True]


@pytest.mark.parametrize("score", [0.05, 0.3, 0.69])
def test_a_constant_score_never_fails(score):
    heaps = pushed([score] * 3000)
    assert 0 <= heaps.depth <= 1


def test_no_more_is_held_however_many_beats_come():
    heaps, sizes = Heaps(), []
    for score in mixed(0.2, 0.05, 0.45, 0.05, 5000):
        heaps.push(score)
        sizes.append(len(pickle.dumps(heaps)))
    assert max(sizes) <= max(sizes[:300]) + 10 and max(sizes) < 1000
