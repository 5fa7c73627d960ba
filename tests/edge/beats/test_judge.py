"""What kind each beat is: by itself, by others of its kind, by its time, and with what is learnt later."""

import pickle
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evidence import DIRTY, ECTOPIC, OTHER, TEMPLATE, cut, smooth, timed, view

from sibeat_edge.beats import judge as judge_module
from sibeat_edge.beats.evidence import Seen
from sibeat_edge.beats.form import qrs_likeness
from sibeat_edge.beats.judge import Judge, Scores

# The rules in numbers of the tests' own, so that none changes unnoticed.
LATER, ENOUGH = 300, 4
NEAR, SHAPE, SHAPE_EARLY, EARLY_KIND = 0.32, 0.58, 0.5, 0.05
ABERRANT, ABERRANT_SCORE, OWN_KIND = 0.75, 0.1, 0.94
RR, PREMATURE, BEHIND = 0.8, 0.52, 1.08
TURNED = TEMPLATE + 0.9 * OTHER  # a QRS that is neither the template's nor far from it


@dataclass
class Asked:
    """The score had the beat been on time, and how often it was asked for."""

    value: float = 0.1
    times: int = 0

    def __call__(self):
        self.times += 1
        return self.value


def beat(shape=TEMPLATE, rr=RR, whole=0.1, timing=0.05, on_time=0.1, likeness=20.0):
    """A beat and its scores; it is above the threshold by its score."""
    seen = Seen(0.0, rr, likeness, view(shape), whole > 1)
    return seen, Scores(whole=whole, timing=timing, limit=1.0, shape=Asked(on_time))


def regular(count, **options):
    """Sinus rhythm, in which intervals differ by a little."""
    return [beat(rr=RR + 0.01 * (number % 3), **options) for number in range(count)]


def amid(*odd, count=12):
    """Each of these beats among the wearer's own ones, those behind a premature one with a pause."""
    beats = regular(count)
    for one in odd:
        beats += [one, beat(rr=BEHIND if one[0].rr < 0.7 else RR), *regular(8)]
    return beats


def early(shape=ECTOPIC, **options):
    return beat(shape, **{"rr": PREMATURE, "timing": 0.5, **options})


def judged(beats, judge=None):
    """The first and the last verdicts, each as kind and reason."""
    judge, first = judge or Judge(), []
    times = timed([seen for seen, _ in beats])
    for seen, (_, scores) in zip(times, beats, strict=True):
        first += judge.push(seen, scores)
    first += judge.finish()
    last = judge.settled(at_end=True)
    assert len(first) == len(last) == len(beats)
    return tuple([(verdict.kind, verdict.why) for verdict in found] for found in (first, last))


def of(beats, found, shape=ECTOPIC):
    """The kinds found for the beats of a shape, in a row."""
    wanted = view(shape).tobytes()
    return "".join(
        kind for (seen, _), (kind, _) in zip(beats, found, strict=True) if seen.view.tobytes() == wanted
    )


# A single beat


@pytest.mark.parametrize(
    "odd, verdict",
    [
        (beat(), ("N", "")),
        (beat(rr=1.2), ("N", "")),
        (early(TEMPLATE, whole=0.6), ("S", "timing")),
        (early(TEMPLATE, whole=1.2), ("S", "timing")),
        (early(TEMPLATE, whole=0.6, timing=0.2), ("N", "")),
        (beat(ECTOPIC, whole=1.2), ("N", "")),
        (beat(ECTOPIC, rr=1.0, whole=1.2), ("V", "shape")),
        (early(whole=1.2), ("V", "both")),
        (early(whole=1.2, timing=0.05), ("V", "both")),
        (early(whole=0.9), ("N", "")),
        (beat(ECTOPIC, whole=0.9), ("N", "")),
    ],
)
def test_of_a_lone_beat_shape_and_time_are_judged_apart(odd, verdict):
    for found in judged(amid(odd)):
        assert found[12] == verdict
        assert set(found[:12] + found[13:]) == {("N", "")}


def test_a_lone_odd_beat_in_noise_is_not_believed():
    noisy = [beat(likeness=DIRTY), beat(likeness=DIRTY)]
    for around, kind in ((noisy, "N"), (regular(2), "V")):
        beats = [*regular(12), *around, early(whole=1.2), *around, *regular(6)]
        first, last = judged(beats)
        assert of(beats, first) == of(beats, last) == kind


# A kind


