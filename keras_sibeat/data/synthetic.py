"""Simulated wearers: electrocardiograms with labelled beats, for tests, demonstrations and work without data.

The model is that of McSharry, Clifford, Tarassenko and Smith, "A dynamical model for generating synthetic
electrocardiogram signals", IEEE Trans. Biomed. Eng. 50(3), 2003 (ECGSYN). A point runs round a limit cycle,
one turn a beat, and each of the waves P, Q, R, S, T pulls the voltage z up and down as it passes the wave's
angle (its eq. 1):

    dz/dt = -sum_i a_i dtheta_i exp(-dtheta_i^2 / 2 b_i^2) - (z - z0(t)),    z0(t) = A sin(2 pi f_2 t)

Nothing is stepped through here. On the cycle the phase is known in advance, so each pull integrates to a
Gaussian of height a_i b_i^2 / omega; with g(t) the sum of these and z = g + y, what is left is linear,
dy/dt = z0 - g - y: a first-order filter (`scipy.signal.lfilter`), exact for an input linear between samples.
So the signal is an ODE solver's to within that interpolation, and five minutes of it take about 30 ms.

Beyond the paper there are beats that do not come from the sinus node, and wearers who differ
(``keras_sibeat.data.simulated_wearer``). A beat's time base is the square root of the sinus node's RR
interval (Bazett; the authors' ECGSYN program does the like with the mean heart rate), not its own RR: a
premature beat is early, not narrow.
"""

from numbers import Integral, Real

import numpy as np
from scipy.signal import lfilter

from keras_sibeat.data.recording import Annotations, Recording
from keras_sibeat.data.simulated_wearer import ABNORMAL, LEADS, Wearer
from keras_sibeat.errors import DataError

RATES = (100.0, 2000.0)  # Hz: a Q wave needs a few samples
SHORTEST = 2.0  # s: room for one beat of the slowest heart

# The paper's tachogram: two Gaussian bands of power, Mayer waves and respiration (its section III-B).
BANDS = (0.1, 0.25)  # Hz
BAND_WIDTH = 0.01  # Hz
LF_HF_RATIO = 0.5
TACHOGRAM_RATE = 4.0  # Hz
SHORTEST_TACHOGRAM = 256.0  # s: a shorter one cannot resolve the bands

REFRACTORY = 0.55  # of RR: a sinus impulse that follows a ventricular beat sooner is blocked
MARGIN = 0.1  # s at either end of a record without an R-peak: no QRS is cut in two
PEAK_REACH = 0.04  # s: how far neighbouring waves may drag the visible R-peak from its wave's centre


def simulate_wearer(
    seed: int,
    seconds: float = 300.0,
    rate: float = 360.0,
    abnormal: dict[str, float] | None = None,
    noise_mv: float = 0.02,
) -> Recording:
    """Simulate the electrocardiogram of one wearer, who is determined by ``seed`` alone.

    Beats are normal 'N'; premature ventricular 'V' (wide, no P, discordant T, compensatory pause); premature
    atrial 'A' (abnormal P, narrow, resets the node); fusion 'F' (both wavefronts at once, barely early).
    The same seed at another ``rate`` gives the same beats at the same times.

    Args:
        seed: non-negative; the same seed gives the same bits.
        seconds: duration, at least 2 s.
        rate: sampling rate in Hz, 100 to 2000.
        abnormal: probability per beat of each of 'V', 'A', 'F', 0 for those left out; None: the wearer's own.
        noise_mv: standard deviation of the white noise in mV. The respiratory baseline wander stays at 0.

    Returns:
        A `Recording` named ``seed<seed>``: ``signal`` (samples, 2) float32 in mV, leads MLII and V1, with the
        annotation of each beat on the peak of its R wave in the noise-free MLII.

    Raises:
        DataError: an argument is outside its range; the message says what was found and what was expected.

    Source: McSharry et al., IEEE Trans. Biomed. Eng. 50(3), 2003: eq. 1, Table I, section III-B.
    """
    _check(seed, seconds, rate, noise_mv)
    if abnormal is not None:
        _check_abnormal(abnormal)
    return _simulate(f"seed{seed}", np.random.SeedSequence(seed), seconds, rate, abnormal, noise_mv)


