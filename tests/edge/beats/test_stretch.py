"""Stretches of beats judged by their likeness: what makes them unfit, and when they are fit again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_alignment import draws, normal, wide

from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.stretch import CLEAN, FEWEST, HIGH, LOW, OFFSET, SLOPE, STRETCH, UNCLEAN, Stretch

ALIKE, UNLIKE = 20.0, -10.0  # dB of a clean beat, and of one that is like none before it
BETWEEN = ((LOW + HIGH) / 2 - OFFSET) / SLOPE  # dB of beats in a stretch between the two limits


def states(likeness, stretch=None):
    """Whether the stretch is fit after each beat."""
    stretch, found = stretch or Stretch(), []
    for each in likeness:
        stretch.push(each)
        found.append(stretch.is_fit)
    return found


def judged(beats):
    """Whether each stretch is fit, by beats as they are around their R-peaks."""
    aligner = Aligner()
    return states([aligner.push(beat).snr for beat in beats])


# The rules


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-20, 40)), max_size=60))
def test_a_stretch_is_judged_as_the_rules_say(likeness):
    stretch, known, fit, clean = Stretch(), [], True, True
    for each in likeness:
        stretch.push(each)
        known += [] if each is None else [each]
        if len(known) < FEWEST:
            assert stretch.snr is None and stretch.is_fit and stretch.is_clean
            continue
        newest = sorted(known[-STRETCH:])
        middle = (newest[(len(newest) - 1) // 2] + newest[len(newest) // 2]) / 2
        assert stretch.snr == pytest.approx(SLOPE * middle + OFFSET)
        fit = stretch.snr >= HIGH or fit and stretch.snr >= LOW
        clean = stretch.snr >= CLEAN or clean and stretch.snr >= UNCLEAN
        assert (stretch.is_fit, stretch.is_clean) == (fit, clean) and (fit or not clean)


def likeness_at(snr):
    """The likeness in dB of beats in a stretch of this ratio, a thousandth of a dB above it."""
    return (snr - OFFSET) / SLOPE + 1e-3


@pytest.mark.parametrize(("name", "low", "high"), [("is_fit", -4.0, -2.0), ("is_clean", 2.0, 4.0)])
def test_the_limits_are_told_in_decibels(name, low, high):
    """Below the lower one a stretch becomes unfit, or unclean; from the higher one on it is so no longer."""

    def state(likeness):
        stretch = Stretch()
        states(likeness, stretch)
        return getattr(stretch, name)

    for snr, stays, becomes in ((low - 0.01, False, False), (low, True, False), (high - 0.01, True, False)):
        beats = [likeness_at(snr)] * STRETCH
        assert state(beats) == stays
        assert state([UNLIKE] * STRETCH + beats) == becomes
    assert state([UNLIKE] * STRETCH + [likeness_at(high)] * STRETCH)


@pytest.mark.parametrize("snr", [LOW, HIGH, 9.0, 20.0])
def test_a_single_odd_beat_is_fit_however_clean_the_others_are(snr):
    """Whether it is to be believed is not the stretch's to say."""
    others = likeness_at(snr)
    assert all(states([others] * STRETCH + [UNLIKE, others, others, UNLIKE] + [others] * STRETCH))


def test_too_few_beats_are_not_judged():
    stretch = Stretch()
    assert states([UNLIKE] * (FEWEST - 1), stretch) == [True] * (FEWEST - 1) and stretch.snr is None
    assert states([UNLIKE], stretch) == [False] and stretch.snr < LOW


def test_beats_of_unknown_likeness_change_nothing():
    stretch = Stretch()
    assert all(states([None] * 20, stretch)) and stretch.snr is None
    states([UNLIKE] * STRETCH, stretch)
    before = stretch.snr
    assert not any(states([None] * 20, stretch)) and stretch.snr == before


def test_between_the_limits_a_stretch_stays_as_it_is():
    stretch = Stretch()
    assert all(states([BETWEEN] * 20, stretch)) and LOW < stretch.snr < HIGH
    assert not states([UNLIKE] * STRETCH, stretch)[-1]
    assert not any(states([BETWEEN] * 20, stretch)) and LOW < stretch.snr < HIGH
    assert states([ALIKE] * STRETCH, stretch)[-1]
    assert all(states([BETWEEN] * 20, stretch))


def test_a_stretch_changes_once_more_than_half_of_its_beats_have():
    stretch, most = Stretch(), STRETCH // 2 + 1
    states([ALIKE] * STRETCH, stretch)
    assert states([UNLIKE] * STRETCH, stretch) == [True] * (most - 1) + [False] * (STRETCH - most + 1)
    assert states([ALIKE] * STRETCH, stretch) == [False] * (most - 1) + [True] * (STRETCH - most + 1)


# Ectopic beats, and noise


@settings(max_examples=100, deadline=None)
@given(st.integers(1, STRETCH // 2), st.integers(STRETCH, 20))
def test_fewer_than_half_of_the_beats_make_no_stretch_unfit(run, start):
    """Runs of beats that are unlike all others, with clean beats before, between and after them."""
    pattern = [ALIKE] * start + ([UNLIKE] * run + [ALIKE] * (STRETCH - run)) * 5
    assert all(states(pattern))


@pytest.mark.parametrize(
    "rhythm",
    [
        "NNNNNNNNNVNNNNNNNNNN",
        "NNNNVVNNNNNNVVNNNNNN",
        "NNNVNNNVNNNVNNNVNNNV",
        "NNVNNVNNVNNVNNVNNVNN",
        "NVNVNVNVNVNVNVNVNVNV",
    ],
)
def test_extrasystoles_make_no_stretch_unfit(rhythm):
    """One alone, couplets, every fourth and third beat, and a bigeminy."""
    beats = [wide() if symbol == "V" else normal() for symbol in rhythm]
    assert all(judged(beats + 0.02 * draws(1, len(beats))))


@pytest.mark.parametrize("rhythm", ["NNNNVNNNNV", "NNNNNVVNNN", "NNNNNNVVVN", "NNVNNVNNVN"])
def test_extrasystoles_of_ever_other_shapes_make_no_stretch_unfit_unless_they_are_most_of_it(rhythm):
    """One alone in five, couplets, runs of three, and every third beat, each unlike all before it."""
    shapes = np.where([[symbol == "V"] for symbol in 3 * rhythm], draws(4, 3 * len(rhythm)), normal())
    assert all(judged([normal()] * STRETCH + [*shapes]))
    assert not all(judged([normal()] * STRETCH + [*draws(5, 6)]))


@pytest.mark.parametrize("smooth", [1, 12, 40])
def test_noise_makes_a_stretch_unfit_and_the_wearers_beats_make_it_fit_again(smooth):
    kernel = np.ones(smooth) / np.sqrt(smooth)
    clean = normal() + 0.02 * draws(2, 60)
    noisy = clean[:30] + 0.5 * np.array([np.convolve(noise, kernel, "same") for noise in draws(3, 30)])
    found = judged([*clean, *noisy, *clean])
    assert all(found[:60]) and not any(found[60 + STRETCH : 90]) and all(found[90 + STRETCH :])
