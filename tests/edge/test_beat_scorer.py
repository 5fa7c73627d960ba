"""From samples to scored beats: against training's own path, and against itself in other blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_models import tiny_model

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.windows import beat_windows, normalise
from sibeat_edge.model.manifest import taps_digest
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import medians_in_time, personal_threshold
from sibeat_edge.scorer import Beat, BeatScorer, revise, score_recording
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import RATE
from sibeat_edge.signal.rpeaks import RPeakDetector

SECONDS = 40
WIDE = {"rate": 360, "leads": ["MLII"], "band": [0.67, 45.0], "order": 540}
WIDE["taps_sha256"] = taps_digest(WIDE["band"], WIDE["order"])


@pytest.fixture(scope="module")
def model():
    return Model(tiny_model())


@pytest.fixture(scope="module")
def lead():
    return simulate_wearer(seed=3, seconds=SECONDS).signal[:, 0].astype(float)


def streamed(model, lead, rate, sizes, **options):
    """The beats of a lead that is pushed in blocks of these sizes, as they were judged last."""
    scorer, beats, start, turn = BeatScorer(model, rate, **options), [], 0, 0
    while start < len(lead):
        size = sizes[turn % len(sizes)]
        beats += scorer.push(lead[start : start + size])
        revise(beats, scorer.revisions)
        start, turn = start + size, turn + 1
    beats += scorer.finish()
    revise(beats, scorer.revisions)
    return beats


def assert_same(found, expected):
    assert [b.time for b in found] == [b.time for b in expected]
    assert [told(b) for b in found] == [told(b) for b in expected]


def told(beat):
    """All that is told of a beat but its residuals."""
    return {name: getattr(beat, name) for name in beat.__dataclass_fields__ if name != "residuals"}


def test_scores_are_those_of_training_s_own_path(model, lead):
    peaks = process(RPeakDetector(), process(BandPass(), lead))
    windows, inside = beat_windows(process(BandPass(), lead)[:, None], peaks)
    beats = score_recording(model, lead, RATE)
    np.testing.assert_allclose([b.time for b in beats], peaks / RATE)
    scored = [b for b, whole in zip(beats, inside, strict=True) if whole]
    assert len(scored) > 30 and all(b.quality == "good" for b in scored)
    assert [b.score for b in scored] == [model.score(window) for window in normalise(windows)]
    assert [b.reason for b, whole in zip(beats, inside, strict=True) if not whole] == ["edge"] * sum(~inside)


def test_an_alarm_is_a_score_above_the_threshold(model, lead):
    beats = score_recording(model, lead, RATE)
    scores = sorted({b.score for b in beats if b.reason == ""})
    middle = scores[len(scores) // 2]
    judged = score_recording(model, lead, RATE, threshold=middle)
    found = [b.alarm for b in judged]
    assert found == [b.score is not None and b.score > middle for b in beats] and 0 < sum(found) < len(found)
    # A model without a wearer has nothing to doubt it by, and knows no kinds.
    assert not any(b.doubted or b.kind or b.why for b in judged)


def test_rr_is_the_time_since_the_beat_before(model, lead):
    beats = score_recording(model, lead, RATE)
    assert beats[0].rr is None
    np.testing.assert_allclose([b.rr for b in beats[1:]], np.diff([b.time for b in beats]))


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=6),
    rate=st.sampled_from([128, 250, 360]),
    hole=st.integers(0, SECONDS - 4),
)
def test_blocks_of_any_size_give_the_same_beats(model, lead, sizes, rate, hole):
    lead = lead[: SECONDS * rate].copy()
    lead[hole * rate : hole * rate + rate] = np.nan
    assert_same(
        streamed(model, lead, rate, sizes, personal=20), score_recording(model, lead, rate, personal=20)
    )


def test_an_r_peak_found_long_after_it_was_is_late_whatever_the_blocks(model):
    """The search back finds beats after a pause that is longer than the signal still held."""
    lead = simulate_wearer(seed=5, seconds=30).signal[:, 0].astype(float)
    weak = lead[10 * RATE :].copy()
    weak[: 2 * RATE] *= 0.35
    rng = np.random.default_rng(0)
    pause = 1e-4 * rng.standard_normal(40 * RATE)
    lead = np.concatenate([lead[: 10 * RATE], weak[: 2 * RATE], pause, lead])
    expected = score_recording(model, lead, RATE)
    for size in (1, 359, 7200):
        assert_same(streamed(model, lead, RATE, [size]), expected)


@pytest.mark.parametrize("rate", [128, 250, 360, 500, 1000])
@pytest.mark.parametrize("signal", [None, WIDE])
def test_beats_are_out_within_the_stated_latency(rate, signal):
    scorer = BeatScorer(tiny_model(**({"signal": signal} if signal else {})), rate)
    wearer = simulate_wearer(seed=3, seconds=SECONDS, abnormal={}).signal[:, 0].astype(float)
    lead = np.interp(np.arange(SECONDS * rate) / rate, np.arange(len(wearer)) / RATE, wearer)
    late = []
    for start in range(0, len(lead), 4):
        found = scorer.push(lead[start : start + 4])
        late += [(start + 4) / rate - beat.time for beat in found if beat.time > 4]
    assert len(late) > 20
    assert scorer.latency - 1.2 < np.median(late) and max(late) <= scorer.latency + 4 / rate


def test_a_missing_stretch_is_no_score_and_the_stream_goes_on(model, lead):
    lead = lead.copy()
    lead[15 * RATE : 16 * RATE] = np.nan
    lead[20 * RATE : 20 * RATE + 18] = np.inf
    beats = score_recording(model, lead, RATE)
    near = [b for b in beats if 14.8 < b.time < 16.2 or 19.8 < b.time < 20.2]
    assert near and {b.reason for b in near} == {"missing"} and not any(b.alarm for b in near)
    assert all(b.reason == "" for b in beats if 22 < b.time < SECONDS - 1)


@pytest.mark.parametrize(("value", "reason"), [(0.0, "flat"), (5.0, "saturated")])
def test_a_lost_electrode_and_a_driven_amplifier_are_told(model, lead, value, reason):
    lead = lead.copy()
    lead[15 * RATE : 15 * RATE + RATE // 2] = value
    found = {b.reason for b in score_recording(model, lead, RATE) if 14.7 < b.time < 15.8}
    assert reason in found and found <= {reason, "noisy"}


def test_noise_is_no_score(model, lead):
    noisy = lead.copy()
    noisy[15 * RATE : 25 * RATE] += np.random.default_rng(0).normal(scale=0.5, size=10 * RATE)
    inside = [b for b in score_recording(model, noisy, RATE) if 16 < b.time < 24]
    assert inside and np.mean([b.reason == "noisy" for b in inside]) > 0.9


def test_a_jump_of_the_clock_begins_anew(model, lead):
    scorer = BeatScorer(model, RATE)
    first = scorer.push(lead[: 20 * RATE], time=100.0) + scorer.push(lead[20 * RATE :], time=1000.0)
    beats = first + scorer.finish()
    before = [b for b in beats if b.time < 1000]
    assert 100 <= before[0].time and before[-1].time < 120
    after = [b for b in beats if b.time >= 1000]
    assert after and after[0].rr is None
    alone = score_recording(model, lead[20 * RATE :], RATE)
    assert [b.score for b in after] == [b.score for b in alone]
    np.testing.assert_allclose([b.time - 1000 for b in after], [b.time for b in alone], atol=1e-9)


def test_a_clock_that_keeps_step_changes_nothing(model, lead):
    scorer, beats = BeatScorer(model, RATE), []
    for start in range(0, len(lead), 500):
        beats += scorer.push(lead[start : start + 500], time=start / RATE + 0.01 * (start % 3))
    assert_same(beats + scorer.finish(), score_recording(model, lead, RATE))


def test_a_clock_that_drifts_slowly_changes_nothing(model, lead):
    scorer, beats = BeatScorer(model, RATE), []
    for start in range(0, len(lead), 72):  # 1 % fast: half a second behind after 50 s
        beats += scorer.push(lead[start : start + 72], time=1.01 * start / RATE)
    assert_same(beats + scorer.finish(), score_recording(model, lead, RATE))


def test_across_a_gap_no_interval_is_known(model, lead):
    for value in (np.nan, 0.0):  # missing, flat
        holed = lead.copy()
        holed[20 * RATE : 24 * RATE] = value
        beats = score_recording(model, holed, RATE)
        first = next(b for b in beats if b.time > 24)
        assert first.rr is None
        assert sum(b.rr is None for b in beats) <= 2  # and of the recording's first beat, as ever


def test_a_clock_that_is_no_number_is_refused(model, lead):
    with pytest.raises(ValueError, match="found the time nan, expected seconds"):
        BeatScorer(model, RATE).push(lead[:10], time=np.nan)


@settings(max_examples=20, deadline=None)
@given(st.floats(1, 10_000), st.integers(0, 99))
def test_every_rate_from_1_to_10_000_hz_is_taken(model, rate, seed):
    samples = np.random.default_rng(seed).standard_normal(int(min(20 * rate, 40_000)))
    beats = score_recording(model, samples, rate)
    assert all(np.isfinite(b.score) for b in beats if b.reason == "")


@pytest.mark.parametrize("rate", [0, 0.5, 10_001, np.nan])
def test_other_rates_are_refused(model, rate):
    with pytest.raises(ValueError, match="Sampling rate: found .* Hz, expected 1 to 10000 Hz"):
        BeatScorer(model, rate)


@pytest.mark.parametrize("shape", [(100, 2), (2, 3, 4), (100, 0)])
def test_samples_of_other_leads_are_refused(model, shape):
    with pytest.raises(ValueError, match=r"found samples .*, expected \(samples, 1\)"):
        BeatScorer(model, RATE).push(np.zeros(shape))


@pytest.mark.parametrize("lead", [np.zeros(0), np.zeros(100), np.full(20_000, 3.3), np.full(5000, np.nan)])
def test_nothing_in_gives_no_beat(model, lead):
    assert score_recording(model, lead, RATE) == []


def test_huge_values_do_no_harm(model, lead):
    lead = lead.copy()
    lead[15 * RATE] = 1e300
    beats = score_recording(model, lead, RATE)
    assert all(b.score is None or np.isfinite(b.score) for b in beats)
    assert [b for b in beats if b.time > 25 and b.reason == ""]


def test_heat_is_the_model_s_residuals_where_it_gives_them(lead):
    with_heat = score_recording(tiny_model(rebuilds=True), lead, RATE, heat=True)
    scored = [b for b in with_heat if b.reason == ""]
    assert scored and all(b.residuals.shape == (320,) and (b.residuals >= 0).all() for b in scored)
    assert all(b.residuals is None for b in score_recording(tiny_model(rebuilds=True), lead, RATE))
    assert all(b.residuals is None for b in score_recording(tiny_model(), lead, RATE, heat=True))


# Personal threshold


def test_a_wearer_s_first_beats_set_the_threshold(model, lead):
    scorer = BeatScorer(model, RATE, personal=20)
    given = scorer.threshold
    beats = scorer.push(lead) + scorer.finish()
    scored = [b for b in beats if b.reason == ""]
    first = scored[:20]
    assert all(b.alarm == (b.score > given) for b in first[:19])
    usual = model.manifest["threshold"]["usual"]
    wanted = given + (medians_in_time([b.score for b in scored])[-1] - usual) / 2
    level = model.manifest["score"]["scale"]
    assert abs(scorer.threshold - wanted) <= level / 2 + 1e-3 and scorer.threshold != given
    assert all(abs(b.score - scorer.threshold) > 0.49 * level for b in first)  # between two levels


def test_too_few_beats_leave_the_threshold(model, lead):
    scorer = BeatScorer(model, RATE, personal=10_000)
    given = scorer.threshold
    scorer.push(lead)
    scorer.finish()
    assert scorer.threshold == given


def test_a_beat_says_its_quality():
    assert Beat(0.0, 1.0, False, "", None).quality == "good"
    assert Beat(0.0, 1.0, False, "", None, snr=2.0).quality == "good"
    assert Beat(0.0, 1.0, False, "", None, snr=1.9).quality == "poor"
    assert Beat(0.0, None, False, "flat", None, snr=1.9).quality == "flat"


def test_false_alarms_per_hour_set_the_threshold_and_the_wearer_s_own(model, lead):
    scorer = BeatScorer(model, RATE, false_alarms_per_hour=2000)
    level = model.manifest["score"]["scale"]
    assert abs(scorer.threshold - model.manifest["calibration"]["scores"][1]) <= level
    own = BeatScorer(model, RATE, personal=20, false_alarms_per_hour=2000)
    scored = [beat.score for beat in own.push(lead) + own.finish() if beat.score is not None]
    wanted = personal_threshold(
        scorer.threshold, medians_in_time(scored)[-1], model.manifest["calibration"]["usual"][1]
    )
    assert abs(own.threshold - wanted) <= level / 2 + 1e-3


def test_a_threshold_and_false_alarms_per_hour_exclude_each_other(model):
    with pytest.raises(ValueError, match="found a score and false alarms an hour; expected one of them"):
        BeatScorer(model, RATE, threshold=1.0, false_alarms_per_hour=20)
