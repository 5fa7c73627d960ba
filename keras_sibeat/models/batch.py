"""What ``fit`` and ``evaluate`` hand to a model's own step: windows, what belongs to them, and weights."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_sibeat.layers.backend import tf


def as_windows(windows: Any, shape: tuple[int | None, ...], dtype: str, owner: str) -> keras.KerasTensor:
    """Windows ``(batch, length, channels)`` in ``dtype``, of whole numbers or floats.

    Windows ``(batch, length)`` of a single channel get its axis; windows of unknown shape get the expected
    one, as data sets of generators lack it.

    Args:
        shape: expected, with the batch, whose size is None.
        owner: name of the model, for the error.

    Raises ``ValueError`` for another shape.

    >>> as_windows(ops.zeros((2, 320), "int32"), (None, 320, 1), "float32", "BeatGAN").shape
    TensorShape([2, 320, 1])
    """
    if isinstance(windows, dict | list | tuple):
        kind = type(windows).__name__
        raise ValueError(f"{owner}: found a {kind} of inputs, expected windows {_told(shape)}.")
    windows = ops.cast(windows, dtype)
    if windows.shape.rank is None and None not in shape[1:]:
        windows = ops.reshape(windows, (tf.shape(windows)[0], *shape[1:]))
    elif windows.shape.rank is None:
        windows = tf.ensure_shape(windows, shape)
    if windows.shape.rank == len(shape) - 1 and shape[-1] == 1:
        windows = windows[..., None]
    if not windows.shape.is_compatible_with(shape):
        found = _told(tuple(windows.shape))
        raise ValueError(f"{owner}: found windows {found}, expected {_told(shape)}.")
    return tf.ensure_shape(windows, shape) if None in windows.shape[1:] else windows


def _told(shape):
    sizes = ["batch" if shape[:1] == (None,) else str(shape[0]), *map(str, shape[1:])] if shape else []
    return f"({', '.join(sizes)})"


def as_weights(weights: Any, dtype: str, owner: str) -> keras.KerasTensor | None:
    """The weights of the beats ``(batch,)``, also of ``(batch, 1)``; None where there are none.

    Raises ``ValueError`` where they are not one for each beat.

    >>> as_weights(ops.ones((3, 1)), "float32", "BeatGAN").shape
    TensorShape([3])
    """
    if weights is None:
        return None
    if isinstance(weights, dict | list | tuple):
        raise ValueError(f"{owner}: found a {type(weights).__name__} of weights, expected one for each beat.")
    weights = ops.cast(weights, dtype)
    rank = weights.shape.rank
    if rank == 1:
        return weights
    if rank is not None and (rank != 2 or weights.shape[1] != 1):
        shape = tuple(weights.shape)
        raise ValueError(f"{owner}: found weights of shape {shape}, expected one for each beat, (batch,).")
    return ops.reshape(weights, (-1,))


def mean(values: keras.KerasTensor, weights: keras.KerasTensor | None = None) -> keras.KerasTensor:
    """The mean over everything, each row of ``values`` (batch, ...) times its weight, as Keras' losses are.

    >>> float(mean(ops.array([[1.0], [3.0]]), ops.array([1.0, 0.0])))
    0.5
    """
    if weights is None:
        return ops.mean(values)
    if len(values.shape) > 1:
        values = ops.mean(values, axis=list(range(1, len(values.shape))))
    return ops.mean(values * weights)


def counted(windows: keras.KerasTensor) -> keras.KerasTensor | None:
    """How much a batch counts in an epoch's mean: its windows, or None where all batches are of one size."""
    return None if windows.shape[0] else ops.shape(windows)[0]


def record(
    means: Mapping[str, keras.metrics.Mean],
    values: Mapping[str, keras.KerasTensor],
    count: keras.KerasTensor | None = None,
) -> None:
    """Take a batch's values into the means of their names, each counting as often as the batch's windows.

    >>> loss = keras.metrics.Mean(name="loss")
    >>> for value, count in ((1.0, 3), (5.0, 1)):
    ...     record({"loss": loss}, {"loss": ops.array(value)}, ops.array(count))
    >>> float(loss.result())
    2.0
    """
    for name, value in values.items():
        # A replica may get no window of the last batch, and the mean over none is no number.
        counting = value if count is None else ops.where(count > 0, value, 0.0)
        means[name].update_state(counting, sample_weight=count)
