"""A discriminator in training: its outputs by name, and its feature maps for a self-teacher."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_sibeat.models.batch import mean
from keras_sibeat.models.frskd import trunk_maps
from keras_sibeat.models.outputs import discriminator_outputs
from keras_sibeat.models.twin import Twin


def adversarial_loss(
    real: keras.KerasTensor, fake: keras.KerasTensor, weights: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """The cross-entropy of judging ``real`` as real plus that of judging ``fake`` as rebuilt, a scalar.

    Args:
        real, fake: the discriminator's logits ``(batch, 1)``.
        weights: of the beats ``(batch,)``.

    >>> round(float(adversarial_loss(ops.zeros((4, 1)), ops.zeros((4, 1)))), 4)  # -2 * log(1 / 2)
    1.3863
    """

    def cross_entropy(target, logit):
        return mean(ops.binary_crossentropy(target, logit, from_logits=True), weights)

    return cross_entropy(ops.ones_like(real), real) + cross_entropy(ops.zeros_like(fake), fake)


class Judge:
    """A discriminator's training twin, which shares its variables.

    It is no Keras object: a model that holds it neither tracks nor saves it.

    Args:
        discriminator: model of windows, its outputs in the order of ``OUTPUTS``.
        with_maps: whether the trunk's feature maps are wanted, too.
        dtype: of all outputs; float32 by default, or float64 where the discriminator's are.

    Attributes:
        added: what its layers added to the loss in the last call.

    >>> import numpy as np
    >>> from keras_sibeat import conv_discriminator
    >>> outputs, maps = Judge(conv_discriminator(16, width=2, depth=2), with_maps=True)(np.zeros((3, 16, 1)))
    >>> outputs["logit"].shape, [tuple(each.shape) for each in maps]
    (TensorShape([3, 1]), [(3, 8, 2), (3, 4, 4)])
    """

    def __init__(self, discriminator: keras.Model, with_maps: bool = False, dtype: str | None = None) -> None:
        self._count = len(discriminator.outputs)
        self._twin = Twin(trunk_maps(discriminator) if with_maps else discriminator, dtype)

    @property
    def added(self) -> list[keras.KerasTensor]:
        return self._twin.added

    def __call__(
        self, windows: keras.KerasTensor, training: bool = True
    ) -> tuple[dict[str, keras.KerasTensor], list[keras.KerasTensor]]:
        """The outputs by name, and the feature maps, fine to coarse; none without ``with_maps``."""
        outputs = self._twin(windows, training)
        return discriminator_outputs(outputs[: self._count]), list(outputs[self._count :])

    def together(
        self, batches: Sequence[keras.KerasTensor], training: bool = True
    ) -> tuple[dict[str, list[keras.KerasTensor]], list[list[keras.KerasTensor]]]:
        """Several batches of one size in one pass: normalisation sees them together.

        Returns each output's list of an array a batch, and for each batch its feature maps.
        """
        count = len(batches)
        outputs, maps = self(ops.concatenate(batches), training)
        split = [ops.split(features, count) for features in maps]
        return (
            {name: ops.split(output, count) for name, output in outputs.items()},
            [list(of_batch) for of_batch in zip(*split, strict=True)],
        )
