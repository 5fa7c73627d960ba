"""ContrastiveBeatGAN's step against one plainly written; what each weight switches off; saving, resuming."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.layers.shifts import EarlyNext, Shifts, WaveGain
from keras_sibeat.layers.views import Gain, SmoothTimeWarp, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.optimizers import LARS, warmup_cosine

CENTRE, RATE = 12, 0.2
LOSSES = ["loss", "rebuild_loss", "feature_loss", "discriminator_loss", "reinitialised"]
PARTS = ["adversarial_loss", "nt_xent", "shift_loss", "shift_accuracy"]


def build(
    seed=0,
    head="v1",
    adversarial_weight=1.0,
    feature_weight=1.0,
    **options,
):
    size = {"length": LENGTH, "channels": 1, "width": 2, "depth": 2}
    discriminator = contrastive_discriminator(**size, head=head, units=6, projection=4, seed=seed)
    views, shifts = Views([Gain(0.5, seed=seed)]), Shifts([WaveGain(CENTRE, seed + 1)], seed + 2)
    simclr = SimCLR(discriminator, views, shifts, **options)
    generator = conv_generator(**size, latent=3, seed=seed + 3)
    return ContrastiveBeatGAN(generator, simclr, adversarial_weight, feature_weight)


def descend(network, tape, loss):
    """Plain gradient descent, on those of the variables that the loss depends on."""
    values = [variable.value for variable in network.trainable_variables]
    for variable, gradient in zip(network.trainable_variables, tape.gradient(loss, values), strict=True):
        if gradient is not None:
            variable.assign(variable - RATE * gradient)


def own_statistics(network, windows):
    """What a twin of the network makes of the windows in training, so that its own statistics stay."""
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    return twin(windows, training=True)


class PlainStep:
    """The step as its docstrings say it: no twin, nothing reused, losses by TensorFlow's own functions.

    The moving statistics are those of the windows that train the discriminator.
    """

    def __init__(self, model, temperature, nt_xent_weight, shift_weight, adversarial_weight, feature_weight):
        self.generator, self.discriminator = (
            keras.models.clone_model(network) for network in (model.generator, model.discriminator)
        )
        self.generator.set_weights(model.generator.get_weights())
        self.discriminator.set_weights(model.discriminator.get_weights())
        self.temperature, self.feature_weight = temperature, feature_weight
        self.weights = {
            "nt_xent": nt_xent_weight,
            "shift_loss": shift_weight,
            "adversarial_loss": adversarial_weight,
        }

    def discriminator_losses(self, logits, projections, shift_logits, count):
        """Of the two views, the shifted windows and, where there are any, the rebuilt ones, in this order."""
        cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits
        unit = tf.math.l2_normalize(projections[: 2 * count], axis=1)
        similar = unit @ tf.transpose(unit) / self.temperature - 1e9 * tf.eye(2 * count, dtype=unit.dtype)
        positives = (np.arange(2 * count) + count) % (2 * count)
        losses = {}
        if self.weights["nt_xent"]:
            losses["nt_xent"] = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=positives, logits=similar)
            )
        if self.weights["shift_loss"]:
            normal, shifted = shift_logits[: 2 * count], shift_logits[2 * count : 3 * count]
            told = tf.reduce_mean(cross_entropy(labels=tf.zeros_like(normal), logits=normal))
            told += tf.reduce_mean(cross_entropy(labels=tf.ones_like(shifted), logits=shifted))
            losses["shift_loss"] = told / 2
        if self.weights["adversarial_loss"]:
            real, fake = logits[:count], logits[-count:]
            told = tf.reduce_mean(cross_entropy(labels=tf.ones_like(real), logits=real))
            told += tf.reduce_mean(cross_entropy(labels=tf.zeros_like(fake), logits=fake))
            losses["adversarial_loss"] = told
        return losses

    def __call__(self, drawn):
        first, count = drawn[0], len(drawn[0])
        with tf.GradientTape() as generator_tape:
            rebuilt = self.generator(first, training=True)
            with tf.GradientTape() as tape:
                judged = [*drawn, rebuilt] if self.weights["adversarial_loss"] else drawn
                logits, _, _, projections, shifts = self.discriminator(tf.concat(judged, 0), training=True)
                losses = self.discriminator_losses(logits, projections, shifts, count)
                loss = sum(self.weights[name] * value for name, value in losses.items())
            descend(self.discriminator, tape, loss)
            _, features, *_ = own_statistics(self.discriminator, rebuilt)
            _, wanted, *_ = own_statistics(self.discriminator, first)
            losses["rebuild_loss"] = tf.reduce_mean((first - rebuilt) ** 2)
            losses["feature_loss"] = tf.reduce_mean((wanted - features) ** 2)
            total = losses["rebuild_loss"] + self.feature_weight * losses["feature_loss"]
        descend(self.generator, generator_tape, total)
        losses = {name: losses.get(name, 0.0) for name in (*self.weights, "rebuild_loss", "feature_loss")}
        return {**losses, "loss": total, "discriminator_loss": loss, "reinitialised": 0.0}


def heads(network):
    """Values of the discriminator's trainable variables by their head; those of all heads are the trunk's."""
    found = {}
    for variable in network.trainable_variables:
        name = variable.path.split("/")[-2]
        if len(variable.shape) == 3:
            name = "logit" if variable.shape[-1] == 1 else "trunk"
        name = {"batch": "trunk", "shift": "shift"}.get(name[:5], name)
        found.setdefault(name, []).extend(copies([variable]))
    return found


@pytest.mark.parametrize(
    ("head", "weights", "idle", "jit_compile"),
    [
        ("v1", {"adversarial_weight": 0.6, "nt_xent_weight": 0.7, "shift_weight": 1.3}, {}, True),
        (
            "v1",
            {"adversarial_weight": 0.0, "nt_xent_weight": 0.7, "shift_weight": 0.0},
            {"logit": "adversarial_loss", "shift": "shift_loss"},
            False,
        ),
        (
            "v2",
            {"adversarial_weight": 0.6, "nt_xent_weight": 0.0, "shift_weight": 1.3},
            {"head_2": "nt_xent", "projection": "nt_xent"},
            False,
        ),
    ],
    ids=["all losses", "NT-Xent alone", "without NT-Xent"],
)
def test_a_step_follows_the_plain_gradients(float64, head, weights, idle, jit_compile):
    """A weight of zero leaves its loss out, and as they are the heads that nothing else trains."""
    options = {**weights, "temperature": 0.4, "feature_weight": 0.5}
    model = build(head=head, **options)
    descents = [keras.optimizers.SGD(RATE) for _ in range(2)]
    model.compile(*descents, jit_compile=jit_compile, run_eagerly=not jit_compile)
    before, plain = heads(model.discriminator), PlainStep(model, **options)
    # XLA draws other numbers than TensorFlow's own kernels.
    draw = tf.function(build(**options).simclr.draw, jit_compile=jit_compile)
    for seed in range(2):
        windows = beats(32, seed, dtype="float64")
        expected = {name: float(value) for name, value in plain(draw(tf.constant(windows))).items()}
        found = model.train_on_batch(windows, return_dict=True)
        assert 0 <= found.pop("shift_accuracy") <= 1
        assert found == pytest.approx(expected, rel=1e-6)
        assert {name for name in PARTS[:3] if found[name] == 0} == set(idle.values())
    for mine, theirs in ((model.generator, plain.generator), (model.discriminator, plain.discriminator)):
        for got, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-9)
    for name, values in heads(model.discriminator).items():
        same = [np.array_equal(*pair) for pair in zip(before[name], values, strict=True)]
        assert all(same) if name in idle else not any(same), name


def test_the_moving_statistics_are_those_of_what_trains_the_discriminator():
    """Of weights that stand still, by NumPy. The generator's batches leave them as they are."""
    model, again = build(), build()
    model.compile(*(keras.optimizers.SGD(0.0) for _ in range(2)), run_eagerly=True)
    (norm,) = (each for each in model.discriminator.layers if "batch_norm" in each.name)
    before_it = keras.Model(model.discriminator.input, norm.input)
    windows = beats(16)
    drawn = again.simclr.draw(windows)
    rebuilt = again.generator(drawn[0], training=True)
    rows = np.reshape(before_it(np.concatenate([*drawn, rebuilt])), (-1, 4))
    model.train_on_batch(windows)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * rows.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * rows.var(axis=0), rtol=1e-4)


