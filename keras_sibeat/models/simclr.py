"""SimCLR on BeatGAN's discriminator: Chen et al., "A Simple Framework for Contrastive Learning of Visual
Representations", ICML 2020 (v1), and "Big Self-Supervised Models are Strong Semi-Supervised Learners",
NeurIPS 2020 (v2). The shifted windows follow CSI (Tack et al., NeurIPS 2020).
"""

import math
from functools import partial

import keras
import tensorflow as tf
from keras import layers, ops

from keras_sibeat.distribution import share, step_logs
from keras_sibeat.losses import NTXent
from keras_sibeat.models.descent import Descent, descend
from keras_sibeat.models.frskd import trunk_maps
from keras_sibeat.models.matmul import as_matmuls
from keras_sibeat.models.networks import Draws, encode

HEAD_LAYERS = {"v1": 2, "v2": 3}
OUTPUTS = ("logit", "features", "embedding", "projection", "shift")


def contrastive_discriminator(
    length=320,
    channels=1,
    width=16,
    depth=5,
    head="v1",
    units=128,
    projection=64,
    seed=None,
    synchronized=False,
):
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
    hidden = [layers.Flatten(name="trunk")(trunk)]
    for number in range(1, HEAD_LAYERS[head]):
        hidden.append(draws.dense(units, activation="relu", name=f"head_{number}")(hidden[-1]))
    embedding = layers.Identity(name="embedding")(hidden[0 if head == "v1" else 1])
    outputs = [
        layers.Flatten(name="logit")(logit),
        layers.Identity(name="features")(features),
        embedding,
        draws.dense(projection, name="projection")(hidden[-1]),
        draws.dense(1, name="shift")(draws.dense(units, activation="relu", name="shift_1")(embedding)),
    ]
    return keras.Model(inputs, outputs, name="discriminator")


def _check_outputs(shapes):
    """Raise ``ValueError`` where these are not the shapes of ``OUTPUTS``."""
    named = dict(zip(OUTPUTS, shapes, strict=False))
    fit = len(shapes) == len(OUTPUTS) and all(named[name] == (None, 1) for name in ("logit", "shift"))
    if not (fit and all(len(named[name]) == 2 for name in ("embedding", "projection"))):
        raise ValueError(
            f"SimCLR: found a discriminator with outputs {shapes}; expected {', '.join(OUTPUTS)}: "
            "logit and shift (batch, 1), embedding and projection (batch, units)."
        )


def by_windows(outputs, count):
    """What was made of ``count`` batches in one: ``OUTPUTS`` by name, a list of an array for each batch, and
    for each batch the list of what follows them, its feature maps.
    """
    parts = [ops.split(output, count) for output in outputs]
    named = dict(zip(OUTPUTS, parts, strict=False))
    return named, [list(maps) for maps in zip(*parts[len(OUTPUTS) :], strict=True)]


