"""The training twin against the graph that it stands for."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers
from small_windows import double_precision

from keras_sibeat.models.matmul import as_matmuls
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)


@pytest.fixture(scope="module", autouse=True)
def float64():
    with double_precision():
        yield


def kinds(model):
    return [type(layer).__name__.strip("_") for layer in model.layers]


def outputs_and_gradients(model, windows, training):
    """Outputs, and the gradients of a sum of them with random weights, by each weight and by the windows."""
    windows = tf.constant(windows)
    with tf.GradientTape() as tape:
        tape.watch(windows)
        outputs = [
            tf.convert_to_tensor(output) for output in tf.nest.flatten(model(windows, training=training))
        ]
        rng = np.random.default_rng(1)
        total = tf.add_n([tf.reduce_sum(output * rng.normal(size=output.shape)) for output in outputs])
    return outputs, tape.gradient(total, [windows, *model.trainable_variables])


def assert_same(model, training=True):
    twin = as_matmuls(model)
    windows = np.random.default_rng(0).uniform(-1, 1, (4, *model.input_shape[1:]))
    # Normalisation in training moves its statistics, which both share, but does not read them.
    expected = outputs_and_gradients(model, windows, training)
    found = outputs_and_gradients(twin, windows, training)
    for wanted, got in zip(tf.nest.flatten(expected), tf.nest.flatten(found), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-11)
    return twin


sizes = {
    "length": st.integers(4, 37),
    "channels": st.integers(1, 3),
    "width": st.integers(1, 4),
    "depth": st.integers(1, 3),
}


@settings(max_examples=15)
@given(**sizes, training=st.booleans())
def test_generator_twin_is_the_generator(training, **size):
    assert_same(conv_generator(**size, latent=3, seed=0), training)


@settings(max_examples=15)
@given(**sizes, training=st.booleans())
def test_discriminator_twin_is_the_discriminator(training, **size):
    assert_same(conv_discriminator(**size, seed=0), training)


@pytest.mark.parametrize("build", [dense_generator, dense_discriminator])
def test_dense_twin_is_the_dense_graph(build):
    assert_same(build(8, 2, units=(6, 4), seed=0))


def test_default_networks_have_products_alone():
    for model in (conv_generator(width=2), conv_discriminator(width=2)):
        assert any("Conv1D" in kind for kind in kinds(model))
        assert not any("Conv1D" in kind for kind in kinds(as_matmuls(model)))


@pytest.mark.parametrize("length", [31, 33])
def test_an_odd_length_slides(length):
    twin = assert_same(conv_generator(length, width=2, depth=2, latent=2))
    assert "Sliding" in kinds(twin)
    assert "Conv1DTranspose" not in kinds(twin)


def test_twin_shares_the_variables():
    model = conv_generator(16, width=2, depth=2, latent=2)
    twin = as_matmuls(model)
    assert [id(v) for v in twin.trainable_variables] == [id(v) for v in model.trainable_variables]
    assert {id(v) for v in twin.variables} == {id(v) for v in model.variables}
    windows = np.ones((2, 16, 1))
    before = np.array(twin(windows))
    model.set_weights([1.5 * weight for weight in model.get_weights()])
    assert not np.allclose(twin(windows), before)
    np.testing.assert_allclose(twin(windows), model(windows), atol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv1D(3, 4, 2, "same", use_bias=True),
        layers.Conv1D(3, 3, 2, "same", use_bias=False),
        layers.Conv1D(3, 4, 1, "same", use_bias=False),
        layers.Conv1D(3, 4, 2, "valid", use_bias=False),
        layers.Conv1D(3, 4, 2, "causal", use_bias=False),
        layers.Conv1D(3, 5, 1, "valid", use_bias=False),
        layers.Conv1D(4, 4, 2, "same", groups=2, use_bias=False),
        layers.Conv1D(3, 4, 1, "same", dilation_rate=2, use_bias=False),
        layers.Conv1D(4, 4, 2, "same", activation="relu", use_bias=False),
        layers.Conv1DTranspose(3, 4, 2, "same", use_bias=True),
        layers.Conv1DTranspose(3, 4, 2, "valid", use_bias=False),
        layers.Conv1DTranspose(3, 5, 2, "same", use_bias=False),
        layers.Conv1DTranspose(3, 4, 2, "same", output_padding=1, use_bias=False),
    ],
    ids=lambda layer: f"{type(layer).__name__}-{layer.kernel_size[0]}-{layer.strides[0]}-{layer.padding}",
)
def test_any_convolution_has_an_equal_twin(layer):
    layer = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
    inputs = keras.Input((12, 2))
    assert_same(keras.Model(inputs, layer(inputs)))


@settings(max_examples=40)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 5), st.integers(1, 3))
def test_any_same_convolution_is_a_product(length, taps, stride, channels):
    inputs = keras.Input((length, channels))
    layer = layers.Conv1D(2, taps, stride, "same", use_bias=False)
    assert "Conv1D" not in "".join(kinds(assert_same(keras.Model(inputs, layer(inputs)))))


@pytest.mark.parametrize("strides", [1, 2, 12])
def test_convolution_over_the_whole_window(strides):
    inputs = keras.Input((12, 2))
    outputs = layers.Conv1D(3, 12, strides, use_bias=False)(inputs)
    assert "Collapsing" in kinds(assert_same(keras.Model(inputs, outputs)))


@pytest.mark.parametrize(("taps", "strides"), [(5, 1), (5, 2), (3, 5)])
def test_transposed_convolution_of_one_tick(taps, strides):
    inputs = keras.Input((1, 2))
    assert_same(keras.Model(inputs, layers.Conv1DTranspose(3, taps, strides, use_bias=False)(inputs)))
