"""Folding, rounding and fine-tuning against their closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sibeat.models.quantised import (
    FakeQuantise,
    fake_quantise,
    fake_quantised,
    fine_tune,
    fold_normalisation,
)
from keras_sibeat.models.student import student


def windows(count=64, seed=0):
    rng = np.random.default_rng(seed)
    waves = np.sin(np.linspace(0, 12, 320) * rng.uniform(0.5, 2, (count, 1)) + rng.uniform(0, 6, (count, 1)))
    return waves[..., None].astype("float32")


@pytest.fixture(scope="module", params=[False, True])
def network(request):
    model = student(width=4, units=8, rebuilds=request.param, seed=0)
    for _ in range(30):
        model(windows(), training=True)
    return model


def outputs(model, x):
    found = model.predict(x, verbose=0)
    return found if isinstance(found, list) else [found]


def test_folding_changes_nothing_but_the_layers(network):
    folded = fold_normalisation(network)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)
    assert [w.shape for w in folded.get_layer("conv_1").weights] == [(8, 1, 4), (4,)]
    for one, other in zip(outputs(folded, windows()), outputs(network, windows()), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_normalisation_without_a_convolution_is_refused():
    x = keras.Input((8, 1))
    model = keras.Model(x, keras.layers.BatchNormalization(name="norm")(keras.layers.ReLU(name="relu")(x)))
    with pytest.raises(ValueError, match="found norm behind relu, expected a convolution"):
        fold_normalisation(model)


@settings(max_examples=30)
@given(st.integers(0, 99), st.floats(1e-3, 1e3))
def test_kernels_are_rounded_as_int8_with_a_scale_for_each_filter(seed, size):
    kernel = size * np.random.default_rng(seed).standard_normal((5, 3, 4)).astype("float32")
    scale = np.abs(kernel).max((0, 1)) / 127
    found = fake_quantised(kernel).numpy()
    assert (np.abs(found - kernel) <= 0.5001 * scale).all()
    levels = found / scale
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    assert np.abs(levels).max() <= 127.001


def test_activations_are_rounded_to_256_levels_of_the_range_seen():
    layer, x = FakeQuantise(), np.linspace(-1, 3, 5000, dtype="float32")[:, None]
    layer(x, training=True)
    found = layer(x).numpy()
    assert len(np.unique(found)) == 256 and np.abs(found - x).max() <= 0.501 * 4 / 255
    beyond = layer(np.array([[-9.0], [9.0]], "float32")).numpy()
    np.testing.assert_allclose(beyond[:, 0], [found.min(), found.max()])


def test_the_range_follows_the_batches_and_stays_outside_of_training():
    layer = FakeQuantise(momentum=0.5)
    layer(np.array([[-1.0], [1.0]]), training=True)
    layer(np.array([[-3.0], [2.0]]), training=True)
    layer(np.array([[-90.0], [90.0]]))
    assert (float(layer.low), float(layer.high)) == (-2.0, 1.5)


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_momentum_is_checked(momentum):
    with pytest.raises(ValueError, match="expected 0 <= momentum < 1"):
        FakeQuantise(momentum=momentum)


def test_gradients_pass_through_the_rounding(network):
    twin = fake_quantise(fold_normalisation(network))
    twin(windows(), training=True)
    with tf.GradientTape() as tape:
        found = keras.tree.flatten(twin(windows(), training=True))
        loss = sum(tf.reduce_mean(tf.square(output)) for output in found)
    gradients = tape.gradient(loss, twin.trainable_variables)
    assert all(g is not None for g in gradients) and float(tf.reduce_max(tf.abs(gradients[0]))) > 0


def test_the_twin_saves_and_loads(network, tmp_path):
    twin = fake_quantise(fold_normalisation(network))
    twin(windows(), training=True)
    twin.save(tmp_path / "twin.keras")
    loaded = keras.saving.load_model(tmp_path / "twin.keras", safe_mode=True)
    for one, other in zip(outputs(loaded, windows()), outputs(twin, windows()), strict=True):
        np.testing.assert_array_equal(one, other)


def test_fine_tuning_brings_the_rounded_student_nearer_to_the_float_one():
    network = student(width=4, units=8, seed=0)
    for _ in range(30):
        network(windows(), training=True)
    # Filters of very different sizes in one dense layer, which share its activations' levels.
    hidden = network.get_layer("hidden")
    kernel, bias = hidden.get_weights()
    hidden.set_weights([kernel * np.geomspace(1, 300, 8), bias])
    x = windows(256, seed=1)

    def error(model):
        twin = fake_quantise(model)
        twin(x, training=True)
        return float(np.mean((twin.predict(x, verbose=0) - network.predict(x, verbose=0)) ** 2))

    tuned = fine_tune(network, x, epochs=40, batch_size=64, learning_rate=1e-3)
    assert not any(isinstance(layer, FakeQuantise) for layer in tuned.layers)
    assert error(tuned) < 0.9 * error(fold_normalisation(network))
