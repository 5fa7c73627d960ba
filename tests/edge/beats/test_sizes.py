"""Premature beats of the wearer's own shape that are of another size: not conducted as the others are."""

import math

import numpy as np
import pytest
from test_evidence import TEMPLATE
from test_judge import amid, early, judged, of

from sibeat_edge.beats.sizes import Sizes

# The rules in numbers of the tests' own, so that none changes unnoticed.
LEAST, SPREADS, ENOUGH = 0.18, 3.0, 4
SHAPE = np.hanning(120)


def learnt(spread=0.0, beats=200, seed=0):
    """The sizes of a wearer whose beats on time differ by this standard deviation of logarithms."""
    sizes = Sizes()
    for step in np.random.default_rng(seed).standard_normal(beats):
        sizes.learn(math.exp(spread * step) * SHAPE)
    return sizes


def said(sizes, logarithms):
    return [sizes.is_other(math.exp(size) * SHAPE) for size in logarithms]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("by, is_other", [(LEAST + 0.01, True), (LEAST - 0.01, False)])
def test_premature_beats_of_another_size_are_told_from_the_fourth_on(sign, by, is_other):
    found = said(learnt(), [sign * by] * 8)
    assert found == [False] * (ENOUGH - 1) + [is_other] * 5


def test_who_breathes_deeply_needs_a_larger_difference():
    """The mean deviation of a normal distribution is 0.8 of its standard deviation."""
    needed = SPREADS * 0.8 * 0.15
    assert not any(said(learnt(0.15), [0.6 * needed] * 8)) and LEAST < 0.6 * needed + 0.01
    assert said(learnt(0.15), [1.6 * needed] * 8)[-1]


def test_premature_beats_now_larger_and_now_smaller_are_the_wearer_s_own():
    assert not any(said(learnt(), [0.3, -0.3] * 20))


def test_one_of_the_own_size_among_larger_ones_is_the_wearer_s_own():
    assert said(learnt(), [0.4] * 6 + [0.0, 0.4])[-2:] == [False, True]


def test_nothing_is_said_before_a_beat_on_time_is_known():
    assert not any(said(Sizes(), [0.5] * 10))


def test_the_sizes_follow_the_wearer():
    sizes = learnt()
    for _ in range(400):
        sizes.learn(2 * SHAPE)
    assert not any(said(sizes, [math.log(2)] * 8)) and said(sizes, [0.0] * 8)[-1]


@pytest.mark.parametrize(
    "gain, whole, kinds", [(1.5, 1.2, "SSSVVVVV"), (1.5, 0.8, "S" * 8), (1.0, 1.2, "S" * 8)]
)
def test_a_premature_beat_like_the_template_is_ventricular_if_such_beats_are_larger(gain, whole, kinds):
    """And above the threshold: the others stay supraventricular."""
    beats = amid(*[early(gain * TEMPLATE, whole=whole)] * 8)
    first, last = judged(beats)
    found = "".join(kind for kind, _ in first if kind != "N")
    assert found == kinds and [kind for kind, _ in last] == [kind for kind, _ in first]
    assert gain == 1.0 or of(beats, first, gain * TEMPLATE) == kinds
