"""A small network that tells premature beats from timely ones by the RR intervals around them."""

import keras
import numpy as np
from keras import layers

from keras_sibeat.models.networks import Draws
from sibeat_edge.beats.rhythm import FEATURES

STEPS, BATCH, LEARNING_RATE = 3000, 256, 3e-3


def rhythm_network(units: int = 16, seed: int | None = None) -> keras.Model:
    """Rhythm features ``(batch, 8)`` → the logit ``(batch, 1)`` that the beat is premature."""
    draws = Draws(seed)
    features = keras.Input((len(FEATURES),), name="rhythm")
    scaled = layers.Normalization(name="rhythm_scale")(features)
    hidden = draws.dense(units, activation="relu", name="rhythm_hidden")(scaled)
    return keras.Model(features, draws.dense(1, name="rhythm_logit")(hidden), name="rhythm_network")


def fit_rhythm(
    features: np.ndarray, is_premature: np.ndarray, units: int = 16, seed: int | None = 0
) -> keras.Model:
    """The network trained on simulated beats ``(beats, 8)`` and which of them are premature ``(beats,)``."""
    network = rhythm_network(units, seed)
    network.get_layer("rhythm_scale").adapt(features)
    keras.utils.set_random_seed(seed)
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    rows = np.random.default_rng(seed).integers(0, len(features), STEPS * BATCH)
    network.fit(features[rows], is_premature[rows].astype("float32"), batch_size=BATCH, verbose=0)
    return network
