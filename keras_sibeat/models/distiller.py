"""A trained scorer teaches a compact student, on beats that nobody has labelled."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_sibeat.distribution import share, step_logs
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.composed import Composed
from keras_sibeat.layers.names import DISTILLATION_WEIGHTS, TAILS
from keras_sibeat.layers.scores import NormalQuantile
from keras_sibeat.losses import SoftTargets, unit_rows
from keras_sibeat.models.descent import Descent, descend
from keras_sibeat.models.matmul import as_matmuls
from keras_sibeat.models.outputs import student_outputs


def as_teacher(scorer: keras.Model, normals: np.ndarray) -> keras.Model:
    """A scorer, as ``build_scorer`` returns it, as a ``Distiller`` is taught by it.

    Its score becomes ``-log(p)``, p being the share of normal beats that score higher: a student that learns
    it is calibrated.

    Args:
        normals: the ``score`` (beats,) of normal beats that trained nothing.

    Returns a model ``(batch, length, channels)`` → dictionary: ``score`` (batch, 1), ``embedding`` (batch,
    units) of length 1, ``prototypes`` (batch, count): its cosines with the prototypes of normal beats, and
    ``rebuilt`` (batch, length, channels).
    """
    quantile = NormalQuantile(name="score_quantile")
    quantile.adapt(normals)
    embedding = scorer.get_layer("direction").output
    _, rebuilt = scorer.get_layer("rebuild").input
    prototypes = scorer.get_layer("prototypes").prototypes
    cosines = layers.Dense(prototypes.shape[0], use_bias=False, name="cosines")
    outputs = {
        "score": quantile(scorer.output["score"]),
        "embedding": embedding,
        "prototypes": cosines(embedding),
        "rebuilt": rebuilt,
    }
    directions = ops.transpose(prototypes) / ops.norm(prototypes, axis=1)
    cosines.kernel.assign(directions)
    teacher = keras.Model(scorer.input, outputs, name="teacher")
    teacher.trainable = False
    return teacher


@keras.saving.register_keras_serializable(package="keras_sibeat")
class Distiller(Composed, Descent):
    """Trains a compact student by a frozen teacher, on views of normal beats and on shifted ones.

    Each step draws a view of every window and a shifted copy of it; the teacher judges both, and the
    student learns, on the very same windows:

    - ``score``: the teacher's score, which says how abnormal a shifted beat is, by a Huber loss. With the
      tail ``flat`` a teacher above ``cap`` asks only that the student is above it, too. With the tail ``log``
      the score above ``cap`` grows as a logarithm, so that int8 holds it;
    - ``embedding``: the direction of the teacher's embedding, by a projection that training alone needs:
      1 - cosine;
    - ``prototypes``: which kind of normal beat this is, by soft targets, softmax(cosine / temperature) over
      the prototypes;
    - ``rebuilt``: the teacher's rebuilt beat, by the mean squared error.

    A student of a window and a rhythm is fitted to both. ``timings`` may replace the rhythm by a simulated
    one, premature or not, whatever the window.

    Args:
        student: as ``student(rebuilds=True)`` returns it, or without its rebuilt beat, where that has no
            weight.
        teacher: as ``as_teacher`` returns it, for windows of the same shape.
        views, shifts: layers that draw a view, and break a window.
        weights: of the losses by name; a missing one is that of ``DISTILLATION_WEIGHTS``, zero
            leaves a loss out.
        temperature: of the soft targets.
        cap: of the score, in nats: exp(-cap) of normal beats score higher.
        tail: of the score above the cap: ``flat`` or ``log``.
        imagined: layer that makes windows those of another wearer (``ImaginedWearers``), before any view.
        seed: of the projection's initial weights.
        timings: layer that replaces rhythms by simulated ones (``SimulatedRhythm``); for a student with
            rhythm alone.
        noise: layer that disturbs the windows as the student sees them (``WornNoise``). The teacher judges
            them undisturbed, so that the student learns to see through noise what the teacher sees without.

    Calling the model returns the student's score and residuals.

    >>> from keras_sibeat import Shifts, Views, shifts, student
    >>> window = keras.Input((320, 1))
    >>> embedding = layers.Dense(4)(layers.Flatten()(window))
    >>> outputs = {"score": layers.Dense(1)(embedding), "embedding": embedding, "rebuilt": window}
    >>> outputs["prototypes"] = layers.Dense(3, name="cosines")(embedding)
    >>> teacher, small = keras.Model(window, outputs), student(width=3, units=4)
    >>> model = Distiller(small, teacher, Views([]), Shifts([shifts.Bump()]), {"rebuilt": 0.0})
    >>> model(ops.zeros((2, 320, 1))).shape
    TensorShape([2, 1])
    """

    components = ("student", "teacher", "views", "shifts", "timings", "imagined", "noise")

    def __init__(
        self,
        student: keras.Model,
        teacher: keras.Model,
        views: keras.Layer,
        shifts: keras.Layer,
        weights: Mapping[str, float] | None = None,
        temperature: float = 0.1,
        cap: float = 8.0,
        seed: int | None = None,
        timings: keras.Layer | None = None,
        tail: str = "flat",
        imagined: keras.Layer | None = None,
        noise: keras.Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        weights = dict(weights or {})
        unknown = sorted(set(weights) - set(DISTILLATION_WEIGHTS))
        if unknown:
            raise ValueError(
                f"Distiller: found weights {unknown}, expected some of {', '.join(DISTILLATION_WEIGHTS)}."
            )
        self.loss_weights = {**DISTILLATION_WEIGHTS, **weights}
        for name, weight in {**self.loss_weights, "cap": cap}.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"Distiller: found {name} {weight}, expected a finite number from 0 on.")
        if not any(self.loss_weights.values()):
            raise ValueError("Distiller: found only weights of 0; expected one above for learning.")
        if not isinstance(teacher, keras.Model) or not teacher.built:
            raise ValueError("Distiller: found a teacher that is not built; expected a trained one.")
        if student.input_shape != teacher.input_shape:
            raise ValueError(
                f"Distiller: found a student of windows {student.input_shape}, expected its teacher's "
                f"{teacher.input_shape}."
            )
        if tail not in TAILS:
            raise ValueError(f"Distiller: found the tail {tail!r}, expected {' or '.join(TAILS)}.")
        teacher.trainable = False
        self.student, self.teacher, self.views, self.shifts = student, teacher, views, shifts
        self.timings, self.imagined, self.noise = timings, imagined, noise
        self.cap, self.tail, self.seed = cap, tail, seed
        self._soft_targets = SoftTargets(temperature)
        embedding = student.get_layer("embedding").output
        glorot = keras.initializers.GlorotUniform(seed)
        units = teacher.output["embedding"].shape[1]
        projected = layers.Dense(units, kernel_initializer=glorot, name="projection")(embedding)
        outputs = {"score": student_outputs(student.outputs)["score"], "embedding": projected}
        if self.loss_weights["rebuilt"]:
            outputs["rebuilt"] = student.get_layer("rebuilt").output
        self.taught = keras.Model(student.input, outputs, name="taught")
        # ``partial`` keeps the training twins out of tracking and saving: they own no variable.
        self._study = partial(as_matmuls(self.taught), training=True)
        self._prototypes = partial(teacher.get_layer("cosines"))
        self._means = {name: keras.metrics.Mean(name=name) for name in ("loss", *DISTILLATION_WEIGHTS)}
        self.built = True

    @property
    def learners(self) -> list[keras.Variable]:
        return self.taught.trainable_variables

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._means.values())

    def call(self, windows: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        return self.student(windows, training=training)

    def losses_of(
        self, wanted: Mapping[str, keras.KerasTensor], found: Mapping[str, keras.KerasTensor]
    ) -> dict[str, keras.KerasTensor]:
        """The unweighted losses by name, scalars, of the teacher's and the student's outputs."""
        direction = unit_rows(found["embedding"])
        cosine = ops.sum(wanted["embedding"] * direction, axis=1)
        logits = [wanted["prototypes"], self._prototypes(direction)]
        gap = ops.clip(wanted["score"], 0.0, self.cap) - found["score"]
        if self.tail == "log":
            gap += ops.log1p(ops.relu(wanted["score"] - self.cap))
        else:  # a student above the cap, where the teacher is, is right
            gap = ops.where((wanted["score"] >= self.cap) & (gap < 0), 0.0, gap)
        size = ops.abs(gap)
        losses = {
            "score": ops.mean(ops.where(size < 1, ops.square(gap) / 2, size - 0.5)),
            "embedding": 1 - ops.mean(cosine),
            "prototypes": ops.mean(self._soft_targets.call(*logits)),
        }
        if "rebuilt" in found:
            losses["rebuilt"] = ops.mean(ops.square(wanted["rebuilt"] - found["rebuilt"]))
        return losses

    def train_step(self, data: Any) -> dict[str, Any]:
        beats, rhythm, _ = keras.utils.unpack_x_y_sample_weight(data)
        if self.imagined:
            beats = self.imagined(beats, training=True)
        view = self.views(beats, training=True)
        beats = ops.concatenate([view, self.shifts(view, training=True)])
        seen = self.noise(beats, training=True) if self.noise else beats
        if self.timings:
            rhythm = self.timings(ops.concatenate([rhythm, rhythm]), training=True)
            beats, seen = ({"window": windows, "rhythm": rhythm} for windows in (beats, seen))
        wanted = self.teacher(beats, training=False)
        with tf.GradientTape() as tape:
            losses = self.losses_of(wanted, self._study(seen))
            loss = sum(self.loss_weights[name] * value for name, value in losses.items())
            part = share(loss)
        descend(self.optimizer, tape, part, self.learners)
        for name, value in {"loss": loss, **losses}.items():
            self._means[name].update_state(value)
        return step_logs(self.metrics)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "weights": self.loss_weights,
            "temperature": self._soft_targets.temperature,
            "cap": self.cap,
            "tail": self.tail,
            "seed": self.seed,
        }
