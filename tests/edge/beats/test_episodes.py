"""Episodes: where each sort of them begins and ends."""

from dataclasses import dataclass, replace

import pytest

from sibeat_edge.beats.episodes import AMONG, Episode, Episodes, episodes_of

RR = 0.8


@dataclass(frozen=True)
class B:
    time: float
    rr: float | None
    kind: str = "N"
    irregular: bool = False


def at_once(kinds, rr=RR, irregular=()):
    """Beats ``rr`` apart, of these kinds; ``.`` is one without a score; the beat ``n`` is at ``n * rr``."""
    return [
        B(n * rr, rr if n else None, kind.replace(".", ""), n in irregular) for n, kind in enumerate(kinds)
    ]


def after(*intervals, kind="N"):
    """Beats with these RR intervals; None is one after a gap of 20 s."""
    time, beats = 0.0, []
    for rr in intervals:
        time += 20.0 if rr is None else rr
        beats.append(B(time, rr, kind))
    return beats


def numbers(beats, what):
    """Numbers of the first and the last beat of each episode of a sort."""
    places = {beat.time: n for n, beat in enumerate(beats)}
    return [(places[e.start], places[e.end]) for e in episodes_of(beats) if e.what == what]


def sorts(beats):
    return {episode.what for episode in episodes_of(beats)}


# Runs


@pytest.mark.parametrize("kind, what", [("V", "ventricular run"), ("S", "supraventricular run")])
@pytest.mark.parametrize("count", range(6))
def test_three_in_a_row_are_a_run(kind, what, count):
    beats = at_once("NN" + kind * count + "NNN")
    assert numbers(beats, what) == ([(2, 1 + count)] if count >= 3 else [])
    assert sorts(beats) <= {what}


def test_another_kind_or_a_beat_without_a_score_ends_a_run():
    assert numbers(at_once("VVVSVVVV.VVVN"), "ventricular run") == [(0, 2), (4, 7), (9, 11)]
    assert numbers(at_once("VV.VV.VVNVV"), "ventricular run") == []
    assert numbers(at_once("SSSVVVSS"), "supraventricular run") == [(0, 2)]


def test_a_run_that_goes_on_to_the_end_ends_there():
    assert numbers(at_once("NVVVV"), "ventricular run") == [(1, 4)]


def test_a_run_longer_than_what_is_kept_has_its_own_beginning():
    beats = at_once("N" + "V" * 3 * AMONG + "N")
    assert numbers(beats, "ventricular run") == [(1, 3 * AMONG)]


# Bigeminy and frequent ectopic beats


@pytest.mark.parametrize("kinds, found", [("NVNVNV", True), ("SNVNSN", True), ("NVNVN", False)])
def test_six_beats_of_which_every_second_is_ectopic_are_bigeminy(kinds, found):
    assert ("bigeminy" in sorts(at_once(kinds))) == found


def test_bigeminy_ends_with_the_last_beat_that_alternates():
    assert numbers(at_once("NNNVNVNVNNNVN"), "bigeminy") == [(2, 8)]
    assert numbers(at_once("NVNVNVVNVN"), "bigeminy") == [(0, 5)]


def test_a_beat_without_a_score_is_in_no_bigeminy():
    assert numbers(at_once("NVNV.VNVNVNVN"), "bigeminy") == [(5, 12)]
    assert numbers(at_once("NVNVNV.VNVN"), "bigeminy") == [(0, 5)]


@pytest.mark.parametrize("spread, found", [(60, True), (61, False)])
def test_ectopic_beats_are_frequent_if_six_are_among_sixty(spread, found):
    """The first and the sixth are the first and the last of so many beats."""
    kinds = ["N"] * 100
    for place in (10, 20, 30, 40, 50, 9 + spread):
        kinds[place] = "V" if place % 20 else "S"
    assert (numbers(at_once(kinds), "frequent ectopic beats")[:1] != []) == found
    if found:
        assert numbers(at_once(kinds), "frequent ectopic beats")[0][0] == 10


def test_ectopic_beats_are_frequent_until_fewer_than_three_are_among_sixty():
    """Those of 0, 5, … 25: the fourth is the first of three of the beats up to the number 15 + 59."""
    kinds = ["V" if n in range(0, 30, 5) else "N" for n in range(200)]
    assert numbers(at_once(kinds), "frequent ectopic beats") == [(0, 15 + AMONG - 1)]


def test_between_the_two_limits_ectopic_beats_go_on_to_be_frequent_but_do_not_begin_to_be():
    rare = ["V" if n % 15 == 0 else "N" for n in range(300)]  # four of sixty
    assert numbers(at_once(rare), "frequent ectopic beats") == []
    assert numbers(at_once(["V"] * 6 + rare), "frequent ectopic beats") == [(0, 305)]


