"""Real wearers: pacing, noise, a lead turned over, a pause, and what the template makes of them."""

from dataclasses import replace

import numpy as np
import pytest
import wfdb
from relative_models import relative_model
from test_beat_scorer import streamed

from sibeat_edge.beats.episodes import episodes_of
from sibeat_edge.beats.template import ABNORMAL, UNLIKE, likeness
from sibeat_edge.beats.windows import beat_windows
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import BeatScorer, score_recording
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import RATE

PACED = ("102", "104", "107", "217")
MINUTE = 60 * RATE


def read(mitdb, name, minutes=None):
    """The record's MLII (V5, where there is none), mV, its annotated samples and symbols."""
    last = None if minutes is None else minutes * MINUTE
    record = wfdb.rdrecord(str(mitdb / name), sampto=last)
    marks = wfdb.rdann(str(mitdb / name), "atr", sampto=last)
    lead = record.sig_name.index("MLII") if "MLII" in record.sig_name else 0
    return record.p_signal[:, lead], marks.sample, np.array(marks.symbol)


@pytest.fixture(scope="module")
def model():
    return Model(relative_model())


def learnt(model, signal):
    """The template that the scorer has after this signal, and the beats, as they were judged at first."""
    scorer = BeatScorer(model, RATE)
    blocks = range(0, len(signal), MINUTE)
    beats = [beat for start in blocks for beat in scorer.push(signal[start : start + MINUTE])]
    return scorer.wearer.template, beats + scorer.finish()


def test_every_wearer_has_a_template_within_two_minutes(model, mitdb):
    names = (mitdb / "RECORDS").read_text().split()
    assert len(names) == 48
    late = [name for name in names if learnt(model, read(mitdb, name, 2)[0])[0].beat is None]
    assert not late


@pytest.mark.parametrize("name", PACED)
def test_a_paced_wearer_s_own_beat_is_the_paced_one(model, mitdb, name):
    signal, samples, symbols = read(mitdb, name, 5)
    template, beats = learnt(model, signal)
    found = np.array([round(beat.time * RATE) for beat in beats])
    paced = [found[np.argmin(np.abs(found - sample))] for sample in samples[symbols == "/"]]
    windows, _ = beat_windows(process(BandPass(), signal[:, None]), paced)
    middle = np.median(windows, axis=0)
    assert len(windows) > 100 and likeness(template.nearest(middle), middle) > 0.9


def test_two_shapes_before_there_is_a_template_prolong_the_warm_up(model, mitdb):
    """Record 207 begins with a bundle branch block that comes and goes, among extrasystoles."""
    template, beats = learnt(model, read(mitdb, "207", 5)[0])
    assert template.trouble_before == ABNORMAL and template.beat is not None
    assert "warm-up" in {beat.reason for beat in beats}


def test_noise_at_the_start_leaves_no_trace_in_the_template(model, mitdb, nstdb_noise):
    signal, *_ = read(mitdb, "103", 6)
    noise = wfdb.rdrecord(str(nstdb_noise / "em"), sampto=2 * MINUTE).p_signal[:, 0]
    noisy = signal.copy()
    noisy[: 2 * MINUTE] += 3 * noise
    spoilt, beats = learnt(model, noisy)
    early = [beat for beat in beats if beat.time < 115]
    assert sum(beat.score is None for beat in early) > 0.3 * len(early)
    assert likeness(spoilt.beat, learnt(model, signal)[0].beat) > 0.99


@pytest.mark.parametrize("name", ["100", "115", "234"])
def test_a_lead_turned_over_becomes_the_template_after_as_many_beats_as_stated(model, mitdb, name):
    signal, *_ = read(mitdb, name, 8)
    upright, _ = learnt(model, signal[: 4 * MINUTE])
    turned = signal.copy()
    turned[4 * MINUTE :] *= -1
    template, beats = learnt(model, turned)
    assert template.added == 1
    # The detector takes another of the QRS's deflections for the R-peak now.
    moved = [likeness(np.roll(template.beat, shift, axis=0), -upright.beat) for shift in range(-20, 21)]
    assert max(moved) > 0.95
    after = [beat.time for beat in beats if beat.time > 240]
    few, _ = learnt(model, turned[: round(after[UNLIKE - 15] * RATE)])
    assert few.added == 0


