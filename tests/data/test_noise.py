"""Recorded noise: filtered as the windows are, at their rate, one channel a lead; half of it is held back.

What is cut from noisy recordings is whole, and laid into channels as long as those.
"""

from dataclasses import replace

import numpy as np
import pytest
import wfdb
from scipy import signal as sps

from keras_sibeat.data.noise import cut_noise, held_back_noise, read_noise
from keras_sibeat.data.physionet import labelled_records
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import Recording, write_recording
from keras_sibeat.errors import DataError
from sibeat_edge.signal.filters import BAND, FIR_ORDER

RATE = 360


def recording(name, samples, leads=2, rate=RATE, seed=0):
    signal = np.random.default_rng(seed).normal(0, 0.3, (samples, leads)).astype(np.float32)
    return Recording(name, signal, float(rate), tuple(f"noise{lead}" for lead in range(leads)), None)


def zero_phase(signal, band=BAND, order=FIR_ORDER):
    """The published band-pass: an FIR filter run forwards and backwards over the signal and its held ends."""
    held = np.pad(signal, ((2 * order, 2 * order), (0, 0)), mode="edge")
    taps = sps.firwin(order + 1, band, pass_zero=False, fs=RATE)
    once = sps.fftconvolve(held, taps[:, None], axes=0)
    twice = sps.fftconvolve(once[::-1], taps[:, None], axes=0)[::-1]
    return twice[3 * order : -3 * order]


@pytest.fixture
def folder(tmp_path):
    for part in (recording("bw", 4000), recording("em", 3600, seed=1), recording("ma", 3700, 1, seed=2)):
        write_recording(part, tmp_path)
    return tmp_path


def test_every_lead_is_a_channel_cut_to_half_of_the_shortest_record(folder):
    noise = read_noise(folder, Preprocessing())
    assert noise.shape == (1800, 5) and noise.dtype == np.float32
    expected = zero_phase(recording("em", 3600, seed=1).signal[:1800])
    np.testing.assert_allclose(noise[:, 2:4], expected, atol=2e-3)  # the file holds steps of 1 µV


def test_the_band_is_the_windows(folder):
    wide = read_noise(folder, Preprocessing(band=(0.67, 45.0), order=540))
    np.testing.assert_allclose(
        wide[:, 2:4],
        zero_phase(recording("em", 3600, seed=1).signal[:1800], (0.67, 45.0), 540),
        atol=2e-3,
    )


def test_only_listed_records_are_read(folder):
    (folder / "RECORDS").write_text("ma\nbw\n")
    noise = read_noise(folder, Preprocessing())
    assert noise.shape == (1850, 3)
    expected = zero_phase(recording("ma", 3700, 1, seed=2).signal[:1850])
    np.testing.assert_allclose(noise[:, :1], expected, atol=2e-3)


def test_another_rate_is_resampled(tmp_path):
    time = np.arange(2500) / 250
    tone = np.sin(2 * np.pi * 10 * time)[:, None].astype(np.float32)
    write_recording(Recording("em", tone, 250.0, ("noise1",), None), tmp_path)
    noise = read_noise(tmp_path, Preprocessing())
    assert noise.shape == (1800, 1)
    spectrum = np.abs(np.fft.rfft(noise[:, 0]))
    assert np.fft.rfftfreq(1800, 1 / RATE)[spectrum.argmax()] == pytest.approx(10)
    np.testing.assert_allclose(
        noise[360:-360, 0], np.sin(2 * np.pi * 10 * np.arange(1800) / RATE)[360:-360], atol=0.02
    )


def write_with_gap(name, samples, folder):
    """Write a record with 100 samples missing; returns its lead, with the last known value held instead."""
    given = recording(name, samples, 1)
    signal = given.signal.copy()
    signal[500:600] = np.nan
    write_recording(replace(given, signal=signal), folder)
    signal[500:600] = signal[499]
    return signal


