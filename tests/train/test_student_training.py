"""The chain from a contrastive BeatGAN to a student: what it leaves, how it resumes, how it refuses."""

import json
import shutil
from dataclasses import replace

import checkpoints
import keras
import numpy as np
import pytest
from checkpoints import losses, rows, trained, weights
from sklearn.metrics import roc_auc_score
from test_contrastive_training import Kill, Killed

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds, load_unlabelled
from keras_sibeat.errors import ConfigError, DataError, RunError
from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.export.sources import open_sources
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.distiller import Distiller
from keras_sibeat.models.simclr import SimCLR
from keras_sibeat.train.__main__ import main as train_command
from keras_sibeat.train.run import Run, read_history
from keras_sibeat.train.student import train_student

TEACHER = [
    *checkpoints.CONTRASTIVE,
    "contrastive.pretrain.epochs=1",
]
SMALL = [
    *TEACHER,
    "student.width=4",
    "student.depth=3",
    "student.units=6",
    "student.epochs=2",
    "student.batch_size=16",
]


def small(*more):
    return read_config(overrides=[*SMALL, *more])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a small finished run of the whole chain, and its result."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    return folder, trained(small(), folder, plots=True)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The folder of a finished contrastive run."""
    folder = tmp_path_factory.mktemp("runs") / "teacher"
    trained(read_config(overrides=TEACHER), folder)
    return folder


@pytest.fixture(scope="module")
def fold():
    return load_folds(small())[0]


def test_a_run_leaves_the_student_its_teacher_and_both_of_their_metrics(finished, fold):
    folder, result = finished
    part = folder / "fold0-seed0"
    is_abnormal = fold.is_abnormal(fold.test)
    student = keras.saving.load_model(part / "student.keras")
    scores = student.predict(fold.test.windows, verbose=0)[:, 0]
    assert result["metrics"]["auc"]["mean"] == pytest.approx(roc_auc_score(is_abnormal, scores), abs=1e-6)
    scorer = keras.saving.load_model(part / "teacher" / "scorer.keras")
    theirs = scorer.predict(fold.test.windows, verbose=0)["score"][:, 0]
    assert result["metrics"]["teacher_auc"]["mean"] == pytest.approx(
        roc_auc_score(is_abnormal, theirs), abs=1e-6
    )
    whole = keras.saving.load_model(part / "residuals.keras")
    score, residuals = whole.predict(fold.test.windows[:5], verbose=0)
    np.testing.assert_allclose(score[:, 0], scores[:5], atol=1e-5)
    assert residuals.shape == (5, 320)
    assert result["model"]["parameters"] == sum(int(np.prod(w.shape)) for w in student.trainable_weights)
    rows = [read_history(file) for file in part.rglob("history.csv")]
    assert len(rows) == 3
    assert result["seconds"] == pytest.approx(sum(row["seconds"] for part in rows for row in part), abs=0.1)
    assert {"validation_correlation", "validation_auc"} <= set(read_history(part / "history.csv")[0])
    assert (part / "plots" / "rebuilt.png").exists()
    assert json.loads((part / "metrics.json").read_text())["threshold"] > 0


def test_a_chain_killed_in_each_stage_ends_with_the_same_weights(finished, fold, tmp_path):
    part = tmp_path / "fold0-seed0"
    for stage, epoch in ((SimCLR, 1), (ContrastiveBeatGAN, 2), (Distiller, 2)):
        with pytest.raises(Killed):
            train_student(small(), fold, 0, part, [Kill(stage, epoch)])
        assert (part / "teacher" / "scorer.keras").exists() == (stage is Distiller)
    train_student(small(), fold, 0, part)
    whole = finished[0] / "fold0-seed0"
    for stage in ("teacher/pretrain", "teacher", "."):
        expected, found = weights(whole / stage), weights(part / stage)
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert rows(part / stage) == losses(whole / stage)


def test_a_finished_run_teaches(finished, teacher, tmp_path):
    """The same teacher, trained before or on the way, makes the same student."""
    config = small(f"student.teacher={teacher}")
    result = trained(config, tmp_path / "run")
    assert not (tmp_path / "run" / "fold0-seed0" / "teacher").exists()
    for name in ("auc", "teacher_auc"):
        assert result["metrics"][name]["mean"] == pytest.approx(
            finished[1]["metrics"][name]["mean"], abs=1e-6
        )
    assert evaluate(Run(tmp_path / "run"))["metrics"] == result["metrics"]


def test_without_a_teacher_the_same_graph_learns_by_contrast_and_shifts(finished, tmp_path):
    result = trained(small("student.distil=false"), tmp_path / "run")
    part = tmp_path / "run" / "fold0-seed0"
    assert result["model"] == finished[1]["model"]
    assert "teacher_auc" not in result["metrics"] and not (part / "teacher").exists()
    assert {"nt_xent", "shift_loss"} <= set(read_history(part / "history.csv")[0])
    student = keras.saving.load_model(part / "student.keras")
    assert student.output_shape == (None, 1)


RECORDS = [
    "protocol.name=inter_patient",
    "protocol.train_records=['s000', 's001']",
    "protocol.test_records=['s002']",
]


