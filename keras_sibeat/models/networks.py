"""BeatGAN's networks as functional Keras graphs of built-in layers (Zhou et al., IJCAI 2019, section 3.2)."""

import math

import keras
from keras import layers

LEAK = 0.2


def _convolution(kind, filters, kernel, stride=1, padding="valid", seed=None):
    glorot = keras.initializers.VarianceScaling(1.0, "fan_avg", "untruncated_normal", seed=seed)
    return kind(filters, kernel, stride, padding, use_bias=False, kernel_initializer=glorot)


def _normalisation(momentum, seed):
    gamma = keras.initializers.RandomNormal(1.0, 0.02, seed=seed)
    return layers.BatchNormalization(momentum=momentum, epsilon=1e-5, gamma_initializer=gamma)


def _lengths(length, depth):
    """Lengths before each halving and after the last."""
    return [math.ceil(length / 2**step) for step in range(depth + 1)]


def _encode(x, outputs, width, depth, momentum, seed):
    """The trunk's features ``(batch, ticks, width * 2**(depth - 1))`` and the code (batch, 1, outputs)."""
    for step in range(depth):
        x = _convolution(layers.Conv1D, width * 2**step, 4, 2, "same", seed)(x)
        if step:
            x = _normalisation(momentum, seed)(x)
        x = layers.LeakyReLU(LEAK)(x)
    return x, _convolution(layers.Conv1D, outputs, x.shape[1], seed=seed)(x)


def conv_generator(length=320, channels=1, width=32, depth=5, latent=50, seed=None):
    """Encoder and decoder ``(batch, length, channels)`` → the rebuilt window, in [-1, 1].

    With the defaults it has the published 1,908,800 trainable parameters. The latent code is the output of
    the layer named ``code``. Any ``length`` will do; an odd one on the way is cropped back by the decoder.
    """
    # The published step runs the generator twice on each batch, so its moving statistics move twice.
    momentum = 0.9**2
    lengths = _lengths(length, depth)
    inputs = keras.Input((length, channels), name="window")
    _, code = _encode(inputs, latent, width, depth, momentum, seed)
    code = layers.Identity(name="code")(code)
    x = _convolution(layers.Conv1DTranspose, width * 2 ** (depth - 1), lengths[-1], seed=seed)(code)
    for step in reversed(range(depth)):
        x = layers.ReLU()(_normalisation(momentum, seed)(x))
        filters = width * 2 ** (step - 1) if step else channels
        x = _convolution(layers.Conv1DTranspose, filters, 4, 2, "same", seed)(x)
        if x.shape[1] > lengths[step]:
            x = layers.Cropping1D((0, 1))(x)
    rebuilt = layers.Activation("tanh", name="rebuilt")(x)
    return keras.Model(inputs, rebuilt, name="generator")


def conv_discriminator(length=320, channels=1, width=32, depth=5, seed=None):
    """``(batch, length, channels)`` → the logit ``(batch, 1)`` that the window is real, and the features.

    With the defaults it has the published 703,488 trainable parameters. The published network ends in a
    sigmoid; the logit is the same number before it, and its cross-entropy does not overflow.
    """
    inputs = keras.Input((length, channels), name="window")
    features, logit = _encode(inputs, 1, width, depth, 0.9, seed)
    features = layers.Identity(name="features")(features)
    return keras.Model(inputs, [layers.Flatten(name="logit")(logit), features], name="discriminator")


def _dense(x, units, seed):
    for size in units:
        glorot = keras.initializers.GlorotUniform(seed=seed)
        x = layers.LeakyReLU(LEAK)(layers.Dense(size, kernel_initializer=glorot)(x))
    return x


def dense_generator(length=64, channels=4, units=(256, 128, 32), latent=10, seed=None):
    """Fully connected encoder and decoder, as published for motion capture."""
    inputs = keras.Input((length, channels), name="window")
    x = _dense(layers.Flatten()(inputs), units, seed)
    code = layers.Dense(latent, name="code", kernel_initializer=keras.initializers.GlorotUniform(seed=seed))(
        x
    )
    x = _dense(code, units[::-1], seed)
    x = layers.Dense(
        length * channels, "tanh", kernel_initializer=keras.initializers.GlorotUniform(seed=seed)
    )(x)
    return keras.Model(inputs, layers.Reshape((length, channels), name="rebuilt")(x), name="generator")


def dense_discriminator(length=64, channels=4, units=(256, 128, 32), seed=None):
    """Fully connected counterpart of ``conv_discriminator``."""
    inputs = keras.Input((length, channels), name="window")
    features = layers.Identity(name="features")(_dense(layers.Flatten()(inputs), units, seed))
    logit = layers.Dense(1, name="logit", kernel_initializer=keras.initializers.GlorotUniform(seed=seed))(
        features
    )
    return keras.Model(inputs, [logit, features], name="discriminator")
