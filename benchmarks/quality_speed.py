"""What share of a beat's time do the signal-quality index, and the judgement of beats, take?

python benchmarks/quality_speed.py RECORD [--model MODEL.tflite] [--repeats 5]

A WFDB record is scored as a device would, on one core, with a clock around what judges the signal (the
alignment that measures a beat's likeness, the stretch, the beats' forms, and the evidence for an alarm), and
around what judges the beats (their kinds, their timing, and the runs of the model that these need). Each is
compared with the time of all the rest. Writes results/bench-quality-speed.json.
"""

import argparse
import os
import time
from pathlib import Path

from clock import clocked
from reporting import report

from keras_sibeat.data.recording import read_recording
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.files import sha256
from sibeat_edge import scorer
from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.evidence import Evidence
from sibeat_edge.beats.judge import Judge
from sibeat_edge.beats.stretch import Stretch
from sibeat_edge.model import views
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET
from sibeat_edge.scorer import score_recording

INDEX = {
    "alignment": [(Aligner, "place")],
    "stretch": [(Stretch, "push")],
    "evidence": [(Evidence, "push")],
    "forms": [(views, "forms")],
}
JUDGEMENT = {
    "kinds_and_timing": [(Judge, "push")],
    "model_at_another_time": [(views, "of_template")],
    "model_of_another_shape": [(scorer, "on_time")],
}


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
    rows = []
    for _ in range(options.repeats):
        with clocked(INDEX | JUDGEMENT) as spent:
            started = time.process_time()
            beats = len(score_recording(Model(options.model), lead, recording.rate))
            whole = time.process_time() - started
        row = {f"{name}_us": 1e6 * seconds / beats for name, seconds in spent.items()}
        index, judgement = (sum(spent[name] for name in names) for names in (INDEX, JUDGEMENT))
        row["rest_us"] = 1e6 * (whole - index - judgement) / beats
        row["index_share"] = index / (whole - index - judgement)
        row["judgement_share"] = judgement / (whole - judgement)
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