@pytest.mark.parametrize(
    "whole, on_time, is_ventricular",
    [
        (0.8, 0.7, True),
        (1 - NEAR + 0.01, 0.7, True),
        (1 - NEAR - 0.01, 0.7, False),
        (0.8, SHAPE_EARLY + 0.01, True),
        (0.8, SHAPE_EARLY - 0.01, False),
        (0.5, 0.55, False),
    ],
)
def test_a_premature_kind_near_the_threshold_is_ventricular_once_it_is_known(whole, on_time, is_ventricular):
    """From the fourth beat on, and those before it in the end."""
    beats = amid(*[early(whole=whole, on_time=on_time) for _ in range(8)])
    first, last = judged(beats)
    assert of(beats, first) == ("N" * (ENOUGH - 1) + "V" * 5 if is_ventricular else "N" * 8)
    assert of(beats, last) == ("V" if is_ventricular else "N") * 8
    assert of(beats, first, TEMPLATE) == of(beats, last, TEMPLATE) == "N" * (len(beats) - 8)


@pytest.mark.parametrize("share, is_early", [(EARLY_KIND + 0.02, True), (EARLY_KIND - 0.02, False)])
def test_how_early_a_kind_comes_decides_what_score_it_needs(share, is_early):
    odd = [beat(ECTOPIC, rr=(1 - share) * (RR + 0.01), whole=0.8, on_time=0.8) for _ in range(6)]
    beats = amid(*odd)
    assert of(beats, judged(beats)[1]) == ("V" if is_early else "N") * 6


def in_rows(scores):
    """Long rows of odd beats that come on time, with these scores by turns."""
    rows = [beat(ECTOPIC, whole=scores[n % len(scores)], on_time=0.9) for n in range(30)]
    return [*regular(12), *rows, *regular(12), *rows, *regular(6)]


def test_a_kind_that_comes_on_time_in_rows_is_normal_if_its_mean_score_is():
    beats = in_rows([0.7, 1.1])
    first, last = judged(beats)
    assert of(beats, first) == of(beats, last) == "N" * 60
    beats = in_rows([1.2, 0.95])
    assert of(beats, judged(beats)[1]) == "V" * 60


def test_in_an_irregular_rhythm_to_be_early_says_nothing_of_a_kind():
    """Where the beats between are regular, the same ones are ventricular."""
    draws = np.random.default_rng(0)
    for spread, kind in ((0.3, "N"), (0.01, "V")):
        beats = []
        for number in range(150):
            rr = float(RR * np.exp(spread * draws.standard_normal()))
            is_odd = number > 60 and number % 9 == 0
            beats.append(early(whole=0.8, on_time=0.8) if is_odd else beat(rr=rr))
        assert set(of(beats, judged(beats)[1])) == {kind}


def test_a_beat_in_noise_is_judged_by_its_kind_and_adds_nothing_to_it():
    noisy = [beat(likeness=DIRTY), beat(likeness=DIRTY)]
    known = amid(*[early(whole=0.8, on_time=0.8)] * 4)
    for before, kind in ((known, "V"), (known[:42], "N")):  # four of the kind, and three
        beats = [*before, *noisy, early(whole=0.8, on_time=0.8), *noisy, *regular(6)]
        assert of(beats, judged(beats)[0])[-1] == kind


# A row


@pytest.mark.parametrize(
    "shape, whole, kind",
    [
        (TURNED, 1.05, "S"),
        (TURNED, 1 + ABERRANT_SCORE + 0.05, "V"),
        (ECTOPIC, 1.05, "V"),
        (TEMPLATE, 0.6, "S"),
    ],
)
def test_a_fast_row_s_beats_are_ventricular_if_their_shape_is_far_from_the_wearers_own(shape, whole, kind):
    assert qrs_likeness(cut(ECTOPIC), cut(TEMPLATE)) < ABERRANT < qrs_likeness(cut(TURNED), cut(TEMPLATE))
    row = [beat(shape, rr=0.45, whole=whole, timing=0.5, on_time=0.9) for _ in range(20)]
    first, last = judged([*regular(30), *row, *regular(10)])
    for found in (first, last):
        assert set(found[36:50]) == {(kind, "both" if kind == "V" else "timing")}
        assert {kind for kind, _ in found[:30] + found[50:]} == {"N"}


# One verdict of either sort for each beat, in order


