"""The pyramid that refines a trunk's features, and how it teaches the trunk: in BeatGAN and in SimCLR."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_windows import LENGTH, assert_equal, beats, copies

from keras_sibeat.layers.shifts import Shifts, WaveGain
from keras_sibeat.layers.views import Gain, Views
from keras_sibeat.losses import AttentionTransfer, SoftTargets
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.frskd import SelfTeacher, WeightedSum, bifpn, trunk_maps
from keras_sibeat.models.networks import conv_discriminator, conv_generator
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator

SIZE = {"length": LENGTH, "channels": 1, "width": 2, "depth": 3}


def self_teacher(discriminator, seed=0, **options):
    maps = trunk_maps(discriminator).outputs[len(discriminator.outputs) :]
    return SelfTeacher(bifpn([tuple(x.shape[1:]) for x in maps], 0.5, seed), **options)


def build_beatgan(seed=0, depth=3, **options):
    size = {**SIZE, "depth": depth}
    discriminator = conv_discriminator(**size, seed=seed)
    generator = conv_generator(**size, latent=3, seed=seed + 1)
    return BeatGAN(generator, discriminator, self_teacher=self_teacher(discriminator, **options))


def build_simclr(seed=0, **options):
    discriminator = contrastive_discriminator(**SIZE, units=6, projection=4, seed=seed)
    views, shifts = Views([Gain(0.5, seed=seed)]), Shifts([WaveGain(12, seed + 1)], seed + 2)
    return SimCLR(discriminator, views, shifts, self_teacher=self_teacher(discriminator, **options))


def test_a_weighted_sum_is_efficientdets_fast_fusion():
    layer, parts = WeightedSum(), [np.full((2, 3, 1), value, "float32") for value in (1.0, 10.0, 100.0)]
    layer.build([(2, 3, 1)] * 3)
    layer.set_weights([np.array([1.0, -5.0, 3.0])])
    np.testing.assert_allclose(layer(parts), (1 + 3 * 100) / (4 + 1e-4), rtol=1e-6)
    layer.set_weights([np.array([-1.0, -5.0, 0.0])])
    np.testing.assert_array_equal(layer(parts), 0)


def test_the_trunks_maps_are_its_activations_fine_to_coarse():
    discriminator = conv_discriminator(**SIZE, seed=0)
    logit, features, *maps = trunk_maps(discriminator)(beats())
    assert [tuple(x.shape) for x in maps] == [(8, 12, 2), (8, 6, 4), (8, 3, 8)]
    assert_equal([maps[-1], logit], [features, discriminator(beats())[0]])


@pytest.mark.parametrize(
    "shapes", [[(12, 2), (6, 4), (3, 8)], [(13, 2), (7, 4), (4, 8), (2, 16)], [(5, 3), (3, 3)]]
)
def test_the_pyramid_refines_each_map_at_its_own_scale(shapes):
    network = bifpn(shapes, width=0.5, seed=0)
    maps = [np.random.default_rng(n).normal(size=(3, *shape)) for n, shape in enumerate(shapes)]
    logit, *refined = network(maps)
    assert logit.shape == (3, 1)
    assert [tuple(x.shape) for x in refined] == [(3, ticks, max(1, round(f / 2))) for ticks, f in shapes]


def test_every_scale_hears_of_every_other():
    shapes = [(12, 2), (6, 4), (3, 8)]
    network = bifpn(shapes, seed=0)
    maps = [tf.Variable(np.random.default_rng(n).normal(size=(1, *shape))) for n, shape in enumerate(shapes)]
    for number in range(4):
        with tf.GradientTape() as tape:
            target = tf.reduce_sum(network(maps)[number] ** 2)
        for gradient in tape.gradient(target, maps):
            assert np.abs(gradient).max() > 0


def test_the_loss_is_cross_entropy_soft_labels_and_attention():
    teacher = self_teacher(conv_discriminator(**SIZE), temperature=3.0, soft_weight=0.5, attention_weight=2.0)
    maps = [x.numpy() for x in trunk_maps(conv_discriminator(**SIZE, seed=4))(beats())[2:]]
    logit = np.random.default_rng(0).normal(size=(8, 1)).astype("float32")
    own, *refined = teacher.network(maps, training=True)
    for label in (0, 1):
        wanted = keras.losses.BinaryCrossentropy(from_logits=True)(np.full((8, 1), label), own)
        wanted += 0.5 * SoftTargets(3.0)(own, logit)
        wanted += 2.0 * sum(AttentionTransfer()(*pair) for pair in zip(refined, maps, strict=True))
        assert float(teacher.teach(maps, logit, label)) == pytest.approx(float(wanted), rel=1e-4)


def test_the_trunk_learns_what_the_self_teacher_knows():
    """Soft labels pull the trunk's logit towards the self-teacher's, attention its maps."""
    teacher = self_teacher(conv_discriminator(**SIZE))
    maps = [tf.Variable(x) for x in trunk_maps(conv_discriminator(**SIZE, seed=4))(beats())[2:]]
    logit = tf.Variable(np.random.default_rng(0).normal(size=(8, 1)).astype("float32"))
    own = teacher.network([x.value() for x in maps], training=True)[0]
    with tf.GradientTape() as tape:
        loss = teacher.teach([x.value() for x in maps], logit, 1)
    by_logit = tape.gradient(loss, logit)
    assert np.all(np.sign(by_logit) == np.sign(logit - own))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_beatgan_trains_trunk_and_self_teacher(jit_compile):
    model = build_beatgan(depth=2)
    descents = [keras.optimizers.Adam(1e-2) for _ in range(2)]
    model.compile(*descents, jit_compile=jit_compile, run_eagerly=not jit_compile)
    weights = [*model.discriminator.trainable_variables, *model.self_teacher.trainable_variables]
    before = copies(weights)
    found = model.train_on_batch(beats(), return_dict=True)
    assert np.isfinite(list(found.values())).all()
    assert not any(np.array_equal(*pair) for pair in zip(before, copies(weights), strict=True))


@pytest.mark.parametrize("weights", [{}, {"soft_weight": 0.0, "attention_weight": 0.0}])
def test_the_trunk_alone_is_judged_for_collapse(weights):
    """The reported loss is BeatGAN's own, whatever the self-teacher adds."""
    plain, taught = build_beatgan(), build_beatgan(**weights)
    plain = BeatGAN(plain.generator, plain.discriminator)
    for model in (plain, taught):
        model.compile(*(keras.optimizers.SGD(0.0) for _ in range(2)), run_eagerly=True)
    losses = [m.train_on_batch(beats(), return_dict=True)["discriminator_loss"] for m in (plain, taught)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_simclr_and_the_contrastive_beatgan_train_the_self_teacher():
    for joint in (False, True):
        simclr = build_simclr()
        model = ContrastiveBeatGAN(conv_generator(**SIZE, latent=3), simclr) if joint else simclr
        optimizers = [keras.optimizers.Adam(1e-2) for _ in range(1 + joint)]
        model.compile(*optimizers, run_eagerly=True)
        before = copies(simclr.self_teacher.trainable_variables)
        losses = [model.train_on_batch(beats(seed=n), return_dict=True)["loss"] for n in range(3)]
        assert np.isfinite(losses).all()
        after = copies(simclr.self_teacher.trainable_variables)
        assert not any(np.array_equal(*pair) for pair in zip(before, after, strict=True))


@pytest.mark.parametrize("build", [build_beatgan, build_simclr])
def test_training_goes_on_after_loading(build, tmp_path):
    model = build(temperature=2.0, soft_weight=0.25, attention_weight=0.5)
    model.compile(*[keras.optimizers.Adam(1e-2) for _ in range(2 if build is build_beatgan else 1)])
    model.run_eagerly = True
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = True
    assert loaded.self_teacher.get_config().keys() == model.self_teacher.get_config().keys()
    assert (loaded.self_teacher.soft_weight, loaded.self_teacher.attention_weight) == (0.25, 0.5)
    found, expected = (m.train_on_batch(beats(seed=3), return_dict=True) for m in (loaded, model))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["soft_weight", "attention_weight"])
@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_an_error(name, weight):
    with pytest.raises(ValueError, match=f"SelfTeacher: found {name} {weight}, expected a finite number"):
        self_teacher(conv_discriminator(**SIZE), **{name: weight})


def test_a_trunk_without_scales_is_an_error():
    with pytest.raises(ValueError, match="FRSKD: found 1 feature maps in the trunk, expected at least 2"):
        trunk_maps(conv_discriminator(**{**SIZE, "depth": 1}))
