"""The R-peak detector against annotated recordings, simulated and real, and against itself in blocks."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from wfdb.processing import compare_annotations

from keras_sibeat.data.recording import BEAT_SYMBOLS, read_recording
from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.resampling import Resampler
from sibeat_edge.signal.rpeaks import REFRACTORY, SEARCH, RPeakDetector

WITHIN = 54  # samples (150 ms, as ANSI/AAMI EC57 has it) between an annotation and the peak that detects it
APART = REFRACTORY - 2 * SEARCH  # what the refractory time leaves after both peaks have been placed


@functools.cache
def wearer(seed, seconds=60, abnormal=True):
    """Filtered MLII of a simulated wearer and its annotated beats."""
    recording = simulate_wearer(seed, seconds, abnormal=None if abnormal else {})
    return process(BandPass(), recording.signal[:, 0]), recording.annotations.samples


def detect(lead):
    return np.asarray(process(RPeakDetector(), lead), np.int64)


def in_blocks(lead, cuts):
    detector = RPeakDetector()
    blocks = np.split(lead, sorted(cut % (len(lead) + 1) for cut in cuts))
    return np.concatenate([detector.push(block) for block in blocks] + [detector.finish()])


def minute(mitdb, name):
    """The first minute of a record's MLII, mV."""
    recording = read_recording(mitdb / name)
    return recording.signal[: 60 * 360, recording.leads.index("MLII")].astype(float)


def compare(beats, peaks):
    found = compare_annotations(beats, peaks, WITHIN)
    return found.sensitivity, found.positive_predictivity


def test_finds_the_beats_of_simulated_wearers():
    beats, peaks, offset = [], [], 0
    for seed in range(12):
        lead, annotated = wearer(seed)
        beats.append(annotated + offset)
        peaks.append(detect(lead) + offset)
        offset += len(lead) + 10 * WITHIN
    sensitivity, predictivity = compare(np.concatenate(beats), np.concatenate(peaks))
    assert sensitivity > 0.99 and predictivity > 0.99


@pytest.mark.parametrize("seed", range(4))
def test_finds_every_normal_beat_and_puts_it_on_its_r_peak(seed):
    lead, beats = wearer(seed, abnormal=False)
    np.testing.assert_allclose(detect(lead), beats, atol=3)


@pytest.mark.parametrize(
    ("record", "lead", "sensitivity", "predictivity"),
    [
        ("100", "MLII", 0.999, 0.999),
        ("105", "MLII", 0.99, 0.98),  # noise
        ("203", "MLII", 0.98, 0.98),  # noise, multiform ventricular beats, fast atrial fibrillation
        ("207", "MLII", 0.995, 0.82),  # 2 minutes of ventricular flutter, whose waves are not annotated
        ("232", "MLII", 0.995, 0.98),  # pauses of up to 6 s
        ("200", "V1", 0.85, 0.87),  # amplitude falls: with levels that never do, 44 % of the beats are found
        ("210", "V1", 0.98, 0.97),
    ],
)
def test_finds_the_beats_of_mit_bih(mitdb, record, lead, sensitivity, predictivity):
    recording = read_recording(mitdb / record)
    is_beat = np.isin(recording.annotations.symbols, list(BEAT_SYMBOLS))
    signal = recording.signal[:, recording.leads.index(lead)]
    found = compare(recording.annotations.samples[is_beat], detect(process(BandPass(), signal)))
    assert found[0] > sensitivity and found[1] > predictivity


@pytest.mark.parametrize(
    ("size", "width", "is_found", "is_found_by_sensitive"),
    [
        (0.47, 12, True, True),  # the threshold is at 0.45 of a beat's mean slope where there is no noise
        (0.43, 12, False, True),  # or at 0.42
        (0.40, 12, False, False),
        (0.40, 6, False, True),  # or at 0.378, for a beat nearly as steep as the others
        (0.36, 6, False, False),
    ],
)
def test_a_sensitive_detector_finds_smaller_beats(size, width, is_found, is_found_by_sensitive):
    lead, place = np.zeros(20 * 360), 4000
    for start in range(180, len(lead) - 24, 400):
        lead[start : start + 25] += np.interp(np.arange(25), [0, 12, 24], [0, 1, 0])
    lead[place : place + 2 * width + 1] += np.interp(
        np.arange(2 * width + 1), [0, width, 2 * width], [0, size, 0]
    )
    for is_sensitive, wanted in ((False, is_found), (True, is_found_by_sensitive)):
        peaks = process(RPeakDetector(is_sensitive), lead)
        assert (place + width in peaks) == wanted
        assert len(peaks) == 18 + wanted


