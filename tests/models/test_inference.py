"""What a model makes of many windows: the same as ``Model.predict``, from a graph that is traced once."""

import gc
import logging
import weakref

import keras
import numpy as np
import pytest
from small_windows import LENGTH, beats

from keras_sibeat.models import inference
from keras_sibeat.models.inference import predict
from keras_sibeat.models.networks import conv_discriminator, conv_generator
from keras_sibeat.models.student import student

SIZE = {"length": LENGTH, "width": 2, "depth": 2}
RAGGED = (1, 7, inference.BATCH, inference.BATCH + 1, 2 * inference.BATCH + 30)


class Counted(keras.layers.Layer):
    """Counts how often it is traced."""

    def __init__(self):
        super().__init__()
        self.traces = 0

    def call(self, x):
        self.traces += 1
        return 2 * x


def counted():
    layer, window = Counted(), keras.Input((LENGTH, 1))
    model = keras.Model(window, layer(window))
    layer.traces = 0
    return model, layer


@pytest.mark.parametrize("count", RAGGED)
def test_it_is_what_keras_predicts(count):
    generator, discriminator = conv_generator(**SIZE, latent=3), conv_discriminator(**SIZE)
    windows = beats(count)
    np.testing.assert_allclose(predict(generator, windows), generator.predict(windows, verbose=0), atol=1e-6)
    found, wanted = predict(discriminator, windows), discriminator.predict(windows, verbose=0)
    assert [each.shape for each in found] == [(count, 1), (count, LENGTH // 4, 4)]
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_a_mapping_of_inputs_is_cut_into_batches_alike():
    network = student(LENGTH, width=3, depth=2, units=4, rhythm=8, seed=0)
    count = inference.BATCH + 5
    rhythm = np.random.default_rng(0).normal(size=(count, 8))
    inputs = {"window": beats(count), "rhythm": rhythm}
    np.testing.assert_allclose(predict(network, inputs), network(inputs), atol=1e-6)


def test_no_window_gives_no_row():
    assert predict(conv_generator(**SIZE, latent=3), beats(0)).shape == (0, LENGTH, 1)


def test_batches_of_any_size_are_traced_once():
    model, layer = counted()
    for count in (*RAGGED, *RAGGED):
        np.testing.assert_array_equal(predict(model, beats(count)), 2 * beats(count))
    assert layer.traces == 1


def test_many_models_and_ragged_batches_log_no_warning(caplog):
    with caplog.at_level(logging.WARNING, logger="tensorflow"):
        for _ in range(12):
            model, layer = counted()
            for count in (inference.BATCH + 3, 5):
                predict(model, beats(count))
            assert layer.traces == 1
    assert not caplog.records


def test_weights_are_read_when_it_predicts():
    generator = conv_generator(**SIZE, latent=3)
    before = predict(generator, beats())
    generator.set_weights([3 * value for value in generator.get_weights()])
    after = predict(generator, beats())
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, generator(beats()), atol=1e-6)


def test_a_model_is_freed_with_its_graph():
    model = conv_generator(**SIZE, latent=3)
    predict(model, beats())
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
