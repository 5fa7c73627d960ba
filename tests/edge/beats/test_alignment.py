"""Beats moved to where they are like recent ones: how far, how alike they are, and what is remembered."""

import copy

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sibeat_edge.beats import alignment
from sibeat_edge.beats.alignment import (
    CORE_AFTER,
    CORE_BEFORE,
    KINDS,
    MOST,
    NEAR,
    REACH,
    ROOM_AFTER,
    ROOM_BEFORE,
    Aligner,
    Placed,
    moving_sum,
)

TICKS = np.arange(-ROOM_BEFORE, ROOM_AFTER)
CORE = slice(REACH, REACH + CORE_BEFORE + CORE_AFTER)  # of a beat that is where it was found


def wave(ticks, place, width, height):
    return height * np.exp(-np.square((ticks - place) / width) / 2)


def normal(shift=0):
    """A beat of 1 mV with its T wave, ``shift`` samples after the place at which it was found."""
    at = TICKS - shift
    return wave(at, 0, 4, 1.0) + wave(at, 9, 3, -0.3) + wave(at, 75, 15, 0.25)


def wide(shift=0):
    at = TICKS - shift
    return wave(at, 5, 14, -1.4) + wave(at, 70, 20, 0.6)


def trained(*beats, times=20):
    """An aligner that has had each of the beats so many times, in turn."""
    aligner = Aligner()
    for _ in range(times):
        for beat in beats:
            aligner.push(beat)
    return aligner


def draws(seed, count=1):
    """White noise around ``count`` R-peaks."""
    return np.random.default_rng(seed).standard_normal((count, len(TICKS)))


# Where a beat is


@settings(max_examples=60, deadline=None)
@given(st.integers(-REACH, REACH), st.floats(0.1, 50), st.floats(-5, 5), st.sampled_from([normal, wide]))
def test_a_displaced_beat_is_moved_by_its_displacement(shift, gain, offset, shape):
    placed = trained(normal(), wide()).push(gain * shape(shift) + offset)
    assert placed == Placed(shift, MOST)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.floats(0.0, 0.3), st.floats(0.1, 50), st.floats(-5, 5))
def test_gain_and_offset_change_neither_place_nor_likeness(seed, strength, gain, offset):
    aligner, beat = trained(normal()), normal(4) + strength * draws(seed)[0]
    plain, other = copy.deepcopy(aligner).push(beat), aligner.push(gain * beat + offset)
    assert other.offset == plain.offset and other.snr == pytest.approx(plain.snr, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 99), st.floats(0.0, 2.0), st.integers(-REACH, REACH))
def test_the_place_is_that_of_the_highest_correlation_if_that_is_high_enough(seed, strength, shift):
    first, second = normal(), normal(shift) + strength * draws(seed)[0]
    aligner = Aligner()
    assert aligner.push(first) == Placed(0, None)
    placed = aligner.push(second)
    length = CORE_BEFORE + CORE_AFTER
    alike = [np.corrcoef(first[CORE], second[start : start + length])[0, 1] for start in range(2 * REACH + 1)]
    highest = max(alike)
    assert placed.offset == (np.argmax(alike) - REACH if highest >= NEAR else 0)
    if 0.1 < highest < 0.999:
        assert placed.snr == pytest.approx(10 * np.log10(highest**2 / (1 - highest**2)), abs=1e-6)


@pytest.mark.parametrize("shift", [-REACH - 5, REACH + 5])
def test_no_beat_is_moved_by_more_than_the_reach(shift):
    assert abs(trained(wide()).push(wide(shift)).offset) == REACH  # still more like it than NEAR
    assert trained(normal()).push(normal(3 * shift)).offset == 0


def test_a_beat_unlike_all_before_it_stays_and_the_next_of_its_kind_is_placed_by_it():
    aligner = trained(normal())
    assert aligner.push(-normal(12)).offset == 0
    assert aligner.push(-normal(7)) == Placed(-5, MOST)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([0.0, 1.0, -3.0, 0.5]), st.booleans())
def test_a_flat_core_is_not_placed_and_not_remembered(value, is_first):
    flat = np.where(np.arange(len(TICKS)) < REACH, 2.0, value)
    aligner = Aligner() if is_first else trained(normal())
    assert aligner.push(flat) == aligner.push(flat) == Placed(0, None)
    assert aligner.push(normal(5)) == (Placed(0, None) if is_first else Placed(5, MOST))


@pytest.mark.parametrize("value", [0.1, 0.3, -0.7])
def test_a_flat_core_of_any_value_is_not_placed(value):
    aligner, flat = Aligner(), np.full(len(TICKS), value)
    assert aligner.push(flat) == aligner.push(flat) == Placed(0, None)


# A beat of several kinds


def turned(degrees, shift=0):
    """A beat at an angle from the first of two kinds, which lie at a right angle wherever they are."""
    at = TICKS - shift
    envelope = np.exp(-np.square(at / 15) / 2)
    slow, fast = envelope * np.sin(at / 8), envelope * np.sin(at / 2)
    angle = np.deg2rad(degrees)
    return np.cos(angle) * slow / np.linalg.norm(slow) + np.sin(angle) * fast / np.linalg.norm(fast)


