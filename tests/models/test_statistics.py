"""Moving statistics, kept while a model judges in training mode."""

import keras
import numpy as np
from small_windows import LENGTH

from keras_sibeat.models.networks import conv_discriminator
from keras_sibeat.models.statistics import kept_statistics, normalisations


def normalisation(channels=3):
    inputs = keras.Input((None, channels))
    layer = keras.layers.BatchNormalization(momentum=0.9)
    return keras.Model(inputs, layer(inputs)), layer


def test_the_normalisations_of_models_in_the_model_are_found_too():
    inner, layer = normalisation()
    assert normalisations(keras.Model(inner.input, inner(inner.input))) == [layer]
    assert len(normalisations(conv_discriminator(LENGTH, width=2, depth=3))) == 2


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
