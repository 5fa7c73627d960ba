"""How long does a day's recording take, from raw samples to scored beats, and in how much memory?

python benchmarks/holter.py RECORD [--model MODEL.tflite] [--hours 24]

The samples of a WFDB record of 360 Hz (half an hour of MIT-BIH) are repeated to the hours asked for, and
pushed in blocks as a device would, on one core. So are a quarter of the hours, to show that memory does not
grow with the recording. Then the record is played once, with a clock around each part from the file to the
report, beside what wfdb and NeuroKit2 take for R-peaks alone (``pip install neurokit2``, or they are left
out). Linux only. Writes results/bench-holter.json.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

BLOCK = 10  # s


def push(record, model, hours):
    """Score ``hours`` of the repeated record; seconds, beats and the process's largest memory."""
    import resource

    import wfdb

    from sibeat_edge.model.runtime import Model
    from sibeat_edge.scorer import BeatScorer

    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
    found = wfdb.rdrecord(record, physical=True)
    lead, rate = found.p_signal[:, 0].astype("float32"), int(found.fs)
    scorer, size = BeatScorer(Model(model), rate), BLOCK * rate
    total, beats, alarms, unscored, done = int(hours * 3600 * rate), 0, 0, 0, 0
    started, before = time.perf_counter(), time.process_time()
    while done < total:
        place = done % len(lead)
        block = lead[place : place + min(size, total - done)]
        for beat in scorer.push(block):
            beats, alarms, unscored = beats + 1, alarms + beat.alarm, unscored + (beat.score is None)
        done += len(block)
    beats += len(scorer.finish())
    return {
        "hours": hours,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - before,
        "beats": beats,
        "alarms": alarms,
        "not_scored": unscored,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def apart(options, *more):
    """What this script prints as JSON in a process of its own."""
    command = [sys.executable, __file__, options.record, "--model", options.model, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def show(once):
    """Print the parts and the peers of a record that was played once."""
    whole = sum(once["part_cpu_seconds"].values())
    for name, seconds in once["part_cpu_seconds"].items():
        print(f"{name:24} {seconds:8.3f} s {seconds / whole:6.1%}")
    for name, seconds in once["cpu_seconds"].items():
        print(f"{name:26} {seconds if isinstance(seconds, str) else f'{seconds:8.3f} s'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("record", help="path of a WFDB record without extension")
    parser.add_argument("--model", help="an int8 export; the one that ships by default")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--repeats", type=int, default=5, help="of the parts and the peers")
    parser.add_argument("--once", action="store_true", help="only print a line of JSON")
    parser.add_argument("--parts", action="store_true", help="only the parts and the peers, as JSON")
    options = parser.parse_args()
    if options.model is None:
        from sibeat_edge.report.recording import PRESET

        options.model = str(PRESET)
    if options.once:
        return print(json.dumps(push(options.record, options.model, options.hours)))
    if options.parts:
        from holter_parts import measure

        return print(json.dumps(measure(options.record, options.model, options.repeats)))
    rows = []
    for hours in (options.hours / 4, options.hours):  # each in a process of its own: memory is its largest
        rows.append(apart(options, "--once", "--hours", str(hours)))
        print(", ".join(f"{name} {value:,.1f}" for name, value in rows[-1].items()))
    once = apart(options, "--parts", "--repeats", str(options.repeats))
    show(once)

    from reporting import report

    from keras_sibeat.files import sha256

    result = {
        "record": Path(options.record).name,
        "model": Path(options.model).stem,
        "quarter": rows[0],
        "whole": rows[1],
        "once": once,
    }
    report("bench-holter", result, {Path(options.model).name: sha256(options.model)})


if __name__ == "__main__":
    main()
