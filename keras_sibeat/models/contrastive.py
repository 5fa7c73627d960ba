"""BeatGAN whose discriminator also learns by contrast."""

import math
from functools import partial

import keras
import tensorflow as tf
from keras import ops

from keras_sibeat.distribution import share
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.descent import descend
from keras_sibeat.models.simclr import by_windows


@keras.saving.register_keras_serializable(package="keras_sibeat")
class ContrastiveBeatGAN(BeatGAN):
    """BeatGAN with SimCLR in its discriminator.

    Each step draws two views of every window, and shifted copies. The generator rebuilds the first view. The
    discriminator's loss is ``adversarial_weight`` times BeatGAN's (the first view is real, its rebuilding is
    not) plus the loss of ``SimCLR``; the generator matches the features that this trains. One pass judges all
    windows, so that batch normalisation sees them together. (A self-teacher refines them kind by kind, as
    BeatGAN's discriminator judges real and rebuilt windows batch by batch.)

    A ``SimCLR`` that was fitted before brings its trunk along: SimCLR v2's recipe is pre-training, then this.
    BeatGAN's re-initialisation is off: it would throw away what the contrast has taught.

    Args:
        generator: as ``BeatGAN`` takes it.
        simclr: ``SimCLR`` with the discriminator, views, shifts and weights; its weights may be zero.
        adversarial_weight: of BeatGAN's discriminator loss; zero leaves it out.
        feature_weight: of the generator's feature matching.
    """

    collapsed_below = 0.0

    def __init__(self, generator, simclr, adversarial_weight=1.0, feature_weight=1.0, **kwargs):
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
        self._parts = {name: keras.metrics.Mean(name=name) for name in names}

    @property
    def metrics(self):
        return [*super().metrics, *self._parts.values()]

    def _draw(self, windows, wearers):
        return self.simclr.draw(windows, wearers)

    def _update_discriminator(self, rebuilt, wearers, *windows):
        judged = [*windows] + ([ops.stop_gradient(rebuilt)] if self.adversarial_weight else [])
        with tf.GradientTape() as tape:
            outputs, maps = by_windows(self._judge(ops.concatenate(judged)), len(judged))
            loss, parts = self.simclr.contrast(outputs["projection"], outputs["shift"], maps, wearers)
            if self.adversarial_weight:
                cross_entropy = partial(ops.binary_crossentropy, from_logits=True)
                real, fake = outputs["logit"][0], outputs["logit"][-1]
                adversarial = ops.mean(cross_entropy(ops.ones_like(real), real))
                adversarial += ops.mean(cross_entropy(ops.zeros_like(fake), fake))
                parts["adversarial_loss"] = adversarial
                loss += self.adversarial_weight * adversarial
            part = share(loss)
        descend(self.discriminator_optimizer, tape, part, self.simclr.learners)
        for name, value in parts.items():
            self._parts[name].update_state(value)
        return loss

    def get_config(self):
        config = super().get_config()
        del config["discriminator"], config["augmentation"], config["self_teacher"]
        own = {"simclr": keras.saving.serialize_keras_object(self.simclr)}
        return {**config, **own, "adversarial_weight": self.adversarial_weight}

    @classmethod
    def from_config(cls, config):
        parts = ("generator", "simclr")
        return cls(
            **{k: keras.saving.deserialize_keras_object(v) if k in parts else v for k, v in config.items()}
        )
