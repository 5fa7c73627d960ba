"""Time along the height of what goes to microcontrollers: the same numbers in other shapes."""

import numpy as np
import pytest
from int8_students import int8_student
from small_nets import Conv, Dense, Model, by_litert, by_tflm, chain, drawn
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.models.height import time_on_height


def images(content):
    """Shapes of the inputs of a model's convolutions."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    (graph,) = model.subgraphs
    convolutions = [
        operator
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex) == "CONV_2D"
    ]
    return [list(graph.tensors[operator.inputs[0]].shape) for operator in convolutions]


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_the_same_to_the_bit(seed):
    pytest.importorskip("tflite_micro", reason="no tflite-micro: nothing to compare with")
    content = chain(50, 2, [Conv(4, 8, 4), Conv(6, 5, 2)], [Dense(5), Dense(1)], 3 * (seed % 2), seed=seed)
    turned, beats = time_on_height(content), drawn(content, 50, seed)
    assert images(content) == [[1, 1, 50, 2], [1, 1, 13, 4]] and images(turned) == [
        [1, 50, 1, 2],
        [1, 13, 1, 4],
    ]
    for scores in (by_litert, by_tflm):
        np.testing.assert_array_equal(scores(turned, beats), scores(content, beats))
    assert time_on_height(turned) == turned and len(turned) == len(content)


@pytest.mark.parametrize("student", [{}, {"leads": 2, "rebuilds": True}, {"leads": 2, "wearer": True}])
def test_an_export_has_time_along_the_height(student):
    content, _ = int8_student(**student)
    assert images(content) and all(height > 1 == width for _, height, width, _ in images(content))


def test_images_that_another_operation_takes_stay_as_they_are():
    made = Model(0)
    at = made.conv(made.reshape(made.input(1, 24, 3), 1, 1, 24, 3), Conv(2, 3), on_height=False)
    doubled = made.tensor((1, 1, 24, 2), 0.1)
    made.operator(schema.BuiltinOperator.ADD, [at, at], [doubled], schema.AddOptionsT())
    content = made.bytes(doubled)
    assert time_on_height(content) == content
