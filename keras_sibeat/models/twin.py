"""A network as a model's own step trains it: fast, its outputs in full precision, its penalties at hand."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sibeat.models.matmul import as_matmuls


def precision(*networks: keras.Model) -> str:
    """What losses on the networks' outputs are computed in: float64 where one of them is, else float32.

    >>> window = keras.Input((4, 1))
    >>> precision(keras.Model(window, keras.layers.Dense(1, dtype="mixed_bfloat16")(window)))
    'float32'
    """
    dtypes = [output.dtype for network in networks for output in network.outputs]
    return keras.backend.result_type(*dtypes, "float32")


def computes_in(layer: keras.Layer, dtype: str) -> bool:
    """Whether a layer, or one in it, computes in this dtype.

    >>> computes_in(keras.Sequential([keras.layers.Dense(1, dtype="mixed_float16")]), "float16")
    True
    """
    inner = getattr(layer, "layers", None)
    return any(computes_in(each, dtype) for each in inner) if inner else layer.compute_dtype == dtype


def regularisation(variables: Sequence[keras.Variable]) -> list[keras.KerasTensor]:
    """What the regularisers of these variables add to a loss: a scalar for each variable that has one.

    >>> dense = keras.layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")
    >>> dense.build((None, 4))
    >>> [round(float(penalty), 6) for penalty in regularisation(dense.trainable_variables)]  # 0.01 * 4
    [0.04]
    """
    return [variable.regularizer(variable) for variable in variables if variable.regularizer is not None]


def activity(network: keras.Layer) -> list[keras.KerasTensor]:
    """What the layers added to the loss when the network was last called, weights' regularisers apart.

    >>> dense = keras.layers.Dense(1, kernel_initializer="ones", activity_regularizer="l2")
    >>> _ = dense(ops.ones((2, 3)))
    >>> [round(float(penalty), 6) for penalty in activity(dense)]  # 0.01 * 3**2, the mean over the batch
    [0.09]
    """
    losses = network.losses
    return losses[: len(losses) - len(regularisation(network.trainable_weights))]


class Twin:
    """A network's training twin, which shares its variables.

    It is no Keras object: a model that holds it neither tracks nor saves it.

    Args:
        network: a functional model.
        dtype: of the outputs; ``precision(network)`` by default.

    Attributes:
        added: what the layers added to the loss in the last call (activity regularisers, ``add_loss``).

    >>> from keras_sibeat import conv_generator
    >>> twin = Twin(conv_generator(16, width=2, depth=2, latent=3))
    >>> twin(ops.zeros((3, 16, 1))).shape, twin.added
    (TensorShape([3, 16, 1]), [])
    """

    def __init__(self, network: keras.Model, dtype: str | None = None) -> None:
        self._network = as_matmuls(network)
        self._dtype = dtype or precision(network)
        self.added: list[keras.KerasTensor] = []

    def __call__(self, inputs: Any, training: bool = True) -> Any:
        outputs = self._network(inputs, training=training)
        self.added = activity(self._network)
        return keras.tree.map_structure(lambda output: ops.cast(output, self._dtype), outputs)
