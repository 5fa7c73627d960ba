"""A trained model's scorer: one Keras model from a beat to its scores, and to their combination."""

import math
from collections.abc import Mapping, Sequence

import keras
import numpy as np
from keras import layers

from keras_sibeat.layers.names import SCORES, SCORES_OF_A_BEAT
from keras_sibeat.layers.scores import (
    Mahalanobis,
    NearestPrototype,
    NormalQuantile,
    NormalSpread,
    RebuildError,
    TemplateDistance,
)
from keras_sibeat.models.inference import predict
from keras_sibeat.models.outputs import discriminator_outputs

MEASURES = {"quantile": NormalQuantile, "spread": NormalSpread}


def build_scorer(
    model: keras.Model,
    train: np.ndarray,
    normals: np.ndarray | Mapping[str, np.ndarray],
    combine: Sequence[str] | Mapping[str, float] = SCORES_OF_A_BEAT,
    prototypes: int = 512,
    seed: int | None = 0,
    measure: str = "quantile",
    rhythm: keras.Model | None = None,
    core: tuple[int, int | None] = (0, None),
) -> keras.Model:
    """The scorer of a ``ContrastiveBeatGAN``, fitted to normal beats.

    The embedding is scaled to length 1 before its distances are taken: NT-Xent trains its direction alone.

    Args:
        model: trained; its generator rebuilds, its discriminator embeds and knows shifts.
        train: windows ``(beats, length, channels)`` that the model was trained on: the densities are theirs.
        normals: windows of normal beats that trained nothing; what is usual among them makes the scores
            comparable. With ``rhythm``, a mapping of ``window`` and ``rhythm`` to arrays.
        combine: the scores whose quantiles' mean is the combined ``score``, in any order; or a mapping of
            them to weights above 0, for a weighted mean.
        prototypes: how many, at most; never more than there are beats.
        seed: of k-means.
        measure: of each score that is combined: ``quantile``, ``-log(p)``, or ``spread``, its distance from
            the median of normal beats in their interquartile ranges.
        rhythm: for beats relative to their wearer, whose windows hold a template, too: a trained
            ``rhythm_network``. The model then takes a mapping of ``window`` and ``rhythm``, and gives two
            more scores: ``template``, how far the beat is from it, and ``rhythm``, how premature.
        core: ticks of a beat that the score ``template`` compares, from the first to before the last.

    Returns a model ``(batch, length, channels)`` → dictionary of ``(batch, 1)``: the scores as they are, and
    ``score``, the mean over the combined ones in that measure.

    Raises ``ValueError`` for an unknown score, for none, and for a weight that is not above 0.
    """
    if not isinstance(combine, Mapping):
        combine = dict.fromkeys(combine, 1.0)
    known = SCORES if rhythm else SCORES_OF_A_BEAT
    if not combine or not set(combine) <= set(known):
        raise ValueError(f"build_scorer: found scores {list(combine)}, expected some of {', '.join(known)}.")
    if not all(0 < weight < math.inf for weight in combine.values()):
        raise ValueError(f"build_scorer: found weights {combine}, expected finite numbers above 0.")
    window = keras.Input(model.generator.input_shape[1:], name="window")
    judged = discriminator_outputs(model.discriminator(window))
    embedding = layers.UnitNormalization(name="direction", dtype="float32")(judged["embedding"])
    embed = keras.Model(window, embedding)
    embeddings = predict(embed, train)
    mahalanobis = Mahalanobis(name="mahalanobis")
    nearest = NearestPrototype(min(prototypes, len(train)), seed, name="prototypes")
    for density in (mahalanobis, nearest):
        density.adapt(embeddings)
    scores = {
        "rebuild": RebuildError(name="rebuild")(window, model.generator(window)),
        "shift": judged["shift"],
        "mahalanobis": mahalanobis(embedding),
        "prototypes": nearest(embedding),
    }
    inputs = window
    if rhythm:
        scores["template"] = TemplateDistance(*core, name="template")(window)
        scores["rhythm"] = rhythm.output
        inputs = {"window": window, "rhythm": rhythm.input}
    found = predict(keras.Model(inputs, scores), normals)
    levels, total = [], sum(combine.values())
    for name in (name for name in SCORES if name in combine):
        quantile = MEASURES[measure](name=f"{name}_{measure}")
        quantile.adapt(found[name])
        weigh = layers.Rescaling(combine[name] / total, name=f"{name}_weighed", dtype="float32")
        levels.append(weigh(quantile(scores[name])))
    scores["score"] = layers.Add(name="score", dtype="float32")(levels) if len(levels) > 1 else levels[0]
    return keras.Model(inputs, scores, name="scorer")