def of_two_kinds(first, second, apart=60):
    """An aligner that has had so many beats of a kind, and of one ``apart`` from it, found 8 ticks early."""
    aligner = Aligner()
    placed = [aligner.push(beat) for beat in [turned(0)] * first + [turned(apart, 8)] * second]
    assert {each.offset for each in placed} == {0}  # too unlike each other to be moved
    return aligner


def in_decibels(correlation):
    return 10 * np.log10(correlation**2 / max(1 - correlation**2, 1e-12))


@settings(max_examples=150, deadline=None)
@given(st.floats(0, 80), st.sampled_from([60, 70, 80]), st.booleans())
@example(30 + np.rad2deg(np.arcsin(0.0985)), 60, True)
@example(30 + np.rad2deg(np.arcsin(0.1015)), 60, True)
@example(37.0, 70, True)
@example(41.0, 80, True)
def test_a_beat_of_both_kinds_is_placed_by_the_commoner_one(degrees, apart, is_first_commoner):
    """Of both is one that correlates with both by 0.8, and with one by at most 0.1 more."""
    alike = np.cos(np.deg2rad([degrees, apart - degrees]))
    assume(abs(abs(alike[0] - alike[1]) - 0.1) > 1e-3 and min(abs(alike - 0.8)) > 5e-4)
    assume(max(alike) > NEAR and abs(alike[0] - alike[1]) > 1e-3)
    is_tie = min(alike) >= 0.8 and abs(alike[0] - alike[1]) <= 0.1
    is_first = is_first_commoner if is_tie else alike[0] > alike[1]
    placed = of_two_kinds(*((20, 3) if is_first_commoner else (3, 20)), apart).push(turned(degrees))
    assert placed.offset == (0 if is_first else -8)
    assert placed.snr == pytest.approx(min(in_decibels(max(alike)), MOST), abs=0.05)


@pytest.mark.parametrize("degrees, offset", [(34.0, 0), (36.5, -8), (38.0, -8)])
def test_a_beat_of_both_kinds_renews_the_one_that_it_is_placed_by(degrees, offset):
    """36.5 degrees: of both, but 0.11 more like the second. 38: no longer of the first."""
    aligner = of_two_kinds(20, 3)
    first, second = (copy.deepcopy(aligner).push(turned(*at)).snr for at in ((0,), (60, 8)))
    assert first == second == MOST
    for _ in range(3):
        assert aligner.push(turned(degrees)).offset == offset
    first, second = (copy.deepcopy(aligner).push(turned(*at)).snr for at in ((0,), (60, 8)))
    assert (first < 25 and second == MOST) if offset == 0 else (first == MOST and second < 25)


@pytest.mark.parametrize("first", [10, 60, 400, 3000])
def test_recent_beats_make_a_kind_the_commoner_one(first):
    """What is known of a kind fades by a 256th with each beat, so that counts are sums of powers."""
    fading, beat = 1 - 1 / 256, turned(28)  # nearer to the first kind
    as_common = np.log(2 - fading**first) / -np.log(fading)
    assert of_two_kinds(first, int(as_common) - 1).push(beat).offset == 0
    assert of_two_kinds(first, int(as_common) + 2).push(beat).offset == -8


def test_a_beat_that_began_a_kind_elsewhere_does_not_draw_the_wearers_own_ones():
    """They turn with breathing, now and then nearer to it; each that went there would turn it to them."""
    aligner = of_two_kinds(20, 1)
    placed = [aligner.push(turned(33 * np.sin(number / 3))) for number in range(600)]
    assert {each.offset for each in placed} == {0}


# How much noise it holds


@pytest.mark.parametrize("decibels", [0, 3, 6, 10, 15, 20, 30])
def test_likeness_is_the_power_of_the_shape_over_that_of_white_noise(decibels):
    aligner, shape = trained(normal()), normal()
    sigma = shape[CORE].std() / 10 ** (decibels / 20)
    likeness = [copy.deepcopy(aligner).push(shape + sigma * noise).snr for noise in draws(decibels, 100)]
    assert np.mean(likeness) == pytest.approx(decibels, abs=1)


@pytest.mark.parametrize("decibels", [8, 12, 20])
def test_a_kind_is_a_mean_that_its_beats_noise_hardly_touches(decibels):
    """The beats that come with noise are also those that renew the kind."""
    aligner, shape = trained(normal()), normal()
    sigma = shape[CORE].std() / 10 ** (decibels / 20)
    placed = [aligner.push(shape + sigma * noise) for noise in draws(decibels, 200)]
    assert np.mean([each.snr for each in placed]) == pytest.approx(decibels, abs=1)
    assert np.abs([each.offset for each in placed]).max() <= 2


