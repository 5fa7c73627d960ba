"""BeatGAN's networks as functional Keras graphs of built-in layers (Zhou et al., IJCAI 2019, section 3.2)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

LEAK = 0.2
LAST = "channels_last"  # of the windows, whatever the data format that Keras is set to


class Draws:
    """Initialisers, each with a seed of its own: layers that share one start as copies of each other.

    >>> first, second = (Draws(0).dense(3) for _ in range(2))
    >>> bool(np.array_equal(*(layer(np.ones((1, 2))) for layer in (first, second))))
    True
    """

    def __init__(self, seed: int | None) -> None:
        self._random = None if seed is None else np.random.default_rng(seed)

    def _next(self):
        return None if self._random is None else int(self._random.integers(2**31))

    def convolution(
        self,
        kind: type[keras.Layer],
        filters: int,
        kernel: int,
        stride: int = 1,
        padding: str = "valid",
        name: str | None = None,
    ) -> keras.Layer:
        glorot = keras.initializers.VarianceScaling(1.0, "fan_avg", "untruncated_normal", self._next())
        options = {"data_format": LAST, "use_bias": False, "kernel_initializer": glorot, "name": name}
        return kind(filters, kernel, stride, padding, **options)

    def normalisation(
        self, momentum: float, synchronized: bool = False, name: str | None = None, scale: float = 1.0
    ) -> keras.Layer:
        gamma = keras.initializers.RandomNormal(scale, 0.02, self._next())
        return layers.BatchNormalization(
            momentum=momentum, epsilon=1e-5, gamma_initializer=gamma, synchronized=synchronized, name=name
        )

    def dense(self, units: int, **options: Any) -> keras.Layer:
        glorot = keras.initializers.GlorotUniform(self._next())
        return layers.Dense(units, kernel_initializer=glorot, **options)


def _lengths(length, depth):
    """Lengths before each halving and after the last."""
    return [math.ceil(length / 2**step) for step in range(depth + 1)]


def encode(
    x: keras.KerasTensor,
    outputs: int,
    width: int,
    depth: int,
    momentum: float,
    draws: Draws,
    synchronized: bool = False,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The trunk's features ``(batch, ticks, width * 2**(depth - 1))`` and the code (batch, 1, outputs)."""
    for step in range(depth):
        x = draws.convolution(layers.Conv1D, width * 2**step, 4, 2, "same")(x)
        if step:
            x = draws.normalisation(momentum, synchronized)(x)
        x = layers.LeakyReLU(LEAK)(x)
    return x, draws.convolution(layers.Conv1D, outputs, x.shape[1])(x)


def conv_generator(
    length: int = 320,
    channels: int = 1,
    width: int = 32,
    depth: int = 5,
    latent: int = 50,
    seed: int | None = None,
    synchronized: bool = False,
) -> keras.Model:
    """Encoder and decoder ``(batch, length, channels)`` → the rebuilt window, in [-1, 1].

    With the defaults it has the published 1,908,800 trainable parameters. The latent code is the output of
    the layer named ``code``. Any ``length`` will do; an odd one on the way is cropped back by the decoder.
    ``synchronized`` takes the batch statistics over all replicas of a ``tf.distribute`` strategy.
    """
    # The published step runs the generator twice on each batch, so its moving statistics move twice.
    momentum = 0.9**2
    lengths, draws = _lengths(length, depth), Draws(seed)
    inputs = keras.Input((length, channels), name="window")
    _, code = encode(inputs, latent, width, depth, momentum, draws, synchronized)
    code = layers.Identity(name="code")(code)
    x = draws.convolution(layers.Conv1DTranspose, width * 2 ** (depth - 1), lengths[-1])(code)
    for step in reversed(range(depth)):
        x = layers.ReLU()(draws.normalisation(momentum, synchronized)(x))
        filters = width * 2 ** (step - 1) if step else channels
        x = draws.convolution(layers.Conv1DTranspose, filters, 4, 2, "same")(x)
        if x.shape[1] > lengths[step]:
            x = layers.Cropping1D((0, 1))(x)
    rebuilt = layers.Activation("tanh", name="rebuilt")(x)
    return keras.Model(inputs, rebuilt, name="generator")


def conv_discriminator(
    length: int = 320,
    channels: int = 1,
    width: int = 32,
    depth: int = 5,
    seed: int | None = None,
    synchronized: bool = False,
) -> keras.Model:
    """``(batch, length, channels)`` → the logit ``(batch, 1)`` that the window is real, and the features.

    With the defaults it has the published 703,488 trainable parameters. The published network ends in a
    sigmoid; the logit is the same number before it, and its cross-entropy does not overflow.
    ``synchronized`` is that of ``conv_generator``.
    """
    inputs = keras.Input((length, channels), name="window")
    features, logit = encode(inputs, 1, width, depth, 0.9, Draws(seed), synchronized)
    features = layers.Identity(name="features")(features)
    return keras.Model(inputs, [layers.Flatten(LAST, name="logit")(logit), features], name="discriminator")


def _dense(x, units, draws):
    for size in units:
        x = layers.LeakyReLU(LEAK)(draws.dense(size)(x))
    return x


def dense_generator(
    length: int = 64,
    channels: int = 4,
    units: Sequence[int] = (256, 128, 32),
    latent: int = 10,
    seed: int | None = None,
) -> keras.Model:
    """Fully connected encoder and decoder, as published for motion capture."""
    draws = Draws(seed)
    inputs = keras.Input((length, channels), name="window")
    code = draws.dense(latent, name="code")(_dense(layers.Flatten(LAST)(inputs), units, draws))
    x = draws.dense(length * channels, activation="tanh")(_dense(code, units[::-1], draws))
    return keras.Model(inputs, layers.Reshape((length, channels), name="rebuilt")(x), name="generator")


def dense_discriminator(
    length: int = 64, channels: int = 4, units: Sequence[int] = (256, 128, 32), seed: int | None = None
) -> keras.Model:
    """Fully connected counterpart of ``conv_discriminator``."""
    draws = Draws(seed)
    inputs = keras.Input((length, channels), name="window")
    features = layers.Identity(name="features")(_dense(layers.Flatten(LAST)(inputs), units, draws))
    return keras.Model(inputs, [draws.dense(1, name="logit")(features), features], name="discriminator")