def test_missing_samples_are_held(tmp_path):
    signal = write_with_gap("ma", 2000, tmp_path)
    np.testing.assert_allclose(read_noise(tmp_path, Preprocessing()), zero_phase(signal[:1000]), atol=2e-3)


@pytest.mark.parametrize("samples", [4000, 4001])
def test_what_measures_never_trained(tmp_path, samples):
    """The first half of a record is silent, the second one loud: training hears nothing, measuring all."""
    loud = recording("em", samples)
    signal = loud.signal.copy()
    signal[: samples // 2] = 0
    write_recording(replace(loud, signal=signal), tmp_path)
    trains, (measures,) = read_noise(tmp_path, Preprocessing()), held_back_noise(tmp_path).values()
    assert len(trains) + len(measures) == samples
    assert not trains.any()
    np.testing.assert_allclose(measures, loud.signal[samples // 2 :, 0], atol=1e-3)


def test_the_noise_held_back_is_the_first_lead_of_each_record_as_recorded(tmp_path):
    given = {"bw": recording("bw", 4000), "em": recording("em", 2500, rate=250, seed=1)}
    for part in given.values():
        write_recording(part, tmp_path)
    (tmp_path / "RECORDS").write_text("em\nbw\n")
    found = held_back_noise(tmp_path)
    assert list(found) == ["em", "bw"]
    for name, part in given.items():
        middle = len(part.signal) // 2
        assert found[name].shape == (len(part.signal) - middle,)
        np.testing.assert_allclose(found[name], part.signal[middle:, 0], atol=1e-3)


def test_no_folder_of_noise_held_back(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        held_back_noise(tmp_path / "none")


def test_no_folder_and_no_records(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        read_noise(tmp_path / "none", Preprocessing())
    with pytest.raises(DataError, match="found no WFDB records"):
        read_noise(tmp_path, Preprocessing())


def test_a_rate_out_of_range(tmp_path):
    write_recording(recording("em", 2000, rate=20_000), tmp_path)
    with pytest.raises(DataError, match="Record em: .*found 20000.* Hz, expected 1 to 10000 Hz"):
        read_noise(tmp_path, Preprocessing())


# Cut from noisy recordings


def test_a_cut_too_short_for_a_channel_is_repeated(tmp_path):
    write_recording(recording("A1", 1000), tmp_path)
    noise = cut_noise(tmp_path, ["A1"], Preprocessing(), 2300)
    assert noise.shape == (2300, 1) and noise.dtype == np.float32
    expected = zero_phase(recording("A1", 1000).signal[:, :1])  # whole, and the first lead alone
    np.testing.assert_allclose(noise[:1000], expected, atol=2e-3)
    np.testing.assert_array_equal(noise[1000:2000], noise[:1000])
    np.testing.assert_array_equal(noise[2000:], noise[:300])


def test_records_filtered_each_alone_fill_channels_one_after_another(tmp_path):
    given = [recording("A1", 2000), recording("A2", 1500, 1, seed=1), recording("A3", 2600, seed=2)]
    for part in given:
        write_recording(part, tmp_path)
    noise = cut_noise(tmp_path, ["A3", "A1", "A2"], Preprocessing(), 1000)  # in this order
    expected = np.concatenate([zero_phase(given[number].signal[:, :1])[:, 0] for number in (2, 0, 1)])
    assert noise.shape == (1000, 7) and noise.dtype == np.float32
    np.testing.assert_allclose(noise.T.ravel()[:6100], expected, atol=2e-3)
    np.testing.assert_array_equal(noise.T.ravel()[6100:], noise.T.ravel()[:900])


@pytest.mark.parametrize(("samples", "channels"), [(1300, 1), (1299, 2), (651, 2), (650, 2), (649, 3)])
def test_nothing_of_a_cut_is_left_out(tmp_path, samples, channels):
    write_recording(recording("A1", 1300), tmp_path)
    noise = cut_noise(tmp_path, ["A1"], Preprocessing(), samples)
    assert noise.shape == (samples, channels)
    expected = zero_phase(recording("A1", 1300).signal[:, :1])[:, 0]
    np.testing.assert_allclose(noise.T.ravel()[:1300], expected, atol=2e-3)


def test_a_cut_has_the_windows_band(tmp_path):
    write_recording(recording("A1", 4000), tmp_path)
    noise = cut_noise(tmp_path, ["A1"], Preprocessing(band=(0.67, 45.0), order=540), 4000)
    expected = zero_phase(recording("A1", 4000).signal[:, :1], (0.67, 45.0), 540)
    np.testing.assert_allclose(noise, expected, atol=2e-3)


def test_a_cut_at_another_rate_is_resampled(tmp_path):
    tone = np.sin(2 * np.pi * 10 * np.arange(3000) / 300)[:, None].astype(np.float32)
    write_recording(Recording("A1", tone, 300.0, ("ECG",), None), tmp_path)
    write_recording(recording("A2", 500), tmp_path)
    noise = cut_noise(tmp_path, ["A1", "A2"], Preprocessing(), 4100)
    assert noise.shape == (4100, 1)  # 10 s and 500 samples at 360 Hz
    expected = np.sin(2 * np.pi * 10 * np.arange(3600) / RATE)
    np.testing.assert_allclose(noise[360:3240, 0], expected[360:3240], atol=0.02)
    np.testing.assert_allclose(noise[3600:], zero_phase(recording("A2", 500).signal[:, :1]), atol=2e-3)


def test_missing_samples_of_a_cut_are_held(tmp_path):
    signal = write_with_gap("A1", 1000, tmp_path)
    noise = cut_noise(tmp_path, ["A1"], Preprocessing(), 1000)
    np.testing.assert_allclose(noise, zero_phase(signal), atol=2e-3)


def test_a_record_that_cannot_be_cut_is_refused_in_a_sentence(tmp_path):
    write_recording(recording("A1", 1000), tmp_path)
    with pytest.raises(DataError, match=r"A9\.hea: found no such file; expected a WFDB header"):
        cut_noise(tmp_path, ["A1", "A9"], Preprocessing(), 500)
    with pytest.raises(DataError, match="no such file"):
        cut_noise(tmp_path / "none", ["A1"], Preprocessing(), 500)
    write_recording(recording("A2", 2000, rate=20_000), tmp_path)
    with pytest.raises(DataError, match="Record A2: .*found 20000.* Hz, expected 1 to 10000 Hz"):
        cut_noise(tmp_path, ["A1", "A2"], Preprocessing(), 500)


# Of the databases


def test_what_wearers_recorded_is_noise_of_finite_numbers(databases):
    folder = databases / "cinc2017"
    records = labelled_records(folder, "~")[:4]
    noise = cut_noise(folder, records, Preprocessing(), 5000)
    seconds = sum(wfdb.rdheader(str(folder / name)).sig_len / 300 for name in records)
    assert noise.shape == (5000, np.ceil(seconds * RATE / 5000)) and np.isfinite(noise).all()
    assert (noise.std(axis=0) > 1e-3).all() and np.abs(noise.mean(axis=0)).max() < 0.05


def test_the_noise_stress_tests_noise(nstdb_noise):
    noise = read_noise(nstdb_noise, Preprocessing())
    assert noise.shape == (325_000, 6) and np.isfinite(noise).all()
    raw = wfdb.rdrecord(str(nstdb_noise / "em"), sampto=20_000).p_signal
    np.testing.assert_allclose(noise[:19_000, 2:4], zero_phase(raw)[:19_000], atol=1e-4)
    # Of the wander the band-pass leaves least, and muscles are the fastest.
    wander, electrodes, muscles = noise.std(axis=0).reshape(3, 2).max(axis=1)
    assert wander < electrodes and wander < muscles
    frequencies, power = sps.welch(noise[:100_000], RATE, nperseg=2048, axis=0)
    fast = power[frequencies > 20].sum(axis=0) / power.sum(axis=0)
    assert fast[4:].min() > fast[:4].max()
