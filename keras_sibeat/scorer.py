"""A trained model's scorer: one Keras model from a beat to its scores, and to their combination."""

import math
from collections.abc import Mapping

import keras
from keras import layers

from keras_sibeat.layers.scores import Mahalanobis, NearestPrototype, NormalQuantile, RebuildError
from keras_sibeat.models.simclr import OUTPUTS
from keras_sibeat.scoring import predict

SCORES = ("rebuild", "shift", "mahalanobis", "prototypes")


def build_scorer(model, train, normals, combine=SCORES, prototypes=512, seed=0):
    """The scorer of a ``ContrastiveBeatGAN``, fitted to normal beats.

    The embedding is scaled to length 1 before its distances are taken: NT-Xent trains its direction alone.

    Args:
        model: trained; its generator rebuilds, its discriminator embeds and knows shifts.
        train: windows ``(beats, length, channels)`` that the model was trained on: the densities are theirs.
        normals: windows of normal beats that trained nothing; a score becomes its quantile among them.
        combine: the scores whose quantiles' mean is the combined ``score``, in any order; or a mapping of
            them to weights above 0, for a weighted mean.
        prototypes: how many, at most; never more than there are beats.
        seed: of k-means.

    Returns a model ``(batch, length, channels)`` → dictionary of ``(batch, 1)``: the four scores as they are,
    and ``score``, the mean of ``-log(p)`` over the combined ones.

    Raises ``ValueError`` for an unknown score, for none, and for a weight that is not above 0.
    """
    if not isinstance(combine, Mapping):
        combine = dict.fromkeys(combine, 1.0)
    unknown = [name for name in combine if name not in SCORES]
    if unknown or not combine:
        raise ValueError(f"build_scorer: found scores {list(combine)}, expected some of {', '.join(SCORES)}.")
    if not all(0 < weight < math.inf for weight in combine.values()):
        raise ValueError(f"build_scorer: found weights {combine}, expected finite numbers above 0.")
    window = keras.Input(model.generator.input_shape[1:], name="window")
    judged = dict(zip(OUTPUTS, model.discriminator(window), strict=True))
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
    found = predict(keras.Model(window, scores), normals)
    levels, total = [], sum(combine.values())
    for name in (name for name in SCORES if name in combine):
        quantile = NormalQuantile(name=f"{name}_quantile")
        quantile.adapt(found[name])
        weigh = layers.Rescaling(combine[name] / total, name=f"{name}_weighed", dtype="float32")
        levels.append(weigh(quantile(scores[name])))
    scores["score"] = layers.Add(name="score", dtype="float32")(levels) if len(levels) > 1 else levels[0]
    return keras.Model(window, scores, name="scorer")
