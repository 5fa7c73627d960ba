"""A student that learns to see through noise: its teacher judges the same windows undisturbed."""

import keras
import numpy as np
import pytest
from keras import layers
from small_windows import LENGTH, assert_equal, beats, copies, watched

from keras_sibeat.layers.augmentation import Augmentation
from keras_sibeat.layers.noises import WornNoise
from keras_sibeat.layers.shifts import Shifts, WaveGain
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.layers.views import Gain, Views
from keras_sibeat.models.distiller import Distiller
from keras_sibeat.models.student import student

RECORDED = np.random.default_rng(1).normal(size=(200, 2)).astype("float32")


@keras.saving.register_keras_serializable("test")
class Silence(Augmentation):
    """Makes every window zero."""

    def augment(self, windows):
        return 0 * windows


def pairs(count=8, seed=0):
    """Beats beside templates, and rhythms."""
    windows = np.concatenate([beats(count, seed), beats(count, seed + 50)], axis=2)
    return windows, np.random.default_rng(seed).normal(size=(count, 8)).astype("float32")


def teacher():
    """Untrained: what it says of a window and a rhythm depends on both."""
    keras.utils.set_random_seed(4)
    inputs = {"window": keras.Input((LENGTH, 2), name="window"), "rhythm": keras.Input((8,), name="rhythm")}
    flat = layers.Flatten()(inputs["window"])
    embedding = layers.UnitNormalization()(layers.Dense(6)(flat))
    outputs = {
        "score": layers.Dense(1)(layers.Concatenate()([flat, inputs["rhythm"]])),
        "embedding": embedding,
        "prototypes": layers.Dense(3, use_bias=False, name="cosines")(embedding),
        "rebuilt": inputs["window"],
    }
    return keras.Model(inputs, outputs)


def build(noise, **options):
    network = student(LENGTH, 2, width=3, depth=2, units=8, rhythm=8, seed=0)
    timings = SimulatedRhythm(np.ones((10, 8)), np.arange(10) >= 5, seed=5)
    views, shifts = Views([Gain(0.3, seed=0)], leads=1), Shifts([WaveGain(12, 1)], 2, leads=1)
    weights = {"rebuilt": 0.0}
    model = Distiller(
        network, teacher(), views, shifts, weights, seed=3, timings=timings, noise=noise, **options
    )
    model.compile(keras.optimizers.SGD(1e-2), run_eagerly=True)
    return model


def worn(noise=RECORDED):
    return WornNoise(noise, (0.0, 6.0), 1.0, common=2, own=1, seed=6)


def studied(noise):
    """What teacher and student are given in a step, and the outputs that the losses compare."""
    model, by_student, by_teacher, compared = build(noise), [], [], {}
    judge, losses_of = model.teacher.call, model.losses_of

    def losses(wanted, found, weights):
        compared.update({name: np.array(values) for name, values in wanted.items()})
        return losses_of(wanted, found, weights)

    model._study = watched(model._study, by_student)
    model.teacher.call = lambda inputs, **options: by_teacher.append(inputs) or judge(inputs, **options)
    model.losses_of = losses
    windows, rhythm = pairs()
    model.train_on_batch(windows, rhythm)
    seen = {"student": by_student[0], "teacher": by_teacher[0]}
    arrays = {name: {part: np.array(x) for part, x in inputs.items()} for name, inputs in seen.items()}
    return arrays, compared


@pytest.mark.parametrize("noise", [Silence, worn])
def test_the_teachers_targets_are_those_of_the_undisturbed_windows(noise):
    seen, wanted = studied(noise())
    plain, undisturbed = studied(None)
    assert wanted.keys() == undisturbed.keys() == {"score", "embedding", "prototypes", "rebuilt"}
    for name in wanted:
        np.testing.assert_array_equal(wanted[name], undisturbed[name], err_msg=name)
    np.testing.assert_array_equal(seen["teacher"]["window"], plain["student"]["window"])
    changed = np.abs(seen["student"]["window"] - seen["teacher"]["window"]).max(axis=(1, 2))
    assert len(changed) == 16 and changed.min() > 0.1  # views and shifted copies alike


def test_the_student_sees_what_the_noise_makes_of_the_windows():
    seen, _ = studied(Silence())
    assert not seen["student"]["window"].any() and seen["teacher"]["window"].any()
    seen, plain = studied(worn())[0], studied(None)[0]
    noisy = worn()(plain["student"]["window"], training=True)
    np.testing.assert_array_equal(seen["student"]["window"], noisy)


def test_the_rhythm_is_the_same_for_both():
    seen, _ = studied(worn())
    np.testing.assert_array_equal(seen["student"]["rhythm"], seen["teacher"]["rhythm"])
    np.testing.assert_array_equal(seen["student"]["rhythm"], studied(None)[0]["student"]["rhythm"])


def test_noise_changes_training_but_no_judgement():
    noisy, plain = build(worn()), build(None)
    windows, rhythm = pairs()
    inputs = {"window": windows, "rhythm": rhythm}
    assert_equal([noisy.student(inputs)], [plain.student(inputs)])
    for model in (noisy, plain):
        model.train_on_batch(windows, rhythm)
    pairs_of = zip(copies(noisy.learners), copies(plain.learners), strict=True)
    assert max(np.abs(one - other).max() for one, other in pairs_of) > 1e-5


def test_a_saved_distiller_goes_on_with_its_noise(tmp_path):
    model = build(worn())
    model.train_on_batch(*pairs())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.run_eagerly = True
    assert type(loaded.noise) is WornNoise and loaded.noise.get_config() == model.noise.get_config()
    windows, rhythm = pairs()
    inputs = {"window": windows, "rhythm": rhythm}
    assert_equal([loaded.student(inputs)], [model.student(inputs)])
    # What is not saved, as no recording is: it is given again.
    loaded.noise.noise = RECORDED
    loaded.timings.simulated = np.ones((10, 8)), np.arange(10) >= 5
    found, expected = (m.train_on_batch(*pairs(seed=3), return_dict=True) for m in (loaded, model))
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_distiller_without_noise_is_saved_without(tmp_path):
    model = build(None)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras", safe_mode=True).noise is None
