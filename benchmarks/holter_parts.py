"""Where the time of a half hour goes, from the file to the report, and how long other packages take for less.

The peers find R-peaks: ``xqrs`` of wfdb, and NeuroKit2's ``ecg_clean`` with ``ecg_peaks``, and its
``ecg_process``. NeuroKit2 is optional: ``pip install neurokit2``.
"""

import importlib
import time
from pathlib import Path
from statistics import median

import numpy as np
from clock import clocked

from sibeat_edge.beats import stream
from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.judge import Judge
from sibeat_edge.beats.stretch import Stretch
from sibeat_edge.beats.wearer import Wearer
from sibeat_edge.model import views
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.record import read_record
from sibeat_edge.report.recording import BLOCK, score_record
from sibeat_edge.scorer import BeatScorer, score_recording
from sibeat_edge.signal.contact import Contact
from sibeat_edge.signal.filters import BandPass, FillMissing
from sibeat_edge.signal.resampling import Resampler
from sibeat_edge.signal.rpeaks import RPeakDetector

PARTS = {
    "filters_and_rpeaks": [
        *((stage, name) for stage in (FillMissing, Resampler, BandPass) for name in ("push", "finish")),
        *((RPeakDetector, name) for name in ("track", "track_end")),
    ],
    "quality": [(Contact, "push"), (Aligner, "place"), (Stretch, "push"), (stream, "noise_reasons")],
    "template_and_features": [
        *((Wearer, name) for name in ("push", "pause", "interrupt", "finish")),
        (views, "forms"),
    ],
    "model": [(Model, "scores")],
    "judging": [(Judge, name) for name in ("push", "finish", "settled")],
    "joining": [(BeatScorer, "push"), (BeatScorer, "finish")],
}


class Played:
    """A record whose blocks have been read already."""

    def __init__(self, record):
        self._record, self._blocks = record, list(record.blocks(BLOCK))

    def __getattr__(self, name):
        return getattr(self._record, name)

    def blocks(self, seconds):
        return iter(self._blocks)


def measure_parts(record: str, model: Model, repeats: int) -> dict[str, float]:
    """CPU seconds of each part, the median of the repeats; ``report`` is what the other parts leave."""
    rows = []
    for _ in range(repeats):
        started = time.process_time()
        played = Played(read_record(record, leads_of(record), None, model.manifest["signal"]["leads"]))
        row = {"reading": time.process_time() - started}
        with clocked(PARTS) as spent:
            started = time.process_time()
            score_record(played, model)
            whole = time.process_time() - started
        rows.append({**row, **spent, "report": whole - sum(spent.values())})
    return {name: median(row[name] for row in rows) for name in rows[0]}


def leads_of(record: str) -> str:
    """The first lead of a WFDB record, whatever its name."""
    import wfdb

    return wfdb.rdheader(record).sig_name[0]


def measure_peers(lead: np.ndarray, rate: int, model: Model, repeats: int) -> dict[str, float | str]:
    """CPU seconds of each peer for the same samples, side by side, the median of the repeats.

    A package that is absent has the reason instead of a number. ``ecg_process`` runs once, as it takes long.
    """
    calls = {"sibeat_beats": lambda: score_recording(model, lead, rate), **_peers(lead, rate)}
    found: dict[str, list[float]] = {name: [] for name, call in calls.items() if callable(call)}
    for turn in range(repeats):
        for name, taken in found.items():
            if turn and name == "neurokit2_process":
                continue
            started = time.process_time()
            calls[name]()
            taken.append(time.process_time() - started)
    return {**calls, **{name: median(taken) for name, taken in found.items()}}


def _peers(lead, rate):
    from wfdb.processing import xqrs_detect

    calls = {"wfdb_xqrs": lambda: xqrs_detect(lead, rate, verbose=False)}
    try:
        nk = importlib.import_module("neurokit2")
    except ImportError:
        absent = "not measured: neurokit2 is not installed"
        return {**calls, "neurokit2_clean_and_peaks": absent, "neurokit2_process": absent}
    return {
        **calls,
        "neurokit2_clean_and_peaks": lambda: nk.ecg_peaks(
            nk.ecg_clean(lead, sampling_rate=rate), sampling_rate=rate
        ),
        "neurokit2_process": lambda: nk.ecg_process(lead, sampling_rate=rate),
    }


def measure(record: str, model_file: str, repeats: int) -> dict:
    """The parts and the peers of one record, and their ratios."""
    import wfdb

    model, found = Model(model_file), wfdb.rdrecord(record, physical=True)
    lead, rate = found.p_signal[:, 0].astype(float), int(found.fs)
    parts, peers = measure_parts(record, model, repeats), measure_peers(lead, rate, model, repeats)
    own, peer = peers["sibeat_beats"], peers["neurokit2_clean_and_peaks"]
    ratio = own / peer if isinstance(peer, float) else peer
    return {
        "record": Path(record).name,
        "seconds": len(lead) / rate,
        "repeats": repeats,
        "part_cpu_seconds": parts,
        "cpu_seconds": peers,
        "beats_over_clean_and_peaks": ratio,
    }
