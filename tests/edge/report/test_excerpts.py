"""The excerpts kept while a recording is read, against a search in the whole recording."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.report.excerpts import AROUND, KEPT, STRIP, Excerpts
from sibeat_edge.scorer import Beat

RATE = 20


def recording(seconds, seed=0, alarms=0.2):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.4, 1.2, 2 * seconds))
    times = times[times < seconds - 1]
    scores = rng.permutation(len(times)).astype(float)
    threshold = np.quantile(scores, 1 - alarms) if alarms else np.inf
    beats = [Beat(float(t), s, bool(s > threshold), "", None) for t, s in zip(times, scores, strict=True)]
    return rng.normal(size=(seconds * RATE, 1)).astype(np.float32), beats


def collect(signal, beats, size=60 * RATE, late=1.0):
    """The ``Excerpts`` of a signal whose beats become certain ``late`` s after their R-peak."""
    excerpts, told = Excerpts(RATE), 0
    for first in range(0, len(signal), size):
        end = min(first + size, len(signal)) / RATE
        ready = [beat for beat in beats[told:] if beat.time + late < end]
        told += len(ready)
        excerpts.push(first / RATE, signal[first : first + size], ready)
    excerpts.finish(beats[told:])
    return excerpts


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([200, 1200, 5000]), st.sampled_from([1.0, 15.0]))
def test_the_worst_beats_are_kept_and_none_overlap(seed, size, late):
    signal, beats = recording(400, seed)
    found = [excerpt.beat for excerpt in collect(signal, beats, size, late).worst]
    assert len(found) == KEPT and found[0] == max(beats, key=lambda beat: beat.score)
    assert [beat.score for beat in found] == sorted((beat.score for beat in found), reverse=True)
    times = np.sort([beat.time for beat in found])
    assert np.diff(times).min() >= 2 * AROUND


def test_worst_beats_far_apart_are_the_highest_scores():
    signal, _ = recording(400)
    beats = [Beat(3.0 * n + 2, float(n * 7 % 100), False, "", None) for n in range(100)]
    found = [excerpt.beat.score for excerpt in collect(signal, beats).worst]
    assert found == [99.0, 98.0, 97.0, 96.0, 95.0, 94.0, 93.0, 92.0]


def test_an_alarm_comes_before_a_doubted_beat_of_a_higher_score():
    signal, _ = recording(400)
    beats = [
        Beat(3.0 * n + 2, float(n), n % 20 == 0, "", None, above=n % 20 != 0 and n > 50) for n in range(100)
    ]
    found = [excerpt.beat.score for excerpt in collect(signal, beats).worst]
    assert found == [80.0, 60.0, 40.0, 20.0, 0.0, 99.0, 98.0, 97.0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([None, *range(12)]), st.sampled_from("NSV")), max_size=120))
def test_of_the_beats_of_a_kind_the_worst_is_kept(rows):
    """Beats that look alike and were judged alike; those of no kind are each its own."""
    signal, _ = recording(400)
    beats = [
        Beat(3.0 * n + 2, float(n * 53 % 127), kind != "N", "", None, kind=kind, group=group)
        for n, (group, kind) in enumerate(rows)
    ]
    of_kinds = {}
    for beat in sorted(beats, key=lambda beat: (beat.alarm, beat.score)):
        of_kinds[beat.time if beat.group is None else (beat.group, beat.kind)] = beat
    wanted = sorted(of_kinds.values(), key=lambda beat: (beat.alarm, beat.score), reverse=True)
    assert [excerpt.beat for excerpt in collect(signal, beats).worst] == wanted[:KEPT]


@pytest.mark.parametrize("size", [37, 400, 2400])
def test_an_excerpt_is_the_signal_around_its_beat(size):
    signal, beats = recording(300)
    for excerpt in collect(signal, beats, size).worst:
        first = round((excerpt.beat.time - AROUND) * RATE)
        wanted = np.full((2 * RATE, 1), np.nan)
        part = signal[max(first, 0) : first + 2 * RATE]
        wanted[max(-first, 0) :][: len(part)] = part
        np.testing.assert_array_equal(excerpt.samples, wanted)


@pytest.mark.parametrize("seed", range(5))
def test_the_strip_holds_the_most_alarms(seed):
    signal, beats = recording(600, seed)
    strip = collect(signal, beats).strip

    def alarms(start, seconds):
        return sum(beat.alarm for beat in beats if start <= beat.time < start + seconds)

    assert len(strip.samples) == STRIP * RATE and np.isfinite(strip.samples).all()
    most = max(alarms(beat.time, STRIP - 2) for beat in beats)  # a second at either end stays free
    assert alarms(strip.time, STRIP) >= most
    first = round(strip.time * RATE)
    np.testing.assert_array_equal(strip.samples, signal[first : first + len(strip.samples)])


def test_without_alarms_the_strip_holds_the_highest_score():
    signal, beats = recording(300, alarms=0)
    strip = collect(signal, beats).strip
    worst = max(beats, key=lambda beat: beat.score)
    assert strip.time <= worst.time < strip.time + STRIP


@pytest.mark.parametrize("size", [37, 6000])
def test_without_beats_the_strip_is_the_beginning(size):
    signal, _ = recording(300)
    strip = collect(signal, [], size).strip
    assert strip.time == 0
    np.testing.assert_array_equal(strip.samples, signal[: len(strip.samples)])


def test_the_signal_held_does_not_grow():
    excerpts, block = Excerpts(RATE), np.zeros((60 * RATE, 1))
    for minute in range(200):
        excerpts.push(60.0 * minute, block, [])
        assert sum(len(samples) for _, samples in excerpts._blocks) <= 7 * len(block)