def test_a_lead_swapped_for_one_of_a_far_smaller_qrs_is_still_followed(model, mitdb):
    """The QRS of record 113's second lead is a fifth of the first's."""
    record = wfdb.rdrecord(str(mitdb / "113"), sampto=10 * MINUTE)
    marks = wfdb.rdann(str(mitdb / "113"), "atr", sampto=10 * MINUTE).sample
    first, second = record.p_signal.T
    template, beats = learnt(model, np.concatenate([first[: 4 * MINUTE], second[4 * MINUTE :]]))
    assert template.added == 1
    scored = [beat for beat in beats if beat.time > 245 and beat.score is not None]
    assert len(scored) > 0.95 * np.sum(marks > 245 * RATE)


def test_a_lead_swapped_for_another_becomes_the_template(model, mitdb):
    record = wfdb.rdrecord(str(mitdb / "205"), sampto=10 * MINUTE)
    first, second = record.p_signal.T
    template, beats = learnt(model, np.concatenate([first[: 4 * MINUTE], second[4 * MINUTE :]]))
    assert template.added == 1
    own = learnt(model, second[: 4 * MINUTE])[0].beat
    moved = [likeness(np.roll(template.beat, shift, axis=0), own) for shift in range(-20, 21)]
    assert max(moved) > 0.95
    late = [beat for beat in beats if beat.time > 8 * 60 and beat.score is not None]
    early = [beat for beat in beats if 241 < beat.time < 300 and beat.score is not None]
    assert np.mean([beat.alarm for beat in early]) > 0.8 > 0.3 > np.mean([beat.alarm for beat in late])


def test_a_pause_of_minutes_leaves_the_template_and_raises_no_alarm(model, mitdb):
    signal, *_ = read(mitdb, "100", 8)
    paused = signal.copy()
    paused[3 * MINUTE : 6 * MINUTE] = paused[3 * MINUTE]
    template, beats = learnt(model, paused)
    assert not [beat for beat in beats if 181 < beat.time < 359 and beat.score is not None]
    plain = {round(beat.time, 1): beat.score for beat in learnt(model, signal)[1]}
    before = [beat for beat in beats if 170 < beat.time < 180 and beat.score is not None]
    assert len(before) > 8 and all(beat.score < plain[round(beat.time, 1)] + 0.5 for beat in before)
    assert next(beat for beat in beats if beat.time > 360).rr is None
    resumed = [beat for beat in beats if beat.time > 365]
    assert sum(beat.score is not None for beat in resumed) > 0.95 * len(resumed) > 100
    assert likeness(template.beat, learnt(model, signal)[0].beat) > 0.99 and template.added == 0


@pytest.mark.parametrize("name, sizes", [("203", [MINUTE, 500]), ("207", [97]), ("222", [RATE, 3, 7001])])
def test_offline_and_in_blocks_a_recorded_wearer_s_beats_are_the_same(model, mitdb, name, sizes):
    """Every field of every beat, and every episode: what is computed for many at once has the same bits."""
    signal, *_ = read(mitdb, name, 5)
    asked = {"heat": True, "parts": True}
    whole, pushed = (
        score_recording(model, signal, RATE, **asked),
        streamed(model, signal, RATE, sizes, **asked),
    )
    assert len(whole) == len(pushed) > 300 and len({beat.kind for beat in whole}) > 2
    for one, other in zip(whole, pushed, strict=True):
        heat, same = one.residuals, other.residuals
        assert (heat is None) == (same is None) and (heat is None or heat.tobytes() == same.tobytes())
        assert replace(one, residuals=None) == replace(other, residuals=None)
    assert episodes_of(whole) == episodes_of(pushed) != []