def test_a_sensitive_detector_misses_fewer_of_a_record_s_abnormal_beats(databases):
    recording = read_recording(databases / "svdb" / "805")
    lead = process(BandPass(), process(Resampler(recording.rate), recording.signal[:, 0].astype(float)))
    beats = recording.beats()
    is_abnormal = np.isin(beats.symbols, list("VASaJEF"))
    places = np.rint(beats.samples[is_abnormal] * 360 / recording.rate).astype(int)

    def missed(is_sensitive):
        peaks = process(RPeakDetector(is_sensitive), lead)
        return np.sum(np.abs(peaks - places[:, None]).min(axis=1) > WITHIN)

    assert 0 < missed(True) < 0.7 * missed(False)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 5), cuts=st.lists(st.integers(0, 10**5), max_size=40))
def test_finds_the_same_peaks_in_blocks_of_any_size(seed, cuts):
    lead, _ = wearer(seed)
    np.testing.assert_array_equal(in_blocks(lead, cuts), detect(lead))


def test_finds_the_same_peaks_sample_by_sample():
    noise = process(BandPass(), np.random.default_rng(1).standard_normal(3000))
    lead = np.concatenate([wearer(1)[0][:3000], noise])
    np.testing.assert_array_equal(in_blocks(lead, range(6000)), detect(lead))


@pytest.mark.parametrize("scale", [1e-6, 0.5, 8, 1e6])
def test_amplitude_does_not_matter(scale):
    lead, _ = wearer(2)
    np.testing.assert_array_equal(detect(scale * lead), detect(lead))


levels_with_ties = hnp.arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0]))


@settings(max_examples=80, deadline=None)
@given(levels=levels_with_ties, hold=st.integers(1, 120), cuts=st.lists(st.integers(0, 10**4), max_size=5))
def test_peaks_rise_and_keep_the_refractory_time_on_any_signal(levels, hold, cuts):
    lead = np.repeat(levels, hold)  # full of ties
    peaks = detect(lead)
    assert (np.diff(peaks) > APART).all()
    assert ((peaks >= 0) & (peaks < len(lead))).all()
    np.testing.assert_array_equal(in_blocks(lead, cuts), peaks)


