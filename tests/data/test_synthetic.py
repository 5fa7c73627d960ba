"""The simulator against oracles that do not share its code: ODE solver, spectra, peak finders, WFDB files."""

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.signal import find_peaks, peak_widths, welch
from scipy.stats import binom

from keras_sibeat.data import synthetic
from keras_sibeat.data.synthetic import simulate_wearer, simulate_wearers

ECTOPIC = {"V": 0.1, "A": 0.1, "F": 0.05}
SEEDS = range(6)


def wearer_of(seed):
    return synthetic.Wearer.draw(np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[0]))


def isolated(recording, symbol):
    """RR before and after each beat of this symbol that has normal neighbours, over the normal median."""
    samples, symbols = recording.annotations.samples, recording.annotations.symbols
    rr = np.diff(samples) / recording.rate
    sinus = np.median(rr[(symbols[1:] == "N") & (symbols[:-1] == "N")])
    middle = np.arange(2, len(symbols) - 1)
    neighbours = (symbols[middle - 2] == "N") & (symbols[middle - 1] == "N") & (symbols[middle + 1] == "N")
    beats = middle[(symbols[middle] == symbol) & neighbours]
    return rr[beats - 1] / sinus, rr[beats] / sinus


def beats_of(recording, symbol, before=0.1, after=0.1):
    """Windows (beats, samples) of MLII around the R-peaks of this symbol."""
    samples = recording.annotations.samples[recording.annotations.symbols == symbol]
    offsets = np.arange(-int(before * recording.rate), int(after * recording.rate))
    samples = samples[(samples + offsets[0] >= 0) & (samples + offsets[-1] < len(recording.signal))]
    return recording.signal[samples[:, None] + offsets, 0]


def qrs_widths(recording, symbol):
    """Widths in ms of the R waves of this symbol at half height."""
    lead, rate = recording.signal[:, 0], recording.rate
    peaks = recording.annotations.samples[recording.annotations.symbols == symbol]
    return peak_widths(lead, peaks, rel_height=0.5, wlen=int(0.5 * rate))[0] / rate * 1000


def assert_same(one, other):
    assert one.signal.tobytes() == other.signal.tobytes()
    np.testing.assert_array_equal(one.annotations.samples, other.annotations.samples)
    np.testing.assert_array_equal(one.annotations.symbols, other.annotations.symbols)


# The dynamical model


def test_signal_solves_the_paper_s_differential_equation():
    wearer, rate, rr = wearer_of(1), 360.0, 0.9
    times, symbols = np.array([0.6, 1.5, 2.4]), np.array(["N", "N", "N"])

    class Still:  # no gain from beat to beat
        def uniform(self, low, high, size):
            return np.full(size, low)

        def standard_normal(self, size):
            return np.zeros(size)

    g = synthetic._waves(Still(), wearer, times, np.full(3, rr), symbols, int(3 * rate), rate)
    z = synthetic._relax(g, wearer, rate)

    waves, omega = wearer.waves["N"], 2 * np.pi / np.sqrt(rr)
    a = waves.heights[:, 0] * omega / waves.widths**2

    def derivative(t, z):
        dtheta = omega * (t - times[:, None]) - waves.angles
        pull = np.sum(a * dtheta * np.exp(-(dtheta**2) / (2 * waves.widths**2)))
        return -pull - (z - wearer.wander[0] * np.sin(2 * np.pi * 0.25 * t))

    at = np.arange(len(z)) / rate
    solved = solve_ivp(derivative, (0, at[-1]), z[0, :1], t_eval=at, max_step=0.01, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(z[:, 0], solved.y[0], atol=1e-4)


def test_waves_of_a_normal_beat_stand_where_they_should():
    for seed in SEEDS:
        beat = np.median(beats_of(simulate_wearer(seed, 60, abnormal={}, noise_mv=0), "N", 0.3, 0.45), axis=0)
        r = int(0.3 * 360)
        p, t = beat[r - 90 : r - 25].max(), beat[r + 40 : r + 150].max()
        q, s = beat[r - 25 : r].min(), beat[r : r + 25].min()
        baseline = np.median(beat)
        assert 0.7 < beat[r] - q < 2.2
        assert q < baseline and s < baseline
        assert 0.05 < p - baseline < 0.6 and 0.1 < t - baseline < 1


# Seeds


def test_same_seed_same_bits():
    assert_same(simulate_wearer(7, 30), simulate_wearer(7, 30))


def test_other_seeds_other_wearers():
    recordings = [simulate_wearer(seed, 60, abnormal={}, noise_mv=0) for seed in SEEDS]
    medians = np.stack([np.median(beats_of(r, "N", 0.25, 0.35), axis=0) for r in recordings])
    correlations = np.corrcoef(medians)[np.triu_indices(len(medians), 1)]
    assert correlations.max() < 0.999
    assert correlations.min() > 0.5  # but all of them are electrocardiograms


def test_wearers_are_named_and_do_not_depend_on_their_number():
    three, five = simulate_wearers(3, seed=4, seconds=10), simulate_wearers(5, seed=4, seconds=10)
    assert [r.name for r in five] == ["s000", "s001", "s002", "s003", "s004"]
    for one, other in zip(three, five, strict=False):
        assert_same(one, other)
    assert len({r.signal.tobytes() for r in five}) == 5


def test_the_name_of_a_wearer_tells_its_seed():
    assert simulate_wearer(12, 5).name == "seed12"


def test_noise_is_white_of_the_given_size_and_leaves_the_beats_alone():
    clean, noisy = simulate_wearer(3, 60, noise_mv=0), simulate_wearer(3, 60, noise_mv=0.05)
    np.testing.assert_array_equal(clean.annotations.samples, noisy.annotations.samples)
    noise = noisy.signal - clean.signal
    np.testing.assert_allclose(noise.std(axis=0), 0.05, rtol=0.03)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 0.03
    assert abs(np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1]) < 0.03


