"""A training compiled by XLA that goes on from a checkpoint ends as if it had not been interrupted."""

import keras
import pytest
import tensorflow as tf
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.layers.shifts import Shifts, WaveGain
from keras_sibeat.layers.views import Gain, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.optimizers import warmup_cosine

SIZE = {"length": LENGTH, "width": 2, "depth": 2}
EPOCHS, STEPS, BATCH = 2, 2, 8


def adam():
    return keras.optimizers.Adam(warmup_cosine(1e-2, EPOCHS * STEPS, STEPS))


def build_simclr(seed):
    discriminator = contrastive_discriminator(**SIZE, units=6, projection=4, seed=seed)
    return SimCLR(discriminator, Views([Gain(0.5, seed=seed)]), Shifts([WaveGain(12, seed + 1)], seed + 2))


def simclr(seed):
    model = build_simclr(seed)
    model.compile(adam())
    return model


def contrastive(seed):
    model = ContrastiveBeatGAN(conv_generator(**SIZE, latent=3, seed=seed + 3), build_simclr(seed))
    model.compile(adam(), adam())
    return model


def fit(model, epochs):
    """The losses of these epochs; an epoch's batches depend on its number alone."""
    windows = [beats(BATCH, seed) for epoch in epochs for seed in (2 * epoch, 2 * epoch + 1)]
    dataset = tf.data.Dataset.from_tensor_slices(windows)
    options = {"initial_epoch": epochs.start, "epochs": epochs.stop, "steps_per_epoch": STEPS}
    return model.fit(dataset, shuffle=False, verbose=0, **options).history


def state(model):
    own = [model, model.optimizer]
    own += [model.discriminator_optimizer] if isinstance(model, ContrastiveBeatGAN) else []
    return [value for part in own for value in copies(part.variables)]


@pytest.mark.parametrize("build", [simclr, contrastive])
def test_a_resumed_training_is_the_same_to_the_last_bit(build, tmp_path):
    model = build(0)
    assert model.jit_compile is True
    fit(model, range(1))
    model.save_weights(tmp_path / "checkpoint.weights.h5")
    wanted = fit(model, range(1, EPOCHS))
    resumed = build(50)  # of other weights and random streams, all of which the checkpoint replaces
    resumed.load_weights(tmp_path / "checkpoint.weights.h5")
    assert fit(resumed, range(1, EPOCHS)) == wanted
    assert_equal(state(resumed), state(model))
    assert len(state(model)) > 30
