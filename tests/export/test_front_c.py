"""The bundle's stages before the judgement against the Python that they stand for."""

import numpy as np
import pytest
from c_front import Front
from scipy import signal as sps

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.c_filters import RATES, filter_sources
from keras_sibeat.export.multirate import multirate
from sibeat_edge.signal.contact import Contact
from sibeat_edge.signal.filters import BandPass, FillMissing, bridgeable, process
from sibeat_edge.signal.resampling import Resampler
from sibeat_edge.signal.rpeaks import RPeakDetector

WINDOWS = ((0.67, 45.0), 540)  # the shipped preset's band-pass


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    return Front(tmp_path_factory.mktemp("front"))


def worn(seed, rate, seconds=40):
    """A lead in units of an amplifier that has its limits, loses contact and misses samples."""
    draws = np.random.default_rng(seed)
    count = round(seconds * rate)
    lead = np.rint(80 * np.cumsum(draws.normal(size=count)) / np.sqrt(np.arange(count) + 1))
    limit = draws.choice([60, 120, 1000])
    lead = lead.clip(-limit, limit)
    for _ in range(8):
        begin, kind = draws.integers(0, count), draws.integers(0, 3)
        length = round(rate * draws.choice([0.01, 0.03, 0.04, 0.05, 0.2, 0.26, 1.0]))
        lead[begin : begin + length] = [np.nan, lead[begin], draws.choice([np.inf, -np.inf])][kind]
    if seed % 3 == 0:
        lead[: draws.integers(1, 30)] = np.nan
    if seed % 4 == 0:
        lead[-draws.integers(1, 30) :] = np.nan
    return lead


@pytest.mark.parametrize("seed", range(24))
def test_flags_are_those_of_contact(front, seed):
    rate = RATES[seed % len(RATES)]
    samples = worn(seed, rate, seconds=12)
    found, spans = front.contact(samples, rate, bridgeable(rate))
    assert spans < 64  # as many as are kept apart
    np.testing.assert_array_equal(found, process(Contact(rate), samples[:, None]))


def test_more_spans_than_are_kept_become_fewer_and_none_is_lost(front):
    draws = np.random.default_rng(0)
    samples = draws.integers(-50, 50, 100 * 200).astype(float)
    for begin in range(0, len(samples), 200):
        samples[begin : begin + draws.integers(10, 100)] = np.nan
    found, spans = front.contact(samples, 360, bridgeable(360))
    wanted = process(Contact(360), samples[:, None])
    assert spans == 48 and (found >= wanted).all() and (found > wanted).any()


@pytest.mark.parametrize("seed", range(12))
def test_gaps_are_filled_as_by_fill_missing(front, seed):
    rate = RATES[seed % len(RATES)]
    samples = worn(seed, rate)
    wanted = process(FillMissing(bridgeable(rate)), samples)
    np.testing.assert_allclose(front.fill(samples, bridgeable(rate)), wanted, atol=1e-4)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate != 360])
def test_each_front_end_is_resampled_as_by_the_resampler(front, rate):
    samples = 5 + np.random.default_rng(rate).normal(size=10 * rate + 7)
    wanted = process(Resampler(rate), samples)
    np.testing.assert_allclose(front.resample(samples, rate, len(wanted)), wanted, atol=3e-6)


def test_a_constant_stays_one(front):
    for rate in RATES:
        even = front.resample(np.full(300, 300.0), rate, 200)
        np.testing.assert_array_equal(even, np.full(200, 300, np.float32))


@pytest.mark.parametrize("count", [1, 50, 700, 7000])
def test_the_band_pass_at_the_lower_rate_is_the_published_one(front, count):
    """To what a sample of 16 bits can tell."""
    samples = 3 + np.random.default_rng(0).standard_normal(count)  # an offset, as electrodes have
    wanted = process(BandPass(*WINDOWS), samples)
    np.testing.assert_allclose(front.window(samples), wanted, atol=1e-4)
    assert np.abs(front.window(samples) - wanted).max() < 4e-5 * max(1.0, np.abs(wanted).max())


def test_the_band_pass_of_hum_is_nothing(front):
    """What lies above the lowered rate is not folded into the band."""
    time = np.arange(3600) / 360
    for frequency in (60, 75, 100, 120, 150, 165, 175):
        hum = np.cos(2 * np.pi * frequency * time)
        assert np.abs(front.window(hum)[1000:-1000]).max() < 3e-5


