"""The moving statistics of batch normalisation, by which a trained network infers."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras


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


def moving_statistics(model: keras.Model) -> list[keras.Variable]:
    """The moving mean and the moving variance of each of the ``normalisations``, in their order.

    >>> from keras_sibeat import conv_discriminator
    >>> [variable.name for variable in moving_statistics(conv_discriminator(16, width=2, depth=2))]
    ['moving_mean', 'moving_variance']
    """
    return [each for layer in normalisations(model) for each in (layer.moving_mean, layer.moving_variance)]


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
    variables = moving_statistics(model)
    values = [keras.ops.copy(variable) for variable in variables]
    yield
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
