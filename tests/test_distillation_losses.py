"""Soft targets and attention transfer against SciPy, closed forms, and what their gradients must do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from scipy.stats import entropy

from keras_sibeat.losses import AttentionTransfer, SoftTargets


def logits(seed=0, rows=6, classes=5):
    generate = np.random.default_rng(seed).normal
    return generate(size=(rows, classes)), generate(scale=2, size=(rows, classes))


def gradients(loss, first, second):
    """The loss, and its gradients by the teacher's and the student's outputs."""
    first, second = tf.constant(first), tf.constant(second)
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        value = loss(first, second)
    return float(value), *tape.gradient(value, [first, second])


@settings(max_examples=30)
@given(st.integers(0, 999), st.floats(0.05, 50), st.integers(2, 9))
def test_soft_targets_are_the_divergence_of_softened_classes(seed, temperature, classes):
    teacher, student = logits(seed, classes=classes)
    soft = [softmax(values / temperature, axis=1) for values in (teacher, student)]
    wanted = temperature**2 * np.mean(entropy(*soft, axis=1))
    found = SoftTargets(temperature, dtype="float64")(teacher, student)
    assert float(found) == pytest.approx(wanted, rel=1e-6, abs=1e-12)


def test_one_logit_is_that_of_two_classes():
    teacher, student = (values[:, :1] for values in logits())
    shares = [expit(values[:, 0] / 3) for values in (teacher, student)]
    wanted = 9 * np.mean(entropy(*(np.stack([share, 1 - share]) for share in shares)))
    assert float(SoftTargets(3.0, dtype="float64")(teacher, student)) == pytest.approx(wanted, rel=1e-9)
    assert wanted > 0.01


def test_the_gradient_reaches_the_student_alone_and_is_hintons():
    teacher, student = logits()
    for temperature in (0.5, 4.0):
        _, by_teacher, by_student = gradients(SoftTargets(temperature, dtype="float64"), teacher, student)
        assert by_teacher is None
        gap = softmax(student / temperature, axis=1) - softmax(teacher / temperature, axis=1)
        np.testing.assert_allclose(by_student, temperature * gap / len(gap), rtol=1e-9, atol=1e-12)
        assert np.abs(by_student).min() > 1e-6


def test_the_gradient_vanishes_where_teacher_and_student_agree():
    teacher, _ = logits()
    value, _, by_student = gradients(SoftTargets(4.0, dtype="float64"), teacher, teacher + 7)
    assert value == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(by_student, 0, atol=1e-12)


def test_at_a_high_temperature_soft_targets_are_the_squared_distance_of_centred_logits():
    """Hinton et al. 2015, section 2.1."""
    teacher, student = logits()
    centred = [values - values.mean(axis=1, keepdims=True) for values in (teacher, student)]
    wanted = np.mean((centred[0] - centred[1]) ** 2) / 2
    found = float(SoftTargets(1e4, dtype="float64")(teacher, student))
    assert found == pytest.approx(wanted, rel=1e-3)


def test_extreme_logits_stay_finite():
    teacher, student = (1e4 * values for values in logits())
    value, _, by_student = gradients(SoftTargets(1.0), *(v.astype("float32") for v in (teacher, student)))
    assert np.isfinite(value) and np.isfinite(by_student).all()


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_out_of_range_is_an_error(temperature):
    with pytest.raises(ValueError, match=f"SoftTargets: found temperature {temperature}, expected a finite"):
        SoftTargets(temperature)


@pytest.mark.parametrize(
    ("teacher", "student"), [((4, 320, 1), (4, 320, 1)), ((4, 5), (4, 6)), ((4, 1), (4, 5)), ((4,), (4,))]
)
def test_what_is_no_class_distribution_is_refused(teacher, student):
    """A softmax over a rebuilt beat's last axis, its one lead, is 1 everywhere, and its loss always 0."""
    with pytest.raises(ValueError, match=r"SoftTargets: found teacher .* expected logits \(batch, classes\)"):
        SoftTargets().call(tf.zeros(teacher), tf.zeros(student))


def features(seed=0, ticks=10, filters=(4, 7)):
    generate = np.random.default_rng(seed).normal
    return [generate(size=(3, ticks, count)) for count in filters]


def test_attention_transfer_is_the_distance_of_unit_maps():
    pair = features()
    maps = [np.mean(x**2, axis=2) for x in pair]
    maps = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in maps]
    wanted = np.mean(np.sum((maps[0] - maps[1]) ** 2, axis=1))
    assert float(AttentionTransfer(dtype="float64")(*pair)) == pytest.approx(wanted, rel=1e-9)


def test_attention_says_where_not_how_much():
    teacher, student = features(filters=(4, 4))
    loss = AttentionTransfer(dtype="float64")
    assert float(loss(teacher, 30 * student)) == pytest.approx(float(loss(teacher, student)), rel=1e-9)
    assert float(loss(teacher, -5 * teacher[:, :, ::-1])) == pytest.approx(0, abs=1e-15)
    moved = np.roll(teacher, 3, axis=1)
    assert float(loss(teacher, moved)) > 0.01


def test_attention_teaches_the_student_alone():
    loss = AttentionTransfer(dtype="float64")
    _, by_teacher, by_student = gradients(loss, *features())
    assert by_teacher is None and np.abs(by_student).max() > 1e-4
    _, _, by_student = gradients(loss, *features(filters=(4, 4))[:1] * 2)
    np.testing.assert_allclose(by_student, 0, atol=1e-12)


def test_features_that_are_silent_have_a_finite_gradient():
    teacher, student = features()
    value, _, by_student = gradients(AttentionTransfer(), teacher.astype("float32"), tf.zeros((3, 10, 7)))
    assert np.isfinite(value) and np.isfinite(by_student).all()


@pytest.mark.parametrize(("teacher", "student"), [((3, 10, 4), (3, 5, 4)), ((3, 10), (3, 10))])
def test_features_of_other_ticks_are_an_error(teacher, student):
    with pytest.raises(ValueError, match="AttentionTransfer: found teacher .* of the same ticks"):
        AttentionTransfer().call(tf.zeros(teacher), tf.zeros(student))


@pytest.mark.parametrize("loss", [SoftTargets(2.5), AttentionTransfer()])
def test_a_model_compiled_with_it_is_saved_and_loaded(loss, tmp_path):
    shape = (5,) if isinstance(loss, SoftTargets) else (10, 4)
    model = keras.Sequential([keras.Input(shape), keras.layers.Dense(shape[-1])])
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert type(loaded.loss) is type(loss) and loaded.loss.get_config() == loss.get_config()
    x = np.random.default_rng(0).normal(size=(8, *shape)).astype("float32")
    losses = loaded.fit(x, 2 * x, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
