"""The archive command and its workers are killed at random moments: nothing is lost, and nothing doubled."""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from examples import write_edf

from keras_sibeat.data.synthetic import simulate_wearer

pytest.importorskip("ray", reason="the archive's extra is installed for the slow tests alone")
psutil = pytest.importorskip("psutil", reason="finds the command's workers")
pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("SIBEAT_KILLS", "20"))
RECORDINGS, WEARERS, SECONDS = 230, 5, 40
WORKERS = ("ray::MapWorker", "sibeat_edge.archive.scoring")  # as their command lines have them
PATIENCE = 900  # s for one step on a busy machine


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """EDF files of a few wearers under many names, and three that are none: three chunks."""
    folder = tmp_path_factory.mktemp("source")
    for number in range(WEARERS):
        lead = simulate_wearer(seed=number, seconds=SECONDS).signal[:, 0]
        write_edf(folder / f"r{number:03d}.edf", [lead], [360])
    for number in range(WEARERS, RECORDINGS):
        shutil.copyfile(folder / f"r{number % WEARERS:03d}.edf", folder / f"r{number:03d}.edf")
    for name in ("bad.edf", "r100-bad.edf", "r200-bad.csv"):
        (folder / name).write_bytes(b"")
    return folder


def start(source, out):
    command = [sys.executable, "-m", "sibeat_edge", "archive", str(source), "--out", str(out), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def contents(out):
    return {
        str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in out.rglob("*.parquet")
    }


def kept(out):
    """When each result was written that is no part of a chunk yet; those of whole chunks count as well."""
    files = (out / ".sibeat" / "scored").glob("*/??.arrow")
    return {file: written for file in files if (written := _written(file))}


def _written(file):
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:  # its chunk is whole by now
        return None


def wait_for_results(out, process, more):
    """Wait until ``more`` results are there than now, or the command has ended."""
    ends, before = time.monotonic() + PATIENCE, set(kept(out))
    while process.poll() is None and len(set(kept(out)) - before) < more:
        assert time.monotonic() < ends, "no result for a long time"
        time.sleep(0.02)


def workers(process):
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if any(word in " ".join(child.cmdline()) for word in WORKERS):
                found.append(child)
        except psutil.Error:
            continue
    return found


def test_nothing_is_lost_by_any_number_of_kills(source, tmp_path):
    process = start(source, tmp_path / "at-once")
    _, told = process.communicate(timeout=4 * PATIENCE)
    assert process.returncode == 3 and "ray" not in told.lower(), told
    assert told.count("failed: ") == 3

    out, random_, process, kills = tmp_path / "killed", random.Random(0), None, {"driver": 0, "worker": 0}
    while sum(kills.values()) < KILLS:
        if process is None or process.poll() is not None:
            process = start(source, out)
        wait_for_results(out, process, random_.randint(1, max(2, 3 * RECORDINGS // (4 * KILLS))))
        if process.poll() is not None:
            break
        before = kept(out)
        victims = workers(process)
        if victims and random_.random() < 0.5:
            random_.choice(victims).kill()
            kills["worker"] += 1
        else:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills["driver"] += 1
        after = kept(out)
        assert all(after[file] == written for file, written in before.items() if file in after)
    print(kills)
    if process.poll() is None:
        assert "ray" not in "".join(process.communicate(timeout=4 * PATIENCE)).lower()
    process = start(source, out)
    summary, told = process.communicate(timeout=4 * PATIENCE)
    assert process.returncode == 3 and summary == f"{RECORDINGS} done, 3 failed\n", told
    assert contents(out) == contents(tmp_path / "at-once")
    assert sum(kills.values()) == KILLS and kills["driver"] and kills["worker"]