def test_noise_alone_is_like_nothing():
    aligner = trained(normal())
    placed = [aligner.push(beat) for beat in draws(1, 200)]
    assert np.median([each.snr for each in placed]) < -5
    assert {each.offset for each in placed} == {0}


def test_what_lies_beside_the_core_does_not_count():
    """There are the neighbouring beats, which come closer as the heart beats faster."""
    around, beside = normal(), normal()
    beside[: REACH - 10], beside[-REACH + 10 :] = 5.0, -5.0
    assert trained(around).push(beside) == Placed(0, MOST)


# What is remembered


@pytest.mark.parametrize("smooth", [1, 12, 40])
def test_a_burst_of_noise_does_not_make_it_forget_the_wearers_own_beats(smooth):
    aligner = trained(normal(), times=60)
    for noise in draws(2, 100):
        aligner.push(np.convolve(noise, np.ones(smooth), "same"))
    assert aligner.push(normal(9)) == Placed(9, pytest.approx(MOST, abs=15))


def test_both_kinds_of_a_bigeminy_have_a_high_likeness():
    aligner, noise = Aligner(), 0.02 * draws(3, 60)
    placed = [
        aligner.push((wide if number % 2 else normal)() + noise[number]) for number in range(len(noise))
    ]
    assert placed[0].snr is None and placed[1].snr < 0  # the first of each kind
    assert min(each.snr for each in placed[2:]) > 15


def test_a_slow_change_is_followed():
    aligner = trained(normal())
    assert copy.deepcopy(aligner).push(wide()).snr < 0
    for share in np.linspace(0, 1, 300):
        assert aligner.push((1 - share) * normal() + share * wide()).snr > 15
    assert aligner.push(wide(-6)).offset == -6


def test_of_more_kinds_than_are_kept_the_rarest_is_forgotten():
    kinds = draws(4, KINDS + 1)
    aligner = Aligner()
    for kind, times in zip(kinds, (20, 2, 10, 5, 1), strict=True):
        for _ in range(times):
            aligner.push(kind)
    known = [copy.deepcopy(aligner).push(kind).snr > 20 for kind in kinds]
    assert known == [True, False, True, True, True]


def _drift(step, monkeypatch):
    """The median offset at the end of four hours of beats that widen and narrow with breathing."""
    monkeypatch.setattr(alignment, "STEP", step)
    aligner, ticks, offsets = Aligner(), np.arange(-ROOM_BEFORE, ROOM_AFTER), []
    phases = np.random.default_rng(0).uniform(-0.5, 0.5, 4000)
    for number, phase in enumerate(phases):
        at = ticks - phase
        wide = 40 + 4 * np.sin(number / 3)
        beat = np.exp(-np.square(at / 7)) - 0.3 * np.exp(-np.square((at - 12) / 6))
        beat += 0.25 * np.exp(-np.square((at - 80 - wide / 4) / wide))
        offsets.append(aligner.push(beat).offset)
    return abs(np.median(offsets[-200:])), max(map(abs, offsets))


def test_a_kind_keeps_its_place_for_hours(monkeypatch):
    last, most = _drift(alignment.STEP, monkeypatch)
    assert last == 0 and most <= 2


def test_most_r_peaks_place_a_kind_and_not_the_first_one():
    """The detector takes the other of two deflections now and then, and for the very first beat."""
    aligner, ticks = Aligner(), np.arange(-200, 240)
    beat = np.exp(-np.square(ticks / 6)) + 0.9 * np.exp(-np.square((ticks - 20) / 6))
    offsets = []
    for number in range(1200):
        found = 20 if number % 10 == 0 else 0  # place of the R-peak that is found
        first = 200 + found - ROOM_BEFORE
        offsets.append(found + aligner.push(beat[first : first + ROOM_BEFORE + ROOM_AFTER]).offset)
    assert offsets[0] == 20 and set(offsets[-100:]) == {0}
    assert np.abs(np.diff(offsets)).max() <= 1


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 99))
def test_a_moving_sum_is_that_of_each_place_s_neighbours(length, width, seed):
    values = np.random.default_rng(seed).normal(size=max(length, width))
    wanted = [values[first : first + width].sum() for first in range(len(values) - width + 1)]
    np.testing.assert_allclose(moving_sum(values, width), wanted, atol=1e-12)


def test_beats_placed_at_once_are_placed_as_one_by_one():
    draws = np.random.default_rng(0)
    shapes = np.exp(-np.square((np.arange(240) - 100) / np.array([[9.0], [30.0]])))
    arounds = [np.roll(shapes[draws.integers(2)], draws.integers(-25, 25)) for _ in range(80)]
    arounds = np.array(arounds) + 0.05 * draws.standard_normal((80, 240))
    arounds[[0, 40]] = 0.3  # flat
    one, other = Aligner(), Aligner()
    alone = [one.push(around) for around in arounds]
    parts = [other.place(part) for part in np.split(arounds, [1, 3, 40, 77])]
    assert [placed for part in parts for placed in part] == alone and len(set(alone)) > 40