# Annotations


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    seconds=st.floats(2, 30),
    rate=st.sampled_from([100, 128, 250.0, 257.3, 360, 1000, 2000]),
    shares=st.tuples(*[st.floats(0, 1)] * 3).filter(lambda s: sum(s) <= 1),
)
def test_every_recording_is_well_formed_and_annotated_on_its_r_peaks(seed, seconds, rate, shares):
    recording = simulate_wearer(seed, seconds, rate, dict(zip("VAF", shares, strict=True)), noise_mv=0)
    samples, symbols = recording.annotations.samples, recording.annotations.symbols
    assert recording.signal.shape == (round(seconds * rate), 2) and recording.signal.dtype == np.float32
    assert recording.leads == ("MLII", "V1") and recording.rate == rate
    assert np.isfinite(recording.signal).all() and np.abs(recording.signal).max() < 5
    assert samples.dtype == np.int64 and len(samples) == len(symbols) >= 1
    assert set(symbols) <= set("NVAF")
    assert (np.diff(samples) > 0.25 * rate).all()

    lead = recording.signal[:, 0]
    maxima, _ = find_peaks(lead)
    tolerance = 10 * rate / 360
    for sample in samples:
        assert np.abs(maxima - sample).min() <= tolerance
        near = lead[max(0, sample - int(0.1 * rate)) : sample + int(0.1 * rate)]
        assert lead[sample] >= near.max() - 1e-3 * np.ptp(near)


def test_nothing_that_looks_like_an_r_peak_is_left_unannotated():
    for seed in SEEDS:
        recording = simulate_wearer(seed, 120, abnormal=ECTOPIC, noise_mv=0)
        lead, peaks = recording.signal[:, 0], recording.annotations.samples
        found, _ = find_peaks(lead, height=0.65 * np.median(lead[peaks]), distance=int(0.2 * 360))
        np.testing.assert_allclose(found, peaks, atol=10)


def test_survives_a_16_bit_wfdb_record(tmp_path):
    recording = simulate_wearer(5, 30, abnormal=ECTOPIC)
    samples, symbols = recording.annotations.samples, recording.annotations.symbols
    for gain in (200, 1000):
        wfdb.wrsamp(
            "w", recording.rate, ["mV"] * 2, list(recording.leads), recording.signal.astype(float),
            fmt=["16"] * 2, adc_gain=[gain] * 2, baseline=[0] * 2, write_dir=str(tmp_path),
        )  # fmt: skip
        wfdb.wrann("w", "atr", samples, list(symbols), write_dir=str(tmp_path))
        read = wfdb.rdrecord(str(tmp_path / "w"))
        np.testing.assert_allclose(read.p_signal, recording.signal, atol=1.01 / gain)
        annotation = wfdb.rdann(str(tmp_path / "w"), "atr")
        np.testing.assert_array_equal(annotation.sample, samples)
        assert annotation.symbol == list(symbols)


