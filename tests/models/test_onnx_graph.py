"""A student as an ONNX model: the same outputs under their names, for batches of any size."""

import json

import numpy as np
import pytest
from int8_students import curves, relative, settled

from keras_sibeat.models.student import student

onnx = pytest.importorskip("onnx", reason='no onnx: pip install "keras_sibeat[onnx]"')
onnxruntime = pytest.importorskip("onnxruntime", reason='no onnxruntime: pip install "keras_sibeat[onnx]"')
pytest.importorskip("tf2onnx", reason='no tf2onnx: pip install "keras_sibeat[onnx]"')

from keras_sibeat.models.onnx_graph import convert_onnx, predict_onnx, run_onnx, with_metadata  # noqa: E402

SIZE = {"width": 4, "depth": 4, "units": 8, "seed": 0}


@pytest.fixture(scope="module")
def single():
    """A student of one lead, and its ONNX model."""
    network = settled(student(**SIZE), curves(64))
    return network, convert_onnx(network)


@pytest.fixture(scope="module")
def wearers():
    """A wearer's student with residuals, and its ONNX model."""
    inputs = dict(zip(("window", "rhythm"), relative(64), strict=True))
    network = settled(student(channels=2, rhythm=8, rebuilds=True, **SIZE), inputs)
    return network, convert_onnx(network)


def described(values):
    return {value.name: (value.type, *value.shape) for value in values}


def test_inputs_and_outputs_have_names_and_any_number_of_beats(single, wearers):
    number, session = "tensor(float)", onnxruntime.InferenceSession(single[1])
    assert described(session.get_inputs()) == {"window": (number, "batch", 320, 1)}
    assert described(session.get_outputs()) == {"score": (number, "batch", 1)}
    session = onnxruntime.InferenceSession(wearers[1])
    assert described(session.get_inputs()) == {
        "rhythm": (number, "batch", 8),
        "window": (number, "batch", 320, 2),
    }
    assert described(session.get_outputs()) == {
        "residuals": (number, "batch", 320),
        "score": (number, "batch", 1),
    }


@pytest.mark.parametrize("count", [1, 32, 600])
def test_the_outputs_are_keras_s(single, wearers, count):
    windows = curves(count, seed=1)
    wanted = single[0](windows, training=False)
    np.testing.assert_allclose(predict_onnx(single[1], windows), wanted, rtol=1e-5, atol=1e-5)
    inputs = dict(zip(("window", "rhythm"), relative(count, seed=1), strict=True))
    score, residuals = wearers[0](inputs, training=False)
    found = run_onnx(wearers[1], inputs)
    np.testing.assert_allclose(found["score"], score, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["residuals"], residuals, rtol=1e-4, atol=1e-5)
    assert found["score"].dtype == np.float32 and np.ptp(wanted) > 0 or count == 1


def test_every_operation_is_one_of_onnx_itself(wearers):
    model = onnx.load_from_string(wearers[1])
    assert {node.domain for node in model.graph.node} == {""} and len(model.graph.node) > 10
    assert str(model.graph.name) == "student"


def test_metadata_are_texts_or_json_and_change_no_score(single):
    content = with_metadata(single[1], {"name": "µ-student", "window": {"before": 140}, "wearer": None})
    told = onnxruntime.InferenceSession(content).get_modelmeta().custom_metadata_map
    assert told["name"] == "µ-student" and json.loads(told["window"]) == {"before": 140}
    assert json.loads(told["wearer"]) is None
    windows = curves(5, seed=2)
    np.testing.assert_array_equal(predict_onnx(content, windows), predict_onnx(single[1], windows))
