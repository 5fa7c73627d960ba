"""The moving statistics of batch normalisation, by which a trained network infers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import keras
import numpy as np


def normalisations(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The batch normalisations of a functional model and of the models in it, in their order.

    >>> from keras_sibeat import conv_discriminator
    >>> len(normalisations(conv_discriminator(16, width=2, depth=3)))
    2
    """
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += normalisations(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            found.append(layer)
    return found


def estimate_statistics(model: keras.Model, batches: Iterable) -> None:
    """Set each normalisation's statistics to the population's over the batches.

    The model runs in training mode, so every layer sees what it saw in training. The mean and the variance of
    a channel are exact over all rows and ticks of its normalisation's inputs: there is no momentum. Nothing
    else changes, but for the random streams of layers that draw in training.

    Args:
        model: functional.
        batches: inputs of the model, of any sizes.

    Raises ``ValueError`` where there is no batch.

    >>> import numpy as np
    >>> inputs = keras.Input((2,))
    >>> model = keras.Model(inputs, keras.layers.BatchNormalization(name="norm")(inputs))
    >>> estimate_statistics(model, [np.float32([[0, 1], [2, 1]]), np.float32([[4, 1]])])
    >>> model.get_layer("norm").moving_mean.numpy().tolist()
    [2.0, 1.0]
    """
    layers = normalisations(model)
    momenta = [layer.momentum for layer in layers]
    rows = 0
    sums = [(np.zeros(layer.moving_mean.shape), np.zeros(layer.moving_mean.shape)) for layer in layers]
    try:
        for layer in layers:
            layer.momentum = 0.0  # after a pass the moving statistics are the batch's
        for batch in batches:
            model(batch, training=True)
            count = len(keras.tree.flatten(batch)[0])
            for number, layer in enumerate(layers):
                total, squares = sums[number]
                mean = layer.moving_mean.numpy().astype(np.float64)
                variance = layer.moving_variance.numpy().astype(np.float64)
                sums[number] = total + count * mean, squares + count * (variance + mean**2)
            rows += count
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    if not rows:
        raise ValueError("estimate_statistics: found no batch, expected one or more.")
    for layer, (total, squares) in zip(layers, sums, strict=True):
        mean = total / rows
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(squares / rows - mean**2)


@contextmanager
def kept_statistics(model: keras.Model) -> Iterator[None]:
    """Inside, a model in training mode normalises by a batch's own statistics; its moving ones stay.

    >>> import numpy as np
    >>> inputs = keras.Input((1,))
    >>> model = keras.Model(inputs, keras.layers.BatchNormalization(name="norm")(inputs))
    >>> with kept_statistics(model):
    ...     _ = model(np.float32([[5], [7]]), training=True)
    >>> float(model.get_layer("norm").moving_mean[0])
    0.0
    """
    variables = [
        variable for layer in normalisations(model) for variable in (layer.moving_mean, layer.moving_variance)
    ]
    values = [keras.ops.copy(variable) for variable in variables]
    yield
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
