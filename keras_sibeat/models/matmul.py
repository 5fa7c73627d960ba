"""The same graph on the same variables, its convolutions as matrix products: fast training on a CPU.

XLA's CPU backend runs the gradients of strided convolutions far below the machine's matrix-product rate.
BeatGAN's convolutions (kernel 4, stride 2) are a reshape and one or two matrix products, forwards and
backwards; other ``same`` convolutions are one product over what their taps see. The twin owns no variable and
is never saved: what is saved is the graph of built-in layers.
"""

import keras
from keras import layers, ops


class _Product(layers.Layer):
    def __init__(self, convolution: keras.Layer) -> None:
        super().__init__(dtype=convolution.dtype_policy)
        self.convolution = convolution


class _Halving(_Product):
    """Conv1D with kernel 4, stride 2, ``same``: two products over pairs of neighbouring samples."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        (_, channels, filters), half = self.convolution.kernel.shape, x.shape[1] // 2
        pairs = ops.reshape(ops.pad(x, ((0, 0), (1, 1), (0, 0))), (-1, half + 1, 2 * channels))
        left, right = ops.split(ops.reshape(self.convolution.kernel, (4 * channels, filters)), 2)
        y = ops.matmul(ops.reshape(pairs[:, :-1], (-1, 2 * channels)), left)
        y += ops.matmul(ops.reshape(pairs[:, 1:], (-1, 2 * channels)), right)
        return ops.reshape(y, (-1, half, filters))


class _Doubling(_Product):
    """Conv1DTranspose with kernel 4, stride 2, ``same``: one product, whose pairs overlap and add."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        (_, filters, channels), length = self.convolution.kernel.shape, x.shape[1]
        kernel = ops.transpose(ops.reshape(self.convolution.kernel, (4 * filters, channels)))
        pairs = ops.reshape(ops.matmul(ops.reshape(x, (-1, channels)), kernel), (-1, length, 4 * filters))
        y = ops.pad(pairs[:, :, : 2 * filters], ((0, 0), (0, 1), (0, 0)))
        y += ops.pad(pairs[:, :, 2 * filters :], ((0, 0), (1, 0), (0, 0)))
        return ops.reshape(y, (-1, 2 * length + 2, filters))[:, 1:-1]


def _taps(x, taps, stride):
    """What each tap of a ``same`` convolution sees: ``taps`` views ``(batch, ticks, channels)`` of ``x``."""
    ticks = -(-x.shape[1] // stride)
    span = stride * (ticks - 1) + 1
    padding = max(span - 1 + taps - x.shape[1], 0)
    x = ops.pad(x, ((0, 0), (padding // 2, padding - padding // 2), (0, 0)))
    return [x[:, tap : tap + span : stride] for tap in range(taps)]


class _Sliding(_Product):
    """Conv1D, ``same``: one product over what all the taps see."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        taps, channels, filters = self.convolution.kernel.shape
        seen = _taps(x, taps, self.convolution.strides[0])
        seen = ops.concatenate(seen, axis=2) if taps > 1 else seen[0]
        kernel = ops.reshape(self.convolution.kernel, (taps * channels, filters))
        y = ops.matmul(ops.reshape(seen, (-1, taps * channels)), kernel)
        return ops.reshape(y, (-1, seen.shape[1], filters))


class _Collapsing(_Product):
    """Conv1D whose kernel spans its input: one product."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        taps, channels, filters = self.convolution.kernel.shape
        kernel = ops.reshape(self.convolution.kernel, (taps * channels, filters))
        return ops.reshape(ops.matmul(ops.reshape(x, (-1, taps * channels)), kernel), (-1, 1, filters))


class _Unfolding(_Product):
    """Conv1DTranspose of a single sample: one product."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        taps, filters, channels = self.convolution.kernel.shape
        kernel = ops.transpose(ops.reshape(self.convolution.kernel, (taps * filters, channels)))
        return ops.reshape(ops.matmul(ops.reshape(x, (-1, channels)), kernel), (-1, taps, filters))


def _is_plain(layer):
    """Whether a convolution does nothing but multiply by its kernel, tick by tick."""
    options = {"use_bias": False, "dilation_rate": (1,), "groups": 1, "output_padding": None}
    options["data_format"] = "channels_last"
    is_linear = layer.activation is keras.activations.linear and layer.activity_regularizer is None
    return is_linear and all(getattr(layer, name, value) == value for name, value in options.items())


def as_matmuls(model: keras.Model) -> keras.Model:
    """A functional ``model``'s training twin: the same outputs and gradients, on the same variables.

    Convolutions of another padding or option than BeatGAN's or the student's stay as they are.
    """

    def swap(layer):
        if not isinstance(layer, layers.Conv1D | layers.Conv1DTranspose) or not _is_plain(layer):
            return layer
        transposed, length = isinstance(layer, layers.Conv1DTranspose), layer.input.shape[1]
        if length is None:  # windows of any length
            return layer
        if (layer.kernel_size, layer.strides, layer.padding) == ((4,), (2,), "same"):
            if transposed:
                return _Doubling(layer)
            return _Sliding(layer) if length % 2 else _Halving(layer)
        taps = layer.kernel_size[0]
        if transposed and layer.padding == "valid" and length == 1 and layer.output.shape[1] == taps:
            return _Unfolding(layer)
        if not transposed and layer.padding == "valid" and length == taps:
            return _Collapsing(layer)
        return _Sliding(layer) if not transposed and layer.padding == "same" else layer

    return keras.models.clone_model(model, clone_function=swap)
