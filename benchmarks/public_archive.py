"""MIT-BIH, SVDB and CinC 2017's part, scored by one archive command: how long, at which rate, what fails.

python benchmarks/public_archive.py FOLDER [--jobs 2] [--only 0]

The records of FOLDER's mitdb, svdb and cinc2017 are copied into one folder, and all of it is scored by
``sibeat archive --lead first``, start-up and all. Needs the extra of an archive. Writes
results/bench-public-archive.json: time, rate and, one by one, what is not done and why.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from reporting import report

from keras_sibeat.files import sha256
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.tables import DONE
from sibeat_edge.report.recording import PRESET

DATABASES = "mitdb", "svdb", "cinc2017"
COLUMNS = ["recording", "status", "reason", "seconds", "beats", "scored", "alarms"]


def copy(source, target, only):
    """Copy a database's records, or ``only`` so many of them."""
    target.mkdir(parents=True)
    headers = sorted(source.glob("*.hea"))
    if not headers:
        raise SystemExit(f"{source}: found no records; expected those of {source.name}.")
    for header in headers[: only or None]:
        for file in source.glob(f"{header.stem}.*"):
            shutil.copy(file, target)


def summary(rows):
    """What became of some recordings."""
    return {
        "recordings": len(rows),
        "statuses": dict(sorted(Counter(row["status"] for row in rows).items())),
        "signal_hours": sum(row["seconds"] or 0.0 for row in rows) / 3600,
        **{name: sum(row[name] or 0 for row in rows) for name in ("beats", "scored", "alarms")},
    }


def measure(folder, out, jobs):
    """The whole command's time, and its tables' summary."""
    command = [sys.executable, "-m", "sibeat_edge", "archive", str(folder), "--out", str(out)]
    started = time.perf_counter()
    done = subprocess.run([*command, "--jobs", str(jobs), "--lead", "first"], stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    if done.returncode not in (0, 3):
        raise SystemExit(f"archive: exit code {done.returncode}")
    rows = list(Folder(out).finished(COLUMNS))
    whole = summary(rows)
    databases = sorted({row["recording"].split("/")[0] for row in rows})
    return {
        "jobs": jobs,
        "exit_code": done.returncode,
        "seconds": seconds,
        **whole,
        "signal_hours_a_second": whole["signal_hours"] / seconds,
        "databases": {
            name: summary([row for row in rows if row["recording"].startswith(f"{name}/")])
            for name in databases
        },
        "not_done": [{name: row[name] for name in COLUMNS[:3]} for row in rows if row["status"] != DONE],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help=f"of the folders {', '.join(DATABASES)}")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--only", type=int, default=0, help="records of each, for a trial, which is only printed"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in DATABASES:
            copy(options.folder / name, Path(folder) / "all" / name, options.only)
        result = measure(Path(folder) / "all", Path(folder) / "out", options.jobs)
    for name, value in result.items():
        print(f"{name}: {value}")
    if not options.only:
        report("bench-public-archive", result, {PRESET.name: sha256(PRESET)})


if __name__ == "__main__":
    main()
