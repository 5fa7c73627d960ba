"""SimCLR on BeatGAN's discriminator: Chen et al., "A Simple Framework for Contrastive Learning of Visual
Representations", ICML 2020 (v1), and "Big Self-Supervised Models are Strong Semi-Supervised Learners",
NeurIPS 2020 (v2). The shifted windows follow CSI (Tack et al., NeurIPS 2020).
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_sibeat.distribution import step_logs
from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.composed import Composed
from keras_sibeat.layers.redrawing import same_draws
from keras_sibeat.losses import NTXent
from keras_sibeat.models.batch import counted, mean, record
from keras_sibeat.models.descent import Descent, descend, objective
from keras_sibeat.models.judge import Judge
from keras_sibeat.models.networks import LAST, Draws, encode
from keras_sibeat.models.outputs import OUTPUTS, discriminator_outputs
from keras_sibeat.models.twin import precision, regularisation

HEAD_LAYERS = {"v1": 2, "v2": 3}


def contrastive_discriminator(
    length: int = 320,
    channels: int = 1,
    width: int = 16,
    depth: int = 5,
    head: str = "v1",
    units: int = 128,
    projection: int = 64,
    seed: int | None = None,
    synchronized: bool = False,
) -> keras.Model:
    """BeatGAN's discriminator with an embedding, SimCLR's projection head and a shift head of two layers.

    The trunk ends in a layer over all ticks: a beat is aligned at its R-peak, so where a wave stands matters,
    and a mean over time would lose it.

    Args:
        length, channels: of the windows.
        width, depth: of the trunk; the published discriminator has width 32.
        head: ``v1`` (two layers; the embedding is the trunk's output) or ``v2`` (three layers; the embedding
            is the first of them, from which SimCLR v2 fine-tunes).
        units: of the trunk's output and of the head's hidden layers.
        projection: units of the projection.
        seed: of the initial weights.
        synchronized: whether batch normalisation takes its statistics over all replicas.

    Returns a model ``(batch, length, channels)`` → a list: the logit ``(batch, 1)`` that the window is real,
    the features ``(batch, ticks, filters)``, the embedding ``(batch, units)``, the projection, and the logit
    ``(batch, 1)`` that the window is shifted.
    """
    if head not in HEAD_LAYERS:
        raise ValueError(f"contrastive_discriminator: found head {head!r}, expected v1 or v2.")
    draws = Draws(seed)
    inputs = keras.Input((length, channels), name="window")
    features, logit = encode(inputs, 1, width, depth, 0.9, draws, synchronized)
    trunk = draws.convolution(layers.Conv1D, units, features.shape[1])(features)
    hidden = [layers.Flatten(LAST, name="trunk")(trunk)]
    for number in range(1, HEAD_LAYERS[head]):
        hidden.append(draws.dense(units, activation="relu", name=f"head_{number}")(hidden[-1]))
    embedding = layers.Identity(name="embedding")(hidden[0 if head == "v1" else 1])
    outputs = [
        layers.Flatten(LAST, name="logit")(logit),
        layers.Identity(name="features")(features),
        embedding,
        draws.dense(projection, name="projection")(hidden[-1]),
        draws.dense(1, name="shift")(draws.dense(units, activation="relu", name="shift_1")(embedding)),
    ]
    return keras.Model(inputs, outputs, name="discriminator")


def _check_outputs(shapes):
    """Raise ``ValueError`` where these are not the shapes of ``OUTPUTS``."""
    named = discriminator_outputs(shapes)
    fit = len(shapes) == len(OUTPUTS) and all(named[name] == (None, 1) for name in ("logit", "shift"))
    if not (fit and all(len(named[name]) == 2 for name in ("embedding", "projection"))):
        raise ValueError(
            f"SimCLR: found a discriminator with outputs {shapes}; expected {', '.join(OUTPUTS)}: "
            "logit and shift (batch, 1), embedding and projection (batch, units)."
        )


@keras.saving.register_keras_serializable(package="keras_sibeat")
class SimCLR(Composed, Descent):
    """A discriminator's trunk, trained contrastively on normal windows alone.

    Each step draws two views of every window and, of the second view, a shifted copy. The loss is
    ``nt_xent_weight * NT-Xent(views)`` plus ``shift_weight`` times the cross-entropy of telling the shifted
    copies from both views, and the discriminator's regularisers.

    NT-Xent compares each beat with all others of its batch, so weights of beats are refused where it has a
    weight. Without it they weigh the losses; a shift may still take a wave from a beat of weight 0.

    ``evaluate`` and ``validation_data`` report the same losses of views and shifts that are drawn at
    evaluation as they are in training, and judged at inference, without the self-teacher. The draws depend on
    the layers' seeds and on a window's place in the data alone: the same windows in the same batches have the
    same ``val_loss`` as long as the weights are the same, and training goes on as if nothing had been drawn.
    NT-Xent grows with the batch: compare batches of one size.

    Args:
        discriminator: as ``contrastive_discriminator`` returns it.
        views: layer that draws a view, e.g. ``Views([...])``.
        shifts: layer that breaks a window, e.g. ``Shifts([...])``; needed where it is used.
        temperature: of NT-Xent.
        nt_xent_weight, shift_weight: of the losses; zero leaves a loss out.
        hard_negatives: whether the shifted windows' projections are further negatives (CSI).
        self_teacher: ``SelfTeacher`` of the trunk (FRSKD), which learns shifted from normal windows beside it
            and adds its loss, ``shift_weight`` times; none by default.
        partners: layer that draws, for each window, another one of the same wearer (``Partners``). Then the
            positives of NT-Xent are two beats of a wearer, beats of a wearer are no negatives of each other,
            and the model is fitted to windows and their wearers' numbers. By default a positive is the other
            view of the same beat.
        imagined: layer that makes a window and its partner those of another wearer (``ImaginedWearers``),
            before any view; none by default.

    >>> from keras_sibeat import Shifts, Views, shifts, views
    >>> trunk = contrastive_discriminator(width=2, units=8, projection=4)
    >>> model = SimCLR(trunk, Views([views.Gain()]), Shifts([shifts.Bump()]))
    >>> [each.shape for each in model.draw(ops.zeros((2, 320, 1)))]  # two views, and shifted
    [TensorShape([2, 320, 1]), TensorShape([2, 320, 1]), TensorShape([2, 320, 1])]
    """

    components = ("discriminator", "views", "shifts", "self_teacher", "partners", "imagined")

    def __init__(
        self,
        discriminator: keras.Model,
        views: keras.Layer,
        shifts: keras.Layer | None = None,
        temperature: float = 0.1,
        nt_xent_weight: float = 1.0,
        shift_weight: float = 1.0,
        hard_negatives: bool = False,
        self_teacher: keras.Layer | None = None,
        partners: keras.Layer | None = None,
        imagined: keras.Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, weight in {"nt_xent_weight": nt_xent_weight, "shift_weight": shift_weight}.items():
            if not 0 <= weight < math.inf:
                raise ValueError(f"SimCLR: found {name} {weight}, expected a finite number from 0 on.")
        if shifts is None and (shift_weight or hard_negatives):
            raise ValueError("SimCLR: found no shifts; expected them for shift_weight and hard_negatives.")
        _check_outputs([tuple(output.shape) for output in discriminator.outputs])
        self.discriminator, self.views, self.shifts = discriminator, views, shifts
        self.nt_xent = NTXent(temperature)
        self.nt_xent_weight, self.shift_weight = nt_xent_weight, shift_weight
        self.hard_negatives, self.self_teacher = hard_negatives, self_teacher
        self.partners, self.imagined = partners, imagined
        self.precision, self.window_shape = precision(discriminator), discriminator.input_shape
        self._judge = Judge(discriminator, with_maps=self_teacher is not None)
        names = ("loss", "nt_xent", "shift_loss", "shift_accuracy")
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    def compile(self, *args: Any, **kwargs: Any) -> None:
        if not (self.nt_xent_weight or self.shift_weight):
            raise ValueError("SimCLR: found only weights of 0; expected one above for learning.")
        super().compile(*args, **kwargs)

    @property
    def learners(self) -> list[keras.Variable]:
        """The variables that the contrast trains."""
        taught = self.self_teacher.trainable_variables if self.self_teacher else []
        return [*self.discriminator.trainable_variables, *taught]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._means.values())

    @property
    def network(self) -> keras.Model:
        return self.discriminator

    @property
    def compares(self) -> str:
        return "NT-Xent" if self.nt_xent_weight else ""

    def draw(
        self, windows: keras.KerasTensor, wearers: keras.KerasTensor | None = None
    ) -> list[keras.KerasTensor]:
        """Two views of the windows and, where a loss needs it, a shifted copy of the second: a list.

        Raises ``ValueError`` where there are partners, but no wearers.
        """
        if self.partners and wearers is None:
            raise ValueError("SimCLR: found no wearers; expected windows and their wearers' numbers.")
        others = self.partners(windows, wearers) if self.partners else windows
        if self.imagined:
            both = self.imagined(ops.concatenate([windows, others], axis=2), training=True)
            windows, others = ops.split(both, 2, axis=2)
        first, second = (self.views(beats, training=True) for beats in (windows, others))
        is_used = self.shift_weight or (self.nt_xent_weight and self.hard_negatives)
        if self.shifts is None or not is_used:
            return [first, second]
        return [first, second, self.shifts(second, training=True)]

    def contrast(
        self,
        projections: Sequence[keras.KerasTensor],
        shift_logits: Sequence[keras.KerasTensor],
        maps: Sequence[Sequence[keras.KerasTensor]] = (),
        wearers: keras.KerasTensor | None = None,
        weights: keras.KerasTensor | None = None,
    ) -> tuple[keras.KerasTensor, dict[str, keras.KerasTensor]]:
        """The weighted loss, and its terms by name, of what the discriminator made of ``draw``'s windows.

        Args:
            projections, shift_logits: lists of an array for each of ``draw``'s windows; more are ignored.
            maps: the same of the trunk's feature maps, a list for each; for the self-teacher alone, which is
                left out without them.
            wearers: their numbers (batch,), where there are partners.
            weights: of the beats (batch,); not for NT-Xent.
        """
        terms, loss = {}, 0.0
        if self.nt_xent_weight:
            negatives = projections[2] if self.hard_negatives else None
            groups = ops.reshape(wearers, (-1,)) if self.partners else None
            terms["nt_xent"] = self.nt_xent.contrast(projections[0], projections[1], negatives, groups)
            loss += self.nt_xent_weight * terms["nt_xent"]
        if self.shift_weight:
            first, second, shifted = shift_logits[:3]
            normal, both = ops.concatenate([first, second]), None if weights is None else ops.tile(weights, 2)
            # log(1 + exp(±logit)): the two classes weigh the same, although views are twice as many.
            of_normal, of_shifted = mean(ops.softplus(normal), both), mean(ops.softplus(-shifted), weights)
            terms["shift_loss"] = (of_normal + of_shifted) / 2
            terms["shift_accuracy"] = (ops.mean(normal < 0) + ops.mean(shifted > 0)) / 2
            loss += self.shift_weight * terms["shift_loss"]
            if self.self_teacher and maps:
                teach = self.self_teacher.teach
                told = [teach(maps[n], shift_logits[n], label, weights) for n, label in enumerate((0, 0, 1))]
                loss += self.shift_weight * ((told[0] + told[1]) / 2 + told[2]) / 2
        return loss, terms

    def train_step(self, data: Any) -> dict[str, Any]:
        windows, wearers, weights = self.unpack(data)
        drawn = self.draw(windows, wearers)
        with tf.GradientTape() as tape:
            judged, maps = self._judge.together(drawn)
            loss, terms = self.contrast(judged["projection"], judged["shift"], maps, wearers, weights)
            loss = self._penalised(loss)
            part = objective(self.optimizer, loss)
        descend(self.optimizer, tape, part, self.learners)
        record(self._means, {"loss": loss, **terms}, counted(windows))
        return step_logs(self.metrics)

    def test_step(self, data: Any) -> dict[str, Any]:
        windows, wearers, weights = self.unpack(data)
        drawing = [getattr(self, name) for name in ("views", "shifts", "partners", "imagined")]
        with same_draws(drawing, self._means["loss"].count):
            drawn = self.draw(windows, wearers)
        judged, _ = self._judge.together(drawn, training=False)
        loss, terms = self.contrast(judged["projection"], judged["shift"], (), wearers, weights)
        record(self._means, {"loss": self._penalised(loss), **terms}, ops.shape(windows)[0])
        return step_logs(self.metrics)

    def _penalised(self, loss):
        return sum([*self._judge.added, *regularisation(self.learners)], start=loss)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "temperature": self.nt_xent.temperature,
            "nt_xent_weight": self.nt_xent_weight,
            "shift_weight": self.shift_weight,
            "hard_negatives": self.hard_negatives,
        }