# Rhythm


def test_mean_heart_rate_is_the_wearer_s():
    for seed in SEEDS:
        recording = simulate_wearer(seed, 300, abnormal={})
        rr = np.diff(recording.annotations.samples) / recording.rate
        assert 60 / rr.mean() == pytest.approx(wearer_of(seed).heart_rate, rel=0.015)
        assert rr.std() / rr.mean() == pytest.approx(wearer_of(seed).variability, rel=0.25)


def test_rr_spectrum_has_the_paper_s_two_bands():
    recording = simulate_wearer(2, 1200, abnormal={})
    times = recording.annotations.samples / recording.rate
    even = np.arange(times[1], times[-1], 0.25)
    frequencies, power = welch(np.interp(even, times[1:], np.diff(times)), fs=4, nperseg=512)

    def within(low, high):
        return (frequencies >= low) & (frequencies < high)

    lf, hf = within(0.05, 0.15), within(0.2, 0.3)
    assert frequencies[lf][power[lf].argmax()] == pytest.approx(0.1, abs=0.02)
    assert frequencies[hf][power[hf].argmax()] == pytest.approx(0.25, abs=0.02)
    assert power[within(0.15, 0.2)].min() < 0.05 * min(power[lf].max(), power[hf].max())
    assert 0.3 < power[lf].sum() / power[hf].sum() < 1.0


def test_prevalence_is_binomial():
    symbols = simulate_wearer(11, 1200, abnormal=ECTOPIC).annotations.symbols
    for symbol, probability in ECTOPIC.items():
        low, high = binom.interval(1 - 1e-6, len(symbols), probability)
        assert low <= np.sum(symbols == symbol) <= high


def test_abnormal_beats_left_out_do_not_occur():
    assert set(simulate_wearer(1, 60, abnormal={}).annotations.symbols) == {"N"}
    assert set(simulate_wearer(1, 60, abnormal={"V": 1}).annotations.symbols) == {"V"}
    assert set(simulate_wearer(1, 60, abnormal={"A": 0.5, "F": 0.5}).annotations.symbols) == {"A", "F"}


def test_each_wearer_has_its_own_prevalence():
    shares = [np.mean(r.annotations.symbols != "N") for r in simulate_wearers(12, seed=0, seconds=300)]
    assert np.std(shares) > 0.01 and 0 < np.mean(shares) < 0.25


# Abnormal beats, wearer by wearer


@pytest.fixture(scope="module", params=SEEDS)
def ectopic(request):
    return simulate_wearer(request.param, 400, abnormal=ECTOPIC, noise_mv=0)


def test_ventricular_beats_are_wide_early_and_followed_by_a_compensatory_pause(ectopic):
    normal, ventricular = qrs_widths(ectopic, "N"), qrs_widths(ectopic, "V")
    assert np.percentile(ventricular, 5) > 1.5 * np.percentile(normal, 95)
    before, after = isolated(ectopic, "V")
    assert len(before) >= 5
    assert before.max() < 0.85 and after.min() > 1.15
    np.testing.assert_allclose(before + after, 2, atol=0.25)
    assert np.mean(before + after) == pytest.approx(2, abs=0.06)


def test_ventricular_t_waves_are_discordant(ectopic):
    offset = int(0.1 * ectopic.rate)
    for symbol, sign in (("N", 1), ("V", -1)):
        beat = np.median(beats_of(ectopic, symbol, 0.1, 0.45), axis=0)
        t = beat[offset + int(0.18 * ectopic.rate) :]
        assert sign * t[np.abs(t).argmax()] > 0.1


def test_atrial_beats_are_narrow_early_and_reset_the_sinus_node(ectopic):
    ratio = np.median(qrs_widths(ectopic, "A")) / np.median(qrs_widths(ectopic, "N"))
    assert 0.85 < ratio < 1.15
    before, after = isolated(ectopic, "A")
    assert len(before) >= 5
    assert before.max() < 0.92 and after.min() > 0.85
    assert 1.6 < np.mean(before + after) < 1.9


