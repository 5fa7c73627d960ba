"""The scorer of a wearer's model: order, blocks, warm-up, pauses, gaps, and what raised an alarm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_models import tiny_model
from relative_models import relative_model
from test_beat_scorer import assert_same, streamed

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.alignment import ROOM_AFTER, ROOM_BEFORE, Aligner
from sibeat_edge.beats.stream import PAUSE
from sibeat_edge.beats.stretch import Stretch
from sibeat_edge.beats.template import UNLIKE, WARM_UP
from sibeat_edge.beats.wearer import Wearer, views_of
from sibeat_edge.beats.windows import beat_windows
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import between_levels, medians_in_time, personal_threshold
from sibeat_edge.scorer import BeatScorer, score_recording
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import RATE
from sibeat_edge.signal.rpeaks import RPeakDetector

SECONDS = 150


@pytest.fixture(scope="module")
def model():
    return Model(relative_model())


@pytest.fixture(scope="module")
def wearer():
    return simulate_wearer(seed=3, seconds=SECONDS)


@pytest.fixture(scope="module")
def lead(wearer):
    return wearer.signal[:, 0].astype(float)


def clean(seed=4, seconds=SECONDS):
    return simulate_wearer(seed=seed, seconds=seconds, abnormal={}).signal[:, 0].astype(float)


def test_scores_are_those_of_training_s_own_path(model, lead):
    filtered, aligner, stretch = process(BandPass(), lead), Aligner(), Stretch()
    peaks, fit = process(RPeakDetector(), filtered), []
    for number, peak in enumerate(peaks):
        first, last = peak - ROOM_BEFORE, peak + ROOM_AFTER
        if first >= 0 and last <= len(filtered):
            placed = aligner.push(filtered[first:last])
            peaks[number] += placed.offset
            stretch.push(placed.snr)
        fit.append(stretch.is_fit)
    windows, inside = beat_windows(filtered[:, None], peaks)
    made, views, left = Wearer(), [], iter(windows)
    assert all(fit)
    for peak, is_inside in zip(peaks, inside, strict=True):
        views += made.push(peak / RATE, next(left) if is_inside else None)
    views = views_of(views + made.finish())
    beats = score_recording(model, lead, RATE)
    assert len(beats) == len(views) > 2 * WARM_UP and [b.time for b in beats] == (peaks / RATE).tolist()
    assert [b.score for b in beats] == [None if view is None else model.score(*view) for view in views]


def test_premature_and_misshapen_beats_are_told_apart(model, wearer, lead):
    beats = score_recording(model, lead, RATE)
    symbols = dict(zip(wearer.annotations.samples, wearer.annotations.symbols, strict=True))
    why = {"N": [], "A": [], "V": []}
    for beat in beats:
        near = min(symbols, key=lambda sample: abs(sample - beat.time * RATE))
        if abs(near - beat.time * RATE) < 20 and beat.score is not None and symbols[near] in why:
            why[symbols[near]].append(beat.why)
            assert beat.alarm == (beat.why != "") == (beat.kind in ("S", "V"))
            assert beat.kind in ("N", "S", "V")
    assert np.mean([reason == "" for reason in why["N"]]) > 0.85
    assert np.mean([reason in ("timing", "both") for reason in why["A"]]) > 0.5
    assert np.mean([reason in ("shape", "both") for reason in why["V"]]) > 0.5


@settings(max_examples=6, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=5),
    hole=st.integers(0, SECONDS - 4),
    pause=st.integers(0, 12),
)
def test_blocks_of_any_size_give_the_same_beats(model, lead, sizes, hole, pause):
    lead = lead.copy()
    lead[hole * RATE : hole * RATE + RATE] = np.nan
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(pause * RATE)
    lead = np.concatenate([lead[: 90 * RATE], quiet, lead[90 * RATE :]])
    assert_same(streamed(model, lead, RATE, sizes, heat=True), score_recording(model, lead, RATE, heat=True))


@pytest.mark.parametrize("ticks", range(3660, 3860, 20))
def test_whether_a_pause_is_told_of_does_not_depend_on_the_blocks(model, ticks, monkeypatch):
    """The next R-peak may come in the very second in which the pause has lasted long enough."""
    lead, told, pause = clean(seconds=75), [], Wearer.pause
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(ticks)
    lead = np.concatenate([lead[: 70 * RATE], quiet, lead[70 * RATE :]])
    monkeypatch.setattr(Wearer, "pause", lambda *arguments: told.append(size) or pause(*arguments))
    for size in (len(lead), 200, 30):
        streamed(model, lead, RATE, [size])
    assert told in ([], [len(lead), 200, 30])


def test_a_lead_that_becomes_far_smaller_is_scored_again_whatever_the_blocks(model):
    lead = np.concatenate([clean(seconds=100), 0.1 * clean(seconds=60)])
    beats = score_recording(model, lead, RATE)
    assert sum(beat.time > 101 and beat.score is not None for beat in beats) > 50
    assert_same(streamed(model, lead, RATE, [7, 500, 3333]), beats)


def test_where_beats_are_found_late_the_one_before_them_is_not_told_of_a_pause(model, monkeypatch):
    lead, told = np.concatenate([clean(seconds=100), 0.1 * clean(seconds=30)]), []
    monkeypatch.setattr(Wearer, "pause", lambda *_: told.append(1) or [])
    beats = score_recording(model, lead, RATE)
    assert not told and max(np.diff([beat.time for beat in beats])) < 2


@pytest.mark.parametrize("waits", [True, False])
def test_beats_are_out_within_the_stated_latency(waits):
    """Each beat waits for the next one, and for one more if the model does."""
    scorer, lead, beats, late = BeatScorer(relative_model(waits), RATE), clean(), [], []
    for start in range(0, len(lead), 36):
        for beat in scorer.push(lead[start : start + 36]):
            beats.append(beat)
            late.append((start + 36) / RATE - beat.time)
    beats += scorer.finish()
    plain, pause = BeatScorer(tiny_model(), RATE).latency, PAUSE / RATE
    apart = np.diff([beat.time for beat in beats])
    alone = []
    for number in range(WARM_UP + 1, len(late)):
        awaited = waits + 1
        alone.append(late[number] - apart[number : number + awaited].sum())
    assert len(alone) > 60 and max(alone) < 4 < pause and max(late[WARM_UP + 1 :]) <= scorer.latency + 0.1
    assert (1 + waits) * pause + plain < scorer.latency < (1 + waits) * (pause + 1) + plain + 1
    assert np.median(late[WARM_UP + 1 :]) < 4


def test_a_pause_does_not_hold_the_beat_before_it_back(model):
    lead = clean()
    quiet = 1e-4 * np.random.default_rng(0).standard_normal(60 * RATE)
    scorer = BeatScorer(model, RATE)
    beats = scorer.push(np.concatenate([lead, quiet]))
    found = BeatScorer(model, RATE).push(np.concatenate([lead, quiet, lead]))  # both as judged at first
    last = max(beat.time for beat in beats)
    assert last > SECONDS - 2 and [b.time for b in beats] == [b.time for b in found[: len(beats)]]
    assert_same(beats, found[: len(beats)])


def test_before_there_is_a_template_there_is_no_score(model):
    few = score_recording(model, clean(seconds=10), RATE)
    assert few and {b.reason for b in few} <= {"warm-up", "edge"} and not any(b.alarm for b in few)
    enough = score_recording(model, clean(seconds=40), RATE)
    assert np.mean([b.reason == "" for b in enough]) > 0.8


def test_a_jump_of_the_clock_does_not_end_the_warm_up(model):
    """Thirty beats are too few for a template. Those after the jump are added, and then all are scored."""
    scorer, lead = BeatScorer(model, RATE), clean()
    first = scorer.push(lead[: 25 * RATE], time=0.0)
    early = first + scorer.push(lead[25 * RATE : 30 * RATE], time=500.0)
    assert early == [] and scorer.wearer.template.beat is None and scorer.wearer.template.waiting > 20
    beats = scorer.push(lead[30 * RATE :]) + scorer.finish()
    before = [b for b in beats if b.time < 26]
    assert np.all(np.diff([b.time for b in beats]) > 0) and len(before) > 20 and beats[-1].time > 600
    assert np.mean([b.score is not None for b in before]) > 0.9


def test_the_template_outlasts_a_gap_of_the_signal(model):
    lead = clean()
    lead[100 * RATE : 110 * RATE] = np.nan
    beats = score_recording(model, lead, RATE)
    behind = [b for b in beats if 112 < b.time < SECONDS - 2]
    assert len(behind) > 20 and all(b.reason == "" for b in behind)


def test_a_lead_turned_over_alarms_until_it_becomes_the_template(model):
    lead = clean(seconds=400)
    lead[150 * RATE :] *= -1
    beats = [b for b in score_recording(model, lead, RATE) if b.score is not None]
    turned = [b for b in beats if b.time > 151]
    first, rest = turned[: UNLIKE - 20], turned[UNLIKE + 20 :]
    assert np.mean([b.alarm for b in first]) > 0.8 and len(rest) > 60
    assert np.mean([b.alarm for b in rest]) < 0.3


def test_the_warm_up_sets_the_wearer_s_threshold_before_its_first_alarm(model, lead):
    scorer, given = BeatScorer(model, RATE), model.manifest["threshold"]
    scored = [b for b in scorer.push(lead) + scorer.finish() if b.score is not None]
    medians = medians_in_time([b.score for b in scored])
    limits = between_levels(
        personal_threshold(given["score"], medians, given["usual"]), model.manifest["score"]
    )
    assert scorer.threshold == limits[-1] and limits[0] != given["score"]
    assert all(b.above == (b.score > limit) for b, limit in zip(scored, limits, strict=True))
    assert all(b.doubted == (b.above and b.kind == "N") for b in scored)
    assert all(b.alarm == (b.kind in ("S", "V")) for b in scored) and sum(b.alarm for b in scored) > 10


@pytest.mark.parametrize("options", [{"personal": 0}, {"threshold": 2.0}])
def test_a_wearer_s_own_threshold_can_be_declined(model, lead, options):
    scorer = BeatScorer(model, RATE, **options)
    scorer.push(lead)
    scorer.finish()
    assert scorer.threshold == options.get("threshold", model.manifest["threshold"]["score"])


def test_the_heat_is_the_difference_from_the_template(model, lead):
    beats = [b for b in score_recording(model, lead, RATE, heat=True) if b.score is not None]
    assert all(b.residuals.shape == (320,) and (b.residuals >= 0).all() for b in beats)
    assert all(b.residuals is None for b in score_recording(model, lead, RATE))
