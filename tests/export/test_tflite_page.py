"""The Python of the page on exported files runs as it stands there, and finds what the package finds."""

import shutil

import numpy as np
import pytest
from pages import blocks

from keras_sibeat.models.inference import predict
from keras_sibeat.models.onnx_graph import convert_onnx, with_metadata
from keras_sibeat.presets.loading import load_preset
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET

PAGE = "tflite.md"


def run(number):
    """The names that a Python block of the page defines."""
    found = blocks(PAGE)
    assert len(found) == 2
    names = {}
    exec(compile(found[number], PAGE, "exec"), names)
    return names


def test_the_int8_model_scores_a_beat_as_the_package_does(tmp_path, monkeypatch):
    shutil.copy(PRESET, tmp_path)
    monkeypatch.chdir(tmp_path)
    found, model = run(0), Model(PRESET)
    assert found["score"] == pytest.approx(
        model.score(*(found["beat"][name] for name in ("window", "rhythm")))
    )
    assert found["score"] > model.manifest["threshold"]["score"]


def test_onnx_runtime_scores_beats_as_keras_does(tmp_path, monkeypatch):
    for name in ("tf2onnx", "onnx", "onnxruntime"):
        pytest.importorskip(name, reason=f'no {name}: pip install "keras_sibeat[onnx]"')
    network = load_preset("mitdb-beat")
    content = with_metadata(convert_onnx(network), {"threshold": {"score": 4.5}})
    (tmp_path / "mitdb-beat.onnx").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    found = run(1)
    np.testing.assert_allclose(found["scores"], predict(network, found["windows"]), atol=1e-4)
    np.testing.assert_array_equal(found["alarms"], found["scores"][:, 0] > 4.5)
