"""Moving statistics: estimated exactly over batches, or kept while a model judges in training mode."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.models.networks import conv_discriminator
from keras_sibeat.models.statistics import estimate_statistics, kept_statistics, normalisations


def normalisation(channels=3):
    inputs = keras.Input((None, channels))
    layer = keras.layers.BatchNormalization(momentum=0.9)
    return keras.Model(inputs, layer(inputs)), layer


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    ticks=st.integers(1, 5),
    level=st.floats(-20, 20),
    spread=st.floats(0.01, 10),
    seed=st.integers(0, 2**16),
)
def test_they_are_the_mean_and_the_variance_over_all_batches(sizes, ticks, level, spread, seed):
    model, layer = normalisation()
    draw = np.random.default_rng(seed).normal
    batches = [draw(level, spread, (size, ticks, 3)).astype("float32") for size in sizes]
    estimate_statistics(model, iter(batches))
    rows = np.concatenate([batch.reshape(-1, 3) for batch in batches]).astype("float64")
    np.testing.assert_allclose(layer.moving_mean, rows.mean(axis=0), rtol=1e-5, atol=1e-5 * spread)
    np.testing.assert_allclose(layer.moving_variance, rows.var(axis=0), rtol=1e-4, atol=1e-6 * level**2)
    assert layer.momentum == 0.9


def test_one_batch_s_inference_is_its_training():
    """Every normalisation takes its inputs from those before it as they are in training."""
    network = conv_discriminator(LENGTH, width=2, depth=3, seed=0)
    assert len(normalisations(network)) == 2
    windows = beats(32)
    trainable = copies(network.trainable_variables)
    with kept_statistics(network):
        wanted = copies(network(windows, training=True))
    assert np.abs(network(windows)[1] - wanted[1]).max() > 0.01
    estimate_statistics(network, [windows])
    for found, expected in zip(network(windows), wanted, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert_equal(copies(network.trainable_variables), trainable)


def test_models_in_the_model_are_estimated_too():
    inner, layer = normalisation()
    outer = keras.Model(inner.input, inner(inner.input))
    batch = np.random.default_rng(0).normal(5, 2, (64, 4, 3)).astype("float32")
    estimate_statistics(outer, [batch])
    np.testing.assert_allclose(layer.moving_mean, batch.mean(axis=(0, 1)), rtol=1e-5)


def test_no_batch_is_an_error_and_changes_nothing():
    model, layer = normalisation()
    with pytest.raises(ValueError, match="estimate_statistics: found no batch, expected one or more"):
        estimate_statistics(model, [])
    assert layer.momentum == 0.9 and not np.any(layer.moving_mean)


def test_kept_statistics_stay_and_the_batch_s_own_are_used():
    model, layer = normalisation()
    batch = np.random.default_rng(0).normal(5, 2, (64, 4, 3)).astype("float32")
    with kept_statistics(model):
        found = np.array(model(batch, training=True))
    assert not np.any(layer.moving_mean) and np.all(layer.moving_variance == 1)
    np.testing.assert_allclose(found.mean(axis=(0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(0, 1)), 1, atol=1e-3)
    model(batch, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * batch.mean(axis=(0, 1)), rtol=1e-4)
