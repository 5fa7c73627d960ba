"""Beats that wait for one more, and scores that noise explains: the scorer of a wearer's model."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.stream import PAUSE, BeatStream, CutBeat
from sibeat_edge.beats.template import WARM_UP
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import BeatScorer
from sibeat_edge.signal.resampling import RATE

BAND, ORDER, RR = [0.67, 45.0], 540, 0.8
LIMIT = 2.0  # score above which a beat is an alarm or doubted, if nothing is known of its kind


class Ruled(Model):
    """A model without an interpreter: ten times the mean difference of a beat from its template."""

    def __init__(self, waits=True, is_wearers=True):
        self.leads = 1
        self.manifest = {
            "signal": {"band": BAND, "order": ORDER},
            "window": {"before": 140, "after": 180},
            "wearer": {"waits": waits} if is_wearers else None,
            "score": {"scale": 0.01, "zero_point": 0},
            "threshold": {"score": LIMIT, "usual": 0.0},
        }

    def scores(self, *beats):
        return [self.of(*beat) for beat in zip(*beats, strict=True)]

    def of(self, window, rhythm=None):
        other = window[:, 1] if self.manifest["wearer"] else 0.0
        return float(10 * np.abs(window[:, 0] - other).mean())


def lead_of(symbols, seed=0):
    """A lead, and where its R-peaks are.

    N is a beat of the wearer's own, V an extrasystole, early and with a pause behind it. Those in small
    letters are under an electrode's swings. A dash is 10 s without a beat.
    """
    draws, at, place, early = np.random.default_rng(seed), [], 0.3, 0.0
    for symbol in symbols:
        place += 10 if symbol == "-" else RR + early
        early = 0.3 if symbol in "Vv" else 0.0
        at.append(place - early)
    ticks = np.arange(round((place + 1.5) * RATE)) / RATE
    lead = 0.003 * draws.standard_normal(len(ticks))
    swings = ndimage.gaussian_filter1d(draws.standard_normal(len(ticks)), 14)
    swings /= swings.std()
    for symbol, peak in zip(symbols, at, strict=True):
        since = ticks - peak
        if symbol in "Nn":
            lead += np.exp(-np.square(since / 0.012) / 2) - 0.3 * np.exp(
                -np.square((since - 0.03) / 0.01) / 2
            )
            lead += 0.25 * np.exp(-np.square((since - 0.25) / 0.045) / 2)
        elif symbol in "Vv":
            lead -= 1.5 * np.exp(-np.square((since - 0.02) / 0.035) / 2)
            lead += 0.5 * np.exp(-np.square((since - 0.28) / 0.07) / 2)
        if symbol in "nv":
            lead += 0.35 * swings * np.exp(-(np.square(since / 0.4) ** 4))
    return lead, np.array([peak for symbol, peak in zip(symbols, at, strict=True) if symbol != "-"])


WARM = "N" * (WARM_UP + 5)
EVENTS = "VNNNNVNNNNVNN" + "N" * 10 + "nnvnn" + "N" * 10 + "nnnn" + "N" * 10 + "NVVN-NNNNV-NNNNNVN"
LEAD, PLACES = lead_of(WARM + EVENTS)


def scored(lead, sizes=(10**6,), ended=True, waits=True, **options):
    """The beats of a lead that is pushed in blocks of these sizes, and the number of the block of each."""
    scorer, beats, blocks, start = BeatScorer(Ruled(waits), RATE, threshold=LIMIT, **options), [], [], 0
    while start < len(lead):
        size = sizes[len(blocks) % len(sizes)]
        found = scorer.push(lead[start : start + size])
        beats, start = beats + found, start + size
        blocks.append(len(found))
    rest = scorer.finish() if ended else []
    return beats + rest, np.repeat(np.arange(len(blocks) + 1), [*blocks, len(rest)])


def cut(lead, sizes=(10**6,), aligner=None):
    """The beats as they are cut from the lead, and the number of the block of each."""
    stream, beats, numbers, start, number = worn_stream(aligner or Aligner()), [], [], 0, 0
    while start < len(lead):
        size = sizes[number % len(sizes)]
        found = stream.push(lead[start : start + size, None])
        beats, numbers = beats + found, numbers + [number] * len(found)
        start, number = start + size, number + 1
    rest = stream.finish()
    numbers = [n for n, beat in zip(numbers, beats, strict=True) if isinstance(beat, CutBeat)]
    beats = [beat for beat in beats + rest if isinstance(beat, CutBeat)]
    return beats, numbers + [number] * (len(beats) - len(numbers))


def worn_stream(aligner, start=0.0):
    options = {"start": start, "tells_pauses": True, "knows_wearer": True, "aligner": aligner}
    return BeatStream(RATE, 1, tuple(BAND), ORDER, (140, 180), **options)


def told(beat):
    """All that is told of a beat, its residuals as bytes."""
    heat = None if beat.residuals is None else beat.residuals.tobytes()
    values = [getattr(beat, name) for name in beat.__dataclass_fields__ if name != "residuals"]
    return [*values, heat]


def is_over(beat):
    return beat.score is not None and beat.score > LIMIT


def assert_consistent(beat, limit=LIMIT):
    """What is told of a beat follows from its kind and its score."""
    assert (beat.kind != "") == (beat.score is not None) and beat.kind in ("", "N", "S", "V")
    assert beat.alarm == (beat.kind in ("S", "V")) == (beat.why != "")
    assert beat.doubted == (beat.kind == "N" and beat.score > limit)


def the_one_at(beats, time):
    (found,) = [beat for beat in beats if abs(beat.time - time) < 0.1]
    return found


# Alarms and doubts


def test_extrasystoles_are_alarms_and_what_swings_make_is_doubted():
    """The first beat under swings lies behind two clean ones, and may be believed."""
    beats, _ = scored(LEAD)
    symbols = [symbol for symbol in WARM + EVENTS if symbol != "-"]
    behind = list(zip(" " + "".join(symbols), symbols, beats, strict=False))[1:-1]
    assert len(beats) == len(PLACES)
    assert all(beat.alarm for _, symbol, beat in behind if symbol == "V")
    assert not any(is_over(beat) for _, symbol, beat in behind if symbol == "N")
    swung = [beat for before, symbol, beat in behind if symbol == "n" and before in "nv" and is_over(beat)]
    assert len(swung) >= 5 and all(beat.doubted for beat in swung)


def test_a_doubted_beat_has_a_score_above_the_threshold_and_is_no_alarm():
    beats, _ = scored(LEAD)
    for beat in beats:
        assert_consistent(beat)
        if beat.doubted:
            assert beat.why == "" and beat.reason == "" and beat.quality == "good" and beat.rr is not None
            assert is_over(beat) and not beat.alarm


@pytest.mark.parametrize("waits", [True, False])
def test_a_beat_is_doubted_by_the_threshold_that_holds(waits):
    """The wearer's own one, in this case, which the warm-up's end sets."""
    scorer = BeatScorer(Ruled(waits), RATE)
    beats = scorer.push(LEAD) + scorer.finish()
    assert scorer.threshold != LIMIT and any(beat.doubted for beat in beats)
    for beat in beats:
        assert_consistent(beat, scorer.threshold)


def test_a_model_without_a_wearer_never_doubts_and_no_alarm_waits():
    model = Ruled(is_wearers=False)
    plain = BeatScorer(model, RATE, threshold=0.0)
    middle = np.median([b.score for b in plain.push(LEAD) + plain.finish() if b.score is not None])
    scorer, beats = BeatScorer(model, RATE, threshold=float(middle)), []
    for start in range(0, len(LEAD), 36):
        found = scorer.push(LEAD[start : start + 36])
        beats += found
        late = [(start + 36) / RATE - beat.time for beat in found if beat.time > 4]
        assert max(late, default=0) <= scorer.latency + 0.1
    beats += scorer.finish()
    assert not any(beat.doubted or beat.why or beat.kind for beat in beats) and scorer.latency < 4
    alarms = [beat.alarm for beat in beats if beat.score is not None]
    assert alarms == [b.score > middle for b in beats if b.score is not None] and 30 < sum(alarms) < 90


@pytest.mark.parametrize("teaching, is_believed", [("VNNNNVNNNN", True), ("VNNNNNNNNN", False)])
@pytest.mark.parametrize("how", ["jump", "end", "pause", "nothing"])
def test_a_kind_of_extrasystoles_is_remembered_across_a_jump_a_pause_and_an_end(teaching, is_believed, how):
    """The last extrasystole comes among noisy beats. It is believed if there have been two clean ones."""
    first, _ = lead_of(WARM + teaching + ("-N" if how == "pause" else ""))
    then, places = lead_of("N" * 12 + "nnVnn" + "N" * 9, seed=1)
    scorer = BeatScorer(Ruled(), RATE, threshold=LIMIT)
    start = 1000.0 if how == "jump" else len(first) / RATE
    scorer.push(first, time=0.0)
    if how == "end":
        scorer.finish()
    beats = scorer.push(then, time=start) + scorer.finish()
    beat = the_one_at(beats, start + places[14])
    assert is_over(beat) and beat.alarm == is_believed and beat.doubted != is_believed


# When a beat is out


@pytest.mark.parametrize("size", [36, 100])
@pytest.mark.parametrize("waits", [True, False])
def test_every_beat_waits_for_one_more(waits, size):
    """For the one behind it, or for the one behind that if its view waits for the next one anyhow."""
    lead, _ = lead_of(WARM + EVENTS.replace("-", ""))
    beats, out = scored(lead, (size,), waits=waits)
    found, blocks = cut(lead, (size,))
    assert [beat.time for beat in beats] == [beat.time for beat in found]
    blocks += [blocks[-1]] * 2  # that of the end
    late = set()
    for number in range(WARM_UP + 1, len(beats)):
        more = waits + 1
        assert out[number] == blocks[number + more]
        if number + more < len(beats):
            late.add((is_over(beats[number]), int(out[number]) > blocks[number]))
    assert late == {(True, True), (False, True)}


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("last", ["V", "NV", "VV", "N", "nn"])
@pytest.mark.parametrize("value", [None, np.nan, 0.0])
def test_a_pause_or_a_lost_signal_holds_nothing_back_for_longer_than_stated(waits, last, value):
    lead, places = lead_of(WARM + "VNNNNNNNN" + last + "-----")
    if value is not None:
        lead[round((places[-1] + 1.6) * RATE) :] = value
    scorer, late = BeatScorer(Ruled(waits), RATE, threshold=LIMIT), []
    for start in range(0, len(lead), 36):
        found = scorer.push(lead[start : start + 36])
        late += [((start + 36) / RATE - beat.time, beat) for beat in found]
    assert [beat.time for _, beat in late] == pytest.approx(places, abs=0.1) and scorer.finish() == []
    assert max(delay for delay, _ in late[WARM_UP + 1 :]) <= scorer.latency + 0.1
    delay, newest = late[-1]
    assert newest.alarm == (last[-1] == "V") and newest.doubted == (last == "nn")
    assert delay > PAUSE / RATE and is_over(newest) == (last != "N")


def test_the_stated_latency_has_a_pause_for_each_beat_that_is_awaited():
    stream, pause = worn_stream(Aligner()).latency, PAUSE / RATE + 1
    for waits, count in ((False, 1), (True, 2)):
        assert BeatScorer(Ruled(waits), RATE).latency == pytest.approx(stream + count * pause)


# Nothing is lost, and all is in order


@pytest.mark.parametrize("waits", [True, False])
@settings(max_examples=6, deadline=None)
@given(
    sizes=st.lists(st.integers(20, 6000), min_size=1, max_size=5),
    hole=st.integers(0, len(LEAD) // RATE),
    length=st.sampled_from([0.0, 0.03, 1.0, 8.0]),
)
@example(sizes=[1, 7, 500], hole=73, length=1.0)
def test_blocks_of_any_size_give_the_same_alarms_and_doubts(waits, sizes, hole, length):
    lead = LEAD.copy()
    lead[hole * RATE : hole * RATE + round(length * RATE)] = np.nan
    once, _ = scored(lead, waits=waits, heat=True)
    parts, _ = scored(lead, sizes, waits=waits, heat=True)
    assert [told(beat) for beat in once] == [told(beat) for beat in parts]


@pytest.mark.parametrize("last", ["V", "NV", "VV", "nn", "N"])
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("how", ["jump", "jump back", "end"])
def test_the_beats_before_a_jump_or_an_end_come_with_it_and_in_order(how, waits, last):
    lead, places = lead_of(WARM + "NNVNNNN" + last)
    scorer = BeatScorer(Ruled(waits), RATE, threshold=LIMIT)
    beats = scorer.push(lead, time=1000.0)
    missing = len(places) - len(beats)
    first = lead_of("N" * 12)[0][: 2 * RATE]
    rest = scorer.finish() if how == "end" else scorer.push(first, time=3000.0 if how == "jump" else 5.0)
    beats += rest
    assert len(rest) == missing >= 1
    np.testing.assert_allclose([beat.time for beat in beats], 1000 + places, atol=0.1)
    assert np.all(np.diff([beat.time for beat in beats]) > 0)
    assert beats[-1].alarm == (last[-1] == "V") and beats[-1].doubted == (last == "nn")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.text("NNNNVnv-", min_size=1, max_size=25), min_size=1, max_size=4),
    st.lists(st.sampled_from(["jump", "end", "gap"]), min_size=4, max_size=4),
    st.booleans(),
    st.integers(30, 4000),
)
def test_every_beat_comes_once_whatever_happens(parts, between, waits, size):
    """Against the beats that are cut from the same parts by one aligner."""
    scorer, aligner = BeatScorer(Ruled(waits), RATE, threshold=LIMIT), Aligner()
    beats, wanted, start = [], [], 0.0
    for number, (symbols, how) in enumerate(zip([WARM, *parts], ["jump", *between], strict=False)):
        lead, _ = lead_of(symbols + "N", seed=number)
        if how == "gap":
            lead[len(lead) // 2 : len(lead) // 2 + RATE] = np.nan
        for first in range(0, len(lead), size):
            beats += scorer.push(lead[first : first + size], time=start + first / RATE)
        if how == "end":
            beats += scorer.finish()
        stream = worn_stream(aligner, start)
        found = stream.push(lead[:, None]) + stream.finish()
        wanted += [beat for beat in found if isinstance(beat, CutBeat)]
        start += len(lead) / RATE + 7.0
    beats += scorer.finish()
    assert [beat.time for beat in beats] == pytest.approx([beat.time for beat in wanted], abs=1e-9)
    assert [beat.rr for beat in beats] == [pytest.approx(beat.rr, abs=1e-9) for beat in wanted]
    for beat in beats:
        assert_consistent(beat)
    for beat, seen in zip(beats, wanted, strict=True):
        assert beat.reason == ("" if beat.score is not None else seen.reason or "warm-up")
        assert beat.score is None or seen.window is not None


@pytest.mark.parametrize("start", [0.0, 1000.0])
def test_a_clock_that_is_set_anew_in_either_direction_makes_no_beat_crowded(start):
    """The time between beats of two clocks says nothing: the first beat of the new stream is at its edge."""
    scorer = BeatScorer(Ruled(), RATE, threshold=LIMIT)
    scorer.push(lead_of(WARM)[0], time=500.0)  # no extrasystole, whose kind would be known
    again, places = lead_of("NVNNNNVNN")
    places = places - 0.9
    beats = [*scorer.push(again[round(0.9 * RATE) :], time=start), *scorer.finish()]
    assert next(beat for beat in beats if abs(beat.time - start - places[0]) < 0.1).reason == "edge"
    ectopic = [beat for beat in beats if np.abs(beat.time - start - places[[1, 6]]).min() < 0.1]
    assert [beat.alarm for beat in ectopic] == [True, True]


def test_beats_of_a_warm_up_are_told_even_if_the_stream_ends_right_behind_a_jump_of_the_clock():
    lead, places = lead_of("N" * 30)
    scorer = BeatScorer(Ruled(), RATE, threshold=LIMIT)
    beats = scorer.push(lead, time=0.0)
    beats += scorer.push([], time=500.0) + scorer.finish()
    np.testing.assert_allclose([beat.time for beat in beats], places, atol=0.05)
    assert scorer.finish() == []
