"""int8 conversion: what comes out computes nearly what went in, in builtin operations alone."""

import numpy as np
import pytest
import tensorflow as tf

from keras_sibeat.models.student import student
from keras_sibeat.tflite import to_int8


def windows(count, seed=0):
    """Smooth curves within [-1, 1]."""
    phase, speed = np.random.default_rng(seed).uniform(0.2, 3, (2, count, 1, 1))
    return np.sin(6 * phase + speed * np.linspace(0, 9, 320)[:, None]).astype("float32")


@pytest.fixture(scope="module")
def pair():
    network = student(width=4, units=8, rebuilds=True, seed=0)
    for _ in range(20):  # moves the statistics of the normalisation to where the windows are
        network(windows(64), training=True)
    interpreter = tf.lite.Interpreter(model_content=to_int8(network, windows(64)))
    interpreter.allocate_tensors()
    return network, interpreter


def run(interpreter, window):
    (entry,) = interpreter.get_input_details()
    scale, zero = entry["quantization"]
    interpreter.set_tensor(
        entry["index"], np.clip(np.round(window[None] / scale) + zero, -128, 127).astype("int8")
    )
    interpreter.invoke()
    outputs = {}
    for detail in interpreter.get_output_details():
        scale, zero = detail["quantization"]
        values = interpreter.get_tensor(detail["index"]).astype("float32")
        outputs[tuple(detail["shape"])] = (scale * (values - zero), scale)
    return outputs


def test_input_and_outputs_are_int8_of_one_beat(pair):
    details = [*pair[1].get_input_details(), *pair[1].get_output_details()]
    assert {detail["dtype"] for detail in details} == {np.int8}
    assert sorted(tuple(detail["shape"]) for detail in details) == [(1, 1), (1, 320), (1, 320, 1)]


def test_the_scores_are_those_of_the_float_model(pair):
    network, interpreter = pair
    held_out = windows(40, seed=1)
    wanted, residuals = network.predict(held_out, verbose=0)
    found = [run(interpreter, window) for window in held_out]
    scores = np.array([outputs[1, 1][0][0, 0] for outputs in found])
    assert np.corrcoef(scores, wanted[:, 0])[0, 1] > 0.99
    assert np.abs(scores - wanted[:, 0]).max() < 8 * found[0][1, 1][1]
    strips = np.array([outputs[1, 320][0][0] for outputs in found])
    assert np.corrcoef(strips.ravel(), residuals.ravel())[0, 1] > 0.98


def test_every_operation_is_builtin(pair):
    names = {detail["op_name"] for detail in pair[1]._get_ops_details()} - {"DELEGATE"}
    known = {"RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SUB", "MUL", "MEAN", "STRIDED_SLICE"}
    assert "CONV_2D" in names and names <= known


def test_a_wider_student_takes_more_bytes():
    sizes = [len(to_int8(student(width=width, seed=0), windows(8))) for width in (4, 8)]
    assert 8_000 < sizes[0] < sizes[1] < 28_000
