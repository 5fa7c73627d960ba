"""Training and evaluation of data without one abnormal beat, by each kind of run."""

import json

import checkpoints
import pytest
from checkpoints import rows, trained
from normal_recordings import SOME, write_normals

from keras_sibeat.config import read_config
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.__main__ import main as evaluate_command
from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.train.run import Run

WFDB = "data.source=wfdb"
FALSE_ALARMS = {"false_alarm_rate", "false_alarms_per_hour"}
OF_WEARERS = {
    f"{own}{name}"
    for own in ("", "own_")
    for name in (*FALSE_ALARMS, "false_alarms_per_hour_median", "false_alarms_per_hour_worst")
}


@pytest.fixture(scope="module")
def normals(tmp_path_factory):
    return write_normals(tmp_path_factory.mktemp("normals"), 4)


def run_of(folder, data, *overrides):
    """A small run's result, the metrics of its only part, and the columns of its history."""
    result = trained(read_config(overrides=overrides, data=data), folder, plots=True)
    part = folder / "fold0-seed0"
    json.dumps(result, allow_nan=False)
    return result, json.loads((part / "metrics.json").read_text()), set(rows(part)[-1])


def test_a_beatgan_of_normal_beats_reports_false_alarms_alone(normals, tmp_path, capsys):
    plain = [*checkpoints.SMALL, WFDB, "train.epochs=1", "train.jit_compile=false"]
    result, metrics, columns = run_of(tmp_path / "run", normals, *plain, "protocol.watch_test=true")
    assert set(result["metrics"]) == {*FALSE_ALARMS, "selected_epoch"}
    assert set(metrics) == {*FALSE_ALARMS, "selected_epoch", "threshold", "not_measured"}
    assert metrics["not_measured"] == result["not_measured"]
    assert result["not_measured"].startswith("No test beat is abnormal: false alarms were measured; AUC, ")
    assert not [name for name in columns if name.endswith(("_auc", "_ap"))]
    plots = {path.name for path in (tmp_path / "run" / "fold0-seed0" / "plots").iterdir()}
    assert plots == {"history.png", "scores.png", "calibration.png", "rebuilt.png"}
    evaluate_command([str(tmp_path / "run")])
    told = capsys.readouterr().out
    assert "false_alarms_per_hour" in told and "No test beat is abnormal" in told and "auc" not in told
    with pytest.raises(RunError, match="no epoch selected with labels, as no validation beat is abnormal"):
        evaluate(Run(tmp_path / "run"), selection="labelled")


def test_a_student_of_normal_beats_reports_false_alarms_alone(normals, tmp_path):
    student = [*checkpoints.STUDENT, WFDB, "student.epochs=1", "contrastive.shift_weight=1"]
    result, _, columns = run_of(tmp_path / "run", normals, *student)
    assert set(result["metrics"]) == {*FALSE_ALARMS, "validation_correlation", "selected_epoch"}
    assert {"validation_correlation"} == {name for name in columns if name.startswith("validation")}
    (teacher,) = rows(tmp_path / "run" / "fold0-seed0" / "teacher")
    assert "validation_false_shifts" in teacher and "validation_shift_auc" not in teacher


def test_a_wearer_s_model_of_normal_beats_reports_false_alarms_alone(tmp_path):
    data = write_normals(tmp_path / "data", 4, seconds=120)
    wearer = [
        *checkpoints.CONTRASTIVE,
        WFDB,
        "protocol.name=inter_patient",
        "train.epochs=1",
        "wearer={sequences=4}",
        "score.combine=['template', 'rhythm']",
    ]
    result, _, _ = run_of(tmp_path / "run", data, *wearer)
    assert set(result["metrics"]) == {*OF_WEARERS, "selected_epoch"}
    assert "auc_per_record" in result and result["auc_per_record"] == {}


def test_what_the_test_beats_allow_is_measured_even_if_validation_has_no_abnormal_beat(tmp_path):
    plain = [*checkpoints.SMALL, WFDB, "train.epochs=1", "train.jit_compile=false"]
    one = [f"data.sources.one.{role}" for role in ("trains=['n0']", "validates=['n1']", "tests=['n2']")]
    databases = [*plain, "protocol.name=databases", "data.sources.one.folder=.", *one]
    data = write_normals(tmp_path / "data", 3, abnormal={2: SOME})
    result, metrics, columns = run_of(tmp_path / "run", data, *databases)
    assert {"auc", "eer", "f1", "sensitivity"} <= set(metrics) and "not_measured" not in result
    assert "validation_rebuild_loss" in columns and "validation_auc" not in columns