@pytest.mark.parametrize("band, order", [WINDOWS, ((3.0, 45.0), 108), ((0.5, 40.0), 360)])
def test_the_filters_have_the_response_of_the_manifest_s_taps(band, order):
    found = multirate(band, order)
    assert found.factor == 3 and found.error < 5e-6
    assert sum(len(half) for half in (found.bank, found.window, found.detector)) < 300


def test_a_band_too_wide_for_a_third_of_the_rate_is_filtered_at_the_whole_rate(tmp_path):
    band, order = (1.0, 100.0), 108
    assert multirate(band, order).factor == 1
    for name, text in filter_sources(band, order).items():
        (tmp_path / name).write_text(text)
    samples = np.random.default_rng(1).standard_normal(4000)
    wanted = process(BandPass(band, order), samples)
    np.testing.assert_allclose(Front(tmp_path, tmp_path).window(samples), wanted, atol=1e-4)


def filtered(lead):
    return process(BandPass(), np.asarray(lead, float))


def same_peaks(front, lead, is_sensitive=False):
    """The detector's R-peaks in C are Python's, found at the same time; their number."""
    lead, detector = np.float32(lead), RPeakDetector(is_sensitive)
    wanted = [*detector.track(lead), *detector.track_end()]
    assert front.rpeaks(lead, is_sensitive) == wanted
    return len(wanted)


@pytest.mark.parametrize("is_sensitive", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_r_peaks_are_those_of_the_detector(front, seed, is_sensitive):
    draws = np.random.default_rng(seed)
    lead = simulate_wearer(seed=seed, seconds=60.0).signal[:, 0]
    noise = draws.choice([0.0, 0.1, 0.5]) * draws.normal(size=len(lead))
    assert same_peaks(front, filtered(lead + noise), is_sensitive) > 40


@pytest.mark.parametrize("width", [6, 12])
def test_a_sensitive_detector_finds_a_small_beat_from_the_same_size_on(front, width):
    usual, found = np.r_[0:1:13j, 1:0:13j], []
    for size in np.linspace(0.3, 0.5, 40):
        lead = np.zeros(20 * 360)
        for start in range(180, len(lead) - 26, 400):
            lead[start : start + 26] += usual
        lead[4000 : 4000 + 2 * width] += size * np.r_[0 : 1 : width * 1j, 1 : 0 : width * 1j]
        found.append(same_peaks(front, lead, is_sensitive=True))
    assert set(found) == {found[0], found[0] + 1} and found == sorted(found)


def test_a_beat_that_was_missed_is_searched_for(front):
    lead = np.array(simulate_wearer(seed=3, seconds=60.0, abnormal={}).signal[:, 0], float)
    before = same_peaks(front, filtered(lead))
    lead[9000:9500] *= 0.35
    assert same_peaks(front, filtered(lead)) == before


@pytest.mark.parametrize("share", [0.5, 0.2, 0.02])
def test_levels_are_learnt_anew_where_beats_have_become_smaller(front, share):
    lead = np.array(simulate_wearer(seed=4, seconds=90.0, abnormal={}).signal[:, 0], float)
    lead[12000:] *= share
    assert same_peaks(front, filtered(lead)) > 30


def test_noise_and_silence_are_no_beats_to_either(front):
    draws, quiet = np.random.default_rng(0), np.zeros(3600)
    assert same_peaks(front, quiet) == 0
    same_peaks(front, filtered(draws.normal(size=20000)))
    same_peaks(front, filtered(np.concatenate([quiet, draws.normal(size=7200), quiet])))
    lead = np.array(simulate_wearer(seed=5, seconds=40.0).signal[:, 0], float)
    same_peaks(front, filtered(np.concatenate([lead, quiet, quiet, sps.resample(lead, len(lead)) * 0.3])))


@pytest.mark.parametrize("count", [1, 100, 400, 1440])
def test_a_lead_of_a_few_samples_has_the_same_r_peaks(front, count):
    lead = simulate_wearer(seed=6, seconds=10.0).signal[:count, 0]
    same_peaks(front, filtered(lead))


def test_what_has_become_old_is_kept_more_coarsely(front):
    """Of a second, to a share of what is highest around."""
    draws = np.random.default_rng(5)
    samples = np.float32(draws.normal(size=15 * 360) * draws.uniform(0.1, 2, 15).repeat(360))
    newest, older = front.window(samples), front.window(samples, behind=12 * 360)
    away = np.abs(newest - older)
    assert 0 < away.max() < 0.02 * np.abs(newest).max() and away[12 * 360 :].max() < 1e-4
