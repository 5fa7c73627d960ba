"""Scores as layers, fitted to normal beats by ``adapt`` as Keras' own preprocessing layers are.

Each returns one number a beat ``(batch, 1)``, larger = more abnormal.
"""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from sklearn.cluster import MiniBatchKMeans
from sklearn.covariance import LedoitWolf

PACKAGE = "keras_sibeat"
LEVELS = 100  # quantiles kept of a score's distribution among normal beats
LEAST = 1e-20  # narrowest tail or range: a division by less may overflow


class _Score(layers.Layer):
    """Works in single precision, whatever the global policy: in half, squares overflow and scores tie."""

    def __init__(self, *, dtype: str = "float32", **kwargs: Any) -> None:
        super().__init__(dtype=dtype, **kwargs)


@keras.saving.register_keras_serializable(PACKAGE)
class RebuildError(_Score):
    """Mean squared difference of a window and its rebuilding, both ``(batch, length, channels)``.

    >>> RebuildError()(ops.zeros((1, 4, 1)), 2 * ops.ones((1, 4, 1))).numpy().tolist()
    [[4.0]]
    """

    def call(self, window: keras.KerasTensor, rebuilt: keras.KerasTensor) -> keras.KerasTensor:
        return ops.mean(ops.square(window - rebuilt), axis=(1, 2))[:, None]


@keras.saving.register_keras_serializable(PACKAGE)
class TemplateDistance(_Score):
    """Logarithm of the mean squared difference of a beat and its wearer's template, the two halves of a
    window's channels ``(batch, length, 2 · leads)``; differences below a hundredth count for little.

    Args:
        first, last: the ticks that count, from ``first`` to before ``last``; None: to the end. Beyond a
            beat's core stand the beats before and after it, elsewhere at another heart rate.

    >>> same, other = ops.zeros((1, 4, 2)), ops.reshape(ops.arange(8.0), (1, 4, 2))
    >>> bool(TemplateDistance()(same) < TemplateDistance()(other))
    True
    """

    def __init__(self, first: int = 0, last: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if first < 0 or (last is not None and last <= first):
            raise ValueError(f"TemplateDistance: found ticks {first} to {last}, expected at least one.")
        self.first, self.last = first, last

    def build(self, input_shape: tuple[int, ...]) -> None:
        if input_shape[1] is not None and self.first >= input_shape[1]:
            raise ValueError(
                f"TemplateDistance: found ticks from {self.first} on in windows of {input_shape[1]}, "
                "expected at least one."
            )

    def call(self, window: keras.KerasTensor) -> keras.KerasTensor:
        beat, template = ops.split(window[:, self.first : self.last], 2, axis=2)
        return ops.log(ops.mean(ops.square(beat - template), axis=(1, 2)) + 1e-4)[:, None]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "first": self.first, "last": self.last}


@keras.saving.register_keras_serializable(PACKAGE)
class Mahalanobis(_Score):
    """Squared Mahalanobis distance of an embedding ``(batch, units)`` to the normal beats' mean.

    The covariance is shrunk as Ledoit and Wolf (2004) do, and a millionth of the mean variance added, so that
    it can be inverted even where beats are few or units do not vary.

    >>> score = Mahalanobis()
    >>> score.adapt(np.random.default_rng(0).normal(size=(50, 3)))
    >>> bool(score(ops.zeros((1, 3))) < score(9 * ops.ones((1, 3))))
    True
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        units = input_shape[-1]
        self.mean = self.add_weight(shape=(units,), initializer="zeros", trainable=False, name="mean")
        self.whitening = self.add_weight(
            shape=(units, units), initializer="identity", trainable=False, name="whitening"
        )

    def adapt(self, embeddings: np.ndarray) -> None:
        """Fit to the embeddings ``(beats, units)`` of normal beats."""
        fitted = LedoitWolf().fit(np.asarray(embeddings, np.float64))
        if not self.built:
            self.build(np.shape(embeddings))
        covariance = fitted.covariance_
        ridge = 1e-6 * np.diag(covariance).mean() + 1e-12
        precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
        self.mean.assign(fitted.location_)
        self.whitening.assign(np.linalg.cholesky(precision))

    def call(self, embedding: keras.KerasTensor) -> keras.KerasTensor:
        whitened = ops.matmul(embedding - self.mean, self.whitening)
        return ops.sum(ops.square(whitened), axis=1, keepdims=True)


@keras.saving.register_keras_serializable(PACKAGE)
class NearestPrototype(_Score):
    """Distance of an embedding ``(batch, units)`` to the nearest of ``count`` prototypes of normal beats.

    The prototypes are the centres that k-means finds among normal beats.

    Args:
        count: number of prototypes, 1 to 512.
        seed: of k-means.

    >>> score = NearestPrototype(2)
    >>> score.adapt(np.float32([[0, 0], [3, 4]]))
    >>> score(ops.array([[3.0, 5.0]])).numpy().round(3).tolist()
    [[1.0]]
    """

    def __init__(self, count: int = 512, seed: int | None = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 1 <= count <= 512:
            raise ValueError(f"NearestPrototype: found {count} prototypes, expected 1 to 512.")
        self.count, self.seed = count, seed

    def build(self, input_shape: tuple[int, ...]) -> None:
        shape = (self.count, input_shape[-1])
        self.prototypes = self.add_weight(
            shape=shape, initializer="zeros", trainable=False, name="prototypes"
        )

    def adapt(self, embeddings: np.ndarray) -> None:
        """Fit to the embeddings ``(beats, units)`` of normal beats, at least as many as prototypes."""
        if len(embeddings) < self.count:
            raise ValueError(
                f"NearestPrototype: found {len(embeddings)} beats, expected at least {self.count}."
            )
        if not self.built:
            self.build(np.shape(embeddings))
        means = MiniBatchKMeans(self.count, batch_size=4096, n_init=1, random_state=self.seed)
        self.prototypes.assign(means.fit(np.asarray(embeddings, np.float32)).cluster_centers_)

    def call(self, embedding: keras.KerasTensor) -> keras.KerasTensor:
        # |e - p|² less |e|², which is the same for all p. Its rounding would drown a small distance, so the
        # distance to the nearest is that of their difference.
        norms = ops.sum(ops.square(self.prototypes), axis=1)
        nearest = ops.argmin(norms - 2 * ops.matmul(embedding, ops.transpose(self.prototypes)), axis=1)
        return ops.norm(embedding - ops.take(self.prototypes, nearest, axis=0), axis=1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count, "seed": self.seed}


@keras.saving.register_keras_serializable(PACKAGE)
class NormalSpread(_Score):
    """A score ``(batch, 1)`` less its median among normal beats, in their interquartile ranges.

    Such scores add up as logits do: two moderate ones together give a high one. Quantiles' do not.

    >>> score = NormalSpread()
    >>> score.adapt(np.arange(101))
    >>> score(ops.array([[50.0], [150.0]])).numpy().tolist()
    [[0.0], [2.0]]
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        def weight(name):
            return self.add_weight(shape=(), initializer="zeros", trainable=False, name=name)

        self.median, self.range = weight("median"), weight("range")

    def adapt(self, scores: np.ndarray) -> None:
        """Fit to the ``scores`` (beats,) or (beats, 1) of normal beats that trained nothing.

        Raises ``ValueError`` for no scores, or some that are not finite.
        """
        scores = _finite_scores("NormalSpread", scores)
        if not self.built:
            self.build((1, 1))
        low, median, high = np.quantile(scores, [0.25, 0.5, 0.75])
        self.median.assign(median)
        self.range.assign(high - low if high - low > LEAST else 1.0)

    def call(self, score: keras.KerasTensor) -> keras.KerasTensor:
        return (score - self.median) / self.range


