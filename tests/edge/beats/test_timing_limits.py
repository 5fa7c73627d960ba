"""The limits of timing, each in a rhythm of three intervals by turns, and for one beat behind them."""

import math

import pytest

from sibeat_edge.beats.timing import Timed, Timing

BEGIN = 0.8  # s: usual interval
SCORE, EARLIER, SPREADS, SCATTERED = 0.34, 0.15, 3.0, 0.18
ABRUPT, FOLLOWS, SHORT, CROWDED = 0.1, 0.03, 0.85, 1.1
LEAST_EARLY, ROW = 0.06, 6


def own(rr, after, score=0.05):
    return Timed(rr, after, score, is_own=True, is_ventricular=False, is_clean=True)


def by_turns(ratio=1.0, count=42):
    """A timing that has seen a short, a middle and a long interval by turns; ``ratio``: long over short."""
    timing = Timing()
    for number in range(count):
        rr = BEGIN * ratio ** ((number % 3 - 1) / 2)
        timing.push(own(rr, BEGIN))
    return timing


def behind(timing, before, rr, after, score=0.5):
    """The answer for a beat behind one of the interval ``before``."""
    timing.push(own(before, rr))
    return timing.push(own(rr, after, score))


@pytest.mark.parametrize("spread", [SCATTERED - 0.01, SCATTERED + 0.01])
def test_a_rhythm_is_scattered_from_a_spread_on(spread):
    """The quantiles are the short and the long one."""
    timing = by_turns(math.exp(spread))
    assert timing.is_scattered == timing.is_irregular == (spread > SCATTERED)
    # In it, to be early by little says nothing, whatever the heaps.
    assert behind(timing, BEGIN, 0.68, 0.9).is_fit == (spread < SCATTERED)


@pytest.mark.parametrize("spread", [0.01, 0.06, 0.08])
@pytest.mark.parametrize("more", [-0.02, 0.02])
def test_the_wider_the_intervals_spread_the_earlier_a_beat_has_to_be(spread, more):
    early = max(EARLIER, SPREADS * spread) + more
    answer = behind(by_turns(math.exp(spread)), BEGIN, (1 - early) * BEGIN, 1.1)
    assert answer.is_certain == answer.is_premature == (more > 0)
    assert answer.early == pytest.approx(early)


def test_in_a_rhythm_that_is_not_regular_no_beat_is_certainly_premature():
    for spread, is_certain in ((0.09, True), (0.11, False)):
        assert behind(by_turns(math.exp(spread)), BEGIN, 0.4, 1.2).is_certain == is_certain


@pytest.mark.parametrize("above", [-0.01, 0.01])
def test_the_score_that_a_premature_beat_needs(above):
    assert behind(by_turns(), BEGIN, 0.55, 1.05, SCORE + above).is_certain == (above > 0)


@pytest.mark.parametrize("above", [-0.01, 0.01])
def test_two_intervals_must_be_longer_than_the_usual_one(above):
    """Else one of the two beats is none."""
    rr = 0.45
    assert behind(by_turns(), BEGIN, rr, (CROWDED + above) * BEGIN - rr).is_certain == (above > 0)
    before = (CROWDED + above) * BEGIN - rr
    assert not behind(by_turns(), before, rr, 1.2).is_certain or above > 0


