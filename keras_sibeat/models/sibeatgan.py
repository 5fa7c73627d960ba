"""SI-BeatGAN: a BeatGAN that learns from a trained one, L = L_G + L_KD, and may teach itself by FRSKD.

The published code's L_KD is a constant without a gradient. Here it is Hinton's soft targets (arXiv
1503.02531), and its gradient reaches the student's generator.
"""

import math
from typing import Any

import keras
from keras import ops

from keras_sibeat.losses import SoftTargets
from keras_sibeat.models.batch import counted
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.twin import Twin


def identity_logits(rebuilt: keras.KerasTensor, windows: keras.KerasTensor) -> keras.KerasTensor:
    """Whose rebuilding is this? The log-likelihood ``(batch, batch)`` of each window for each rebuilt one.

    A rebuilt beat ``(batch, length, channels)`` is no class distribution: a softmax over its last axis, the
    leads, is constant 1 for a single lead. So the classes are the windows of the batch, and the logit of
    class ``j`` for a rebuilt window ``i`` is ``-|rebuilt_i - window_j|² / 2``, up to a term that is the
    same for all classes. Softened with a temperature it is the posterior of ``j`` under white noise of that
    variance.
    """
    size = math.prod(rebuilt.shape[1:])
    rebuilt, windows = (ops.reshape(x, (-1, size)) for x in (rebuilt, windows))
    return ops.matmul(rebuilt, ops.transpose(windows)) - ops.sum(ops.square(windows), axis=1) / 2


@keras.saving.register_keras_serializable(package="keras_sibeat")
class SIBeatGAN(BeatGAN):
    """BeatGAN whose generator also learns from a trained generator, by soft targets.

    To the generator's loss comes ``distillation_weight * SoftTargets(temperature)`` between what the teacher
    and the student make of ``identity_logits``: not only that a rebuilt beat is its own window's, but which
    other beats the teacher's rebuilding resembles, and how much. The teacher rebuilds the same augmented
    windows, inside the step; it is frozen. As the beats of a batch are each other's classes, weights of beats
    are refused where ``distillation_weight`` is above 0.

    Args:
        generator, discriminator, feature_weight, augmentation, self_teacher: as ``BeatGAN`` takes them.
        teacher: a trained generator for the same windows.
        temperature: of the soft targets, above 0.
        distillation_weight: of the soft targets, from 0 on.

    >>> from keras_sibeat import conv_discriminator, conv_generator
    >>> size = {"length": 16, "width": 2, "depth": 2}
    >>> teacher, generator = (conv_generator(**size, latent=3) for _ in range(2))
    >>> model = SIBeatGAN(generator, conv_discriminator(**size), teacher=teacher)
    >>> model.teacher.trainable
    False
    """

    components = (*BeatGAN.components, "teacher")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *args: Any,
        teacher: keras.Model,
        temperature: float = 16.0,
        distillation_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(generator, discriminator, *args, **kwargs)
        if not isinstance(teacher, keras.Model) or not teacher.built:
            raise ValueError("SIBeatGAN: found a teacher that is not built; expected a trained generator.")
        if (teacher.input_shape, teacher.output_shape) != (generator.input_shape, generator.output_shape):
            raise ValueError(
                f"SIBeatGAN: found a teacher {teacher.input_shape} → {teacher.output_shape}; expected "
                f"the student's {generator.input_shape} → {generator.output_shape}."
            )
        if not 0 <= distillation_weight < math.inf:
            found = f"found distillation_weight {distillation_weight}"
            raise ValueError(f"SIBeatGAN: {found}, expected a finite number from 0 on.")
        teacher.trainable = False
        self.teacher, self.distillation_weight = teacher, distillation_weight
        self._rebuild_as_teacher = Twin(teacher, self.precision)
        self._soft_targets = SoftTargets(temperature)
        self._distillation = keras.metrics.Mean(name="distillation_loss")

    @property
    def compares(self) -> str:
        return "the distillation" if self.distillation_weight else ""

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*super().metrics, self._distillation]

    def _distil(self, windows, rebuilt):
        wanted = ops.stop_gradient(self._rebuild_as_teacher(windows, training=False))
        pair = (identity_logits(made, windows) for made in (wanted, rebuilt))
        loss = ops.mean(self._soft_targets.call(*pair))
        self._distillation.update_state(loss, counted(windows))
        return self.distillation_weight * loss

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "temperature": self._soft_targets.temperature,
            "distillation_weight": self.distillation_weight,
        }