@pytest.mark.parametrize(("width", "is_beat"), [(36, False), (10, True)])
def test_a_second_peak_soon_after_a_beat_is_one_only_if_as_steep(width, is_beat):
    lead = np.zeros(20 * 360)
    beats = np.arange(200, len(lead) - 200, 360)
    for beat in beats:
        lead[beat - 5 : beat + 6] = np.bartlett(11)
        second = beat + 110  # 0.3 s: where a T wave may be, and a premature beat
        lead[second - width // 2 : second + width // 2 + 1] = 0.7 * np.hanning(width + 1)
    expected = np.sort([*beats, *(beats + 110)]) if is_beat else beats
    np.testing.assert_allclose(detect(lead), expected, atol=2)


def test_peaks_in_noise_rise_and_keep_the_refractory_time():
    peaks = detect(process(BandPass(), np.random.default_rng(0).standard_normal(20_000)))
    assert len(peaks) > 20 and (np.diff(peaks) > APART).all()


@pytest.mark.parametrize("level", [0.0, 5.0, -3.3, 1 / 3, 1000.0])
def test_a_flat_lead_has_no_beats(level):
    """Its filtered signal is not quite flat: rounding leaves a few units in the last place."""
    assert len(detect(process(BandPass(), np.full(20 * 360, level)))) == 0


def test_goes_on_after_an_electrode_was_off():
    before, beats = wearer(3, abnormal=False)
    lead = np.concatenate([before, np.zeros(30 * 360), before])
    later = beats + len(before) + 30 * 360
    assert compare(np.concatenate([beats, later]), detect(lead)) == (1, 1)


@pytest.mark.parametrize("ratio", [1 / 3, 1 / 10])
def test_a_lead_whose_qrs_becomes_far_smaller_is_followed_from_then_on(ratio):
    before, beats = wearer(3, abnormal=False)
    lead = np.concatenate([before, ratio * before])
    assert compare(np.concatenate([beats, beats + len(before)]), detect(lead)) == (1, 1)
    np.testing.assert_array_equal(in_blocks(lead, range(100, len(lead), 777)), detect(lead))


@pytest.mark.parametrize("factor", [10, 100])
def test_an_artefact_as_the_levels_are_learnt_hides_no_more_than_eight_seconds(factor):
    lead, beats = wearer(3, abnormal=False)
    spoilt = lead.copy()
    spoilt[: 4 * 360] *= factor
    late = beats[beats > 12 * 360]
    assert compare(late, detect(spoilt)[-len(late) :]) == (1, 1)


@pytest.mark.parametrize("factor", [10, 100])
def test_an_artefact_of_seconds_hides_no_more_than_eight_seconds_after_it(factor):
    lead, beats = wearer(3, abnormal=False)
    spoilt = np.concatenate([lead, factor * lead[: 10 * 360], lead])
    late = beats[beats > 9 * 360] + len(lead) + 10 * 360
    assert compare(late, detect(spoilt)[-len(late) :]) == (1, 1)


@pytest.mark.parametrize("name", ["100", "113", "205"])
@pytest.mark.parametrize("level", [0.003, 0.03])
def test_in_a_pause_noise_takes_the_place_of_no_beat(mitdb, name, level):
    lead = minute(mitdb, name)
    pause = level * np.ptp(lead) * np.random.default_rng(0).standard_normal(120 * 360)
    peaks = detect(process(BandPass(), np.concatenate([lead, lead[-1] + pause, lead])))
    assert not np.any((peaks > len(lead) + 200) & (peaks < len(lead) + len(pause) - 200))
    assert np.sum(peaks > len(lead) + len(pause)) >= len(detect(process(BandPass(), lead))) - 1


@pytest.mark.parametrize("name", ["100", "113", "205"])
@pytest.mark.parametrize("width", [0.08, 0.1, 0.12])
def test_p_waves_alone_are_no_beats(mitdb, name, width):
    """The ventricles stop, the atria go on: 75 P waves a minute, a sixth of the QRS high, with some noise."""
    lead = minute(mitdb, name)
    time = np.arange(60 * 360) / 360
    waves = sum(np.ptp(lead) / 6 * np.exp(-0.5 * ((time - 0.8 * n) / (width / 4)) ** 2) for n in range(75))
    stopped = lead[-1] + waves + 0.003 * np.random.default_rng(0).standard_normal(len(time))
    assert not np.any(detect(process(BandPass(), np.concatenate([lead, stopped]))) > len(lead) + 200)


def test_after_a_pause_a_p_wave_alone_is_not_what_the_levels_are_learnt_from():
    before, beats = wearer(3, abnormal=False)
    starts = range(beats[2] + 100, beats[3] - 10, 12)  # among them those from which the P wave comes first
    for start in starts:
        lead = np.concatenate([before, np.zeros(30 * 360), before[start:]])
        offset = len(before) + 30 * 360 - start
        found = detect(lead)
        assert compare(beats[3:] + offset, found[found > beats[2] + offset + 72]) == (1, 1)


@pytest.mark.parametrize("seconds", [2, 3.5])
def test_a_recording_shorter_than_the_learning_time_yields_its_beats(seconds):
    lead, beats = wearer(0, seconds)
    np.testing.assert_allclose(detect(lead), beats, atol=3)


def test_empty_blocks_and_no_signal_at_all():
    assert len(RPeakDetector().finish()) == 0
    lead, _ = wearer(0)
    detector = RPeakDetector()
    parts = [detector.push(block) for block in (lead[:0], lead[:999], lead[:0], lead[999:])]
    np.testing.assert_array_equal(np.concatenate([*parts, detector.finish()]), detect(lead))


def test_one_sample_is_no_beat():
    assert len(detect(np.ones(1))) == 0


def test_a_beat_is_reported_within_a_third_of_a_second():
    lead, _ = wearer(0, abnormal=False)
    peaks, detector, known = detect(lead), RPeakDetector(), 0
    for now in range(12, len(lead), 12):
        known += len(detector.push(lead[now - 12 : now]))
        if now > 6 * 360:  # the levels are learnt by then
            assert known >= np.sum(peaks < now - 120)


def test_the_sample_that_makes_an_r_peak_certain_does_not_depend_on_the_blocks():
    draws = np.random.default_rng(0)
    lead = 0.02 * draws.standard_normal(30 * 360)
    lead[180::300] += 1.0
    lead[5000:9000] *= 0.02  # beats are lost for a while
    whole, parts, found, seen = RPeakDetector(), RPeakDetector(), [], 0
    wanted = whole.track(lead) + whole.track_end()
    for size in [1, 7, 100, 3000, *[59] * 200]:
        new = parts.track(lead[seen : seen + size])
        assert all(seen <= at < seen + size for _, at in new)
        found, seen = found + new, seen + size
    assert found + parts.track_end() == wanted and len(wanted) > 15
