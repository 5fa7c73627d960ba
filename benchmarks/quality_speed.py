"""What share of a beat's time do the signal-quality index and the judgement of alarms take?

python benchmarks/quality_speed.py RECORD [--model MODEL.tflite] [--repeats 5]

A WFDB record is scored as a device would, on one core, with a clock around what judges the signal: the
alignment that measures a beat's likeness, the stretch, and the evidence for an alarm. Their time is compared
with all the rest of a beat's. Writes results/bench-quality-speed.json.
"""

import argparse
import functools
import os
import time
from pathlib import Path

from reporting import report

from keras_sibeat.data.recording import read_recording
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.files import sha256
from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.evidence import Evidence
from sibeat_edge.beats.stretch import Stretch
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET
from sibeat_edge.scorer import score_recording

TIMED = {"alignment": (Aligner, "push"), "stretch": (Stretch, "push"), "evidence": (Evidence, "push")}


def clocked(spent, name, method):
    """The method, with the time it takes added to ``spent[name]``, s."""

    @functools.wraps(method)
    def timed(*arguments):
        started = time.perf_counter()
        found = method(*arguments)
        spent[name] += time.perf_counter() - started
        return found

    return timed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", type=Path, help="path of a WFDB record without extension")
    parser.add_argument("--model", type=Path, default=PRESET, help="an int8 export; by default what ships")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    recording = read_recording(options.record, None)
    lead = recording.signal[:, 0].astype("float64")
    spent = dict.fromkeys(TIMED, 0.0)
    for name, (kind, method) in TIMED.items():
        setattr(kind, method, clocked(spent, name, getattr(kind, method)))
    rows = []
    for _ in range(options.repeats):
        spent.update(dict.fromkeys(TIMED, 0.0))
        started = time.perf_counter()
        beats = len(score_recording(Model(options.model), lead, recording.rate))
        whole = time.perf_counter() - started
        row = {f"{name}_us": 1e6 * seconds / beats for name, seconds in spent.items()}
        row["rest_us"] = 1e6 * (whole - sum(spent.values())) / beats
        row["share"] = sum(spent.values()) / (whole - sum(spent.values()))
        rows.append(row)
        print(", ".join(f"{name} {value:.3g}" for name, value in row.items()))
    result = {
        "record": options.record.name,
        "model": options.model.stem,
        "repeats": options.repeats,
        **summarise(rows),
    }
    report("bench-quality-speed", result, {options.model.name: sha256(options.model)})


if __name__ == "__main__":
    main()