def _finite_scores(name, scores):
    scores = np.asarray(scores, np.float64).reshape(-1)
    if not len(scores) or not np.isfinite(scores).all():
        found = f"{np.sum(~np.isfinite(scores))} of {len(scores)} scores that are not finite"
        raise ValueError(f"{name}: found {found}; expected numbers, at least one.")
    return scores


@keras.saving.register_keras_serializable(PACKAGE)
class NormalQuantile(_Score):
    """A score ``(batch, 1)`` as ``-log(p)``, p being the share of normal beats that score higher.

    Scores become comparable, whatever their scales. Up to the 99 % quantile p is interpolated between the
    quantiles of the normal beats; above, where there are few, an exponential tail goes on (its scale is the
    mean excess over that quantile), so that no two abnormal beats are tied. A score never maps lower than a
    smaller one; NaN stays NaN.

    >>> score = NormalQuantile()
    >>> score.adapt(np.arange(101))
    >>> round(float(score(ops.array([[90.0]]))[0, 0]), 2)  # a tenth scores higher: -log(0.1)
    2.3
    """

    def build(self, input_shape: tuple[int, ...]) -> None:
        def weight(name, shape):
            return self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)

        self.quantiles = weight("quantiles", (LEVELS,))
        self.tail = weight("tail", ())

    def adapt(self, scores: np.ndarray) -> None:
        """Fit to the ``scores`` (beats,) or (beats, 1) of normal beats that trained nothing.

        Raises ``ValueError`` for no scores, or some that are not finite.
        """
        scores = _finite_scores("NormalQuantile", scores)
        if not self.built:
            self.build((1, 1))
        quantiles = np.quantile(scores, np.arange(LEVELS) / LEVELS)
        excess = np.maximum(scores - quantiles[-1], 0)
        # Where the highest are tied, the tail is as wide as the rest or, where all are tied, as their height.
        scales = [excess.sum() / max(np.sum(excess > 0), 1), np.ptp(quantiles), abs(quantiles[-1]), 1.0]
        self.quantiles.assign(quantiles)
        self.tail.assign(next(scale for scale in scales if scale > LEAST))

    def call(self, score: keras.KerasTensor) -> keras.KerasTensor:
        last = LEVELS - 1
        # ``ops.searchsorted`` would do, but that of Keras 3.11 works in no graph.
        above = ops.clip(ops.sum(ops.cast(score >= self.quantiles, "int32"), axis=1), 1, last)
        low, high = ops.take(self.quantiles, above - 1), ops.take(self.quantiles, above)
        tied = ops.cast(score[:, 0] >= high, score.dtype)
        share = ops.where(high > low, (score[:, 0] - low) / ops.where(high > low, high - low, 1.0), tied)
        share = ops.clip(share, 0.0, 1.0)
        reached = (ops.cast(above, share.dtype) - 1 + share) / LEVELS
        beyond = ops.maximum(score[:, 0] - self.quantiles[last], 0.0) / self.tail
        return (beyond - ops.log(1 - reached))[:, None]
