"""A worker of an archive: recordings that hang, eat memory or end their process are listed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from examples import write_wfdb
from int8_models import tiny_model

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge import __version__
from sibeat_edge.archive import worker as module
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.scoring import Scoring, answer
from sibeat_edge.archive.tables import parts_of
from sibeat_edge.archive.worker import Worker
from sibeat_edge.errors import EdgeError
from sibeat_edge.report.recording import score_file
from sibeat_edge.report.writing import beat_rows

feather = pytest.importorskip("pyarrow.feather", reason="the tables of an archive are pyarrow's")
psutil = pytest.importorskip("psutil", reason="tells the memory of an archive's workers")
# Answers as the scoring process does, but does with a recording what its name says.
ACTS = """
import json, os, sys, time
print("{}", flush=True)
for line in sys.stdin:
    name = json.loads(line)["recording"]
    if name == "hang":
        time.sleep(1000)
    if name == "eat":
        eaten = bytearray(400_000_000)
        time.sleep(1000)
    if name == "crash":
        os.abort()
    if name == "once" and not os.path.exists(sys.argv[1] + "/once"):
        open(sys.argv[1] + "/once", "w").close()
        os.kill(os.getpid(), 9)
    if name == "full":
        print(json.dumps({"stop": "out: found no space left on device; expected room."}), flush=True)
    print(json.dumps({"status": "done", "seconds": 60.0}), flush=True)
"""


def folder_of(path, source="absent", model=None, **limits):
    settings = {"version": __version__, "source": str(source), "lead": None, "rate": None, "unit": None}
    folder = Folder(path)
    with folder.locked():
        folder.begin({"limit_seconds": 60, "limit_memory": 1000, **settings, **limits}, ["x"], model)
    return folder


@pytest.fixture
def acted(tmp_path, monkeypatch):
    """A folder, and a worker whose process acts."""
    (tmp_path / "acts.py").write_text(ACTS)
    monkeypatch.setattr(module, "COMMAND", (sys.executable, str(tmp_path / "acts.py")))
    folder = folder_of(tmp_path / "out", limit_seconds=5, limit_memory=200)
    worker = Worker(str(folder.path))
    yield folder, worker
    worker._end()


def task(name, number=0):
    return {"chunk": 0, "number": number, "recording": name}


@pytest.mark.parametrize(
    ("name", "status", "why"),
    [
        ("hang", "timed out", "hang: found no end within 5 s; expected one (--limit-seconds)."),
        ("eat", "failed", "eat: found more than 200 MB in use; expected less (--limit-memory)."),
        ("crash", "failed", "crash: found its process ended 3 times (exit code -6); expected scores."),
    ],
)
def test_what_does_not_return_is_ended_and_listed_and_the_next_one_is_scored(acted, name, status, why):
    folder, worker = acted
    assert worker(task(name)) == {**task(name), "status": status, "seconds": 0.0}
    assert folder.kept(0, 0) == {"recording": name, "status": status, "reason": why}
    assert worker(task("fine", 1))["status"] == "done"


def test_a_process_that_was_killed_once_says_nothing_about_its_recording(acted):
    assert acted[1](task("once"))["status"] == "done"


def test_a_full_disk_is_no_recordings_fault(acted):
    folder, worker = acted
    with pytest.raises(EdgeError, match="no space left"):
        worker(task("full"))
    assert folder.kept(0, 0) is None


def test_what_is_scored_is_not_scored_again(acted):
    _, worker = acted
    worker(task("crash"))
    assert worker(task("crash"))["status"] == "failed" and worker._process is None


def test_a_process_that_cannot_start_stops_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", "raise SystemExit(7)"))
    with pytest.raises(EdgeError, match=r"ends at once \(exit code 7\)"):
        Worker(str(folder_of(tmp_path / "out").path))(task("x"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A wearer's recording, one that is none, and one whose reader fails."""
    folder = tmp_path_factory.mktemp("recordings")
    signal_ = simulate_wearer(seed=5, seconds=60).signal[:, :1].astype(np.float64)
    write_wfdb(folder, "wearer", signal_)
    (folder / "none.edf").write_bytes(b"none")
    return folder


def test_rows_are_those_of_a_recording_scored_alone(recordings, tmp_path):
    folder = folder_of(tmp_path / "out", recordings, tiny_model())
    scoring = Scoring(folder, tmp_path)
    assert answer(scoring, folder, task("wearer")) == {"status": "done", "seconds": 60.0}
    table = feather.read_table(tmp_path / "out" / ".sibeat" / "scored" / "00000" / "00.arrow")
    scored = score_file(recordings / "wearer", tiny_model())
    assert table.to_pylist() == [{"recording": "wearer", **row} for row in beat_rows(scored)]
    row, _ = parts_of(table)
    assert row["beats"] == len(scored.beats) > 40 and row["alarms"] == len(scored.alarms)
    assert row["model"] == "tiny" and row["leads"] == "MLII" and row["heart_rate"] == scored.heart_rate


def test_a_file_that_is_none_is_listed_with_its_reason(recordings, tmp_path):
    folder = folder_of(tmp_path / "out", recordings, tiny_model())
    assert answer(Scoring(folder, tmp_path), folder, task("none.edf"))["status"] == "failed"
    assert folder.kept(0, 0)["reason"].startswith("none.edf: found no EDF header")


def test_a_reader_that_fails_tells_nothing_of_the_file(recordings, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("could not convert 'Jane Doe'")

    monkeypatch.setattr("sibeat_edge.archive.scoring.score_file", fail)
    row, _ = parts_of(Scoring(folder_of(tmp_path / "out", recordings), tmp_path).score("wearer"))
    assert row["status"] == "failed" and "Jane" not in row["reason"] and "ValueError" in row["reason"]


def test_another_version_on_a_worker_is_refused(recordings, tmp_path):
    folder = folder_of(tmp_path / "out", recordings, version="0.0.1")
    with pytest.raises(EdgeError, match="expected 0.0.1"):
        Scoring(folder, tmp_path)


def test_the_scoring_process_ends_with_its_worker_and_removes_what_it_fetched(recordings, tmp_path):
    """A worker that is killed leaves neither a process nor files behind."""
    folder = folder_of(tmp_path / "out", recordings, tiny_model())
    code = (
        "import os; from sibeat_edge.archive.worker import Worker\n"
        f"worker = Worker({str(folder.path)!r})\n"
        f"print(worker({task('wearer')!r})['status'], worker._process.pid, worker._scratch, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    status, pid, scratch = done.stdout.split()
    assert status == "done" and done.returncode == -signal.SIGKILL
    ends = time.monotonic() + 60
    while (psutil.pid_exists(int(pid)) or os.path.exists(scratch)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not os.path.exists(scratch) and not psutil.pid_exists(int(pid))