# Irregular rhythm


def test_a_rhythm_is_irregular_from_30_of_40_beats_until_fewer_than_10():
    beats = at_once("N" * 200, irregular=range(50, 90))
    assert numbers(beats, "irregular rhythm") == [(50, 119)]  # of 80 to 119 just 10 are irregular
    assert numbers(at_once("N" * 200, irregular=range(50, 79)), "irregular rhythm") == []
    assert numbers(at_once("N" * 200, irregular=range(50, 80)), "irregular rhythm") == [(50, 109)]


def test_beats_are_irregular_enough_if_one_of_four_is_not():
    assert numbers(at_once("N" * 80, irregular=[n for n in range(80) if n % 4]), "irregular rhythm") != []
    assert numbers(at_once("N" * 80, irregular=[n for n in range(80) if n % 3]), "irregular rhythm") == []


def test_beats_without_a_score_are_not_counted_for_the_rhythm():
    """Of 60 beats 40 are scored in the one, and 20 in the other."""
    beats = at_once("NN." * 40, irregular=range(120))
    assert numbers(beats, "irregular rhythm")[0][0] == 0
    assert "irregular rhythm" not in sorts(at_once("N.." * 19 + "N", irregular=range(58)))


# Rates and pauses


@pytest.mark.parametrize("rr, found", [(1.5, False), (1.51, True)])
def test_the_heart_is_slow_below_40_beats_a_minute(rr, found):
    beats = after(*[1.0] * 10, *[rr] * 20)
    assert ("bradycardia" in sorts(beats)) == found and sorts(beats) <= {"bradycardia"}


@pytest.mark.parametrize("rr, found", [(0.5, False), (0.49, True)])
def test_the_heart_is_fast_above_120_beats_a_minute(rr, found):
    beats = after(*[1.0] * 10, *[rr] * 20)
    assert ("tachycardia" in sorts(beats)) == found and sorts(beats) <= {"tachycardia"}


@pytest.mark.parametrize("what, rr, between", [("bradycardia", 1.6, 1.4), ("tachycardia", 0.45, 0.52)])
def test_a_rate_between_the_two_limits_goes_on_to_be_what_it_was(what, rr, between):
    """43 beats a minute are slow still, and 115 fast still."""
    beats = after(*[1.0] * 10, *[rr] * 10, *[between] * 20)
    assert [last for _, last in numbers(beats, what)] == [len(beats) - 1]
    assert numbers(after(*[between] * 40), what) == []
    ended = after(*[rr] * 10, *[1.0] * 20)
    assert [last < len(ended) - 1 for _, last in numbers(ended, what)] == [True]


def test_a_rate_is_the_median_of_eight_intervals_and_counts_from_the_first_of_them():
    """Above 1.5 s with the fifth of 2 s, and below 60 / 44 s with the third last one."""
    beats = after(*[1.0] * 10, *[2.0] * 10, *[1.0] * 20)
    ((first, last),) = numbers(beats, "bradycardia")
    assert first == 14 - 7 and last == 19 + 4  # four of eight of 2 s make 1.5 s, and three 1 s


def test_one_pause_makes_no_slow_heart_and_what_is_not_scored_makes_neither():
    assert not numbers(after(*[0.8] * 12, 10.0, *[0.8] * 12), "bradycardia")
    unscored = [replace(beat, kind="") for beat in after(*[0.8] * 5, *[3.5] * 12)]
    assert not [e for e in episodes_of(unscored) if e.what in ("pause", "bradycardia")]


def test_an_unknown_interval_leaves_the_rate_unknown_for_eight_beats():
    beats = after(*[1.6] * 12, None, *[1.6] * 12)
    assert numbers(beats, "bradycardia") == [(0, 11), (13, 24)]
    assert "bradycardia" not in sorts(after(None, *[1.6] * 7)) and sorts(after(*[None] * 90)) == set()


@pytest.mark.parametrize("rr, found", [(2.99, []), (3.0, [(9.0, 12.0)]), (4.5, [(9.0, 13.5)])])
def test_three_seconds_between_two_beats_are_a_pause(rr, found):
    beats = after(*[1.0] * 9, rr, *[1.0] * 3)
    assert [(e.start, e.end) for e in episodes_of(beats) if e.what == "pause"] == found


def test_a_pause_is_told_as_soon_as_it_is_over():
    episodes = Episodes()
    told = [episodes.push(beat) for beat in after(1.0, 1.0, 3.5, 1.0)]
    assert told == [[], [], [Episode("pause", 2.0, 5.5)], []]