def simulate_wearers(count: int, seed: int, seconds: float = 300.0, rate: float = 360.0) -> list[Recording]:
    """Simulate ``count`` independent wearers, named s000, s001, ...; a larger count only appends.

    Args:
        count: number of wearers, at least 1.
        seed: non-negative; each wearer gets its own child of this seed's `numpy.random.SeedSequence`.
        seconds: duration of each recording, at least 2 s.
        rate: sampling rate in Hz, 100 to 2000.

    Returns:
        ``count`` recordings as `simulate_wearer` gives them, each with its own prevalence of abnormal beats.

    Raises:
        DataError: an argument is outside its range; the message says what was found and what was expected.
    """
    if not isinstance(count, Integral) or count < 1:
        raise DataError(f"Found count {count!r}, expected an integer of at least 1.")
    _check(seed, seconds, rate, noise_mv=0.02)
    children = np.random.SeedSequence(seed).spawn(count)
    return [_simulate(f"s{i:03d}", child, seconds, rate, None, 0.02) for i, child in enumerate(children)]


def _simulate(name, sequence, seconds, rate, abnormal, noise_mv):
    # Separate streams: another rate or prevalence must not make another wearer.
    draw, rhythm, noise = (np.random.default_rng(child) for child in sequence.spawn(3))
    wearer = Wearer.draw(draw)
    abnormal = wearer.abnormal if abnormal is None else abnormal
    times, intervals, symbols = _rhythm(rhythm, wearer, seconds, abnormal)
    waves = _waves(rhythm, wearer, times, intervals, symbols, round(seconds * rate), rate)
    signal = _relax(waves, wearer, rate)
    peaks = _peaks(signal[:, 0], times, rate)
    signal += noise_mv * noise.standard_normal(signal.shape)
    return Recording(name, signal.astype(np.float32), float(rate), LEADS, Annotations(peaks, symbols))


def _tachogram(rng, wearer, seconds):
    """RR interval in s over time, at TACHOGRAM_RATE: the paper's bimodal power spectrum, random phases."""
    size = int(TACHOGRAM_RATE * max(seconds, SHORTEST_TACHOGRAM)) + 1
    frequencies = np.fft.rfftfreq(size, 1 / TACHOGRAM_RATE)
    lf, hf = (np.exp(-((frequencies - band) ** 2) / (2 * BAND_WIDTH**2)) for band in BANDS)
    phases = rng.uniform(0, 2 * np.pi, len(frequencies))
    deviation = np.fft.irfft(np.sqrt(LF_HF_RATIO * lf + hf) * np.exp(1j * phases), size)
    return 60 / wearer.heart_rate * (1 + wearer.variability * deviation / deviation.std())


def _rhythm(rng, wearer, seconds, abnormal):
    """R times in s, RR of the sinus node at each in s, and symbols: (beats,) each."""
    tachogram = _tachogram(rng, wearer, seconds)
    thresholds = np.cumsum([abnormal.get(symbol, 0.0) for symbol in ABNORMAL])
    beats = []
    sinus = MARGIN + tachogram[0] * rng.uniform(0.5, 1)  # when the sinus node's next impulse arrives
    last = sinus - tachogram[0]
    while True:
        rr = tachogram[int(TACHOGRAM_RATE * max(last, 0))]
        symbol = (*ABNORMAL, "N")[np.searchsorted(thresholds, rng.uniform(), side="right")]
        jitter = rng.standard_normal()
        match symbol:
            case "N":
                time = sinus
                sinus += rr
            case "F":  # the ventricular focus fires while the sinus impulse is on its way
                time = sinus - rr * min(abs(0.03 * jitter), 0.08)
                sinus += rr
            case "A":  # resets the sinus node, so the pause is not compensatory
                time = last + rr * (wearer.coupling["A"] + 0.015 * jitter)
                sinus = time + rr * rng.uniform(1.0, 1.1)
            case "V":  # does not; the impulse that arrives next finds the ventricles refractory
                time = last + rr * (wearer.coupling["V"] + 0.015 * jitter)
                while sinus < time + REFRACTORY * rr:
                    sinus += rr
        if time > seconds - MARGIN:
            break
        beats.append((time, rr, symbol))
        last = time
    times, intervals, symbols = zip(*beats, strict=True)
    return np.array(times), np.array(intervals), np.array(symbols, dtype="U1")