def test_only_weights_of_zero_are_an_error():
    with pytest.raises(ValueError, match="found only weights of 0; expected one above"):
        build(adversarial_weight=0.0, nt_xent_weight=0.0, shift_weight=0.0)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_an_adversarial_weight_out_of_range_is_an_error(weight):
    with pytest.raises(ValueError, match=f"adversarial_weight: found {weight}, expected a finite number"):
        build(adversarial_weight=weight)


def test_networks_of_two_shapes_are_an_error():
    simclr = build().simclr
    with pytest.raises(ValueError, match=r"found generator \(None, 32, 1\).*discriminator \(None, 24, 1\)"):
        ContrastiveBeatGAN(conv_generator(32, width=2, depth=2), simclr)


def test_a_small_loss_is_no_collapse():
    model = build(adversarial_weight=0.0, shift_weight=0.0, nt_xent_weight=1e-9)
    model.compile(*(keras.optimizers.SGD(0.0) for _ in range(2)), run_eagerly=True)
    before = copies(model.discriminator.trainable_variables)
    found = model.train_on_batch(beats(), return_dict=True)
    assert found["discriminator_loss"] < 1e-7 and found["reinitialised"] == 0
    assert_equal(copies(model.discriminator.trainable_variables), before)


def test_training_goes_on_after_loading_as_if_nothing_had_been(tmp_path):
    options = {"adversarial_weight": 0.5, "feature_weight": 0.25, "nt_xent_weight": 0.75}
    options |= {"temperature": 0.2, "hard_negatives": True}
    model = build(head="v2", **options)
    adam = keras.optimizers.Adam(warmup_cosine(1e-2, 9, 3), beta_1=0.5)
    model.compile(adam, LARS(warmup_cosine(0.3, 9, 2)), run_eagerly=True)
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = True
    assert loaded.discriminator_optimizer.get_config() == model.discriminator_optimizer.get_config()
    assert type(loaded) is ContrastiveBeatGAN
    assert loaded.simclr.discriminator is loaded.discriminator
    assert (loaded.adversarial_weight, loaded.feature_weight, loaded.jit_compile) == (0.5, 0.25, False)
    simclr = loaded.simclr
    assert (simclr.nt_xent_weight, simclr.shift_weight, simclr.hard_negatives) == (0.75, 1.0, True)
    assert simclr.nt_xent.temperature == 0.2
    for seed in range(2):
        found, expected = (m.train_on_batch(beats(seed=seed), return_dict=True) for m in (loaded, model))
        assert found == expected

    def state(gan):
        own = (gan.generator, gan.discriminator, gan.optimizer, gan.discriminator_optimizer)
        return [value for part in own for value in copies(part.variables)]

    assert_equal(state(loaded), state(model))
    assert_equal([loaded.predict(beats(), verbose=0)], [model.predict(beats(), verbose=0)])


