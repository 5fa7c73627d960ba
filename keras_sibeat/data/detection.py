"""How well the R-peak detector finds the annotated beats of a database."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.progress import track
from wfdb.processing import compare_annotations

from keras_sibeat.data.recording import Recording
from sibeat_edge.reading.leads import find_lead
from sibeat_edge.signal.filters import BandPass, FillMissing, bridgeable, process
from sibeat_edge.signal.resampling import RATE, Resampler
from sibeat_edge.signal.rpeaks import RPeakDetector

TOLERANCE = 0.15  # s (ANSI/AAMI EC57)


def detect_rpeaks(recording: Recording, lead: str, is_sensitive: bool = False) -> np.ndarray:
    """R-peaks (int64, in samples at 360 Hz) of one lead of a ``Recording``, by the edge's whole pipeline.

    Args:
        is_sensitive: whether by the detector of models that know their wearer.
    """
    signal = process(
        FillMissing(bridgeable(recording.rate)), recording.signal[:, [recording.leads.index(lead)]]
    )
    filtered = process(BandPass(), process(Resampler(recording.rate), signal))[:, 0]
    return process(RPeakDetector(is_sensitive), filtered)


def match_beats(beats: np.ndarray, peaks: np.ndarray, rate: float = RATE) -> np.ndarray:
    """For each of the ``beats`` (n,) the number of the peak within 150 ms of it, or -1; by ``wfdb``.

    Args:
        beats, peaks: samples at ``rate``, in order.
        rate: Hz.
    """
    if not len(beats) or not len(peaks):
        return np.full(len(beats), -1)
    return np.asarray(compare_annotations(beats, peaks, int(TOLERANCE * rate)).matching_sample_nums)


def measure_detector(
    recordings: Iterable[Recording], lead: str = "MLII", is_sensitive: bool = False
) -> dict[str, dict[str, float]]:
    """Compare detected R-peaks with the annotated beats, within 150 ms, on whole recordings.

    Nothing is left out, neither the first minutes nor ventricular flutter: its waves are not annotated as
    beats, so each one that the detector finds is a false detection. A record without ``lead`` is judged by
    its first lead.

    Returns a mapping of record to beats, missed, false, sensitivity and positive predictivity; the row
    ``all`` sums over the records.
    """
    rows = {}
    for recording in track(list(recordings), "R-peaks"):
        found = recording.leads[find_lead(lead, recording.leads) or 0]
        peaks = detect_rpeaks(recording, found, is_sensitive)
        beats = np.rint(recording.beats().samples * RATE / recording.rate).astype(np.int64)
        hits = np.count_nonzero(match_beats(beats, peaks) >= 0)
        rows[recording.name] = _row(len(beats), len(beats) - hits, len(peaks) - hits)
    totals = [sum(row[key] for row in rows.values()) for key in ("beats", "missed", "false")]
    return {**rows, "all": _row(*totals)}


def measured_name(folder: Path, is_sensitive: bool) -> str:
    """Name of the result that tells how well the detector does on the records of a ``folder``."""
    return f"rpeaks-{folder.name}{'-sensitive' if is_sensitive else ''}"


def _row(beats, missed, false):
    hits = beats - missed
    return {
        "beats": int(beats),
        "missed": int(missed),
        "false": int(false),
        "sensitivity": hits / beats if beats else float("nan"),
        "positive_predictivity": hits / (hits + false) if hits + false else float("nan"),
    }
