"""BeatGAN whose discriminator also learns by contrast."""

import math
from typing import Any

import keras
from keras import ops

from keras_sibeat.layers.backend import tf
from keras_sibeat.models.batch import counted, record
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.descent import descend, objective
from keras_sibeat.models.judge import adversarial_loss
from keras_sibeat.models.simclr import SimCLR
from keras_sibeat.models.statistics import kept_statistics
from keras_sibeat.models.twin import regularisation


@keras.saving.register_keras_serializable(package="keras_sibeat")
class ContrastiveBeatGAN(BeatGAN):
    """BeatGAN with SimCLR in its discriminator.

    Each step draws two views of every window, and shifted copies. The generator rebuilds the first view. The
    discriminator's loss is ``adversarial_weight`` times BeatGAN's (the first view is real, its rebuilding is
    not) plus the loss of ``SimCLR``. The generator matches the features that this trains. A self-teacher
    refines each kind of window apart.

    One pass judges all windows, so that batch normalisation sees them together. The generator's feature
    matching judges the first view and its rebuilding again, each by its own statistics. These do not move the
    statistics that the discriminator infers by, which remain those of the windows that train it.

    A ``SimCLR`` may be fitted before, as SimCLR v2 pre-trains: its trunk goes on learning here. BeatGAN's
    re-initialisation is off: it would throw away what the contrast has taught.

    Weights of beats are refused where NT-Xent has a weight. ``evaluate`` reports what ``BeatGAN`` does: how
    well the generator rebuilds; ``model.simclr.evaluate`` reports the contrast.

    Args:
        generator: as ``BeatGAN`` takes it.
        simclr: ``SimCLR`` with the discriminator, views, shifts and weights; its weights may be zero.
        adversarial_weight: of BeatGAN's discriminator loss; zero leaves it out.
        feature_weight: of the generator's feature matching.

    >>> from keras_sibeat import Views, contrastive_discriminator, conv_generator
    >>> size = {"length": 16, "width": 2, "depth": 2}
    >>> trunk = contrastive_discriminator(**size, units=8, projection=4)
    >>> simclr = SimCLR(trunk, Views([]), shift_weight=0)
    >>> model = ContrastiveBeatGAN(conv_generator(**size, latent=3), simclr)
    >>> model(ops.zeros((4, 16, 1))).shape
    TensorShape([4, 16, 1])
    """

    components = ("generator", "simclr")
    collapsed_below = 0.0

    def __init__(
        self,
        generator: keras.Model,
        simclr: SimCLR,
        adversarial_weight: float = 1.0,
        feature_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        teacher = simclr.self_teacher
        super().__init__(generator, simclr.discriminator, feature_weight, self_teacher=teacher, **kwargs)
        if not 0 <= adversarial_weight < math.inf:
            raise ValueError(
                f"adversarial_weight: found {adversarial_weight}, expected a finite number from 0 on."
            )
        if not (adversarial_weight or simclr.nt_xent_weight or simclr.shift_weight):
            raise ValueError("ContrastiveBeatGAN: found only weights of 0; expected one above for learning.")
        self.simclr, self.adversarial_weight = simclr, adversarial_weight
        names = ("adversarial_loss", "nt_xent", "shift_loss", "shift_accuracy")
        self._terms = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def compares(self) -> str:
        return self.simclr.compares

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*super().metrics, *self._terms.values()]

    def _draw(self, windows, wearers):
        return self.simclr.draw(windows, wearers)

    def _judged(self, drawn, rebuilt):
        return [*drawn, rebuilt] if self.adversarial_weight else [*drawn]

    def _match(self, rebuilt, windows):
        with kept_statistics(self.discriminator):
            return super()._match(rebuilt, windows)

    def _update_discriminator(self, rebuilt, wearers, beat_weights, *windows):
        weights = self.simclr.learners
        judged = self._judged(windows, ops.stop_gradient(rebuilt))
        with tf.GradientTape() as tape:
            outputs, maps = self._judge.together(judged)
            penalties = [*self._judge.added, *regularisation(weights)]
            heads = (outputs["projection"], outputs["shift"])
            loss, terms = self.simclr.contrast(*heads, maps, wearers, beat_weights)
            if self.adversarial_weight:
                real, fake = outputs["logit"][0], outputs["logit"][-1]
                terms["adversarial_loss"] = adversarial_loss(real, fake, beat_weights)
                loss += self.adversarial_weight * terms["adversarial_loss"]
            part = objective(self.discriminator_optimizer, loss, penalties)
        descend(self.discriminator_optimizer, tape, part, weights)
        record(self._terms, terms, counted(rebuilt))
        return loss

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "adversarial_weight": self.adversarial_weight}
