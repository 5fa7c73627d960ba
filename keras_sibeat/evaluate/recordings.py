"""The device's whole way on whole recordings: detected R-peaks, its quality checks, noise, other rates."""

from dataclasses import replace

import numpy as np
from rich.progress import track
from scipy import signal as sps
from wfdb.processing import compare_annotations

from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.detection import TOLERANCE
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import CLASS_MAPS
from keras_sibeat.data.recording import BEAT_SYMBOLS
from keras_sibeat.evaluate.metrics import LEAST_ABNORMAL
from keras_sibeat.train.separation import separation
from sibeat_edge.model.threshold import Threshold
from sibeat_edge.scorer import score_recording
from sibeat_edge.signal.resampling import RATE

SNRS = (24, 18, 12, 6, 0)  # dB
JITTERS = (10, 20, 40)  # ms
RATES = (128, 250, 360, 500)  # Hz
QRS = 18  # samples (50 ms) on either side of an R-peak, between whose extremes its amplitude lies


def annotated_beats(recording, class_map="aami"):
    """Samples at 360 Hz and classes of the annotated beats that the map knows."""
    kept, classes = [], []
    for sample, symbol in zip(recording.annotations.samples, recording.annotations.symbols, strict=True):
        name = next((n for n, symbols in CLASS_MAPS[class_map].items() if symbol in symbols), None)
        if symbol in BEAT_SYMBOLS and name:
            kept.append(sample)
            classes.append(name)
    return np.rint(np.array(kept) * RATE / recording.rate).astype(np.int64), np.array(classes)


def score_detected(model, recording, lead, rate=None, class_map="aami", personal=None):
    """Score a recording as the device does, from its samples, and say what became of every annotated beat.

    Args:
        model: a ``sibeat_edge.model.runtime.Model``.
        recording: with annotations.
        lead: name of the lead to score.
        rate: Hz that the samples are resampled to first, as if the device had recorded them so.
        personal: as for ``BeatScorer``.

    Returns a dictionary of arrays: ``classes`` (beats,), ``scores`` (beats,), -inf where a beat was missed
    or given no score, ``alarms`` (beats,), ``found`` and ``scored`` (beats,), ``times`` (beats,) of the
    annotations, s, and the same of the detections that no annotated beat explains: ``false`` (detections,),
    their scores, ``false_alarms`` and ``false_times``.
    """
    samples = recording.signal[:, recording.leads.index(lead)].astype(np.float64)
    if rate is not None and rate != recording.rate:
        samples = sps.resample_poly(samples, int(rate), int(recording.rate))
    beats = score_recording(model, samples, rate or recording.rate, personal=personal)
    peaks = np.array([round(beat.time * RATE) for beat in beats], np.int64)
    values = np.array([-np.inf if beat.score is None else beat.score for beat in beats])
    alarms = np.array([beat.alarm for beat in beats], bool)
    annotated, classes = annotated_beats(recording, class_map)
    match = _match(annotated, peaks)
    scores = np.append(values, -np.inf)[match]
    unexplained = ~np.isin(np.arange(len(peaks)), match)
    return {
        "classes": classes,
        "scores": scores,
        "alarms": np.append(alarms, False)[match],
        "found": match >= 0,
        "scored": np.isfinite(scores),
        "times": annotated / RATE,
        "false": values[unexplained],
        "false_alarms": alarms[unexplained],
        "false_times": peaks[unexplained] / RATE,
    }


def _match(annotated, peaks):
    """For each annotated beat the number of the detection within 150 ms, or -1 (ANSI/AAMI EC57)."""
    if not len(annotated) or not len(peaks):
        return np.full(len(annotated), -1)
    return np.asarray(compare_annotations(annotated, peaks, int(TOLERANCE * RATE)).matching_sample_nums)


