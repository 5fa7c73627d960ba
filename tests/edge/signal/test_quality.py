"""Flat and noisy windows are refused; abnormal beats are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_sibeat.data.recording import read_recording
from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.beats.windows import beat_windows
from sibeat_edge.signal.filters import BandPass, process
from sibeat_edge.signal.quality import CLEAN, LEAST, NOISY, QRS, SMOOTH, noise_reason, noise_reasons

CENTRE = 140
WIDE = (0.67, 45.0), 540


def windows(signal, rpeaks):
    return beat_windows(process(BandPass(*WIDE), signal), rpeaks)


def fast_share(window, centre):
    return noise_reasons(window[None], centre)[1][0]


def share_rejected(cut):
    return np.mean([bool(noise_reason(window, CENTRE)) for window in cut])


def share_unclean(cut):
    """Of windows that no template may learn from."""
    return np.mean(noise_reasons(cut, CENTRE)[1] > CLEAN)


def buzzing(height, every=1):
    """A QRS of 1 mV and, on each ``every``-th pair of samples, ±``height``, which averages to nothing."""
    window = height * np.tile([1.0, -1.0], 160)
    window[np.arange(320) // 2 % every > 0] = 0
    window[CENTRE - QRS + 1 : CENTRE + QRS] = 0
    window[CENTRE] = 1.0 - height  # which the other end of the span is -height away from
    return window[:, None]


def test_noise_of_7_percent_of_the_span_is_the_limit():
    assert noise_reason(buzzing(0.0699), CENTRE) == ""
    assert noise_reason(buzzing(0.0701), CENTRE) == "noisy"


def test_noise_in_a_third_of_the_window_leaves_a_shape():
    assert noise_reason(buzzing(0.3, every=3), CENTRE) == ""


@given(st.floats(0.1, 50), st.floats(-5, 5))
def test_gain_and_offset_do_not_matter(gain, offset):
    assert noise_reason(gain * buzzing(0.9 * NOISY) + offset, CENTRE) == ""
    assert noise_reason(gain * buzzing(1.1 * NOISY) + offset, CENTRE) == "noisy"


@given(st.floats(0.0, 0.4), st.floats(0.1, 50), st.floats(-5, 5))
def test_the_fast_share_is_that_of_what_averages_to_nothing_in_the_span(height, gain, offset):
    assert fast_share(gain * buzzing(height) + offset, CENTRE) == pytest.approx(height, abs=1e-9)


def test_slow_swings_are_no_fast_part():
    """Those of moving electrodes, as high as the QRS."""
    swing = np.sin(2 * np.pi * np.arange(320) / 200)[:, None]
    assert fast_share(buzzing(0.0) + swing, CENTRE) < CLEAN
    assert fast_share(buzzing(0.12) + swing, CENTRE) > CLEAN


def test_the_lead_with_the_largest_fast_share_counts():
    leads = np.hstack([buzzing(0.02), 7 * buzzing(0.2), np.zeros((320, 1)), buzzing(0.1)])
    assert fast_share(leads, CENTRE) == pytest.approx(0.2)


def test_the_fast_share_of_a_flat_window_is_zero_and_without_a_number_infinite():
    assert fast_share(np.full((320, 2), 7.0), CENTRE) == 0
    for value in (np.nan, np.inf):
        window = buzzing(0.0)
        window[10] = value
        assert fast_share(window, CENTRE) == np.inf


def test_a_flat_window_is_flat_and_the_limit_is_in_millivolts():
    window = buzzing(0.0)
    assert noise_reason(0.9 * LEAST * window, CENTRE) == "flat"
    assert noise_reason(1.1 * LEAST * window, CENTRE) == ""
    assert noise_reason(np.full((320, 1), 7.0), CENTRE) == "flat"


def test_the_worst_lead_counts():
    fine, noisy, flat = buzzing(0.0), buzzing(0.2), np.zeros((320, 1))
    assert noise_reason(np.hstack([fine, fine]), CENTRE) == ""
    assert noise_reason(np.hstack([fine, noisy]), CENTRE) == "noisy"
    assert noise_reason(np.hstack([flat, fine]), CENTRE) == "flat"


def test_what_is_no_number_is_no_beat():
    assert noise_reason(np.where(np.arange(320) == 10, np.nan, buzzing(0.0)[:, 0])[:, None], CENTRE)


@pytest.mark.parametrize("length, centre", [(4, 1), (SMOOTH, 5), (2 * SMOOTH + 1, 2), (80, 20), (80, 70)])
def test_a_short_window_is_judged_by_what_there_is_beside_the_qrs(length, centre):
    window = np.zeros((length, 1))
    window[centre] = 1.0
    assert noise_reason(window, centre) == ""
    beside = [n for n in range(SMOOTH, length - SMOOTH) if abs(n - centre) >= QRS]
    window[:, 0] += 0.5 * (-1.0) ** np.arange(length)
    assert noise_reason(window, centre) == ("noisy" if beside else "")


@pytest.mark.parametrize("seed", range(3))
def test_simulated_beats_pass_and_under_muscle_noise_do_not(seed):
    wearer = simulate_wearer(seed, seconds=60.0, abnormal={"V": 0.2, "A": 0.2})
    lead, rpeaks = wearer.signal[:, :1].astype(float), wearer.annotations.samples
    assert share_unclean(windows(lead, rpeaks)[0]) == 0
    noise = np.random.default_rng(seed).normal(scale=0.25 * np.ptp(lead), size=lead.shape)
    assert share_unclean(windows(lead + noise, rpeaks)[0]) > 0.9
    assert share_rejected(windows(lead + 1.5 * noise, rpeaks)[0]) > 0.9


def lead_of(folder, record, minutes=30):
    """Lead MLII ``(samples, 1)``, R-peaks and symbols of the beats of a record."""
    recording = read_recording(folder / record)
    notes, lead = recording.annotations, recording.signal[:, [recording.leads.index("MLII")]]
    kept = (notes.samples < minutes * 21_600 - 400) & np.isin(list(notes.symbols), list("NLRAaJSVFe"))
    return lead[: minutes * 21_600].astype(float), notes.samples[kept], np.array(notes.symbols)[kept]


@pytest.mark.parametrize(
    "record", ["100", "200", "208", "209", "233"]
)  # 209: runs of A, one QRS beside another
def test_abnormal_beats_of_mit_bih_are_as_clean_as_normal_ones(mitdb, record):
    lead, rpeaks, symbols = lead_of(mitdb, record)
    cut, kept = windows(lead, rpeaks)
    for group in ("NLR", "V", "AaJS"):
        beats = cut[np.isin(symbols[kept], list(group))]
        if len(beats) >= 20:
            assert share_unclean(beats) < 0.01


@pytest.mark.parametrize("decibels, most, least", [(10, 0.25, 0.1), (1.5, 0.6, 0.4), (-6, 1.0, 0.8)])
def test_beats_under_recorded_muscle_noise_are_not_clean(mitdb, nstdb_noise, decibels, most, least):
    """Few at 10 dB, two in five at 1.5 dB, four in five at -6 dB; the rest are for ``Stretch`` to judge."""
    lead, rpeaks, _ = lead_of(mitdb, "103", minutes=5)
    noise = read_recording(nstdb_noise / "ma", annotator=None).signal[: len(lead), :1]
    # As the Noise Stress Test Database defines it: power of the QRS, an eighth of its height's square, over
    # that of the noise within a second.
    qrs = np.mean([np.ptp(lead[n - 18 : n + 18]) for n in rpeaks[rpeaks > 18]])
    within = noise.reshape(-1, 360).std(axis=1).mean()
    noisy = lead + qrs / np.sqrt(8) / within / 10 ** (decibels / 20) * (noise - noise.mean())
    assert share_unclean(windows(lead, rpeaks)[0]) == 0
    assert most > share_unclean(windows(noisy, rpeaks)[0]) > least