SHAPES = [view(shape) for shape in (TEMPLATE, TEMPLATE, TURNED, ECTOPIC, OTHER, *map(smooth, range(3)))]
SCORE = st.floats(-0.5, 2)
BEATS = st.lists(
    st.builds(
        lambda rr, likeness, shape, whole, timing, on_time: (
            Seen(0.0, rr, likeness, shape, shape is not None and whole > 1),
            None if shape is None else Scores(whole, timing, 1.0, Asked(on_time)),
        ),
        st.none() | st.sampled_from([0.4, 0.5, 0.8, 0.8]) | st.floats(0.3, 1.5),
        st.sampled_from([None, 20.0, 20.0, 20.0, DIRTY]),
        st.none() | st.sampled_from(SHAPES),
        SCORE,
        SCORE,
        SCORE,
    ),
    max_size=60,
)


def kept(beats, ends, asked, later):
    """The verdicts of a judge that is told of ends, and asked for its last verdicts, behind some beats."""
    judge, first, last = Judge(), [], []
    times = timed([seen for seen, _ in beats])
    with mock.patch.object(judge_module, "LATER", later):
        for number, (seen, (_, scores)) in enumerate(zip(times, beats, strict=True)):
            first += judge.push(seen, scores)
            assert len(first) == number  # the newest beat waits for the next one
            if number in ends:
                first += judge.finish()
                assert len(first) == number + 1 and judge.finish() == []
            if number in asked:
                last += judge.settled()
                assert len(last) == max(0, len(first) - later)
        first += judge.finish()
        last += judge.settled(at_end=True)
    assert judge.finish() == judge.settled(at_end=True) == []
    return first, last


NUMBERS = st.sets(st.integers(0, 60))


@settings(max_examples=80, deadline=None)
@given(BEATS, NUMBERS, NUMBERS, st.integers(1, 12))
def test_each_beat_has_one_first_and_one_last_verdict_in_order(beats, ends, asked, later):
    for found in kept(beats, ends, asked, later):
        assert [verdict.kind == "" for verdict in found] == [scores is None for _, scores in beats]
        reasons = {"": {""}, "N": {""}, "S": {"timing"}, "V": {"shape", "both"}}
        assert all(verdict.why in reasons[verdict.kind] for verdict in found)


@settings(max_examples=40, deadline=None)
@given(BEATS, NUMBERS, NUMBERS, st.integers(1, 12))
def test_when_the_last_verdicts_are_asked_for_changes_none(beats, ends, asked, later):
    assert kept(beats, ends, asked, later) == kept(beats, ends, set(), later)


def test_a_verdict_is_the_last_one_as_many_beats_later_as_stated():
    judge, out, last = Judge(), 0, 0
    for seen, scores in regular(LATER + 30):
        out += len(judge.push(seen, scores))
        last += len(judge.settled())
        assert last == max(0, out - LATER)


# What it costs


@settings(max_examples=60, deadline=None)
@given(BEATS)
def test_only_of_beats_unlike_the_template_the_shape_s_score_is_asked_for_and_once(beats):
    beats = [(seen, scores and scores._replace(shape=Asked(0.5))) for seen, scores in beats]
    odd = [early(whole=0.8), beat(OTHER, whole=1.5), early(whole=0.2)]
    judged(beats)
    judged(amid(*odd))
    assert [scores.shape.times for _, scores in odd] == [1, 1, 1]
    for seen, scores in beats:
        if scores is not None:
            is_odd = qrs_likeness(seen.view[:, 0], seen.view[:, 1]) < OWN_KIND
            assert scores.shape.times <= is_odd


def test_no_more_is_held_however_many_beats_come():
    judge, sizes, draws = Judge(), [], np.random.default_rng(0)
    shapes = [view(smooth(seed)) for seed in range(200)]
    for number in range(4000):
        seen, scores = (
            (Seen(0.0, RR, 20.0, None, False), None)
            if number % 50 == 7
            else beat(rr=RR * draws.uniform(0.5, 1.2))
        )
        if number % 3 == 1 and scores is not None:
            seen, scores = seen._replace(view=shapes[number % 200], is_over=True), scores._replace(whole=1.5)
        judge.push(seen._replace(time=RR * number), scores)
        judge.settled()
        if number % 20 == 19:
            sizes.append(len(pickle.dumps(judge)))
    assert max(sizes[40:]) <= 1.05 * max(sizes[:40]) and max(sizes) < 600_000
    assert len(judge._known) == LATER
