"""Does the firmware's C tell the same of whole recordings as the scorer in Python?

python benchmarks/firmware_replay.py DATA [--databases mitdb svdb] [--records NAME …]

DATA holds the folders mitdb and svdb. All of their records are played, at their own rate, to ``BeatScorer``
and to the compiled C of the default preset's bundle, which takes them as the integers of the files. Every
difference is counted. Beside them stands what ANSI/AAMI EC57 counts of both on DS2. Needs gcc.
Writes results/bench-firmware-replay.json.
"""

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from reporting import HERE, report

from keras_sibeat.data.mitbih import DS2
from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.recording import read_recording
from keras_sibeat.evaluate.decision_figures import summarise_decisions
from keras_sibeat.evaluate.decisions import decide, lead_of
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.export.agreement import differences
from keras_sibeat.export.native import NativeScorer, build
from keras_sibeat.files import sha256
from sibeat_edge.beats.episodes import AlarmPolicy, Episodes
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET
from sibeat_edge.scorer import BeatScorer, revise
from sibeat_edge.signal.resampling import RATE

GENERATED = HERE.parent / "export" / "firmware"
DATABASES = ("mitdb", "svdb")
UNIT = 1 / 200  # mV of an integer of both databases
LOWEST = -32768  # the integer that is a missing sample
SHOWN = ("beats", "missing", "added", "decisions", "kind", "alarm", "one_level", "more_levels", "episodes")
FIGURES = ("veb_se", "veb_pp", "sveb_se", "sveb_pp", "f1", "false_alarms_mean", "told_mean", "burden_error")


class Heard:
    """A scorer of which the beats are kept, as first and as last judged."""

    def __init__(self, scorer, integers=False):
        self.scorer, self._integers = scorer, integers
        self.first, self.last, self.revisions, self.seconds = [], [], [], 0.0

    def _hear(self, call, *arguments):
        started = time.process_time()
        beats = call(*arguments)
        self.seconds += time.process_time() - started
        self.revisions = self.scorer.revisions
        self.first += beats
        self.last += beats
        revise(self.last, self.revisions)
        return beats

    def push(self, samples):
        """As the scorer's."""
        return self._hear(self.scorer.push, as_integers(samples) if self._integers else samples)

    def finish(self):
        """As the scorer's."""
        return self._hear(self.scorer.finish)


def as_integers(samples):
    """Samples in mV as the integers of the file."""
    known = np.isfinite(samples)
    integers = np.rint(np.where(known, samples, 0.0) / UNIT)
    if np.abs(integers * UNIT - np.where(known, samples, 0.0)).max(initial=0.0) > UNIT / 100:
        raise SystemExit(f"firmware_replay: found samples that are no multiples of {UNIT} mV.")
    return np.where(known, integers, LOWEST).astype(np.int16)


def told(beats):
    """The episodes that a device tells of ``beats`` as they are judged first."""
    episodes, policy = Episodes(), AlarmPolicy()
    return [told for beat in beats for told in policy.push(episodes.push(beat), beat.time)]


def counted(episodes):
    """Episodes as counts of what, begin and end, in samples."""
    return Counter((e.what, round(e.start * RATE), e.end and round(e.end * RATE)) for e in episodes)


def play(model, library, path):
    """What Python and C decide about a record, and the counts of what differs."""
    recording = replace(read_recording(path), name=path.name)
    scorers = [BeatScorer(model, recording.rate), NativeScorer(library, int(recording.rate), UNIT)]
    heard = [Heard(scorers[0]), Heard(scorers[1], integers=True)]
    decided = [decide(model, recording, scorer) for scorer in heard]
    numbers = model.manifest["score"]
    last = differences(heard[0].last, heard[1].last, numbers)
    first = differences(heard[0].first, heard[1].first, numbers)
    of_python, of_c = counted(told(heard[0].first)), counted(scorers[1].alarms)
    found = {**last, **{f"{name}_first": first[name] for name in ("decisions", "kind", "alarm", "irregular")}}
    found["episodes"] = ((of_python - of_c) + (of_c - of_python)).total()
    found["told"] = of_python.total()
    found["alarms_python"], found["alarms_c"] = (sum(beat.alarm for beat in each.last) for each in heard)
    found["seconds"] = len(lead_of(model, recording)) / recording.rate
    found |= {
        f"cpu_seconds_{name}": round(each.seconds, 2)
        for name, each in zip(("python", "c"), heard, strict=True)
    }
    return decided, found


def sums(rows):
    """All rows' counts, added."""
    total: Counter = Counter()
    for row in rows:
        total.update(row)
    return {name: round(value, 1) for name, value in total.items()}


def ec57(decided):
    """EC57's figures of both on those of DS2 among MIT-BIH's records."""
    those = [record for record in decided if record in DS2]
    found = {}
    for place, who in enumerate(("python", "c") if those else ()):
        metrics = summarise_decisions([decided[record][place] for record in those])
        found[who] = summarise([{key: metrics[key] for key in FIGURES if key in metrics}])
        print(f"DS2 by {who:8}", *(f"{key} {metrics.get(key, np.nan):.4f}" for key in FIGURES), sep="  ")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the databases' folders")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--records", nargs="+", metavar="NAME", help="of the databases; by default all")
    options = parser.parse_args()
    model, rows, decided = Model(PRESET), {}, {name: {} for name in DATABASES}
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder), GENERATED)
        for database in options.databases:
            for name in list_records(options.data / database):
                if options.records and name not in options.records:
                    continue
                decided[database][name], row = play(model, library, options.data / database / name)
                rows[f"{database}/{name}"] = row
                print(f"{database}/{name}", *(f"{key} {row[key]}" for key in SHOWN), sep="  ", flush=True)
    whole = sums(rows.values())
    print("all", *(f"{key} {whole[key]}" for key in SHOWN), sep="  ")
    result = {
        "all": whole,
        "databases": {
            database: sums([row for name, row in rows.items() if name.startswith(database)])
            for database in options.databases
        },
        "by_record": [{"record": name, **row} for name, row in rows.items()],
        "ec57_ds2": ec57(decided.get("mitdb", {})),
    }
    if not options.records:
        report("bench-firmware-replay", result, {PRESET.name: sha256(PRESET)})


if __name__ == "__main__":
    main()