def _waves(rng, wearer, times, intervals, symbols, samples, rate):
    """The sum of Gaussians g in mV, (samples, leads)."""
    # In a fusion beat each wavefront activates its share of the ventricles.
    ventricular = np.select([symbols == "V", symbols == "F"], [1.0, rng.uniform(0.35, 0.65, len(times))], 0.0)
    shares = {
        "N": np.isin(symbols, ["N", "F"]) * (1 - ventricular),
        "A": 1.0 * (symbols == "A"),
        "V": ventricular,
    }
    gain = 1 + 0.03 * rng.standard_normal(len(times))
    turn = np.sqrt(intervals) / (2 * np.pi)  # s a radian
    total = np.zeros((samples, len(LEADS)))
    for origin, share in shares.items():
        active = share > 0
        waves = wearer.waves[origin]
        for i, (angle, width) in enumerate(zip(waves.angles, waves.widths, strict=True)):
            # The atria have done their part before two wavefronts meet: P is never shared.
            height = (gain if i == 0 else gain * share)[active]
            centre, sigma = (times + angle * turn)[active], (width * turn)[active]
            _add_gaussians(total, centre * rate, sigma * rate, height, waves.heights[i])
    return total


def _add_gaussians(total, centre, sigma, height, heights):
    """Add one Gaussian a beat, centre and sigma (beats,) in samples, to ``total`` (samples, leads)."""
    reach = int(np.ceil(5 * sigma.max(initial=0)))
    at = np.round(centre).astype(int)[:, None] + np.arange(-reach, reach + 1)
    bells = height[:, None] * np.exp(-0.5 * ((at - centre[:, None]) / sigma[:, None]) ** 2)
    inside = (at >= 0) & (at < len(total))
    total += np.bincount(at[inside], bells[inside], len(total))[:, None] * heights


def _relax(g, wearer, rate):
    """z of eq. 1 in mV: g and its relaxation towards the respiratory baseline z0, time constant 1 s."""
    time = np.arange(len(g))[:, None] / rate
    z0 = wearer.wander * np.sin(2 * np.pi * BANDS[1] * time)
    decay = np.exp(-1 / rate)
    slope = -np.expm1(-1 / rate) * rate
    return g + lfilter([1 - slope, slope - decay], [1, -decay], z0 - g, axis=0)


def _peaks(lead, times, rate):
    """R-peaks (beats,) int64 in samples: where they are seen, all waves added, not where R is centred."""
    reach = int(PEAK_REACH * rate)
    near = np.round(times * rate).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    return near[np.arange(len(near)), np.argmax(lead[near], axis=1)]


def _check(seed, seconds, rate, noise_mv):
    if not isinstance(seed, Integral) or seed < 0:
        raise DataError(f"Found seed {seed!r}, expected a non-negative integer.")
    if not (np.isfinite(seconds) and seconds >= SHORTEST):
        raise DataError(f"Found {seconds} seconds, expected at least {SHORTEST}: room for one beat.")
    if not RATES[0] <= rate <= RATES[1]:
        raise DataError(f"Found a rate of {rate} Hz, expected {RATES[0]} to {RATES[1]}.")
    if not (np.isfinite(noise_mv) and noise_mv >= 0):
        raise DataError(f"Found noise of {noise_mv} mV, expected a finite number of at least 0.")


def _check_abnormal(abnormal):
    unknown = sorted(set(abnormal) - set(ABNORMAL), key=str)
    if unknown:
        raise DataError(f"Found abnormal symbols {unknown}, expected only {list(ABNORMAL)}.")
    for symbol, probability in abnormal.items():
        if not isinstance(probability, Real) or not 0 <= probability <= 1:
            raise DataError(f"Found probability {probability!r} of {symbol!r}, expected a number in [0, 1].")
    total = sum(abnormal.values())
    if total > 1 + 1e-9:
        raise DataError(f"Found abnormal probabilities with sum {total}, expected at most 1.")
