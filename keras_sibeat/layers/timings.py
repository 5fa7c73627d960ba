"""Simulated rhythms for a student, whose normal beats hold no premature ones."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sibeat.layers.augmentation import ALGORITHM, Augmentation, within
from keras_sibeat.layers.backend import tf

PACKAGE = "keras_sibeat"


@keras.saving.register_keras_serializable(PACKAGE)
class SimulatedRhythm(Augmentation):
    """Replaces the rhythm features ``(batch, features)`` of some beats by those of simulated beats.

    Half of the simulated beats drawn are premature, half are timely.

    Args:
        features: ``(simulated, features)`` of simulated beats.
        is_premature: ``(simulated,)``, which of them are premature. Neither is saved with the layer: set
            ``layer.simulated``, the pair of both, to train with a loaded layer.
        probability: share of the beats whose rhythm is replaced.
        jitter: standard deviation of the noise that is then added to each feature of half the beats. A
            student so also learns its teacher's answer to rhythms that the simulation lacks.
        seed: of the layer's own random stream.

    >>> simulated = np.zeros((4, 8)), np.array([True, False, True, False])
    >>> layer = SimulatedRhythm(*simulated, probability=1.0, seed=0)
    >>> float(ops.sum(layer(ops.ones((3, 8)), training=True)))
    0.0
    """

    def __init__(
        self,
        features: np.ndarray | None = None,
        is_premature: np.ndarray | None = None,
        probability: float = 0.5,
        jitter: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=2)
        self.probability = within("SimulatedRhythm: probability", probability, 0, 1)
        self.jitter = within("SimulatedRhythm: jitter", jitter, 0, 1)
        self.simulated = None if features is None or is_premature is None else (features, is_premature)

    @property
    def simulated(self) -> tuple[keras.KerasTensor, keras.KerasTensor] | None:
        """The timely rhythms and the premature ones, each ``(simulated, features)``, or None."""
        return self._simulated

    @simulated.setter
    def simulated(self, pair: tuple[np.ndarray, np.ndarray] | None) -> None:
        self._simulated = None
        if pair is not None:
            features, is_premature = np.asarray(pair[0], np.float32), np.asarray(pair[1], bool)
            if not 0 < is_premature.sum() < len(is_premature):
                raise ValueError("SimulatedRhythm: found one kind of beat; expected timely and premature.")
            with tf.init_scope():
                kinds = (~is_premature, is_premature)
                self._simulated = tuple(tf.constant(features[kind]) for kind in kinds)

    def augment(self, rhythm: keras.KerasTensor) -> keras.KerasTensor:
        if self.simulated is None:
            raise ValueError("SimulatedRhythm: found no simulated beats; expected them for training.")
        shape = (tf.shape(rhythm)[0], 4)
        drawn = tf.random.stateless_uniform(shape, self._next_seed(), alg=ALGORITHM)
        timely, premature = (
            ops.take(kind, ops.cast(drawn[:, 0] * len(kind), "int32"), axis=0) for kind in self.simulated
        )
        simulated = ops.where(drawn[:, 1:2] < 0.5, timely, premature)
        found = ops.where(drawn[:, 2:3] < self.probability, ops.cast(simulated, rhythm.dtype), rhythm)
        if not self.jitter:
            return found
        noise = tf.random.stateless_normal(tf.shape(found), self._next_seed(), alg=ALGORITHM)
        return found + self.jitter * noise * ops.cast(drawn[:, 3:] < 0.5, found.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "probability": self.probability, "jitter": self.jitter}
