"""BeatGAN's training step against the paper's, plainly written; saving, resuming, re-initialisation."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.layers.views import TimeWarp
from keras_sibeat.models import beatgan as module
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.networks import (
    conv_discriminator,
    conv_generator,
    dense_discriminator,
    dense_generator,
)


def build(seed=0, channels=1, augmentation=None, feature_weight=1.0, width=2, depth=2):
    shape = {"length": LENGTH, "channels": channels, "width": width, "depth": depth}
    generator = conv_generator(**shape, latent=3, seed=seed)
    return BeatGAN(generator, conv_discriminator(**shape, seed=seed + 1), feature_weight, augmentation)


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


class PlainStep:
    """The paper's step: no twin, nothing reused, each network run as often as the published code does.

    The generator's second run leaves its moving statistics alone: the library's generator has both runs'
    momentum in one.
    """

    def __init__(self, generator, discriminator, feature_weight):
        self.generator, self.discriminator, self.feature_weight = generator, discriminator, feature_weight
        self.steps = 0
        self.moments = {
            id(variable): [np.zeros(variable.shape), np.zeros(variable.shape)]
            for network in (generator, discriminator)
            for variable in network.trainable_variables
        }

    def adam(self, variables, gradients, rate=1e-4, beta_1=0.5, beta_2=0.999):
        for variable, gradient in zip(variables, copies(gradients), strict=True):
            first, second = self.moments[id(variable)]
            first[...] = beta_1 * first + (1 - beta_1) * gradient
            second[...] = beta_2 * second + (1 - beta_2) * gradient**2
            # Keras adds epsilon before the correction of the bias (Kingma and Ba's "epsilon hat"), and rounds
            # the betas to single precision even here: a step differs by some 1e-5 of itself.
            unbias = np.sqrt(1 - beta_2**self.steps) / (1 - beta_1**self.steps)
            variable.assign(variable - rate * unbias * first / (np.sqrt(second) + 1e-8))

    def __call__(self, windows):
        self.steps += 1
        with tf.GradientTape() as tape:
            real, _ = self.discriminator(windows, training=True)
            fake, _ = self.discriminator(self.generator(windows, training=True), training=True)
            real, fake = tf.sigmoid(real), tf.sigmoid(fake)
            discriminator_loss = -tf.reduce_mean(tf.math.log(real)) - tf.reduce_mean(tf.math.log(1 - fake))
        weights = self.discriminator.trainable_variables
        self.adam(weights, tape.gradient(discriminator_loss, weights))

        moving = copies(self.generator.non_trainable_variables)
        with tf.GradientTape() as tape:
            rebuilt = self.generator(windows, training=True)
            _, features = self.discriminator(rebuilt, training=True)
            _, wanted = self.discriminator(windows, training=True)
            rebuild_loss = tf.reduce_mean((windows - rebuilt) ** 2)
            feature_loss = tf.reduce_mean((wanted - features) ** 2)
            loss = rebuild_loss + self.feature_weight * feature_loss
        for variable, value in zip(self.generator.non_trainable_variables, moving, strict=True):
            variable.assign(value)
        weights = self.generator.trainable_variables
        self.adam(weights, tape.gradient(loss, weights))
        return {
            "loss": loss,
            "rebuild_loss": rebuild_loss,
            "feature_loss": feature_loss,
            "discriminator_loss": discriminator_loss,
        }


@pytest.mark.parametrize(("feature_weight", "jit_compile"), [(1.0, True), (0.01, False), (0.0, False)])
def test_step_is_the_papers(float64, feature_weight, jit_compile):
    """In double precision: in single, Adam's first steps turn a rounding error's sign into a full step."""
    model = build(channels=2, feature_weight=feature_weight)
    model.compile(jit_compile=jit_compile, run_eagerly=not jit_compile)
    plain = PlainStep(
        keras.models.clone_model(model.generator),
        keras.models.clone_model(model.discriminator),
        feature_weight,
    )
    plain.generator.set_weights(model.generator.get_weights())
    plain.discriminator.set_weights(model.discriminator.get_weights())
    for seed in range(3):
        windows = beats(seed=seed, channels=2, dtype="float64")
        found, expected = model.train_on_batch(windows, return_dict=True), plain(windows)
        assert found.pop("reinitialised") == 0
        assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-7)
    for mine, theirs in ((model.generator, plain.generator), (model.discriminator, plain.discriminator)):
        for got, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-8)


def test_one_run_of_the_generator_moves_its_statistics_as_two():
    generator = conv_generator(LENGTH, width=2, depth=2, latent=3)
    (normalisation, *_) = [
        layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    mean, variance = 0.4, 2.0
    moving_mean, moving_variance = 0.0, 1.0
    for _ in range(2):
        moving_mean = 0.9 * moving_mean + 0.1 * mean
        moving_variance = 0.9 * moving_variance + 0.1 * variance
    ends = np.array([mean - np.sqrt(variance), mean + np.sqrt(variance)], "float32")
    normalisation(np.broadcast_to(ends[:, None, None], (2, *normalisation.input.shape[1:])), training=True)
    np.testing.assert_allclose(normalisation.moving_mean, moving_mean, rtol=1e-5)
    np.testing.assert_allclose(normalisation.moving_variance, moving_variance, rtol=1e-5)


@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_each_update_touches_its_own_network(still):
    model = build()
    idle, other = keras.optimizers.Adam(0.0), keras.optimizers.Adam(1e-3)
    model.compile(*((idle, other) if still == "generator" else (other, idle)), run_eagerly=True)
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    before = {name: copies(network.trainable_variables) for name, network in networks.items()}
    model.train_on_batch(beats())
    for name, network in networks.items():
        changed = moved(before[name], copies(network.trainable_variables))
        assert not any(changed) if name == still else all(changed)


def test_metrics_are_means_over_the_epoch():
    model, again = build(), build()
    model.compile(run_eagerly=True)
    again.compile(run_eagerly=True)
    windows = beats(12)
    singles = [model.train_on_batch(part, return_dict=True) for part in np.split(windows, 3)]
    history = again.fit(windows, batch_size=4, shuffle=False, verbose=0).history
    assert set(history) == {"loss", "rebuild_loss", "feature_loss", "discriminator_loss", "reinitialised"}
    for name, (value,) in history.items():
        assert value == pytest.approx(np.mean([single[name] for single in singles]), rel=1e-5)


def test_without_feature_matching_the_loss_is_the_error():
    model = build(feature_weight=0)
    model.compile(run_eagerly=True)
    found = model.train_on_batch(beats(), return_dict=True)
    assert found["loss"] == found["rebuild_loss"]
    assert found["feature_loss"] > 0


def test_negative_feature_weight_is_an_error():
    with pytest.raises(ValueError, match="found -0.5, expected 0 or more"):
        build(feature_weight=-0.5)


def test_networks_of_two_shapes_are_an_error():
    with pytest.raises(ValueError, match=r"found generator \(None, 24, 1\).*discriminator \(None, 24, 2\)"):
        BeatGAN(conv_generator(24, width=2, depth=2), conv_discriminator(24, 2, width=2, depth=2))


@pytest.mark.parametrize("jit_compile", [True, False])
def test_a_collapsed_discriminator_is_reinitialised(monkeypatch, jit_compile):
    monkeypatch.setattr(module, "COLLAPSED", 1e3)  # every loss is below
    model = build(width=8)
    model.compile(jit_compile=jit_compile, run_eagerly=not jit_compile)
    drawn, statistics = [], []
    for _ in range(2):
        found = model.train_on_batch(beats(), return_dict=True)
        assert found["reinitialised"] == 1
        drawn.append(copies(model.discriminator.trainable_variables))
        statistics.append(copies(model.discriminator.non_trainable_variables))
    names = [variable.name for variable in model.discriminator.trainable_variables]
    assert set(names) == {"kernel", "gamma", "beta"}
    for name, first, second in zip(names, *drawn, strict=True):
        if name == "beta":
            assert not first.any()
            continue
        assert not np.isin(first, second).any()  # drawn anew each time
        centre, spread = (1.0, 0.02) if name == "gamma" else (0.0, _xavier(first))
        assert first.mean() == pytest.approx(centre, abs=5 * spread / np.sqrt(first.size))
        assert first.std() == pytest.approx(spread, rel=5 / np.sqrt(2 * first.size))
    assert all(moved(*statistics))  # the moving statistics go on from where they were, as published


def _xavier(kernel):
    taps, inputs, outputs = kernel.shape
    return np.sqrt(2 / (taps * inputs + taps * outputs))


def test_reinitialisation_leaves_generator_and_optimizers_alone(monkeypatch):
    models = []
    for threshold in (module.COLLAPSED, 1e3):
        monkeypatch.setattr(module, "COLLAPSED", threshold)
        model = build()
        model.compile(run_eagerly=True)
        model.train_on_batch(beats())
        models.append(model)
    usual, fresh = models
    assert_equal(copies(fresh.generator.variables), copies(usual.generator.variables))
    for name in ("optimizer", "discriminator_optimizer"):
        assert_equal(copies(getattr(fresh, name).variables), copies(getattr(usual, name).variables))
    changed = moved(
        copies(usual.discriminator.trainable_variables), copies(fresh.discriminator.trainable_variables)
    )
    assert all(changed)
    history = fresh.fit(np.tile(beats(), (3, 1, 1)), batch_size=8, verbose=0).history
    assert history["reinitialised"] == [3]


@pytest.mark.parametrize("way", ["model", "weights"])
def test_training_goes_on_after_loading_as_if_nothing_had_been(tmp_path, monkeypatch, way):
    monkeypatch.setattr(module, "COLLAPSED", 1.38)  # some steps re-initialise, so that stream counts, too
    model = build(augmentation=TimeWarp(2, 12, seed=5))
    compiled = way == "weights"
    model.compile(jit_compile=compiled, run_eagerly=not compiled)
    for seed in range(2):
        model.train_on_batch(beats(seed=seed))
    if way == "model":
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        loaded.run_eagerly = True
    else:
        model.save_weights(tmp_path / "checkpoint.weights.h5")
        loaded = build(seed=7, augmentation=TimeWarp(2, 12, seed=6))
        loaded.compile()
        loaded.load_weights(tmp_path / "checkpoint.weights.h5")
    assert loaded.feature_weight == model.feature_weight
    assert (loaded.augmentation.ticks, loaded.augmentation.centre) == (2, 12)

    def state(beatgan):
        parts = (beatgan, beatgan.optimizer, beatgan.discriminator_optimizer)
        return [value for part in parts for value in copies(part.variables)]

    assert_equal(state(loaded), state(model))
    for seed in range(2, 6):
        found, expected = (b.train_on_batch(beats(seed=seed), return_dict=True) for b in (loaded, model))
        assert found == expected
    assert_equal(state(loaded), state(model))


def test_loaded_model_keeps_how_it_was_compiled(tmp_path):
    model = build(feature_weight=0.25)
    model.compile(keras.optimizers.Adam(3e-3), keras.optimizers.SGD(0.1), run_eagerly=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.feature_weight == 0.25 and loaded.augmentation is None
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert type(loaded.discriminator_optimizer) is keras.optimizers.SGD
    assert loaded.jit_compile is False
    windows = beats()
    assert_equal([loaded.predict(windows, verbose=0)], [model.predict(windows, verbose=0)])


def test_eager_steps_are_not_compiled():
    model = build()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.compile(run_eagerly=True)
    assert model.run_eagerly and not model.jit_compile


def test_default_optimizers_are_the_published():
    model = build()
    model.compile()
    for optimizer in (model.optimizer, model.discriminator_optimizer):
        config = optimizer.get_config()
        assert (config["learning_rate"], config["beta_1"], config["beta_2"]) == pytest.approx(
            (1e-4, 0.5, 0.999)
        )
    assert model.optimizer is not model.discriminator_optimizer


def test_compiled_and_plain_training_agree():
    histories = []
    for jit_compile in (True, False):
        model = build()
        model.compile(jit_compile=jit_compile, run_eagerly=not jit_compile)
        histories.append(model.fit(beats(16), batch_size=8, epochs=2, shuffle=False, verbose=0).history)
    for name, values in histories[0].items():
        assert values == pytest.approx(histories[1][name], rel=1e-3)


def test_windows_are_warped_in_training_alone():
    class Recorder(keras.layers.Layer):
        calls = []

        def call(self, windows, training=False):
            self.calls.append(training)
            return windows

    recorder, windows = Recorder(), beats()
    model = build(augmentation=recorder)
    model.compile(run_eagerly=True)
    assert_equal([model(windows)], [model.generator(windows)])
    model.predict(windows, verbose=0)
    model.evaluate(windows, verbose=0)
    assert recorder.calls == []
    model.train_on_batch(windows)
    assert set(recorder.calls) == {True}


def test_time_warp_changes_what_is_learnt():
    losses = []
    for augmentation in (None, TimeWarp(4, 12, probability=1.0, seed=0)):
        model = build(augmentation=augmentation)
        model.compile(run_eagerly=True)
        losses.append(model.train_on_batch(beats(), return_dict=True)["rebuild_loss"])
    assert losses[0] != losses[1]


def test_evaluation_reports_the_error_at_inference():
    model, windows = build(), beats(10)
    model.compile()
    before = copies(model.generator.variables)
    found = model.evaluate(windows, batch_size=5, return_dict=True, verbose=0)
    expected = np.mean((windows - np.array(model.generator(windows, training=False))) ** 2)
    assert found == dict.fromkeys(("loss", "rebuild_loss"), pytest.approx(expected, rel=1e-5))
    assert_equal(copies(model.generator.variables), before)


@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_it_learns_a_few_beats_by_heart(kind):
    keras.utils.set_random_seed(0)
    if kind == "conv":
        model = build(width=8)
    else:
        shape = {"length": LENGTH, "channels": 1, "units": (32, 16)}
        model = BeatGAN(
            dense_generator(**shape, latent=6, seed=0), dense_discriminator(**shape, seed=1), 0.01
        )
    model.compile(keras.optimizers.Adam(3e-3, beta_1=0.5), jit_compile=False)
    windows = np.tile(beats(), (50, 1, 1))  # the same eight in each batch
    losses = model.fit(windows, batch_size=8, epochs=5, shuffle=False, verbose=0).history["rebuild_loss"]
    assert losses[-1] < 0.2 * losses[0]
    assert np.isfinite(losses).all()