@keras.saving.register_keras_serializable(package="keras_sibeat")
class SimCLR(Descent):
    """A discriminator's trunk, trained contrastively on normal windows alone.

    Each step draws two views of every window and, of the second view, a shifted copy. The loss is
    ``nt_xent_weight * NT-Xent(views)`` plus ``shift_weight`` times the cross-entropy of telling the shifted
    copies from both views.

    Args:
        discriminator: as ``contrastive_discriminator`` returns it.
        views: layer that draws a view, e.g. ``Views([...])``.
        shifts: layer that breaks a window, e.g. ``Shifts([...])``; needed where it is used.
        temperature: of NT-Xent.
        nt_xent_weight, shift_weight: of the losses; zero leaves a loss out.
        hard_negatives: whether the shifted windows' projections are negatives, too (CSI).
        self_teacher: ``SelfTeacher`` of the trunk (FRSKD), which learns shifted from normal windows beside it
            and adds its loss, ``shift_weight`` times; none by default.
        partners: layer that draws, for each window, another one of the same wearer (``Partners``). Then the
            positives of NT-Xent are two beats of a wearer, beats of a wearer are no negatives of each other,
            and the model is fitted to windows and their wearers' numbers. By default a positive is the other
            view of the same beat.
        imagined: layer that makes a window and its partner those of another wearer (``ImaginedWearers``),
            before any view; none by default.
    """

    def __init__(
        self,
        discriminator,
        views,
        shifts=None,
        temperature=0.1,
        nt_xent_weight=1.0,
        shift_weight=1.0,
        hard_negatives=False,
        self_teacher=None,
        partners=None,
        imagined=None,
        **kwargs,
    ):
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
        # ``partial`` keeps the training twin out of tracking and saving: it owns no variable.
        judge = trunk_maps(discriminator) if self_teacher else discriminator
        self.judge = partial(as_matmuls(judge), training=True)
        names = ("loss", "nt_xent", "shift_loss", "shift_accuracy")
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True

    def compile(self, *args, **kwargs):
        if not (self.nt_xent_weight or self.shift_weight):
            raise ValueError("SimCLR: found only weights of 0; expected one above for learning.")
        super().compile(*args, **kwargs)

    @property
    def learners(self):
        """The variables that the contrast trains."""
        taught = self.self_teacher.trainable_variables if self.self_teacher else []
        return [*self.discriminator.trainable_variables, *taught]

    @property
    def metrics(self):
        return list(self._means.values())

    def call(self, windows, training=False):
        return self.discriminator(windows, training=training)

    def draw(self, windows, wearers=None):
        """Two views of the windows and, where a loss needs it, a shifted copy of the second: a list."""
        others = self.partners(windows, wearers) if self.partners else windows
        if self.imagined:
            both = self.imagined(ops.concatenate([windows, others], axis=2), training=True)
            windows, others = ops.split(both, 2, axis=2)
        first, second = (self.views(beats, training=True) for beats in (windows, others))
        if not (self.shift_weight or (self.nt_xent_weight and self.hard_negatives)):
            return [first, second]
        return [first, second, self.shifts(second, training=True)]

    def contrast(self, projections, shift_logits, maps=(), wearers=None):
        """The weighted loss, and its parts by name, of what the discriminator made of ``draw``'s windows.

        Args:
            projections, shift_logits: lists of an array for each of ``draw``'s windows; more are ignored.
            maps: the same of the trunk's feature maps, a list for each; for the self-teacher alone.
            wearers: their numbers (batch,), where there are partners.
        """
        parts, loss = {}, 0.0
        if self.nt_xent_weight:
            negatives = projections[2] if self.hard_negatives else None
            groups = ops.reshape(wearers, (-1,)) if self.partners else None
            parts["nt_xent"] = self.nt_xent.contrast(*projections[:2], negatives, groups)
            loss += self.nt_xent_weight * parts["nt_xent"]
        if self.shift_weight:
            first, second, shifted = shift_logits[:3]
            normal = ops.concatenate([first, second])
            # log(1 + exp(±logit)): the two classes weigh the same, although views are twice as many.
            parts["shift_loss"] = (ops.mean(ops.softplus(normal)) + ops.mean(ops.softplus(-shifted))) / 2
            parts["shift_accuracy"] = (ops.mean(normal < 0) + ops.mean(shifted > 0)) / 2
            loss += self.shift_weight * parts["shift_loss"]
            if self.self_teacher:
                teach = self.self_teacher.teach
                told = [teach(maps[n], shift_logits[n], label) for n, label in enumerate((0, 0, 1))]
                loss += self.shift_weight * ((told[0] + told[1]) / 2 + told[2]) / 2
        return loss, parts

    def train_step(self, data):
        windows, wearers, _ = keras.utils.unpack_x_y_sample_weight(data)
        windows = self.draw(windows, wearers)
        with tf.GradientTape() as tape:
            judged, maps = by_windows(self.judge(ops.concatenate(windows)), len(windows))
            loss, parts = self.contrast(judged["projection"], judged["shift"], maps, wearers)
            objective = share(loss)
        descend(self.optimizer, tape, objective, self.learners)
        for name, value in {"loss": loss, **parts}.items():
            self._means[name].update_state(value)
        return step_logs(self.metrics)

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "views": keras.saving.serialize_keras_object(self.views),
            "shifts": keras.saving.serialize_keras_object(self.shifts),
            "temperature": self.nt_xent.temperature,
            "nt_xent_weight": self.nt_xent_weight,
            "shift_weight": self.shift_weight,
            "hard_negatives": self.hard_negatives,
            "self_teacher": keras.saving.serialize_keras_object(self.self_teacher),
            "partners": keras.saving.serialize_keras_object(self.partners),
            "imagined": keras.saving.serialize_keras_object(self.imagined),
        }

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("discriminator", "views", "shifts", "self_teacher", "partners", "imagined")
        }
        return cls(**{**config, **parts})
