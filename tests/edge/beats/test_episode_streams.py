"""Episodes of any beats: each begins and ends once, in bounded memory; and which of them are told."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_episodes import B

from sibeat_edge.beats.episodes import (
    AMONG,
    QUIET,
    RULES,
    TOLD,
    AlarmPolicy,
    Episode,
    Episodes,
    episodes_of,
)

PAUSED = Episode("pause", 2.0, 5.5)


def joined(rows):
    """Rows of beats of one kind or pattern, one row after the other."""
    beats = []
    for pattern, count, rr, is_irregular in rows:
        for n in range(count):
            kind = pattern[n % len(pattern)].replace(".", "")
            time = beats[-1].time if beats else 0.0
            beats.append(B(time + (20.0 if rr is None else rr), rr, kind, is_irregular and kind != ""))
    return beats


ROWS = st.tuples(
    st.sampled_from(["N", "N", "V", "S", "NV", "NS", "NNV", "N.", ".", "NNNNNNNNV"]),
    st.sampled_from([1, 2, 3, 7, 12, 45, 70]),
    st.sampled_from([None, 0.4, 0.52, 0.8, 0.8, 1.4, 1.7, 3.5]),
    st.booleans(),
)
BEATS = st.lists(ROWS, max_size=12).map(joined)


@settings(max_examples=150)
@given(BEATS)
def test_every_episode_that_begins_ends_once(beats):
    """It begins at a beat that was, ends at the one before the beat that ends it, and is not told twice."""
    episodes, open_now, ended, before = Episodes(), {}, [], []
    for beat in beats:
        for found in episodes.push(beat):
            if found.what == "pause":
                assert (found.start, found.end) == (beat.time - beat.rr, beat.time) and beat.rr >= 3
                ended.append(found)
            elif found.end is None:
                assert found.what not in open_now
                assert found.start in [b.time for b in [*before, beat][-AMONG:]]
                open_now[found.what] = found
            else:
                assert found.start == open_now.pop(found.what).start and found.end == before[-1].time
                ended.append(found)
        before.append(beat)
    last = episodes.finish()
    assert {e.what: e.start for e in last} == {what: e.start for what, e in open_now.items()}
    assert all(e.end == beats[-1].time for e in last) and episodes.finish() == []
    assert sorted([*ended, *last], key=lambda e: (e.start, e.what)) == episodes_of(beats)
    assert all(e.start <= e.end for e in episodes_of(beats))


@settings(max_examples=100)
@given(BEATS, st.data())
def test_what_was_found_by_then_does_not_depend_on_what_follows(beats, data):
    """So a device that hands on its beats in blocks of any size finds what a whole recording gives."""
    whole, parts = Episodes(), Episodes()
    told = [episode for beat in beats for episode in whole.push(beat)]
    found, rest = [], beats
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        block, rest = rest[:size], rest[size:]
        found += [episode for beat in block for episode in parts.push(beat)]
        assert found == told[: len(found)]
    assert found == told and parts.finish() == whole.finish()


@settings(max_examples=60)
@given(BEATS)
def test_runs_are_those_of_a_search_in_the_whole_recording(beats):
    for kind, what in (("V", "ventricular run"), ("S", "supraventricular run")):
        wanted, row = [], []
        for beat in [*beats, B(1e9, None)]:
            if beat.kind != kind or beat.rr is None:
                wanted += [(row[0], row[-1])] if len(row) >= 3 else []
                row = []
            if beat.kind == kind:
                row.append(beat.time)
        assert [(e.start, e.end) for e in episodes_of(beats) if e.what == what] == wanted


def test_memory_does_not_grow():
    episodes = Episodes()
    for beat in joined([("NV", 500, 1.7, True), ("V", 500, 0.4, False), ("N", 500, None, True)] * 3):
        episodes.push(beat)
        assert len(episodes._beats) <= AMONG and len(episodes._open) <= len(RULES)


def test_without_beats_there_are_no_episodes():
    assert episodes_of([]) == [] and Episodes().finish() == []


# What is told


def told(policy, *episodes):
    """What is told as these come one by one, each at its end, or at its beginning if it goes on."""
    return [e for each in episodes for e in policy.push([each], each.start if each.end is None else each.end)]


def test_an_episode_is_told_when_it_begins_and_a_pause_when_it_is_over():
    begun, ended, pause = Episode("ventricular run", 1.0), Episode("ventricular run", 1.0, 5.0), PAUSED
    assert told(AlarmPolicy(), begun, pause, ended) == [begun, pause]


@pytest.mark.parametrize("what", ["bigeminy", "tachycardia"])
def test_what_is_usual_is_not_told_unless_it_is_asked_for(what):
    assert told(AlarmPolicy(), Episode(what, 1.0)) == [] and what in RULES
    assert told(AlarmPolicy(told=[what]), Episode(what, 1.0), PAUSED) == [Episode(what, 1.0)]


@pytest.mark.parametrize("what", TOLD)
@pytest.mark.parametrize("apart, is_told", [(QUIET - 0.5, False), (QUIET, False), (QUIET + 0.5, True)])
def test_of_a_kind_another_one_is_told_only_after_a_quiet_minute(what, apart, is_told):
    policy, ends = AlarmPolicy(), what == "pause"
    assert len(told(policy, Episode(what, 10.0, 20.0 if ends else None))) == 1
    begun = 20.0 if ends else 10.0
    again = Episode(what, begun + apart - 5, begun + apart) if ends else Episode(what, begun + apart)
    assert told(policy, again) == ([again] if is_told else [])


def test_one_that_was_not_told_does_not_keep_the_next_one_quiet():
    policy = AlarmPolicy(quiet=10.0)
    pauses = [Episode("pause", at, at + 3.0) for at in (0.0, 8.0, 16.0, 24.0, 32.0)]
    assert told(policy, *pauses) == pauses[::2]


def test_one_that_goes_on_is_told_as_soon_as_the_quiet_minute_is_over():
    """A salvo is told, and others follow it; the last one does not end."""
    policy, salvo, lasting = AlarmPolicy(), Episode("ventricular run", 10.0), Episode("ventricular run", 60.0)
    assert told(policy, salvo, replace(salvo, end=12.0), lasting) == [salvo]
    found = {time: policy.push([], time) for time in (69.0, 70.5, 71.0, 500.0)}
    assert found == {69.0: [], 70.5: [lasting], 71.0: [], 500.0: []}


def test_a_clock_that_is_set_back_keeps_nothing_quiet():
    policy = AlarmPolicy()
    first, second = Episode("ventricular run", 5000.0), Episode("ventricular run", 12.0)
    assert told(policy, first, second) == [first, second]


def test_each_kind_is_quiet_for_itself():
    policy = AlarmPolicy()
    first, second = Episode("ventricular run", 10.0), Episode("supraventricular run", 12.0)
    assert told(policy, first, second, PAUSED) == [first, second, PAUSED]


@settings(max_examples=100)
@given(BEATS, st.sampled_from([0.0, 30.0, QUIET]))
def test_what_is_told_is_some_of_what_was_found_and_never_soon_after_another(beats, quiet):
    episodes, policy = Episodes(), AlarmPolicy(quiet=quiet)
    found, alarms = [], []
    for beat in beats:
        those = episodes.push(beat)
        found += those
        alarms += [(beat.time, e) for e in policy.push(those, beat.time)]
    assert {e.what for _, e in alarms} == {e.what for e in found} & set(TOLD)
    assert all(e in found for _, e in alarms)
    for what in TOLD:
        times = [time for time, e in alarms if e.what == what]
        assert all(b - a > quiet for a, b in zip(times, times[1:], strict=False))


# What ends a row, and an episode


@pytest.mark.parametrize("what", ["frequent ectopic beats", "irregular rhythm", "bradycardia"])
def test_episodes_of_a_sort_do_not_overlap(what):
    ectopic = [*range(0, 30, 5), *range(76, 80)]
    irregular = [True] * 30 + [False] * 30 + [True] * 9 + [False] + [True] * 40
    intervals = [1.7] * 8 + [0.8] * 5 + [2.5] * 6 + [0.8] * 9
    rows = {
        "frequent ectopic beats": [("V" if n in ectopic else "N", 1, 0.8, False) for n in range(90)],
        "irregular rhythm": [("N", 1, 0.8, value) for value in irregular],
        "bradycardia": [("N", 1, rr, False) for rr in intervals],
    }
    found = [(e.start, e.end) for e in episodes_of(joined(rows[what])) if e.what == what]
    assert len(found) > 1
    assert all(end < start for (_, end), (start, _) in zip(found, found[1:], strict=False))


def test_beats_on_either_side_of_a_gap_are_not_in_a_row():
    beats = [B(0.0, None, "V"), B(0.5, 0.5, "V"), B(3600.0, None, "V")]
    assert episodes_of(beats) == []
