"""Small models of each class with a step of its own, for the tests of what Keras' users expect of them."""

import keras
import numpy as np
from keras import layers
from small_windows import LENGTH

from keras_sibeat.layers.shifts import Shifts, WaveGain
from keras_sibeat.layers.views import Gain, Noise, Views
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.distiller import Distiller
from keras_sibeat.models.frskd import SelfTeacher, bifpn, trunk_maps
from keras_sibeat.models.networks import conv_discriminator, conv_generator
from keras_sibeat.models.sibeatgan import SIBeatGAN
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.models.student import student

SIZE = {"length": LENGTH, "width": 4, "depth": 2}


def generator(seed=0):
    return conv_generator(**SIZE, latent=6, seed=seed)


def beatgan(**options):
    return BeatGAN(generator(), conv_discriminator(**SIZE, seed=1), **options)


def self_taught():
    discriminator = conv_discriminator(**SIZE, seed=1)
    maps = trunk_maps(discriminator).outputs[2:]
    teacher = SelfTeacher(bifpn([tuple(each.shape[1:]) for each in maps], 0.5, 2))
    return BeatGAN(generator(), discriminator, self_teacher=teacher)


def simclr(**options):
    discriminator = contrastive_discriminator(**SIZE, units=8, projection=6, seed=1)
    views = Views([Gain(0.3, seed=2), Noise(0.05, seed=3)])
    return SimCLR(discriminator, views, Shifts([WaveGain(12, 4)], 5), **options)


def contrastive(**options):
    return ContrastiveBeatGAN(generator(), simclr(**options))


def sibeatgan():
    return SIBeatGAN(generator(), conv_discriminator(**SIZE, seed=1), teacher=generator(9))


def distiller():
    keras.utils.set_random_seed(4)
    window = keras.Input((LENGTH, 1), name="window")
    flat = layers.Flatten()(window)
    embedding = layers.UnitNormalization()(layers.Dense(6)(flat))
    outputs = {"score": layers.Dense(1)(flat), "embedding": embedding, "rebuilt": window}
    outputs["prototypes"] = layers.Dense(3, use_bias=False, name="cosines")(embedding)
    network = student(**SIZE, units=8, rebuilds=True, seed=0)
    views, shifts = Views([Gain(0.3, seed=1)]), Shifts([WaveGain(12, 2)], 3)
    return Distiller(network, keras.Model(window, outputs), views, shifts, seed=5)


MODELS = {
    "BeatGAN": beatgan,
    "self-taught": self_taught,
    "SimCLR": simclr,
    "ContrastiveBeatGAN": contrastive,
    "SIBeatGAN": sibeatgan,
    "Distiller": distiller,
}


def compiled(model, optimizer=None, **options):
    """The model with SGD, by whose steps an error in a gradient's size shows, or another optimizer's."""
    optimizer = optimizer or (lambda: keras.optimizers.SGD(0.02))
    # A few steps take less time than it takes to trace them.
    options = {"jit_compile": False, "run_eagerly": "jit_compile" not in options, **options}
    if isinstance(model, BeatGAN):
        options["discriminator_optimizer"] = optimizer()
    model.compile(optimizer=optimizer(), **options)
    return model


def trained(model):
    """All variables that training moves, as arrays."""
    variables = [each for group in model.trains.values() for each in group]
    return [np.array(variable) for variable in variables]
