"""Quantisation-aware fine-tuning: a student that computes as its int8 export will, and learns to bear it.

Batch normalisation is folded into the convolutions first, as the converter does. Then weights and activations
pass through fake quantisation (Jacob et al., CVPR 2018): rounded to 256 levels on the way forwards, the
gradient passed through where the value is in range.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_sibeat.layers.backend import tf
from keras_sibeat.models.inference import predict

PACKAGE = "keras_sibeat"


@keras.saving.register_keras_serializable(PACKAGE)
class FakeQuantise(layers.Layer):
    """Rounds activations to int8's 256 levels between the lowest and the highest that were seen.

    In training the range follows each batch's by a moving average; the first batch sets it.

    Args:
        momentum: of the average, at least 0 and less than 1.

    >>> layer = FakeQuantise()
    >>> _ = layer(keras.ops.array([[-1.0, 1.55]]), training=True)  # 255 steps of 0.01
    >>> [round(float(value), 4) for value in layer(keras.ops.array([0.123, 9.0]))]
    [0.12, 1.55]
    """

    def __init__(self, momentum: float = 0.99, *, dtype: str = "float32", **kwargs: Any) -> None:
        super().__init__(dtype=dtype, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"FakeQuantise: found a momentum of {momentum}, expected 0 <= momentum < 1.")
        self.momentum = momentum

    def build(self, input_shape: Sequence[int | None]) -> None:
        def weight(name):
            return self.add_weight(shape=(), initializer="zeros", trainable=False, name=name)

        self.low, self.high, self.batches = weight("low"), weight("high"), weight("batches")

    def call(self, x: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if training:
            kept = keras.ops.where(self.batches > 0, self.momentum, 0.0)
            for end, found in ((self.low, keras.ops.min(x)), (self.high, keras.ops.max(x))):
                found = keras.ops.cast(keras.ops.stop_gradient(found), end.dtype)
                end.assign(kept * end + (1 - kept) * found)
            self.batches.assign_add(1.0)
        low, high = keras.ops.minimum(self.low, 0.0), keras.ops.maximum(self.high, 1e-6)  # 0 has a level
        return tf.quantization.fake_quant_with_min_max_vars(x, low, high, num_bits=8)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}


def fake_quantised(kernel: keras.KerasTensor) -> keras.KerasTensor:
    """A kernel ``(…, filters)`` rounded to 255 levels, symmetrical, each filter with a scale of its own."""
    kernel = tf.convert_to_tensor(kernel)
    flat = tf.reshape(kernel, (-1, kernel.shape[-1]))
    most = tf.stop_gradient(tf.maximum(tf.reduce_max(tf.abs(flat), axis=0), 1e-9))
    rounded = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        flat, -most, most, num_bits=8, narrow_range=True
    )
    return tf.reshape(rounded, kernel.shape)


class _RoundedKernel:
    """Of a layer that multiplies with ``self.kernel``: the kernel as int8 will hold it."""

    @property
    def kernel(self):
        return fake_quantised(self._kernel)


@keras.saving.register_keras_serializable(PACKAGE)
class RoundedConv1D(_RoundedKernel, layers.Conv1D):
    """``Conv1D`` with a fake-quantised kernel.

    >>> RoundedConv1D(2, 3)(keras.ops.ones((1, 8, 1))).shape
    TensorShape([1, 6, 2])
    """


@keras.saving.register_keras_serializable(PACKAGE)
class RoundedDense(_RoundedKernel, layers.Dense):
    """``Dense`` with a fake-quantised kernel.

    >>> RoundedDense(2)(keras.ops.ones((1, 8))).shape
    TensorShape([1, 2])
    """


ROUNDED = {layers.Conv1D: RoundedConv1D, layers.Dense: RoundedDense}


def fold_normalisation(model: keras.Model) -> keras.Model:
    """The same function without batch normalisation: it goes into the convolutions before, as their bias.

    Raises ``ValueError`` for a normalisation that does not follow a convolution without activation.
    """
    follows = {}
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            before = layer.input._keras_history.operation
            if not isinstance(before, layers.Conv1D) or before.activation is not keras.activations.linear:
                raise ValueError(
                    f"fold_normalisation: found {layer.name} behind {before.name}, expected a convolution."
                )
            follows[before.name] = layer

    def without(layer, *args, **kwargs):
        return args[0] if isinstance(layer, layers.BatchNormalization) else layer(*args, **kwargs)

    def with_bias(layer):
        config = layer.get_config()
        if layer.name in follows:
            config["use_bias"] = True
        return layer.__class__.from_config(config)

    folded = keras.models.clone_model(model, call_function=without, clone_function=with_bias)
    for layer in folded.layers:
        values = model.get_layer(layer.name).get_weights()
        if layer.name in follows:
            norm = follows[layer.name]
            scale = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
            bias = values[1] if len(values) > 1 else 0.0
            shift = norm.beta.numpy() + (bias - norm.moving_mean.numpy()) * scale
            values = [values[0] * scale, shift]
        layer.set_weights(values)
    return folded


def fake_quantise(model: keras.Model) -> keras.Model:
    """A twin of ``model``, of built-in layers without batch normalisation, that computes as int8 will.

    Its weights are copies; those trained go back by ``copy_weights``. Its input, and whatever a convolution,
    a dense layer, a sum, a product or a mean gives, behind its ReLU where one follows, is rounded.
    """

    def rounded(layer, *args, **kwargs):
        output = layer(*args, **kwargs)
        users = [node.operation for node in model.get_layer(layer.name)._outbound_nodes]
        is_moved = isinstance(layer, layers.Flatten | layers.Reshape | layers.Cropping1D | layers.Concatenate)
        if is_moved or any(isinstance(user, layers.ReLU) for user in users):
            return output
        return FakeQuantise(name=f"{layer.name}_rounded")(output)

    def with_rounded_kernel(layer):
        return ROUNDED.get(type(layer), type(layer)).from_config(layer.get_config())

    inner = keras.models.clone_model(model, call_function=rounded, clone_function=with_rounded_kernel)
    copy_weights(model, inner)
    return inner


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of all layers that both have, by name."""
    names = {layer.name for layer in target.layers}
    for layer in source.layers:
        if layer.name in names:
            target.get_layer(layer.name).set_weights(layer.get_weights())


def fine_tune(
    model: keras.Model,
    windows: np.ndarray | Mapping[str, np.ndarray],
    epochs: int = 5,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int | None = 0,
) -> keras.Model:
    """Teach a float student to bear int8; returns a student without batch normalisation, to convert.

    It is distilled from itself: the twin that rounds learns the outputs of the float ``model``, on the
    ``windows`` (windows, length, channels), or a mapping of all that it takes, of which no label is known.
    """
    keras.utils.set_random_seed(seed)
    folded = fold_normalisation(model)
    twin = fake_quantise(folded)
    wanted = predict(model, windows)
    steps = epochs * -(-len(keras.tree.flatten(windows)[0]) // batch_size)
    twin.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)), "mse")
    twin.fit(windows, wanted, batch_size=batch_size, epochs=epochs, verbose=0)
    copy_weights(twin, folded)
    return folded
