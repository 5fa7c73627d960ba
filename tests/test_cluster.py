"""The train command in two processes of a cluster on this machine, against the same command in one."""

import json
import os
import socket
import subprocess
import sys
import tempfile

import checkpoints
import numpy as np
import pytest
from checkpoints import weights

SMALL = [*checkpoints.SMALL, "train.epochs=2", "score.prototypes=16"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(folder, settings, **environment):
    command = [sys.executable, "-m", "keras_sibeat.train", "--run", str(folder)]
    command += [part for setting in [*SMALL, *settings] for part in ("--set", setting)]
    log = tempfile.TemporaryFile()  # a pipe that is not read would fill, and stop the process
    environment = {**os.environ, **environment}
    return log, subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


def finish(*started):
    try:
        for _, process in started:
            process.wait(timeout=240)
    finally:
        for log, process in started:
            process.kill()
            log.seek(0)
    for log, process in started:
        assert process.returncode == 0, log.read().decode()[-3000:]


def train_in_cluster(folder, *settings):
    workers = [f"localhost:{port}" for port in free_ports(2)]
    tasks = [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(2)
    ]
    settings = [*settings, "distribute.strategy=multi_worker"]
    finish(*(start(folder, settings, TF_CONFIG=task) for task in tasks))


def test_two_workers_train_and_resume_beatgan_as_one_process_does(tmp_path):
    finish(start(tmp_path / "one", []))
    train_in_cluster(tmp_path / "two", "train.epochs=1")
    train_in_cluster(tmp_path / "two")
    one, two = (weights(tmp_path / name / "fold0-seed0") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, atol=1e-4, rtol=1e-2, err_msg=name)
    metrics = [
        json.loads((tmp_path / run / "fold0-seed0/metrics.json").read_text()) for run in ("one", "two")
    ]
    assert metrics[1]["auc"] == pytest.approx(metrics[0]["auc"], abs=0.01)


def test_two_workers_train_the_contrastive_beatgan(tmp_path):
    train_in_cluster(tmp_path / "two", "contrastive.pretrain.epochs=1")
    part = tmp_path / "two/fold0-seed0"
    assert {"scorer.keras", "model.keras", "metrics.json"} <= {file.name for file in part.iterdir()}
    assert json.loads((part / "metrics.json").read_text())["shift_auc"] > 0


def test_two_workers_train_a_student_and_its_teacher(tmp_path):
    train_in_cluster(
        tmp_path / "two",
        "contrastive.units=8",
        "student.epochs=1",
        "student.width=2",
        "student.batch_size=16",
    )
    part = tmp_path / "two/fold0-seed0"
    assert {"student.keras", "residuals.keras", "metrics.json"} <= {file.name for file in part.iterdir()}
    assert json.loads((part / "metrics.json").read_text())["teacher_auc"] > 0