def score_annotated(model, recording, lead, jitter=0.0, seed=0, class_map="aami"):
    """The same of windows cut at the annotated R-peaks, each moved by up to ``jitter`` ms either way.

    They are cut as for training, so without the checks of the signal's quality.
    """
    manifest, marks = model.manifest, recording.annotations
    most = round(jitter * recording.rate / 1000)
    steps = np.random.default_rng(seed).integers(-most, most + 1, len(marks.samples))
    moved = replace(recording, annotations=replace(marks, samples=marks.samples + steps))
    beats = extract_beats(
        moved,
        Preprocessing(
            leads=(lead,),
            **manifest["window"],
            band=tuple(manifest["signal"]["band"]),
            order=manifest["signal"]["order"],
            waits=manifest["wearer"] and manifest["wearer"]["waits"],
        ),
    )
    annotated, classes = annotated_beats(moved, class_map)
    found = dict(zip(beats.samples.tolist(), zip(*beats.arrays, strict=True), strict=True))
    views = [found.get(sample) for sample in annotated.tolist()]
    scores = np.array([-np.inf if view is None else model.score(*view) for view in views])
    threshold, none = Threshold(manifest), np.zeros(0)
    threshold.learn(scores[np.isfinite(scores)].tolist())
    return {
        "classes": classes,
        "scores": scores,
        "alarms": scores > threshold.score,
        "found": np.ones(len(annotated), bool),
        "scored": np.isfinite(scores),
        "times": annotated / RATE,
        "false": none,
        "false_alarms": none.astype(bool),
        "false_times": none,
    }


def summarise_records(records, hours):
    """Metrics over the rows of several records, of ``hours`` in all.

    A missed abnormal beat, or one given no score, ranks lowest of all. A false detection that was given a
    score counts as a normal beat; one without, which raises no alarm, does not count. ``auc_record`` is the
    mean of the AUCs of the records with at least 10 abnormal beats.
    """
    rows = {name: np.concatenate([row[name] for row in records]) for name in records[0]}
    is_abnormal = rows["classes"] != "N"
    aucs = [_separation(row)["auc"] for row in records if np.sum(row["classes"] != "N") >= LEAST_ABNORMAL]
    return {
        **_separation(rows),
        "auc_record": float(np.nanmean(aucs)) if np.isfinite(aucs).any() else None,
        "sensitivity": float(rows["alarms"][is_abnormal].mean()),
        "false_alarms_per_hour": float(
            (rows["alarms"][~is_abnormal].sum() + rows["false_alarms"].sum()) / hours
        ),
        "beats": len(rows["classes"]),
        "abnormal": int(is_abnormal.sum()),
        "missed": int(np.sum(~rows["found"])),
        "missed_abnormal": int(np.sum(~rows["found"] & is_abnormal)),
        "unscored": int(np.sum(rows["found"] & ~rows["scored"])),
        "unscored_abnormal": int(np.sum(rows["found"] & ~rows["scored"] & is_abnormal)),
        "false_detections": len(rows["false"]),
    }


def _separation(row):
    false = row["false"][np.isfinite(row["false"])]
    scores = np.concatenate([row["scores"], false])
    lowest = np.min(scores[np.isfinite(scores)], initial=0.0) - 1
    labels = np.concatenate([row["classes"] != "N", np.zeros(len(false), bool)])
    return separation(np.where(np.isfinite(scores), scores, lowest), labels)


def add_noise(recording, noise, snr, lead):
    """The recording with ``noise`` (samples,) added to its lead at a signal-to-noise ratio in dB.

    As PhysioNet's ``nst`` defines it for the Noise Stress Test Database (Moody, Muldrow and Mark 1984): the
    signal's power is an eighth of its squared mean QRS amplitude, peak to peak, the noise's that around its
    mean of each second. The noise is repeated where it is shorter.
    """
    column = recording.leads.index(lead)
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
    return type(recording)(
        recording.name, signal.astype(np.float32), recording.rate, recording.leads, recording.annotations
    )


def conditions(noises):
    """Every condition of the robustness table by name: a function of model, recording and lead to a row."""
    rows = {"annotated R-peaks": score_annotated, "detected R-peaks": score_detected}
    for name, noise in noises.items():
        for snr in SNRS:
            rows[f"{name}, {snr} dB"] = lambda model, recording, lead, noise=noise, snr=snr: score_detected(
                model, add_noise(recording, noise, snr, lead), lead
            )
    for jitter in JITTERS:
        rows[f"R-peaks ± {jitter} ms"] = lambda model, recording, lead, jitter=jitter: score_annotated(
            model, recording, lead, jitter
        )
    for rate in RATES:
        rows[f"{rate} Hz"] = lambda model, recording, lead, rate=rate: score_detected(
            model, recording, lead, rate
        )
    return rows


def measure_robustness(model, recordings, noises, lead):
    """The whole table: metrics of the ``recordings`` under each of the ``conditions``, by its name."""
    recordings = list(recordings)
    hours = sum(len(recording.signal) / recording.rate for recording in recordings) / 3600
    return {
        name: summarise_records([run(model, r, lead) for r in recordings], hours)
        for name, run in track(conditions(noises).items(), "conditions")
    }
