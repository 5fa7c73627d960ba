"""SI-BeatGAN: what of a rebuilt beat is softened, and that the teacher's gradient reaches the student."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from scipy.stats import entropy, multivariate_normal
from small_windows import LENGTH, assert_equal, beats, copies, watched

from keras_sibeat.layers.views import TimeWarp
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.networks import conv_discriminator, conv_generator
from keras_sibeat.models.sibeatgan import SIBeatGAN, identity_logits

SIZE = {"length": LENGTH, "channels": 1, "width": 2, "depth": 2}


def parts(seed=0):
    return conv_generator(**SIZE, latent=3, seed=seed), conv_discriminator(**SIZE, seed=seed + 1)


def build(seed=0, teacher=None, **options):
    teacher = teacher or conv_generator(**SIZE, latent=3, seed=99)
    model = SIBeatGAN(*parts(seed), teacher=teacher, **options)
    model.compile(*(keras.optimizers.SGD(0.1) for _ in range(2)), run_eagerly=True)
    return model


def test_the_softened_classes_are_the_beats_under_white_noise_of_the_temperatures_variance():
    windows, rebuilt, temperature = beats(6), beats(6, seed=1), 3.0
    found = softmax(identity_logits(rebuilt, windows) / temperature, axis=1)
    noise = multivariate_normal(np.zeros(LENGTH), temperature * np.eye(LENGTH))
    likely = noise.pdf((rebuilt[:, None] - windows[None])[..., 0])
    np.testing.assert_allclose(found, likely / likely.sum(axis=1, keepdims=True), rtol=1e-4)


def test_the_generators_loss_is_beatgans_and_the_soft_targets():
    model, windows = build(temperature=2.0, distillation_weight=0.5), beats()
    plain = BeatGAN(*parts())
    plain.compile(*(keras.optimizers.SGD(0.1) for _ in range(2)), run_eagerly=True)
    pair = [
        softmax(identity_logits(made(windows, training=training), windows) / 2.0, axis=1)
        for made, training in ((model.teacher, False), (model.generator, True))
    ]
    wanted = 2.0**2 * np.mean(entropy(*pair, axis=1))
    model, plain = build(temperature=2.0, distillation_weight=0.5), plain
    found, without = (m.train_on_batch(windows, return_dict=True) for m in (model, plain))
    assert found["distillation_loss"] == pytest.approx(wanted, rel=1e-3)
    assert found["loss"] == pytest.approx(without["loss"] + 0.5 * wanted, rel=1e-3)
    assert found["discriminator_loss"] == pytest.approx(without["discriminator_loss"], rel=1e-5)


def test_the_teacher_moves_the_student_and_stays_itself():
    first, second = build(teacher=conv_generator(**SIZE, latent=3, seed=7)), build()
    before = copies(first.teacher.variables)
    for model in (first, second):
        for seed in range(2):
            model.train_on_batch(beats(seed=seed))
    assert_equal(copies(first.teacher.variables), before)
    assert not first.teacher.trainable
    pairs = zip(first.generator.get_weights(), second.generator.get_weights(), strict=True)
    assert any(not np.allclose(*pair, atol=1e-6) for pair in pairs)


def test_a_student_that_agrees_with_its_teacher_learns_nothing_from_it():
    generator = conv_generator(**SIZE, latent=3, seed=0)
    windows = tf.constant(beats())
    model = SIBeatGAN(generator, parts()[1], teacher=generator)
    with tf.GradientTape() as tape:
        loss = model._distil(windows, generator(windows, training=False))
    assert float(loss) == pytest.approx(0, abs=1e-6)
    rebuilt = tf.Variable(generator(windows, training=False))
    with tf.GradientTape() as tape:
        loss = model._distil(windows, rebuilt.value())
    np.testing.assert_allclose(tape.gradient(loss, rebuilt), 0, atol=1e-5)
    rebuilt.assign(beats(seed=5))
    with tf.GradientTape() as tape:
        loss = model._distil(windows, rebuilt.value())
    assert np.abs(tape.gradient(loss, rebuilt)).max() > 1e-3


def test_the_teacher_sees_the_augmented_beat():
    model = build(augmentation=TimeWarp(4, LENGTH // 2, seed=0))
    seen = []
    model._rebuild_as_teacher = watched(model._rebuild_as_teacher, seen)
    model.run_eagerly = True
    windows = beats()
    model.train_on_batch(windows)
    assert len(seen) == 1 and not np.allclose(seen[0], windows)


def test_training_goes_on_after_loading(tmp_path):
    model = build(temperature=2.0, distillation_weight=0.25, feature_weight=0.5)
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = True
    assert type(loaded) is SIBeatGAN
    assert (loaded.distillation_weight, loaded.feature_weight) == (0.25, 0.5)
    found, expected = (m.train_on_batch(beats(seed=3), return_dict=True) for m in (loaded, model))
    assert found == expected
    assert_equal(copies(loaded.teacher.variables), copies(model.teacher.variables))


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_out_of_range_is_an_error(weight):
    with pytest.raises(ValueError, match=f"SIBeatGAN: found distillation_weight {weight}, expected a finite"):
        build(distillation_weight=weight)


def test_a_temperature_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="found temperature 0.0, expected a finite number above 0"):
        build(temperature=0.0)


def test_a_teacher_of_other_windows_is_an_error():
    with pytest.raises(
        ValueError, match=r"found a teacher \(None, 32, 1\) .* expected the student's \(None, 24"
    ):
        build(teacher=conv_generator(**{**SIZE, "length": 32}, latent=3))


@pytest.mark.parametrize("teacher", ["runs/teacher", keras.Sequential([keras.layers.Dense(1)])])
def test_a_teacher_that_is_not_built_is_an_error(teacher):
    with pytest.raises(ValueError, match="found a teacher that is not built; expected a trained generator"):
        SIBeatGAN(*parts(), teacher=teacher)