@pytest.mark.parametrize(
    "before, rr, after, is_fit",
    [
        (BEGIN, (1 - LEAST_EARLY - 0.05) * BEGIN, BEGIN, True),
        (BEGIN, (1 - ABRUPT + 0.01) * BEGIN, BEGIN, False),  # not abrupt
        (0.7 / (1 - ABRUPT) + 0.01, 0.7, BEGIN, True),
        (0.7 / (1 - ABRUPT) - 0.01, 0.7, BEGIN, False),
        (BEGIN, 0.7, 0.7 * (1 + FOLLOWS) + 0.01, True),
        (BEGIN, 0.7, 0.7 * (1 + FOLLOWS) - 0.01, False),  # the rate has changed
        (BEGIN, SHORT * BEGIN - 0.01, SHORT * BEGIN - 0.01, True),  # unless it has changed by much
        (BEGIN, SHORT * BEGIN - 0.01, SHORT * BEGIN, False),
        (BEGIN, 0.7, None, True),
        (1.0, (1 - LEAST_EARLY + 0.01) * BEGIN, 1.0, False),  # abrupt, but behind a late beat
        (1.0, (1 - LEAST_EARLY - 0.01) * BEGIN, 1.0, True),
    ],
)
def test_a_premature_beat_begins_abruptly_and_is_followed_by_a_longer_interval(before, rr, after, is_fit):
    assert behind(by_turns(), before, rr, after).is_fit == is_fit


@pytest.mark.parametrize("between", ["beat", "none", "no interval"])
def test_a_row_is_one_of_beats_whose_intervals_are_known(between):
    gap = {"beat": own(0.45, 0.45), "none": None, "no interval": own(None, 0.45)}[between]
    timing = by_turns()
    answers = [timing.push(own(0.45, 0.45)) for _ in range(ROW - 1)]
    answers += [timing.push(gap)]
    answers += [timing.push(own(0.45, 0.45)) for _ in range(ROW)]
    wanted = (
        [False] * (ROW - 1) + [True] * (ROW + 1) if between == "beat" else [False] * (2 * ROW - 1) + [True]
    )
    assert [answer.is_in_row for answer in answers] == wanted


def with_early(count):
    """A timing that has seen so many early beats of two lengths, and two on time, again and again."""
    timing = by_turns()
    for _ in range(20):
        for number in range(count):
            timing.push(own(0.65 if number % 2 else 0.5, 0.6))
        for _ in range(2):
            timing.push(own(BEGIN, BEGIN))
    return timing


@pytest.mark.parametrize("count, is_certain", [(1, True), (6, False)])
def test_where_most_beats_are_early_none_is_premature_among_regular_ones(count, is_certain):
    """The usual interval is that of the few."""
    timing = with_early(count)
    assert not timing.is_scattered and behind(timing, BEGIN, 0.5, 1.1).is_certain == is_certain


@pytest.mark.parametrize("count, begins", [(1, True), (7, False)])
def test_where_most_beats_are_early_no_fast_row_begins(count, begins):
    timing = with_early(count)
    assert [timing.push(own(0.45, 0.45)).is_in_row for _ in range(ROW)][-1] == begins


def with_late(every):
    """A timing that has seen one late beat among so many, behind none that is early."""
    timing = by_turns()
    for _ in range(240 // every):
        timing.push(own(1.2 * BEGIN, BEGIN))
        for _ in range(every - 1):
            timing.push(own(BEGIN, BEGIN))
    return timing


@pytest.mark.parametrize("every, begins", [(60, True), (30, True), (15, False), (8, False)])
def test_where_beats_are_late_behind_none_that_is_early_no_fast_row_begins(every, begins):
    """The share that is late in the end is at most 0.033 for one of 30, and at least 0.06 for one of 15."""
    timing = with_late(every)
    assert not timing.is_scattered
    timing.push(own(1.2 * BEGIN, BEGIN))
    assert [timing.push(own(0.45, 0.45)).is_in_row for _ in range(ROW)][-1] == begins


@pytest.mark.parametrize("every", [2, 4, 8])
def test_pauses_behind_premature_beats_are_not_late(every):
    timing = by_turns()
    for _ in range(240 // every):
        timing.push(own(0.7 * BEGIN, 1.3 * BEGIN, 0.5))
        timing.push(own(1.3 * BEGIN, BEGIN))
        for _ in range(every):
            timing.push(own(BEGIN, BEGIN))
    assert [timing.push(own(0.45, 0.45)).is_in_row for _ in range(ROW)][-1]