def test_beats_of_other_records_need_no_label(tmp_path, monkeypatch):
    trained(read_config(overrides=[*TEACHER, *RECORDS]), tmp_path / "teacher")
    taught = f"student.teacher={tmp_path}/teacher"
    config = small(*RECORDS, "student.unlabelled=['s003']", taught)
    beats = load_unlabelled(config, config.student.unlabelled)
    assert set(beats.records) == {"s003"} and len(set(beats.symbols)) > 1
    fold = load_folds(config)[0]

    def losses_of(config, name):
        train_student(config, fold, 0, tmp_path / name / "fold0-seed0")
        return rows(tmp_path / name / "fold0-seed0")

    losses_of(config, "more")
    more = losses(tmp_path / "more" / "fold0-seed0")
    assert more != losses_of(small(*RECORDS, taught), "less")
    # Whatever their labels were, the student learns the same.
    unknown = replace(beats, symbols=np.full(len(beats), "?"), classes=np.full(len(beats), "?"))
    monkeypatch.setattr("keras_sibeat.train.student.load_unlabelled", lambda *_: unknown)
    assert losses_of(config, "unknown") == more


@pytest.mark.parametrize(
    ("record", "error", "told"),
    [("s002", ConfigError, "found record s002, which protocol"), ("s009", DataError, "found no record s009")],
)
def test_unlabelled_records_are_neither_tested_nor_made_up(record, error, told, tmp_path):
    with pytest.raises(error, match=told):
        trained(small(*RECORDS, f"student.unlabelled=['{record}']"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def stop(folder, capsys, *extra):
    """The sentence with which the command refuses these settings."""
    with pytest.raises(SystemExit) as stopped:
        train_command(checkpoints.command([*SMALL, *extra], folder))
    assert stopped.value.code == 2 and not folder.exists()
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_teacher_that_is_missing_ends_the_command_before_anything_is_written(tmp_path, capsys):
    folder = tmp_path / "run"
    assert "none: no such folder; expected the run" in stop(
        folder, capsys, f"student.teacher={tmp_path}/none"
    )
    told = stop(folder, capsys, f"student.teacher={tmp_path}/none.keras")
    assert "none.keras: no such file; expected a trained teacher" in told
    (tmp_path / "empty").mkdir()
    told = stop(folder, capsys, f"student.teacher={tmp_path}/empty")
    assert "empty: found no config.json; expected a run's folder" in told


def test_a_teacher_that_has_not_finished_ends_the_command(teacher, tmp_path, capsys):
    told = stop(tmp_path / "run", capsys, f"student.teacher={teacher}", "seeds=[1]")
    assert "fold0-seed1/scorer.keras: no such file; expected a teacher that has finished training" in told


def test_a_teacher_of_other_beats_ends_the_command(teacher, tmp_path, capsys):
    told = stop(tmp_path / "run", capsys, f"student.teacher={teacher}", "window.band=[1, 40]")
    assert "found a teacher with window" in told and "(3.0, 45.0)" in told and "(1.0, 40.0)" in told


@pytest.mark.parametrize("file", ["", "/fold0-seed0/scorer.keras"])
def test_a_teacher_of_another_split_is_refused(teacher, file, tmp_path, capsys):
    told = stop(tmp_path / "run", capsys, f"student.teacher={teacher}{file}", "protocol.name=inter_patient")
    assert "found a teacher with protocol {'name': 'beatgan'" in told and "'inter_patient'" in told


def test_a_teacher_s_file_that_cannot_teach_is_refused(teacher, tmp_path, capsys):
    part = teacher / "fold0-seed0"
    told = stop(tmp_path / "run", capsys, f"student.teacher={part}/generator.keras")
    assert "generator.keras: found another kind of model; expected a scorer of a contrastive run" in told
    moved = shutil.copy(part / "scorer.keras", tmp_path)  # no run tells what beats it takes
    told = stop(tmp_path / "run", capsys, f"student.teacher={moved}", "window.before=150")
    assert "found a teacher of inputs [(None, 320, 1)]; expected [(None, 330, 1)]" in told


def test_a_teacher_of_other_data_is_refused(teacher, tmp_path, capsys):
    told = stop(tmp_path / "run", capsys, f"student.teacher={teacher}", "data.seconds=80")
    assert "found a teacher of data of SHA-256" in told


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("student={depth=7, width=4}|window.before=60|window.after=60", "student.depth: found 7 for windows"),
        ("student.unlabelled=['a', 'a']", "expected different values"),
        ("student.distil=false|student.teacher=runs/a", "found no distillation beside a teacher"),
        (
            "contrastive={shifts=[],shift_weight=0}|score.combine=['prototypes']",
            "expected contrastive.shifts",
        ),
        ("student.temperature=0", "student.temperature: found 0"),
        ("student.weights={logits=1}", "student.weights.logits"),
        ("student.weights={score=-1}", "student.weights.score: found -1"),
        ("student.batch_size=1", "student.batch_size: found 1"),
        ("student.widht=3", "found the unknown key student.widht"),
    ],
)
def test_a_setting_that_cannot_be_ends_the_command(tmp_path, capsys, setting, told):
    assert told in stop(tmp_path / "run", capsys, *setting.split("|"))


def test_a_student_that_learns_no_rebuilt_beat_has_no_residuals(teacher, tmp_path):
    settings = (f"student.teacher={teacher}", "student.weights={rebuilt = 0}", "student.epochs=1")
    result = trained(small(*settings), tmp_path / "run")
    part = tmp_path / "run" / "fold0-seed0"
    assert not (part / "residuals.keras").exists() and result["metrics"]["auc"]["mean"] > 0
    with pytest.raises(RunError, match="run: found a student without residuals; expected one that rebuilds"):
        open_sources(tmp_path / "run", residuals=True)