def test_what_simclr_has_learnt_is_where_the_joint_training_begins():
    model = build()
    alone = SimCLR(model.discriminator, model.simclr.views, shift_weight=0)
    alone.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    before = copies(model.discriminator.weights)
    alone.train_on_batch(beats())
    learnt = copies(alone.discriminator.weights)
    assert not all(np.array_equal(*pair) for pair in zip(before, learnt, strict=True))
    assert_equal(copies(model.simclr.discriminator.weights), learnt)
    # The step judges by the twin: it has to be one of the same variables.
    plain = keras.models.clone_model(model.discriminator)
    plain.set_weights(learnt)
    judged, _ = model._judge(beats())
    for got, wanted in zip(judged.values(), plain(beats(), training=True), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_the_saved_generator_needs_nothing_of_ours(tmp_path):
    model = build()
    model.generator.save(tmp_path / "generator.keras")
    with zipfile.ZipFile(tmp_path / "generator.keras") as file:
        assert b"keras_sibeat" not in file.read("config.json")


def test_evaluation_and_prediction_are_beatgan_s():
    model, windows = build(), beats(10)
    model.compile(run_eagerly=True)
    rebuilt = np.array(model.generator(windows))
    np.testing.assert_allclose(model.predict(windows, verbose=0), rebuilt, atol=1e-6)
    found = model.evaluate(windows, batch_size=5, return_dict=True, verbose=0)
    expected = pytest.approx(np.mean((windows - rebuilt) ** 2), rel=1e-5)
    assert found == dict.fromkeys(("loss", "rebuild_loss"), expected)


def test_every_loss_falls_on_simulated_beats():
    config = read_config(overrides=["data.wearers=4", "data.seconds=60"])
    windows = load_folds(config)[0].train.windows
    centre = config.window.before
    size = {"length": windows.shape[1], "width": 4, "depth": 3}
    views = Views([SmoothTimeWarp(centre=centre, seed=0), Gain(seed=1)])
    shifts = Shifts([EarlyNext(centre, 2), WaveGain(centre, 3)], seed=4)
    discriminator = contrastive_discriminator(**size, units=16, projection=8, seed=5)
    model = ContrastiveBeatGAN(conv_generator(**size, latent=8, seed=6), SimCLR(discriminator, views, shifts))
    model.compile(*(keras.optimizers.Adam(1e-2, beta_1=0.5) for _ in range(2)), jit_compile=False)
    history = model.fit(windows[:176], batch_size=16, epochs=5, shuffle=False, verbose=0).history
    assert set(history) == {*LOSSES, *PARTS}
    for name in ("loss", "rebuild_loss", "nt_xent", "shift_loss", "discriminator_loss"):
        assert history[name][-1] < 0.8 * history[name][0], name
    assert history["shift_accuracy"][-1] > 0.75
    assert all(np.isfinite(values).all() for values in history.values())
