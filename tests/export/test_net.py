"""A model's arithmetic, read from its file: that of TFLM's kernels, in buffers that share scratch memory."""

import functools
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_students import int8_student
from small_nets import Conv, Dense, Model, by_layers, by_litert, by_tflm, chain, drawn, kernels
from tensorflow.lite.python import schema_py_generated as schema

from keras_sibeat.errors import ExportError
from keras_sibeat.export.net import quantised_multiplier, read_net
from keras_sibeat.export.net_memory import lead, plan
from keras_sibeat.models.tensors import read_tensors

Activation = schema.ActivationFunctionType
ACTIVATIONS = st.sampled_from([Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1])
CONVOLUTIONS = st.builds(
    Conv,
    filters=st.integers(1, 9),
    taps=st.integers(1, 6),
    stride=st.integers(1, 4),
    is_same=st.booleans(),
    activation=ACTIVATIONS,
    per_channel=st.booleans(),
)
DENSE = st.builds(Dense, filters=st.integers(1, 9), activation=ACTIVATIONS, per_channel=st.booleans())


@functools.cache
def library():
    with tempfile.TemporaryDirectory() as folder:
        return kernels(Path(folder), "-O2")


@settings(max_examples=40)
@given(
    length=st.integers(25, 60),
    channels=st.integers(1, 4),
    convolutions=st.lists(CONVOLUTIONS, min_size=1, max_size=2),
    dense=st.lists(DENSE, min_size=1, max_size=2),
    rhythm=st.sampled_from([0, 5]),
    on_height=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_student_like_model_computes_as_in_tflm(
    length, channels, convolutions, dense, rhythm, on_height, seed
):
    pytest.importorskip("tflite_micro", reason="no tflite-micro: nothing to compare with")
    content = chain(length, channels, convolutions, dense, rhythm, on_height, seed)
    beats = drawn(content, 12, seed)
    found = by_layers(library(), read_net(content), beats)
    np.testing.assert_array_equal(found, by_tflm(content, beats))


@pytest.mark.parametrize("is_dense", [False, True])
def test_litert_rounds_halves_another_way(is_dense):
    """Its optimised kernels round once, TFLM's twice: a unit of the last place, near a half."""
    made = Model(3)
    if is_dense:
        content = made.bytes(made.dense(made.input(1, 24), Dense(5)))
    else:
        image = made.reshape(made.input(1, 24, 3), 1, 1, 24, 3)
        content = made.bytes(made.conv(image, Conv(5, 4, 2), on_height=False))
    beats = drawn(content, 100, 3)
    off = by_layers(library(), read_net(content), beats).astype(int) - by_litert(content, beats)
    assert np.abs(off).max() <= 1 and np.mean(off != 0) < 0.02


@pytest.mark.parametrize("scale", [0.75, 1.0, 1.5, 1e-3, 0.999999999999, 2.0**-33, 3e-9, 2.0**-32, 77.7])
def test_a_multiplier_stands_for_its_scale(scale):
    multiplier, shift = quantised_multiplier(scale)
    if scale < 2**-32:
        assert (multiplier, shift) == (0, 0)
    else:
        assert 2**30 <= multiplier < 2**31
        assert math.isclose(math.ldexp(multiplier, shift - 31), scale, rel_tol=2**-31)


def test_multipliers_above_one_are_shifted_to_the_left():
    made = Model(0)
    content = made.bytes(made.dense(made.input(1, 2), Dense(3)))
    made.graph.tensors[-1].quantization.scale[:] *= 1e-4
    finer = made.bytes(*made.graph.outputs)
    assert read_net(finer).layers[0].shifts.min() > 0 > read_net(content).layers[0].shifts.max()
    pytest.importorskip("tflite_micro", reason="no tflite-micro: nothing to compare with")
    beats = drawn(finer, 40)
    np.testing.assert_array_equal(by_layers(library(), read_net(finer), beats), by_tflm(finer, beats))


def test_what_only_residuals_need_is_left_out():
    content, _ = int8_student(leads=2, rebuilds=True)
    net = read_net(content, read_tensors(content).score.place)
    assert len(net.layers) == 7 and net.layers[-1].weights.shape == (1, 8)


def test_buffers_that_live_at_the_same_time_do_not_meet():
    """Each byte is filled with its buffer's number, and read again where a layer reads it."""
    for seed in range(8):
        draws = np.random.default_rng(seed)
        convolutions = [Conv(*map(int, draws.integers(1, [9, 6, 4]))) for _ in range(3)]
        content = chain(60, 3, convolutions, [Dense(int(draws.integers(1, 40)))] * 2, 4, seed=seed)
        net = read_net(content)
        starts, size = plan(net)
        assert size <= sum(net.inner.values())
        memory = np.full(size, -1)
        for layer in net.layers:
            ticks, filters = layer.ticks, len(layer.weights)
            for position in range(ticks.positions):
                first = max(0, position * ticks.stride - ticks.padding)
                if layer.source.buffer in starts:
                    start = starts[layer.source.buffer] + layer.source.start
                    unread = memory[
                        start + first * ticks.channels : start + min(ticks.length, first + ticks.taps)
                    ]
                    assert (unread == layer.source.buffer).all()
                if layer.target.buffer in starts:
                    start = starts[layer.target.buffer] + layer.target.start + position * filters
                    memory[start : start + filters] = layer.target.buffer


def test_a_layer_s_output_may_run_into_its_input():
    net = read_net(chain(64, 4, [Conv(4, 5, 2), Conv(6, 5, 2)], [Dense(2)]))
    starts, size = plan(net)
    first, second = (net.layers[number].target.buffer for number in (0, 1))
    assert starts[first] - starts[second] == lead(net.layers[1]) < net.inner[second]
    assert size < net.inner[first] + net.inner[second]


def refused(made, *outputs):
    with pytest.raises(ExportError, match=r"^Standalone C: found .+; expected .+\.$") as caught:
        read_net(made.bytes(*outputs))
    return str(caught.value)


def test_another_operation_is_refused():
    made = Model(0)
    at = made.dense(made.input(1, 4), Dense(4))
    squared = made.tensor((1, 4), 0.1)
    made.operator(schema.BuiltinOperator.MUL, [at, at], [squared], schema.MulOptionsT())
    assert "found the operation MUL; expected CONCATENATION, CONV_2D, FULLY_CONNECTED or RESHAPE" in refused(
        made, squared
    )


def test_other_forms_of_an_operation_are_refused():
    for change, told in (
        (lambda options, tensors: setattr(options, "dilationWFactor", 2), "a dilation"),
        (lambda options, tensors: setattr(options, "fusedActivationFunction", 4), "an activation other"),
        (lambda options, tensors: setattr(tensors[2], "type", schema.TensorType.INT16), "other numbers"),
        (
            lambda options, tensors: setattr(tensors[1], "shape", np.array([1, 2, 12, 3], np.int32)),
            "two dimensions",
        ),
    ):
        made = Model(0)
        at = made.conv(made.reshape(made.input(1, 24, 3), 1, 1, 24, 3), Conv(2, 3), on_height=False)
        tensors = [made.graph.tensors[0], made.graph.tensors[1], made.graph.tensors[at]]
        change(made.graph.operators[-1].builtinOptions, tensors)
        assert told in refused(made, at)


def test_sums_that_may_overflow_are_refused():
    made = Model(0)
    at = made.dense(made.input(1, 24), Dense(2))
    made.graph.tensors[at].quantization.scale[:] *= 1e-9
    assert "sums may overflow" in refused(made, at)


def test_a_concatenation_of_an_input_is_refused():
    made = Model(0)
    features = made.input(1, 4)
    assert "a concatenation of an input" in refused(
        made, made.concatenate(made.dense(features, Dense(4)), features)
    )
    made = Model(0)
    at = made.dense(made.input(1, 4), Dense(4))
    assert "a concatenation" in refused(made, made.concatenate(at, at))
