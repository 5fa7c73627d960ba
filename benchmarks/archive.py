"""How fast is an archive scored, by one worker and by two, in how much memory, and what does Ray cost?

python benchmarks/archive.py [--recordings 200] [--minutes 30] [--hours 24]

Simulated wearers' recordings, WFDB of 360 Hz, are scored by whole archive commands: by one worker, and two.
Beside them, in this order: a plain loop over a few of them, the same by the command, which shows what Ray and
the processes cost to start; the loop with and without the watched process of its own; what share of the time
the reading takes; and one recording of many hours, while the memory of the worker's two processes is watched.
Needs the extra of an archive. Linux only. Writes results/bench-archive.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import wfdb
from reporting import report

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.files import sha256
from sibeat_edge import __version__
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.scoring import Scoring, answer
from sibeat_edge.archive.worker import Worker
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.record import read_record
from sibeat_edge.report.recording import PRESET, score_file

RATE, WEARERS, FEW = 360, 8, 4
WORKERS = ("ray::MapWorker", "sibeat_edge.archive.scoring")
PLAIN = (
    "import sys; from sibeat_edge.model.runtime import Model; from sibeat_edge.report import recording\n"
    "for path in sys.argv[1:]: recording.score_file(path, Model(recording.PRESET))"
)


def write_records(folder, count, minutes, times=1):
    """``count`` WFDB records of a few simulated wearers, their minutes repeated ``times``; their paths."""
    folder.mkdir()
    for number in range(min(count, WEARERS)):
        lead = simulate_wearer(seed=number, seconds=60.0 * minutes).signal[:, :1].astype(np.float64)
        lead = np.tile(lead, (times, 1))
        wfdb.wrsamp(f"w{number:04d}", RATE, ["mV"], ["MLII"], lead, fmt=["16"], write_dir=str(folder))
    for number in range(WEARERS, count):
        old, new = f"w{number % WEARERS:04d}", f"w{number:04d}"
        (folder / f"{new}.hea").write_text((folder / f"{old}.hea").read_text().replace(old, new))
        (folder / f"{new}.dat").write_bytes((folder / f"{old}.dat").read_bytes())
    return [folder / f"w{number:04d}" for number in range(count)]


def run(source, out, jobs, watch=None):
    """Seconds of a whole archive command."""
    command = [sys.executable, "-m", "sibeat_edge", "archive", str(source), "--out", str(out)]
    started = time.perf_counter()
    process = subprocess.Popen([*command, "--jobs", str(jobs)], stdout=subprocess.DEVNULL)
    while watch is not None and process.poll() is None:
        watch(process.pid)
        time.sleep(0.5)
    if process.wait():
        raise SystemExit(f"archive: exit code {process.returncode}")
    return time.perf_counter() - started


def timed(action):
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


class Watch:
    """The largest memory of a worker's processes, in MB: private, and with what is shared with others."""

    def __init__(self):
        self.largest = dict.fromkeys(WORKERS, 0.0)

    def __call__(self, pid):
        for child in psutil.Process(pid).children(recursive=True):
            try:
                line = " ".join(child.cmdline())
                for word in WORKERS:
                    if word in line:
                        self.largest[word] = max(self.largest[word], child.memory_full_info().pss / 1e6)
            except psutil.Error:
                continue


def watched(paths, folder):
    """Seconds of scoring by a worker with its process, and by the same code without one."""
    settings = {
        "version": __version__,
        "source": str(paths[0].parent),
        "lead": None,
        "rate": None,
        "unit": None,
    }
    tasks = [{"chunk": 0, "number": n, "recording": path.name} for n, path in enumerate(paths)]
    seconds = {}
    for name in ("watched", "alone"):  # each keeps its results in a folder of its own
        place = Folder(folder / name)
        with place.locked():
            place.begin(
                {**settings, "limit_seconds": 3600, "limit_memory": 1000}, [path.name for path in paths]
            )
        if name == "watched":
            worker = Worker(str(place.path))
            worker._start()
            seconds[name] = timed(lambda worker=worker: [worker(task) for task in tasks])
            worker._end()
        else:
            scoring = Scoring(place, folder)
            seconds[name] = timed(
                lambda scoring=scoring, place=place: [answer(scoring, place, task) for task in tasks]
            )
    seconds["finish"] = timed(lambda: place.finish(0))
    return seconds


def reading(paths):
    """Seconds of reading, and of reading and scoring."""
    model = Model(PRESET)
    leads = model.manifest["signal"]["leads"]
    read = timed(lambda: [list(read_record(path, wanted=leads).blocks()) for path in paths])
    return {"reading": read, "scoring": timed(lambda: [score_file(path, model) for path in paths])}


def measure(folder, recordings, minutes, hours):
    paths = write_records(folder / "all", recordings, minutes)
    few = write_records(folder / "few", FEW, minutes)
    plain = timed(lambda: subprocess.run([sys.executable, "-c", PLAIN, *map(str, few)], check=True))
    one_of_few = run(folder / "few", folder / "few-out", 1)
    watch = Watch()
    write_records(folder / "long", 1, minutes, round(60 * hours / minutes))
    long = run(folder / "long", folder / "long-out", 1, watch)
    result = {
        "recordings": recordings,
        "minutes": minutes,
        "start_seconds": one_of_few - plain,
        "process_seconds": watched(few, folder / "watched"),
        "part_seconds": reading(few),
        "long": {"hours": hours, "seconds": long, "megabytes": watch.largest},
    }
    result["worker_megabytes"] = sum(watch.largest.values())
    result["one_worker_seconds"] = run(folder / "all", folder / "one", 1)
    result["two_workers_seconds"] = run(folder / "all", folder / "two", 2)
    result["ratio"] = result["one_worker_seconds"] / result["two_workers_seconds"]
    beats = sum(row["beats"] for row in Folder(folder / "two").finished(["beats"]))
    stored = sum(file.stat().st_size for file in (folder / "two").rglob("*.parquet"))
    read = sum(file.stat().st_size for path in paths for file in path.parent.glob(f"{path.name}.*"))
    signal = recordings * minutes / 60
    result |= {"beats": beats, "bytes_a_beat": stored / beats}
    result["finish_seconds_an_hour"] = result["process_seconds"]["finish"] / (FEW * minutes / 60)
    result |= {"bytes_read_an_hour": read / signal, "bytes_written_an_hour": stored / signal}
    result["core_seconds_an_hour"] = (result["one_worker_seconds"] - result["start_seconds"]) / signal
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--hours", type=float, default=24.0, help="of the long recording")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.recordings, options.minutes, options.hours)
    print(json.dumps(result, indent=2))
    report("bench-archive", result, {PRESET.name: sha256(PRESET)})


if __name__ == "__main__":
    main()
