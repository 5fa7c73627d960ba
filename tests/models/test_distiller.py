"""Distillation of a scorer into a student: what is taught, by which loss, and to whom."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from scipy.stats import entropy
from small_windows import LENGTH, assert_equal, beats, copies, watched

from keras_sibeat.layers.names import DISTILLATION_WEIGHTS
from keras_sibeat.layers.shifts import Shifts, WaveGain
from keras_sibeat.layers.views import Gain, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.distiller import Distiller, as_teacher
from keras_sibeat.models.inference import score_parts
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.scorer import build_scorer
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.models.student import student

SIZE = {"length": LENGTH, "channels": 1, "depth": 2}


@pytest.fixture(scope="module")
def scorer():
    discriminator = contrastive_discriminator(**SIZE, width=2, units=6, projection=4, seed=0)
    simclr = SimCLR(discriminator, Views([Gain(seed=0)]), shift_weight=0)
    model = ContrastiveBeatGAN(conv_generator(**SIZE, width=2, latent=3, seed=1), simclr)
    return build_scorer(model, beats(60), beats(40, 1), prototypes=5)


def teacher_of(scorer):
    return as_teacher(scorer, score_parts(scorer, beats(40, 1))["score"])


@pytest.fixture
def teacher(scorer):
    return teacher_of(scorer)


def build(teacher, seed=0, **options):
    network = student(**SIZE, width=3, units=8, rebuilds=True, seed=seed)
    views, shifts = Views([Gain(0.3, seed=seed)]), Shifts([WaveGain(12, seed + 1)], seed + 2)
    return Distiller(network, teacher, views, shifts, seed=seed + 3, **options)


def test_the_teachers_score_is_its_quantile_among_normal_beats(scorer, teacher):
    normals = score_parts(scorer, beats(40, 1))["score"]
    found = teacher(beats(40, 1))["score"].numpy()[:, 0]
    shares = np.array([(normals > score).mean() for score in normals])
    middle = (shares > 0.1) & (shares < 0.9)
    np.testing.assert_allclose(np.exp(-found[middle]), shares[middle], atol=0.06)
    assert (np.diff(found[np.argsort(normals)]) >= -1e-5).all()


def test_the_teacher_says_all_that_the_scorer_computes(scorer, teacher):
    windows, found = beats(9, 2), teacher(beats(9, 2))
    np.testing.assert_allclose(np.linalg.norm(found["embedding"], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found["rebuilt"], scorer.get_layer("generator")(windows), atol=1e-6)
    prototypes = scorer.get_layer("prototypes").prototypes.numpy()
    units = prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)
    np.testing.assert_allclose(found["prototypes"], found["embedding"] @ units.T, atol=1e-5)
    assert not teacher.trainable_variables


def test_the_losses_are_what_they_say(teacher):
    model = build(teacher, temperature=0.5, cap=1.5)
    wanted = {name: np.asarray(x) for name, x in teacher(beats(9, 2)).items()}
    found = {name: np.asarray(x) for name, x in model.taught(beats(9, 2)).items()}
    found["embedding"] = found["embedding"] / np.linalg.norm(found["embedding"], axis=1, keepdims=True)
    gap = np.minimum(wanted["score"], 1.5) - found["score"]
    gap[(wanted["score"] >= 1.5) & (gap < 0)] = 0
    huber = np.where(np.abs(gap) < 1, gap**2 / 2, np.abs(gap) - 0.5)
    kernel = np.asarray(teacher.get_layer("cosines").kernel)
    soft = [softmax(x / 0.5, axis=1) for x in (wanted["prototypes"], found["embedding"] @ kernel)]
    expected = {
        "score": huber.mean(),
        "embedding": np.mean(np.sum((wanted["embedding"] - found["embedding"]) ** 2, axis=1)) / 2,
        "prototypes": 0.25 * entropy(*soft, axis=1).mean(),
        "rebuilt": np.mean((wanted["rebuilt"] - found["rebuilt"]) ** 2),
    }
    losses = model.losses_of(wanted, found)
    assert {name: float(value) for name, value in losses.items()} == pytest.approx(expected, rel=1e-4)


def test_a_score_above_the_cap_is_right_where_the_teacher_is(teacher):
    model = build(teacher, cap=2.0)
    outputs = {name: np.asarray(x) for name, x in teacher(beats(2)).items()}
    outputs["score"] = np.array([[5.0], [1.0]], "float32")
    high = {**outputs, "score": np.array([[3.0], [1.0]], "float32")}
    assert float(model.losses_of(outputs, high)["score"]) == 0
    low = {**outputs, "score": np.array([[1.5], [3.0]], "float32")}
    assert float(model.losses_of(outputs, low)["score"]) == pytest.approx((0.5**2 / 2 + 1.5) / 2)


def test_with_the_tail_log_a_score_above_the_cap_goes_on_as_its_logarithm(teacher):
    model = build(teacher, cap=2.0, tail="log")
    outputs = {name: np.asarray(x) for name, x in teacher(beats(2)).items()}
    outputs["score"] = np.array([[2.0 + np.e - 1], [1.0]], "float32")
    right = {**outputs, "score": np.array([[3.0], [1.0]], "float32")}
    assert float(model.losses_of(outputs, right)["score"]) == pytest.approx(0, abs=1e-10)
    high = {**outputs, "score": np.array([[3.5], [1.0]], "float32")}
    assert float(model.losses_of(outputs, high)["score"]) == pytest.approx(0.5**2 / 4)


def test_a_student_that_agrees_has_no_loss(teacher):
    outputs = {**teacher(beats(9, 2))}
    outputs["score"] = tf.clip_by_value(outputs["score"], 0, 8.0)
    model = build(teacher)
    for name, value in model.losses_of(outputs, outputs).items():
        assert float(value) == pytest.approx(0, abs=1e-5), name


def test_a_student_whose_embedding_is_silent_has_finite_gradients(teacher):
    model, wanted = build(teacher), teacher(beats(9, 2))
    found = {**model.taught(beats(9, 2)), "embedding": tf.Variable(tf.zeros((9, 6)))}
    with tf.GradientTape() as tape:
        values = {**found, "embedding": found["embedding"].value()}
        loss = sum(model.losses_of(wanted, values).values())
    assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, found["embedding"])).all()


@pytest.mark.parametrize("name", DISTILLATION_WEIGHTS)
def test_each_loss_alone_teaches_and_falls(teacher, name):
    model = build(teacher, weights={other: float(other == name) for other in DISTILLATION_WEIGHTS})
    model.compile(keras.optimizers.Adam(3e-2), run_eagerly=True)
    history = model.fit(beats(64), batch_size=16, epochs=3, shuffle=False, verbose=0).history
    assert history[name][-1] < 0.9 * history[name][0]
    assert history["loss"] == pytest.approx(history[name])


def test_the_teacher_stays_itself_and_judges_the_very_windows_of_the_student(teacher):
    model = build(teacher)
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    before, seen = copies(teacher.variables), []
    judge = teacher.call
    model._study = watched(model._study, seen)
    teacher.call = lambda windows, **options: seen.append(windows) or judge(windows, **options)
    windows = beats()
    model.train_on_batch(windows)
    assert_equal(copies(teacher.variables), before)
    first, second = (np.asarray(x) for x in seen)
    np.testing.assert_array_equal(first, second)
    view, shifted = np.split(first, 2)
    assert not np.allclose(view, windows) and np.abs(shifted - view).max() > 0.1


@pytest.mark.parametrize("jit_compile", [False, True])
def test_training_goes_on_after_loading(scorer, tmp_path, jit_compile):
    model = build(teacher_of(scorer), weights={"rebuilt": 0.5}, temperature=0.2, cap=5.0, tail="log")
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=jit_compile, run_eagerly=not jit_compile)
    model.train_on_batch(beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = not jit_compile
    assert loaded.get_config()["weights"] == {**DISTILLATION_WEIGHTS, "rebuilt": 0.5}
    assert (loaded.cap, loaded.tail, loaded.get_config()["temperature"]) == (5.0, "log", 0.2)
    found, expected = (m.train_on_batch(beats(seed=3), return_dict=True) for m in (loaded, model))
    assert found == pytest.approx(expected, rel=1e-5)
    assert_equal(loaded.predict(beats(), verbose=0), model.predict(beats(), verbose=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": {"logits": 1.0}}, r"found weights \['logits'\], expected some of score, embedding"),
        ({"weights": {"score": -1.0}}, "found score -1.0, expected a finite number from 0 on"),
        ({"weights": {"score": float("nan")}}, "found score nan, expected a finite number"),
        (
            {"weights": dict.fromkeys(DISTILLATION_WEIGHTS, 0.0)},
            "found only weights of 0; expected one above",
        ),
        ({"temperature": 0.0}, "found temperature 0.0, expected a finite number above 0"),
        ({"tail": "long"}, "found the tail 'long', expected flat or log"),
        ({"cap": -1.0}, "found cap -1.0, expected a finite number"),
    ],
)
def test_a_setting_out_of_range_is_an_error(teacher, options, message):
    with pytest.raises(ValueError, match=message):
        build(teacher, **options)


def test_a_teacher_of_other_windows_is_an_error(teacher):
    network = student(32, 1, width=3, depth=2, units=4, rebuilds=True)
    with pytest.raises(ValueError, match=r"found a student of windows \(None, 32, 1\), expected .*24, 1"):
        Distiller(network, teacher, Views([]), Shifts([WaveGain(12)]))


@pytest.mark.parametrize("missing", ["scorer.keras", keras.Sequential([keras.layers.Dense(1)])])
def test_a_teacher_that_is_not_built_is_an_error(missing):
    network = student(**SIZE, width=3, units=4, rebuilds=True)
    with pytest.raises(ValueError, match="found a teacher that is not built; expected a trained one"):
        Distiller(network, missing, Views([]), Shifts([WaveGain(12)]))
