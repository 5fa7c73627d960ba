"""Recordings on disk, and a scored one made by hand, for the tests of the edge."""

import numpy as np
import pyedflib
import wfdb

from sibeat_edge.report.excerpts import Excerpts
from sibeat_edge.report.scored import Scored
from sibeat_edge.scorer import Beat

MANIFEST = {
    "name": "tiny",
    "model_sha256": "ab" * 32,
    "signal": {"rate": 360, "leads": ["MLII"], "band": [3.0, 45.0], "order": 108},
    "window": {"before": 140, "after": 180},
    "wearer": None,
    "threshold": {"score": 1.5, "false_alarms_per_hour": 43.6376},
    "expected": {
        "auc": 0.9512,
        "ap": 0.8,
        "auc_record": 0.9786,
        "on": "5 recordings of wearers it has not seen",
        "false_alarms_per_hour": {"mean": 9.6, "median": 3.2, "worst": 41.0},
    },
    "validation": {"auc": 0.99, "ap": 0.9},
    "licence": "MIT",
    "notice": "Not a medical device.",
}


def write_wfdb(folder, name, signal, leads=("MLII",), rate=360, units="mV", gain=1000.0):
    """A WFDB record of format 16; returns its path without extension."""
    count = len(leads)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=[units] * count,
        sig_name=list(leads),
        p_signal=np.asarray(signal, np.float64),
        fmt=["16"] * count,
        adc_gain=[gain] * count,
        baseline=[0] * count,
        write_dir=str(folder),
    )
    return folder / name


def write_edf(path, signals, rates, leads=("MLII",), unit="mV"):
    """An EDF+ file of whole seconds, ±5 of its unit; returns its path."""
    writer = pyedflib.EdfWriter(str(path), len(leads), file_type=pyedflib.FILETYPE_EDFPLUS)
    edges = {"physical_max": 5, "physical_min": -5, "digital_max": 32767, "digital_min": -32768}
    common = {"dimension": unit, "transducer": "", "prefilter": "", **edges}
    for number, (lead, rate) in enumerate(zip(leads, rates, strict=True)):
        writer.setSignalHeader(number, {"label": lead, "sample_frequency": rate, **common})
    writer.writeSamples([np.ascontiguousarray(signal, np.float64) for signal in signals])
    writer.close()
    return path


def scored_example(seconds=60, alarms=(10.0, 11.0, 40.0), heat=True, name="example", warnings=()):
    """A ``Scored`` at 100 Hz with a beat a second; those at ``alarms`` score 2, one is noisy, the rest 1."""
    beats, rate = [], 100
    for time in np.arange(1.0, seconds):
        alarm, reason = time in alarms, "noisy" if time == 20 else ""
        score = None if reason else 2.0 if alarm else 1.0
        residuals = np.linspace(0, score, 320) if heat and score else None
        beats.append(Beat(float(time), score, alarm, reason, 1.0 if time > 1 else None, residuals))
    excerpts = Excerpts(rate)
    signal = np.cos(2 * np.pi * np.arange(seconds * rate) / rate)[:, None] ** 9
    for first in range(0, seconds, 10):
        block = signal[first * rate : (first + 10) * rate]
        excerpts.push(first, block, [beat for beat in beats if first <= beat.time < first + 10])
    excerpts.finish()
    reasons = np.full(seconds, "", dtype=object)
    reasons[20] = "noisy"
    return Scored(
        name=name,
        rate=rate,
        leads=("MLII",),
        seconds=float(seconds),
        manifest=MANIFEST,
        threshold=1.5,
        threshold_from="model",
        threshold_set_for=MANIFEST["threshold"]["false_alarms_per_hour"],
        false_alarms_on_new_wearers=MANIFEST["expected"]["false_alarms_per_hour"],
        beats=beats,
        reasons=reasons,
        warnings=tuple(warnings),
        worst=excerpts.worst,
        strip=excerpts.strip,
    )
