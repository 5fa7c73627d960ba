"""The networks: published sizes, any shape of window, and files that plain Keras loads."""

import subprocess
import sys
from itertools import combinations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)
from keras_sibeat.models.size import count_multiply_adds, count_parameters

LOAD_WITH_PLAIN_KERAS = """
import sys
sys.modules["keras_sibeat"] = None  # importing it raises, even where it is installed
import keras, numpy
generator = keras.saving.load_model(sys.argv[1], safe_mode=True)
numpy.save(sys.argv[3], generator.predict(numpy.load(sys.argv[2]), verbose=0))
"""


def windows_of(model, count=3):
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


def test_published_sizes():
    assert count_parameters(conv_generator()) == 1_908_800
    assert count_parameters(conv_discriminator()) == 703_488
    assert count_multiply_adds(conv_generator()) == pytest.approx(20.2e6, rel=0.005)


def test_dense_sizes():
    sizes = (64 * 4, 256, 128, 32)

    def count(units):
        return sum((before + 1) * after for before, after in zip(units, units[1:], strict=False))

    assert count_parameters(dense_generator()) == count((*sizes, 10, *sizes[::-1]))
    assert count_parameters(dense_discriminator()) == count((*sizes, 1))


def test_multiply_adds_of_a_layer_each():
    inputs = keras.Input((10, 3))
    x = keras.layers.Conv1D(4, 5, padding="same", strides=2)(inputs)  # 5 ticks of 5 · 3 · 4
    x = keras.layers.Conv1DTranspose(2, 4, strides=2, padding="same")(x)  # from 5 ticks, 4 · 4 · 2 each
    x = keras.layers.Dense(7)(keras.layers.Flatten()(x))  # 20 · 7
    assert count_multiply_adds(keras.Model(inputs, x)) == 5 * 60 + 5 * 32 + 140


@settings(max_examples=12)
@given(
    length=st.integers(8, 41), channels=st.integers(1, 3), width=st.integers(1, 4), depth=st.integers(1, 4)
)
def test_any_shape_of_window(length, channels, width, depth):
    shape = {"length": length, "channels": channels, "width": width, "depth": depth}
    generator = conv_generator(**shape, latent=2)
    assert generator.output_shape == generator.input_shape == (None, length, channels)
    rebuilt = generator(windows_of(generator))
    assert rebuilt.shape == (3, length, channels)
    assert np.abs(keras.ops.convert_to_numpy(rebuilt)).max() <= 1
    logit, features = conv_discriminator(**shape)(windows_of(generator))
    assert logit.shape == (3, 1)
    assert features.shape == (3, -(-length // 2**depth), width * 2 ** (depth - 1))


def test_dense_shapes():
    generator = dense_generator(12, 3, units=(8, 4), latent=2)
    assert generator.output_shape == (None, 12, 3)
    assert np.abs(generator.predict(windows_of(generator), verbose=0)).max() <= 1
    logit, features = dense_discriminator(12, 3, units=(8, 4))(windows_of(generator))
    assert logit.shape == (3, 1) and features.shape == (3, 4)


@pytest.mark.parametrize("build", [conv_generator, conv_discriminator, dense_generator, dense_discriminator])
def test_weights_come_from_the_seed(build):
    size = {"width": 2, "depth": 2} if "conv" in build.__name__ else {"units": (4, 2)}
    first, same, other = (build(20, 1, **size, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("build", [conv_generator, dense_generator])
def test_kernels_of_one_shape_differ(build):
    """One seed for a whole graph must not make its decoder a copy of its encoder."""
    size = {"width": 2, "depth": 3} if build is conv_generator else {"units": (16, 16)}
    weights = build(8, 2, **size, seed=0).get_weights()
    kernels = [weight.ravel() for weight in weights if weight.ndim > 1]
    pairs = [(a, b) for a, b in combinations(kernels, 2) if a.size == b.size]
    assert pairs and not any(np.array_equal(a, b) for a, b in pairs)


def test_code_is_a_named_layer():
    generator = conv_generator(20, width=2, depth=2, latent=7)
    encoder = keras.Model(generator.input, generator.get_layer("code").output)
    assert encoder.output_shape == (None, 1, 7)


def test_plain_keras_loads_a_saved_generator(tmp_path):
    generator = conv_generator(37, 2, width=3, depth=3, latent=4, seed=0)
    windows = windows_of(generator)
    generator.save(tmp_path / "generator.keras")
    np.save(tmp_path / "windows.npy", windows)
    files = [str(tmp_path / name) for name in ("generator.keras", "windows.npy", "rebuilt.npy")]
    subprocess.run([sys.executable, "-I", "-c", LOAD_WITH_PLAIN_KERAS, *files], check=True, cwd=tmp_path)
    np.testing.assert_array_equal(np.load(files[2]), generator.predict(windows, verbose=0))
