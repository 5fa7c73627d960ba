"""The conditions of the robustness table: recorded noise, R-peaks off their place, other sampling rates."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from rich.progress import track

from keras_sibeat.data.recording import Recording
from keras_sibeat.evaluate.recordings import (
    Row,
    annotated_beats,
    score_annotated,
    score_detected,
    summarise_records,
)
from sibeat_edge.model.runtime import Model
from sibeat_edge.signal.resampling import RATE

SNRS = (24, 18, 12, 6, 0)  # dB
JITTERS = (10, 20, 40)  # ms
RATES = (128, 250, 360, 500)  # Hz
QRS = 18  # samples (50 ms) on either side of an R-peak, between whose extremes its amplitude lies

Condition = Callable[[Model, Recording, str | None], Row]  # from a model, a recording and a lead


def add_noise(recording: Recording, noise: np.ndarray, snr: float, lead: str | None = None) -> Recording:
    """The recording with ``noise`` (samples,) added to a lead, the first if None, at a ratio in dB.

    As PhysioNet's ``nst`` defines it for the Noise Stress Test Database (Moody, Muldrow and Mark 1984): the
    signal's power is an eighth of its squared mean QRS amplitude, peak to peak, the noise's that around its
    mean of each second. The noise is repeated where it is shorter.
    """
    column = recording.leads.index(lead or recording.leads[0])
    signal = recording.signal.astype(np.float64)
    samples = np.resize(np.asarray(noise, np.float64), len(signal))
    peaks, _ = annotated_beats(recording)
    at = np.rint(peaks * recording.rate / RATE).astype(int)
    reach = round(QRS * recording.rate / RATE)
    at = at[(at >= reach) & (at + reach < len(signal))]
    amplitude = np.mean(np.ptp(signal[at[:, None] + np.arange(-reach, reach + 1), column], axis=1))
    second = int(recording.rate)
    seconds = samples[: len(samples) // second * second].reshape(-1, second)
    power = np.mean(np.square(seconds - seconds.mean(axis=1, keepdims=True)))
    gain = np.sqrt(amplitude**2 / 8 / (power * 10 ** (snr / 10)))
    signal[:, column] += gain * samples
    return replace(recording, signal=signal.astype(np.float32))


def conditions(noises: Mapping[str, np.ndarray]) -> dict[str, Condition]:
    """Every condition of the robustness table by name."""
    rows: dict[str, Condition] = {"annotated R-peaks": score_annotated, "detected R-peaks": score_detected}
    for name, noise in noises.items():
        rows |= {f"{name}, {snr} dB": partial(_score_noisy, noise=noise, snr=snr) for snr in SNRS}
    rows |= {f"R-peaks ± {jitter} ms": partial(score_annotated, jitter=jitter) for jitter in JITTERS}
    return rows | {f"{rate} Hz": partial(score_detected, rate=rate) for rate in RATES}


def _score_noisy(model, recording, lead, noise, snr):
    return score_detected(model, add_noise(recording, noise, snr, lead), lead)


def measure_robustness(
    model: Model,
    recordings: Iterable[Recording],
    noises: Mapping[str, np.ndarray],
    lead: str | None = None,
) -> dict[str, dict[str, float | int | None]]:
    """The whole table: metrics of the ``recordings`` under each of the ``conditions``, by its name.

    The ``lead`` is the first one if None.
    """
    recordings = list(recordings)
    return {
        name: summarise_records([condition(model, recording, lead) for recording in recordings])
        for name, condition in track(conditions(noises).items(), "conditions")
    }
