"""The device's whole way on whole recordings: detected R-peaks, its quality checks, noise, other rates."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import signal as sps

from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.detection import match_beats
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import CLASS_MAPS
from keras_sibeat.data.recording import BEAT_SYMBOLS, Annotations, Recording
from keras_sibeat.errors import DataError
from keras_sibeat.evaluate.alarms import alarm_rates
from keras_sibeat.evaluate.metrics import LEAST_ABNORMAL, separation_with_unscored
from keras_sibeat.evaluate.quality import saved_and_lost, share
from sibeat_edge.beats.template import WARM_UP
from sibeat_edge.model.manifest import Manifest
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import Threshold
from sibeat_edge.scorer import score_recording
from sibeat_edge.signal.resampling import RATE

Row = dict[str, Any]  # what became of a recording's beats, as ``score_detected`` returns it


def annotated_beats(recording: Recording, class_map: str = "aami") -> tuple[np.ndarray, np.ndarray]:
    """Samples at 360 Hz and classes of the annotated beats that the map knows.

    Raises ``DataError`` for a recording without annotations.
    """
    marks, kept, classes = _annotations(recording), [], []
    for sample, symbol in zip(marks.samples, marks.symbols, strict=True):
        name = next((n for n, symbols in CLASS_MAPS[class_map].items() if symbol in symbols), None)
        if symbol in BEAT_SYMBOLS and name:
            kept.append(sample)
            classes.append(name)
    return np.rint(np.array(kept) * RATE / recording.rate).astype(np.int64), np.array(classes)


def _annotations(recording: Recording) -> Annotations:
    if recording.annotations is None:
        raise DataError(f"Record {recording.name}: found no annotations; expected the beats' symbols.")
    return recording.annotations


def score_detected(
    model: Model,
    recording: Recording,
    lead: str | None = None,
    rate: float | None = None,
    class_map: str = "aami",
    personal: int | None = None,
) -> Row:
    """Score a recording as the device does, from its samples, and say what became of every annotated beat.

    Args:
        recording: with annotations.
        lead: name of the lead to score; the first one if None.
        rate: Hz that the samples are resampled to first, as if the device had recorded them so.
        personal: as for ``BeatScorer``.

    Returns the names of the ``record`` and its ``wearer``, its ``hours``, and arrays. Of the annotated beats,
    each ``(beats,)``: ``classes``, ``scores``, -inf where a beat was missed or given no score, ``alarms``,
    ``over``, whether the score lies above the threshold, believed or not, ``snr``, dB, NaN if not known,
    ``found``, ``scored`` and ``times``, s. Of the detections that no annotated beat explains, each
    ``(detections,)``: ``false``, their scores, ``false_alarms``, ``false_over``, ``false_snr`` and
    ``false_times``.
    """
    column = recording.leads.index(lead or recording.leads[0])
    samples = recording.signal[:, column].astype(np.float64)
    if rate is not None and rate != recording.rate:
        samples = sps.resample_poly(samples, int(rate), int(recording.rate))
    beats = score_recording(model, samples, rate or recording.rate, personal=personal)
    peaks = np.array([round(beat.time * RATE) for beat in beats], np.int64)
    values = np.array([-np.inf if beat.score is None else beat.score for beat in beats])
    alarms = np.array([beat.alarm for beat in beats], bool)
    over = np.array([beat.above for beat in beats], bool)
    snr = np.array([np.nan if beat.snr is None else beat.snr for beat in beats])
    annotated, classes = annotated_beats(recording, class_map)
    match = match_beats(annotated, peaks)
    scores = np.append(values, -np.inf)[match]
    unexplained = ~np.isin(np.arange(len(peaks)), match)
    return {
        "record": recording.name,
        "wearer": recording.person,
        "hours": _hours(recording),
        "classes": classes,
        "scores": scores,
        "alarms": np.append(alarms, False)[match],
        "over": np.append(over, False)[match],
        "snr": np.append(snr, np.nan)[match],
        "found": match >= 0,
        "scored": np.isfinite(scores),
        "times": annotated / RATE,
        "false": values[unexplained],
        "false_alarms": alarms[unexplained],
        "false_over": over[unexplained],
        "false_snr": snr[unexplained],
        "false_times": peaks[unexplained] / RATE,
    }


def _hours(recording):
    return len(recording.signal) / recording.rate / 3600


def score_annotated(
    model: Model,
    recording: Recording,
    lead: str | None = None,
    jitter: float = 0.0,
    seed: int = 0,
    class_map: str = "aami",
) -> Row:
    """The same of windows cut at the annotated R-peaks, each moved by up to ``jitter`` ms either way.

    They are cut as for training, so without the checks of the signal's quality. The threshold is the device's
    (``alarms_in_time``), and every score above it counts as an alarm: nothing is doubted.
    """
    manifest, marks = model.manifest, _annotations(recording)
    most = round(jitter * recording.rate / 1000)
    steps = np.random.default_rng(seed).integers(-most, most + 1, len(marks.samples))
    moved = replace(recording, annotations=replace(marks, samples=marks.samples + steps))
    beats = extract_beats(
        moved,
        Preprocessing(
            leads=(lead,) if lead else "first",
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
    scored, alarms, none = np.isfinite(scores), np.zeros(len(scores), bool), np.zeros(0)
    alarms[scored] = alarms_in_time(scores[scored], manifest)
    return {
        "record": recording.name,
        "wearer": recording.person,
        "hours": _hours(recording),
        "classes": classes,
        "scores": scores,
        "alarms": alarms,
        "over": alarms,
        "snr": np.full(len(scores), np.nan),
        "found": np.ones(len(annotated), bool),
        "scored": scored,
        "times": annotated / RATE,
        "false": none,
        "false_alarms": none.astype(bool),
        "false_over": none.astype(bool),
        "false_snr": none,
        "false_times": none,
    }


def alarms_in_time(scores: np.ndarray, manifest: Manifest, personal: int | None = None) -> np.ndarray:
    """Which of a recording's ``scores`` (beats,), in order of time, lie above the device's threshold.

    Each score is judged by the threshold that holds when it becomes certain, and no alarm is taken back: the
    model's threshold, and the wearer's own as soon as ``personal`` scores are known. The scores of a wearer's
    warm-up become certain together, at its end, so the own threshold is learnt from them before the first of
    them is judged.

    Args:
        manifest: the model's.
        personal: as for ``Threshold``.
    """
    threshold, together = Threshold(manifest, personal=personal), WARM_UP if manifest["wearer"] else 1
    alarms = np.zeros(len(scores), bool)
    for first in (0, *range(together, len(scores))):
        certain = slice(first, together if first == 0 else first + 1)
        threshold.learn(scores[certain].tolist())
        alarms[certain] = scores[certain] > threshold.score
    return alarms


def summarise_records(rows: Sequence[Row]) -> dict[str, Any]:
    """Metrics over the rows of several records.

    - ``auc`` and ``ap``, of ``separation_with_unscored``, and ``auc_record``, the mean AUC of the records
      with at least 10 abnormal beats. A false detection with a score counts as a normal beat.
      ``auc_record_scored`` is that of the beats with a score alone; ``auc_record_lowest`` has a beat
      without a score below all others, normal or not, as in a list of a recording's oddest beats.
    - ``coverage_normal`` and ``coverage_abnormal``: the shares of the annotated beats that got a score.
    - ``sensitivity``: alarms over all annotated abnormal beats, missed and unscored ones among them;
      ``sensitivity_CLASS``: the same of each abnormal class.
    - false alarms in a recorded hour, of ``alarm_rates``: normal beats and false detections.
    - counts of beats, and ``saved_and_lost``.

    What cannot be measured for want of such beats is None, or not among them.
    """
    columns = [name for name in rows[0] if name not in ("record", "wearer", "hours")]
    all_rows = {name: np.concatenate([row[name] for row in rows]) for name in columns}
    is_abnormal = all_rows["classes"] != "N"
    ranked = [row for row in rows if np.sum(row["classes"] != "N") >= LEAST_ABNORMAL]
    false = [np.sum(row["alarms"] & (row["classes"] == "N")) + row["false_alarms"].sum() for row in rows]
    unscored = all_rows["found"] & ~all_rows["scored"]
    return {
        **_separation(all_rows),
        "auc_record": _mean_auc(ranked),
        "auc_record_scored": _mean_auc([_scored(row) for row in ranked]),
        "auc_record_lowest": _mean_auc([_lowest(row) for row in ranked]),
        "coverage_normal": share(all_rows["scored"][~is_abnormal]),
        "coverage_abnormal": share(all_rows["scored"][is_abnormal]),
        "sensitivity": share(all_rows["alarms"][is_abnormal]),
        **_per_class(all_rows["alarms"], all_rows["classes"]),
        **alarm_rates([row["wearer"] for row in rows], false, [row["hours"] for row in rows]),
        "beats": len(is_abnormal),
        "abnormal": int(is_abnormal.sum()),
        "missed": int(np.sum(~all_rows["found"])),
        "missed_abnormal": int(np.sum(~all_rows["found"] & is_abnormal)),
        "unscored": int(unscored.sum()),
        "unscored_abnormal": int(np.sum(unscored & is_abnormal)),
        "false_detections": len(all_rows["false"]),
        **saved_and_lost(all_rows),
    }


def _mean_auc(rows):
    aucs = [metrics["auc"] for metrics in map(_separation, rows) if metrics]
    return float(np.mean(aucs)) if aucs else None


def _scored(row):
    """Of the columns that tell how beats rank, the beats with a score."""
    return {**row, "classes": row["classes"][row["scored"]], "scores": row["scores"][row["scored"]]}


def _lowest(row):
    """Of the columns that tell how beats rank, all beats, those without a score below the others."""
    known = np.concatenate([row["scores"], row["false"]])
    lowest = np.min(known[np.isfinite(known)], initial=0.0) - 1
    return {**row, "scores": np.where(row["scored"], row["scores"], lowest)}


def _per_class(alarms, classes):
    abnormal = sorted(set(classes) - {"N"})
    return {f"sensitivity_{name}": share(alarms[classes == name]) for name in abnormal}


def _separation(row):
    false = row["false"][np.isfinite(row["false"])]
    labels = np.concatenate([row["classes"] != "N", np.zeros(len(false), bool)])
    return separation_with_unscored(np.concatenate([row["scores"], false]), labels)