def test_atrial_p_waves_are_abnormal_and_early(ectopic):
    normal, atrial = (np.median(beats_of(ectopic, symbol, 0.22, 0), axis=0) for symbol in "NA")
    assert np.abs(normal - atrial).max() > 0.05  # before the QRS
    qrs = (np.median(beats_of(ectopic, symbol, 0.05, 0.05), axis=0) for symbol in "NA")
    assert np.corrcoef(*qrs)[0, 1] > 0.99


def test_fusion_beats_are_blends_on_time(ectopic):
    # From 30 ms before R: the P wave, whole in a fusion beat, is over.
    normal, ventricular, fusion = (np.median(beats_of(ectopic, s, 0.03, 0.1), axis=0) for s in "NVF")
    basis = np.stack([normal, ventricular, np.ones_like(normal)], axis=1)
    weights, residual, *_ = np.linalg.lstsq(basis, fusion)
    assert 0.2 < weights[0] < 0.8 and 0.2 < weights[1] < 0.8
    assert residual[0] < 0.03 * np.sum(fusion**2)
    before, after = isolated(ectopic, "F")
    assert before.min() > 0.75 and after.max() < 1.25


def test_p_waves_are_whole_in_fusion_beats(ectopic):
    normal, fusion = (np.median(beats_of(ectopic, s, 0.21, 0), axis=0) for s in "NF")
    p = slice(0, int(0.08 * ectopic.rate))
    assert np.ptp(fusion[p]) == pytest.approx(np.ptp(normal[p]), rel=0.25)


# Rate


def test_the_same_wearer_at_another_rate():
    slow, fast = (simulate_wearer(9, 60, rate, abnormal=ECTOPIC, noise_mv=0) for rate in (250, 360))
    np.testing.assert_array_equal(slow.annotations.symbols, fast.annotations.symbols)
    times = [recording.annotations.samples / recording.rate for recording in (slow, fast)]
    np.testing.assert_allclose(*times, atol=1.01 / 250)
    spline = CubicSpline(np.arange(len(fast.signal)) / 360, fast.signal)
    resampled = spline(np.arange(len(slow.signal)) / 250)
    np.testing.assert_allclose(resampled, slow.signal, atol=2e-3)


# Errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "Found seed -1, expected a non-negative integer"),
        ({"seed": 1.5}, "Found seed 1.5, expected a non-negative integer"),
        ({"seconds": 1.9}, "Found 1.9 seconds, expected at least 2"),
        ({"seconds": np.nan}, "Found nan seconds"),
        ({"seconds": np.inf}, "Found inf seconds"),
        ({"rate": 50}, "Found a rate of 50 Hz, expected 100"),
        ({"rate": 1e6}, "Found a rate of 1000000.0 Hz, expected 100"),
        ({"rate": np.nan}, "Found a rate of nan Hz"),
        ({"noise_mv": -0.1}, "Found noise of -0.1 mV, expected a finite number of at least 0"),
        ({"noise_mv": np.nan}, "Found noise of nan mV"),
        ({"abnormal": {"N": 0.5}}, r"Found abnormal symbols \['N'\], expected only \['V', 'A', 'F'\]"),
        ({"abnormal": {"x": 0.1, "V": 0.1}}, r"Found abnormal symbols \['x'\]"),
        ({"abnormal": {"V": -0.1}}, r"Found probability -0.1 of 'V', expected a number in \[0, 1\]"),
        ({"abnormal": {"A": 1.1}}, "Found probability 1.1 of 'A'"),
        ({"abnormal": {"F": np.nan}}, "Found probability nan of 'F'"),
        ({"abnormal": {"F": "often"}}, "Found probability 'often' of 'F'"),
        ({"abnormal": {"V": 0.6, "A": 0.6}}, "Found abnormal probabilities with sum 1.2, expected at most 1"),
    ],
)
def test_invalid_arguments_of_a_wearer(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_wearer(**{"seed": 0, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "Found count 0, expected an integer of at least 1"),
        ({"count": 2.0}, "Found count 2.0, expected an integer of at least 1"),
        ({"seed": -3}, "Found seed -3"),
        ({"seconds": 0}, "Found 0 seconds"),
        ({"rate": 0}, "Found a rate of 0 Hz"),
    ],
)
def test_invalid_arguments_of_wearers(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate_wearers(**{"count": 1, "seed": 0, **arguments})
