"""A discriminator in training: its outputs by name, and its feature maps for a self-teacher."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_sibeat.models.frskd import trunk_maps
from keras_sibeat.models.matmul import as_matmuls
from keras_sibeat.models.outputs import discriminator_outputs


class Judge:
    """A discriminator's training twin, which shares its variables.

    It is no Keras object: a model that holds it neither tracks nor saves it.

    Args:
        discriminator: model of windows, its outputs in the order of ``OUTPUTS``.
        with_maps: whether the trunk's feature maps are wanted, too.

    >>> import numpy as np
    >>> from keras_sibeat import conv_discriminator
    >>> outputs, maps = Judge(conv_discriminator(16, width=2, depth=2), with_maps=True)(np.zeros((3, 16, 1)))
    >>> outputs["logit"].shape, [tuple(each.shape) for each in maps]
    (TensorShape([3, 1]), [(3, 8, 2), (3, 4, 4)])
    """

    def __init__(self, discriminator: keras.Model, with_maps: bool = False) -> None:
        self._count = len(discriminator.outputs)
        self._twin = as_matmuls(trunk_maps(discriminator) if with_maps else discriminator)

    def __call__(
        self, windows: keras.KerasTensor
    ) -> tuple[dict[str, keras.KerasTensor], list[keras.KerasTensor]]:
        """The outputs by name, and the feature maps, fine to coarse; none without ``with_maps``."""
        outputs = self._twin(windows, training=True)
        return discriminator_outputs(outputs[: self._count]), list(outputs[self._count :])

    def together(
        self, batches: Sequence[keras.KerasTensor]
    ) -> tuple[dict[str, list[keras.KerasTensor]], list[list[keras.KerasTensor]]]:
        """Several batches of one size in one pass: normalisation sees them together.

        Returns each output's list of an array a batch, and for each batch its feature maps.
        """
        count = len(batches)
        outputs, maps = self(ops.concatenate(batches))
        split = [ops.split(features, count) for features in maps]
        return (
            {name: ops.split(output, count) for name, output in outputs.items()},
            [list(of_batch) for of_batch in zip(*split, strict=True)],
        )
