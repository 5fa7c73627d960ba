"""What the scorer overturns of what it told before: which beats, when, and what it says of them then."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from int8_models import tiny_model
from test_scorer_doubts import WARM, Ruled, assert_consistent, lead_of, told

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats import judge as judge_module
from sibeat_edge.errors import ModelError
from sibeat_edge.scorer import BeatScorer, revise, score_recording
from sibeat_edge.signal.resampling import RATE

LATER, ENOUGH = 300, 4
EVENTS = "VNNNNVNNNNVNNNVNNNNVNNNNVNN" + "N" * 10
SYMBOLS = WARM + EVENTS
LEAD, PLACES = lead_of(SYMBOLS)
ECTOPIC = [number for number, symbol in enumerate(SYMBOLS) if symbol == "V"]
# A fifth above the scores of extrasystoles: each of them looks normal until their kind is known.
ABOVE = 1.2 * max(beat.score or 0.0 for beat in score_recording(Ruled(), LEAD, RATE, threshold=1e6))


class Gained(Ruled):
    """A ruled model whose scores can be made larger or smaller."""

    gain = 1.0

    def of(self, window, rhythm=None):
        return self.gain * super().of(window, rhythm)


def scorer_of(waits=True, is_wearers=True, **options):
    model = Gained(waits, is_wearers)
    model.manifest["threshold"]["score"] = ABOVE
    return BeatScorer(model, RATE, **{"threshold": ABOVE, **options})


def streamed(scorer, lead, sizes=(10**6,)):
    """For each block and for the end: the beats that it brings, and what it revises."""
    steps, start = [], 0
    while start < len(lead):
        size = sizes[len(steps) % len(sizes)]
        steps.append((scorer.push(lead[start : start + size]), scorer.revisions))
        start += size
    return [*steps, (scorer.finish(), scorer.revisions)]


def all_of(steps):
    """All beats as they were told first, and all revisions."""
    return [beat for beats, _ in steps for beat in beats], [one for _, found in steps for one in found]


def plain(revisions):
    return [(number, told(beat)) for number, beat in revisions]


def put_in(beats, revisions):
    """As ``revise``, by hand, for beats without residuals."""
    found = dict(revisions)
    return [found.get(number, beat) for number, beat in enumerate(beats)]


# Which beats, and what is said of them


@pytest.mark.parametrize("waits", [True, False])
def test_the_first_beats_of_a_kind_are_revised_once_the_kind_is_known(waits):
    first, revisions = all_of(streamed(scorer_of(waits), LEAD, (360,)))
    assert [number for number, beat in enumerate(first) if beat.kind == "V"] == ECTOPIC[ENOUGH - 1 :]
    assert [(number, beat.kind) for number, beat in revisions] == [(n, "V") for n in ECTOPIC[: ENOUGH - 1]]
    for number, beat in revisions:
        was = first[number]
        assert was.kind == "N" and not was.alarm and beat.alarm and beat.why == "both" and not beat.doubted
        for name in ("time", "score", "reason", "rr", "snr", "bridged"):
            assert getattr(beat, name) == getattr(was, name)
        assert abs(beat.time - PLACES[number]) < 0.1


def test_where_nothing_is_learnt_nothing_is_revised():
    for symbols in (WARM, WARM + "NVNNNNVNNNNN"):
        assert all_of(streamed(scorer_of(), lead_of(symbols)[0]))[1] == []


def test_without_a_wearer_nothing_is_revised():
    scores = [beat.score for beat in all_of(streamed(scorer_of(is_wearers=False), LEAD))[0][1:-1]]
    scorer = scorer_of(is_wearers=False, threshold=float(np.median(scores)))
    first, revisions = all_of(streamed(scorer, LEAD, (500,)))
    assert revisions == [] and 30 < sum(beat.alarm for beat in first) < 70
    lead = simulate_wearer(seed=3, seconds=40).signal[:, 0].astype(float)
    assert all_of(streamed(BeatScorer(tiny_model(), RATE), lead))[1] == []


# In blocks of any size


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(20, 6000), min_size=1, max_size=4),
    st.sampled_from([3, 10, 25, LATER]),
    st.integers(50, len(LEAD) // RATE),
    st.sampled_from([0, 360, 2000]),
    st.booleans(),
)
@example([7, 500], 10, 60, 360, True)
def test_blocks_of_any_size_give_the_same_revisions(sizes, later, hole, length, waits):
    lead = LEAD.copy()
    lead[hole * RATE : hole * RATE + length] = np.nan
    with mock.patch.object(judge_module, "LATER", later):
        (once, wanted), steps = (
            all_of(streamed(scorer_of(waits), lead)),
            streamed(scorer_of(waits), lead, sizes),
        )
    first, found = all_of(steps)
    assert plain(found) == plain(wanted) and [told(beat) for beat in first] == [told(beat) for beat in once]
    numbers = [number for number, _ in found]
    assert numbers == sorted(set(numbers))  # in order, and none twice
    seen, last = 0, 0
    for beats, revisions in steps:
        seen, before = seen + len(beats), last
        for number, beat in revisions:
            assert number < seen and beat.time == first[number].time and beat.kind != first[number].kind
            assert number >= before
            last = number + 1
    for beat in put_in(first, found):
        assert_consistent(beat, ABOVE)


@pytest.mark.parametrize("later", [5, 12, LATER])
@pytest.mark.parametrize("heat", [True, False])
def test_to_put_the_revisions_in_gives_what_a_recording_s_beats_are(later, heat):
    """At once, or block by block."""
    with mock.patch.object(judge_module, "LATER", later):
        steps = streamed(scorer_of(heat=heat), LEAD, (400, 77))
        scorer = scorer_of()
        wanted = score_recording(scorer.model, LEAD, RATE, threshold=ABOVE, heat=heat)
    beats, revisions = all_of(steps)
    found = list(beats)
    revise(found, revisions)
    assert [told(beat) for beat in found] == [told(beat) for beat in wanted]
    assert heat or found == put_in(beats, revisions)
    assert all((beat.residuals is not None) == (heat and beat.score is not None) for beat in found)
    by_block = []
    for brought, revisions in steps:
        by_block += brought
        revise(by_block, revisions)
    assert [told(beat) for beat in by_block] == [told(beat) for beat in found]


# When


@pytest.mark.parametrize("later", [3, 20])
def test_a_beat_is_revised_with_the_one_as_many_beats_later_or_at_the_end(later):
    with mock.patch.object(judge_module, "LATER", later):
        steps, seen = streamed(scorer_of(), LEAD, (60,)), 0
        at = {}
        for beats, revisions in steps[:-1]:
            before, seen = seen, seen + len(beats)
            for number, _ in revisions:
                assert before < number + later + 1 <= seen
                at[number] = seen
    # The kind is known with its fourth beat. Those that had their last verdict by then keep the first one.
    known = [number for number in ECTOPIC[: ENOUGH - 1] if number + later >= ECTOPIC[ENOUGH - 1]]
    assert sorted(at) == known and len(known) == (0 if later == 3 else 3)


def test_by_default_a_beat_is_revised_300_beats_later():
    lead, _ = lead_of(SYMBOLS + "N" * LATER)
    steps, seen = streamed(scorer_of(), lead, (60,)), 0
    numbers = []
    for beats, revisions in steps[:-1]:
        before, seen = seen, seen + len(beats)
        numbers += [number for number, _ in revisions]
        assert all(before < number + LATER + 1 <= seen for number, _ in revisions)
    assert numbers == ECTOPIC[: ENOUGH - 1] and steps[-1][1] == []


def test_revisions_are_those_of_the_latest_call():
    scorer = scorer_of()
    scorer.push(LEAD)
    assert scorer.revisions == []
    scorer.finish()
    assert len(scorer.revisions) == ENOUGH - 1
    assert scorer.finish() == [] and scorer.revisions == []
    with mock.patch.object(judge_module, "LATER", 20):
        scorer = scorer_of()
        scorer.push(LEAD)
        assert len(scorer.revisions) == ENOUGH - 1
        assert scorer.push([]) == [] and scorer.revisions == []


@pytest.mark.parametrize("how", ["jump", "end", "gap"])
def test_numbers_count_all_beats_of_a_scorer_across_a_jump_a_gap_and_an_end(how):
    """Two extrasystoles come before, and as many as are still needed behind it."""
    first, _ = lead_of(WARM + "VNNNNVNNN")
    then, _ = lead_of("N" * 12 + "VNNNNVNNNNVNNNNNN", seed=1)
    if how == "gap":
        then[: 4 * RATE] = np.nan
    scorer, beats = scorer_of(), []
    start = 1000.0 if how == "jump" else len(first) / RATE
    beats += scorer.push(first, time=0.0)
    revisions = scorer.revisions
    if how == "end":
        beats += scorer.finish()
        revisions = revisions + scorer.revisions
    for block in (then[:2000], then[2000:]):
        beats += scorer.push(block, time=start)
        revisions, start = revisions + scorer.revisions, start + len(block) / RATE
    beats += scorer.finish()
    revisions = revisions + scorer.revisions
    odd = [number for number, beat in enumerate(beats) if beat.score is not None and beat.score > 0.6 * ABOVE]
    assert len(odd) == 5 and [beats[number].kind for number in odd] == list("NNNVV")
    # An end settles what was told before it; a jump and a gap do not.
    assert [number for number, _ in revisions] == (odd[2:3] if how == "end" else odd[:3])
    assert all(beats[number].time == beat.time and beat.kind == "V" for number, beat in revisions)


def test_beats_above_the_threshold_are_doubted_once_their_kind_s_scores_are_low():
    """As if the model found all beats after the third extrasystole usual. It is no alarm in the end."""
    scorer = scorer_of()
    end = round((PLACES[ECTOPIC[3]] + 1) * RATE)
    beats, revisions = [], []
    for part, gain in ((LEAD[:end], 1.3), (LEAD[end:], 0.0)):
        scorer.model.gain = gain
        beats += scorer.push(part)
        revisions += scorer.revisions
    beats += scorer.finish()
    revisions += scorer.revisions
    assert [beats[number].kind for number in ECTOPIC] == list("VVVVNN")
    assert [(number, beat.kind, beat.why) for number, beat in revisions] == [
        (n, "N", "") for n in ECTOPIC[:4]
    ]
    # The fourth was named by its kind; its own score is one of the low ones.
    assert [beat.doubted for _, beat in revisions] == [True, True, True, False]
    assert not any(beat.alarm for _, beat in revisions)


@pytest.mark.parametrize("share", [0.5, 0.75, 0.82, 0.84, 1.0, 1.4])
def test_what_is_told_of_a_revised_beat_follows_from_its_kind_and_its_score(share):
    first, revisions = all_of(streamed(scorer_of(threshold=share * ABOVE), LEAD, (360,)))
    for beat in [*first, *put_in(first, revisions)]:
        assert_consistent(beat, share * ABOVE)


# What it costs


def test_no_more_beats_are_held_however_many_come():
    scorer, held = scorer_of(), []
    for part in range(4):
        for seed in range(3):
            scorer.push(lead_of("NVNNNNNN" * 25, seed=seed + 3 * part)[0])
            held.append(len(scorer._told))
    assert max(held) == held[-1] == LATER and len(scorer._scored) < 5


def test_a_wearers_model_with_a_threshold_of_nothing_is_refused_in_a_sentence():
    model = Ruled()
    model.manifest["name"], model.manifest["threshold"] = "mine", {"score": 0.0, "usual": 0.0}
    with pytest.raises(ModelError, match="mine: found the threshold 0; expected one above 0"):
        BeatScorer(model, RATE)
