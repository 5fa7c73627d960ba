"""The export of a student as ONNX: what leaves, what the file says of itself, what is refused."""

import json
import sys

import checkpoints
import numpy as np
import pytest
from int8_students import settled

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ExportError
from keras_sibeat.export import sources as export_sources
from keras_sibeat.export.__main__ import main as export_command
from keras_sibeat.export.exporting import ExportSettings, export
from keras_sibeat.export.sources import Source
from keras_sibeat.models.student import student
from sibeat_edge.model.manifest import BESIDE, MIN_MAX

ONNX = ExportSettings("onnx")


@pytest.fixture(scope="module")
def source():
    """An untrained student, its normalisation settled, and simulated beats."""
    config = read_config(overrides=[*checkpoints.STUDENT, "name=small"])
    fold = load_folds(config)[0]
    network = settled(student(width=4, depth=4, units=8, seed=0), fold.train.windows[:64])
    return Source("small", network, config, fold)


@pytest.fixture(scope="module")
def runtime():
    for name in ("onnx", "tf2onnx"):
        pytest.importorskip(name, reason=f'no {name}: pip install "keras_sibeat[onnx]"')
    return pytest.importorskip("onnxruntime", reason='no onnxruntime: pip install "keras_sibeat[onnx]"')


@pytest.fixture(scope="module")
def exported(runtime, source, tmp_path_factory):
    """The folder that the command exported to."""
    folder = tmp_path_factory.mktemp("exported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_sources, "open_sources", lambda *arguments: [(source, folder)])
        export_command(["small", "--format", "onnx", "--false-alarms-per-hour", "400"])
    return folder


def test_the_model_and_its_report_leave(exported):
    assert sorted(file.name for file in exported.iterdir()) == ["small-onnx-report.json", "small.onnx"]
    report = json.loads((exported / "small-onnx-report.json").read_text())
    assert report["format"] == "onnx" and report["bytes"] == (exported / "small.onnx").stat().st_size
    assert 0 < report["difference"] < 1e-4 and report["gate"]["failures"] == []
    assert "flash_bytes" not in report


def test_onnx_runtime_scores_the_validation_beats_as_keras_does(runtime, source, exported):
    windows = source.fold.validation.windows
    session = runtime.InferenceSession(exported / "small.onnx")
    (scores,) = session.run(["score"], {"window": windows})
    wanted = source.network.predict(windows, verbose=0)
    assert np.abs(scores - wanted).max() <= 1e-4 and np.ptp(wanted) > 0.01


def test_the_metadata_tell_how_to_use_it(runtime, source, exported):
    session = runtime.InferenceSession(exported / "small.onnx")
    told = session.get_modelmeta().custom_metadata_map
    signal, window, threshold = (json.loads(told[key]) for key in ("signal", "window", "threshold"))
    assert told["name"] == "small" and told["normalisation"] == MIN_MAX
    assert signal["rate"] == 360 and window == {"before": 140, "after": 180}
    assert json.loads(told["wearer"]) is None
    assert json.loads(told["tensors"]) == {"inputs": ["window"], "outputs": ["score"]}
    assert told["data_sha256"] == source.fold.train.sha256 and "Not a medical device" in told["notice"]
    normals = source.fold.validation_normals.windows
    alarms = session.run(["score"], {"window": normals})[0] > threshold["score"]
    wanted = json.loads((exported / "small-onnx-report.json").read_text())["false_alarm_rate"]
    assert threshold["false_alarms_per_hour"] == pytest.approx(400)
    assert alarms.mean() == pytest.approx(wanted, abs=1 / len(normals))


def test_a_wearer_s_student_leaves_with_its_rhythm_and_its_residuals(runtime, tmp_path):
    relative = ["protocol.name=inter_patient", "data.wearers=6", "data.seconds=120", "wearer.sequences=12"]
    config = read_config(overrides=[*checkpoints.STUDENT, "name=own", *relative])
    fold = load_folds(config)[0]
    network = student(channels=2, width=4, depth=4, units=8, rebuilds=True, rhythm=8, seed=0)
    learnt = {name: array[:64] for name, array in fold.train.inputs.items()}
    report = export(Source("own", settled(network, learnt), config, fold), tmp_path, ONNX)
    session = runtime.InferenceSession(tmp_path / "own.onnx")
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["tensors"]) == {
        "inputs": [entry.name for entry in session.get_inputs()],
        "outputs": [entry.name for entry in session.get_outputs()],
    }
    assert told["normalisation"] == BESIDE and json.loads(told["wearer"])["waits"] is True
    wanted, found = network(fold.test.inputs, training=False), session.run(None, fold.test.inputs)
    np.testing.assert_allclose(found[1], wanted[0], atol=1e-4)
    np.testing.assert_allclose(found[0], wanted[1], atol=1e-3)
    assert report["difference"] <= 1e-4


def test_a_model_that_differs_from_keras_is_refused(runtime, source, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_sibeat.export.onnx_file.LARGEST_DIFFERENCE", 1e-12)
    (tmp_path / "small.onnx").write_bytes(b"earlier")
    with pytest.raises(ExportError, match="small: refused by the gate .difference from Keras: found .*e-0"):
        export(source, tmp_path, ONNX)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["small-onnx-refused.json", "small.onnx"]
    assert (tmp_path / "small.onnx").read_bytes() == b"earlier"


@pytest.mark.parametrize("name", ["tf2onnx", "onnx", "onnxruntime"])
def test_a_missing_package_is_told_before_anything_is_read(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit) as stopped:
        export_command(["nowhere", "--format", "onnx", "--out", str(tmp_path)])
    told = capsys.readouterr().err
    assert stopped.value.code == 2 and told.count("\n") == 1 and name in told
    assert told.endswith('expected pip install "keras_sibeat[onnx]" before.\n')
