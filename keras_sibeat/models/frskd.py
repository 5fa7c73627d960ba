"""A network that teaches itself: Ji, Shin, Hwang, Park and Moon, "Refine Myself by Teaching Myself: Feature
Refinement via Self-Knowledge Distillation" (FRSKD), CVPR 2021, arXiv 2103.08273.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_sibeat.layers.composed import Composed
from keras_sibeat.losses import AttentionTransfer, SoftTargets
from keras_sibeat.models.batch import mean
from keras_sibeat.models.networks import LAST, LEAK, Draws
from keras_sibeat.models.twin import Twin

LEAST_WEIGHT = 1e-4  # EfficientDet's, against a division by zero where all weights are


@keras.saving.register_keras_serializable(package="keras_sibeat")
class WeightedSum(layers.Layer):
    """The mean of features of one shape ``(batch, ticks, filters)``, with learnt weights from 0 on.

    EfficientDet's fast normalised fusion (Tan, Pang and Le, CVPR 2020, section 3.3).

    >>> WeightedSum()([ops.zeros((1, 2, 1)), ops.ones((1, 2, 1))])[0, :, 0].numpy().round(3).tolist()
    [0.5, 0.5]
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.weights_of = self.add_weight(shape=(len(input_shape),), initializer="ones", name="fusion")

    def call(self, features: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
        weights = ops.relu(self.weights_of)
        total = ops.sum(weights) + LEAST_WEIGHT
        return sum(weights[number] / total * x for number, x in enumerate(features))


def trunk_maps(discriminator: keras.Model) -> keras.Model:
    """The discriminator with its trunk's feature maps, fine to coarse, as further outputs: shared layers."""
    maps = [layer.output for layer in discriminator.layers if isinstance(layer, layers.LeakyReLU)]
    if len(maps) < 2:
        raise ValueError(f"FRSKD: found {len(maps)} feature maps in the trunk, expected at least 2.")
    return keras.Model(discriminator.input, [*discriminator.outputs, *maps], name="trunk_maps")


def bifpn(
    shapes: Sequence[tuple[int, int]], width: float = 1.0, seed: int | None = None, synchronized: bool = False
) -> keras.Model:
    """A bidirectional feature pyramid in one dimension, FRSKD's self-teacher network.

    Coarse features flow down to the fine ones and what is fused there back up; every place joins what comes
    in by ``WeightedSum``. The number of filters at a scale is ``width`` times the trunk's (FRSKD's BiFPNc).

    Args:
        shapes: ``(ticks, filters)`` of the trunk's feature maps, fine to coarse, the ticks halving
            from one to the next.
        width: of the refined maps, relative to the trunk's.
        seed: of the initial weights.
        synchronized: whether batch normalisation takes its statistics over all replicas.

    Returns a model: the list of maps → the logit ``(batch, 1)`` and the refined maps.
    """
    draws = Draws(seed)
    inputs = [keras.Input(shape, name=f"map_{number}") for number, shape in enumerate(shapes)]
    filters = [max(1, round(width * shape[1])) for shape in shapes]

    def block(x, count, kernel):
        x = draws.convolution(layers.Conv1D, count, kernel, padding="same")(x)
        return layers.LeakyReLU(LEAK)(draws.normalisation(0.9, synchronized)(x))

    def finer(x, number):
        x = layers.UpSampling1D(2)(block(x, filters[number], 1))
        return layers.Cropping1D((0, x.shape[1] - shapes[number][0]))(x)

    def coarser(x, number):
        return block(layers.MaxPooling1D(2, padding="same", data_format=LAST)(x), filters[number], 1)

    lateral = [block(x, count, 1) for x, count in zip(inputs, filters, strict=True)]
    down = [lateral[-1]]
    for number in reversed(range(len(shapes) - 1)):
        joined = WeightedSum()([lateral[number], finer(down[0], number)])
        down.insert(0, block(joined, filters[number], 3))
    refined = [down[0]]
    for number in range(1, len(shapes)):
        parts = [lateral[number], coarser(refined[-1], number)]
        if number < len(shapes) - 1:
            parts.insert(1, down[number])
        refined.append(block(WeightedSum()(parts), filters[number], 3))
    logit = draws.convolution(layers.Conv1D, 1, shapes[-1][0])(refined[-1])
    return keras.Model(inputs, [layers.Flatten(LAST, name="logit")(logit), *refined], name="bifpn")


@keras.saving.register_keras_serializable(package="keras_sibeat")
class SelfTeacher(Composed, layers.Layer):
    """FRSKD's self-teacher: refines a trunk's feature maps, judges by them, and teaches the trunk.

    The loss of a judgement (real or rebuilt, normal or shifted) is::

        cross-entropy of the self-teacher's logit
        + soft_weight * SoftTargets(temperature)(self-teacher's logit, trunk's logit)
        + attention_weight * sum over scales of AttentionTransfer(refined map, trunk's map)

    which comes on top of the cross-entropy of the trunk's own logit. The network serves training alone.

    Args:
        network: as ``bifpn`` returns it.
        temperature: of the soft labels.
        soft_weight, attention_weight: from 0 on, FRSKD's alpha and beta.

    >>> teacher = SelfTeacher(bifpn([(8, 2), (4, 4)]))
    >>> maps = [ops.ones((3, 8, 2)), ops.ones((3, 4, 4))]
    >>> teacher.teach(maps, ops.zeros((3, 1)), label=1).shape
    TensorShape([])
    """

    components = ("network",)

    def __init__(
        self,
        network: keras.Model,
        temperature: float = 4.0,
        soft_weight: float = 1.0,
        attention_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, weight in {"soft_weight": soft_weight, "attention_weight": attention_weight}.items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"SelfTeacher: found {name} {weight}, expected a finite number from 0 on.")
        self.network = network
        self._refine = Twin(network)
        self.soft_weight, self.attention_weight = soft_weight, attention_weight
        self._soft, self._attention = SoftTargets(temperature), AttentionTransfer()
        self.built = True

    def teach(
        self,
        maps: Sequence[keras.KerasTensor],
        logit: keras.KerasTensor,
        label: int,
        weights: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """The loss, a scalar.

        Args:
            maps: the trunk's feature maps of a batch.
            logit: the trunk's own ``(batch, 1)``.
            label: 1 or 0, of the whole batch.
            weights: of the beats ``(batch,)``.
        """
        own, *refined = self._refine(maps)
        loss = mean(ops.softplus(-own if label else own), weights)
        loss += self.soft_weight * mean(self._soft.call(own, logit), weights)
        pairs = zip(refined, maps, strict=True)
        attention = sum(mean(self._attention.call(*pair), weights) for pair in pairs)
        return sum(self._refine.added, start=loss + self.attention_weight * attention)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "temperature": self._soft.temperature,
            "soft_weight": self.soft_weight,
            "attention_weight": self.attention_weight,
        }
