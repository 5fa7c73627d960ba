"""A trained scorer teaches a compact student, on beats that nobody has labelled."""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_sibeat.distribution import step_logs
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.composed import Composed
from keras_sibeat.layers.names import DISTILLATION_WEIGHTS, TAILS
from keras_sibeat.layers.redrawing import same_draws
from keras_sibeat.layers.scores import NormalQuantile
from keras_sibeat.losses import SoftTargets, unit_rows
from keras_sibeat.models.batch import counted, mean, record
from keras_sibeat.models.descent import Descent, descend, objective
from keras_sibeat.models.outputs import student_outputs
from keras_sibeat.models.twin import Twin, precision, regularisation


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
    dtype = precision(scorer)
    quantile = NormalQuantile(name="score_quantile", dtype=dtype)
    quantile.adapt(normals)
    embedding = scorer.get_layer("direction").output
    _, rebuilt = scorer.get_layer("rebuild").input
    prototypes = scorer.get_layer("prototypes").prototypes
    cosines = layers.Dense(prototypes.shape[0], use_bias=False, name="cosines", dtype=dtype)
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

    The student's regularisers are added. Weights of beats weigh all losses, those of a beat's view and of its
    shifted copy alike.

    A student of a window and a rhythm is fitted to both: ``fit(windows, rhythms)``. ``timings`` may replace
    the rhythm by a simulated one, premature or not, whatever the window.

    ``evaluate`` and ``validation_data`` report the same losses of the student at inference, on views and
    shifted copies that are drawn as in training. As in ``SimCLR`` the draws depend on the layers' seeds and
    on a window's place in the data alone, and training goes on as if nothing had been drawn.

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

    Calling the model returns the student's score and residuals, and so does what ``export`` writes.

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
        policy = student.get_layer("embedding").dtype_policy
        projected = layers.Dense(units, kernel_initializer=glorot, name="projection", dtype=policy)(embedding)
        outputs = {"score": student_outputs(student.outputs)["score"], "embedding": projected}
        if self.loss_weights["rebuilt"]:
            outputs["rebuilt"] = student.get_layer("rebuilt").output
        self.taught = keras.Model(student.input, outputs, name="taught")
        # Networks in a window and a rhythm have a mapping of inputs.
        self._takes_rhythm = isinstance(student.input, dict)
        if timings and not self._takes_rhythm:
            raise ValueError("Distiller: found timings for a student without rhythm, expected none.")
        window = student.input["window"] if self._takes_rhythm else student.input
        self.precision, self.window_shape = precision(self.taught, teacher), tuple(window.shape)
        self._study = Twin(self.taught, self.precision)
        # ``partial`` keeps a second way to the teacher's layer out of tracking and saving.
        self._prototypes = partial(teacher.get_layer("cosines"))
        self._means = {name: keras.metrics.Mean(name=name) for name in ("loss", *DISTILLATION_WEIGHTS)}
        self.built = True

    @property
    def learners(self) -> list[keras.Variable]:
        return self.taught.trainable_variables

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._means.values())

    @property
    def network(self) -> keras.Model:
        return self.student

    def losses_of(
        self,
        wanted: Mapping[str, keras.KerasTensor],
        found: Mapping[str, keras.KerasTensor],
        weights: keras.KerasTensor | None = None,
    ) -> dict[str, keras.KerasTensor]:
        """The losses by name, scalars, of the teacher's and the student's outputs, in ``precision``.

        ``weights`` are those of the beats ``(batch,)``.
        """
        direction = unit_rows(found["embedding"])
        cosine = ops.sum(wanted["embedding"] * direction, axis=1)
        logits = [wanted["prototypes"], ops.cast(self._prototypes(direction), self.precision)]
        gap = ops.clip(wanted["score"], 0.0, self.cap) - found["score"]
        if self.tail == "log":
            gap += ops.log1p(ops.relu(wanted["score"] - self.cap))
        else:  # a student above the cap, where the teacher is, is right
            gap = ops.where((wanted["score"] >= self.cap) & (gap < 0), 0.0, gap)
        size = ops.abs(gap)
        losses = {
            "score": mean(ops.where(size < 1, ops.square(gap) / 2, size - 0.5), weights),
            "embedding": (1 if weights is None else mean(weights)) - mean(cosine, weights),
            "prototypes": mean(self._soft_targets.call(*logits), weights),
        }
        if "rebuilt" in found:
            losses["rebuilt"] = mean(ops.square(wanted["rebuilt"] - found["rebuilt"]), weights)
        return losses

    def train_step(self, data: Any) -> dict[str, Any]:
        windows, rhythm, weights = self.unpack(data)
        judged, seen = self._drawn(windows, rhythm)
        wanted = self._judged(judged)
        with tf.GradientTape() as tape:
            values = self._values(wanted, self._study(seen), weights)
            part = objective(self.optimizer, values["loss"])
        descend(self.optimizer, tape, part, self.learners)
        record(self._means, values, counted(windows))
        return step_logs(self.metrics)

    def test_step(self, data: Any) -> dict[str, Any]:
        windows, rhythm, weights = self.unpack(data)
        drawing = [getattr(self, name) for name in ("views", "shifts", "timings", "imagined", "noise")]
        with same_draws(drawing, self._means["loss"].count):
            judged, seen = self._drawn(windows, rhythm)
        found = self._study(seen, training=False)
        record(self._means, self._values(self._judged(judged), found, weights), ops.shape(windows)[0])
        return step_logs(self.metrics)

    def _drawn(self, beats, rhythm):
        """What the teacher judges and what the student sees: a view of each window, and a shifted copy."""
        if self._takes_rhythm and rhythm is None:
            raise ValueError("Distiller: found windows alone, expected windows and their rhythms.")
        if self.imagined:
            beats = self.imagined(beats, training=True)
        view = self.views(beats, training=True)
        beats = ops.concatenate([view, self.shifts(view, training=True)])
        seen = self.noise(beats, training=True) if self.noise else beats
        if not self._takes_rhythm:
            return beats, seen
        rhythm = ops.cast(rhythm, self.precision)
        rhythm = ops.concatenate([rhythm, rhythm])
        if self.timings:
            rhythm = self.timings(rhythm, training=True)
        return [{"window": windows, "rhythm": rhythm} for windows in (beats, seen)]

    def _judged(self, beats):
        wanted = self.teacher(beats, training=False)
        return {name: ops.cast(output, self.precision) for name, output in wanted.items()}

    def _values(self, wanted, found, weights):
        """The losses by name, and their weighted sum with the student's regularisers: ``loss``."""
        losses = self.losses_of(wanted, found, None if weights is None else ops.tile(weights, 2))
        loss = sum(self.loss_weights[name] * value for name, value in losses.items())
        return {"loss": sum([*self._study.added, *regularisation(self.learners)], start=loss), **losses}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "weights": self.loss_weights,
            "temperature": self._soft_targets.temperature,
            "cap": self.cap,
            "tail": self.tail,
            "seed": self.seed,
        }
