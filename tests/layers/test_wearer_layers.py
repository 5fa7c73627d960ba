"""What training draws beside a template: views, shifts, partners, imagined wearers, rhythms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_sibeat.layers.imagined import ImaginedWearers
from keras_sibeat.layers.partners import Partners
from keras_sibeat.layers.shifts import OtherWearer, Shifts, WideQRS
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.layers.views import Amplitude, Gain, Views
from sibeat_edge.beats.windows import HIGHEST, beside


def pairs(batch=12, seed=0):
    """Beats and templates ``(batch, 320, 2)``, some beats far beyond the template's scale."""
    return np.random.default_rng(seed).normal(scale=1.5, size=(batch, 320, 2)).astype("float32")


@pytest.mark.parametrize(
    "layer", [Views([Gain(seed=0)], leads=1), Shifts([WideQRS(seed=0), OtherWearer(seed=1)], 2, leads=1)]
)
def test_the_template_and_its_scale_stay(layer):
    windows = pairs()
    found = np.array(layer(windows, training=True))
    np.testing.assert_array_equal(found[:, :, 1], windows[:, :, 1])
    assert (found[:, :, 0] != windows[:, :, 0]).any(axis=1).all() and np.abs(found[:, :, 0]).max() > 2
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert copy.leads == 1 and copy.get_config() == layer.get_config()


def test_another_wearers_beat_is_one_of_the_two_before_it_in_the_batch():
    windows = pairs()
    found = np.array(Shifts([OtherWearer(seed=0)], seed=0, leads=1)(windows, training=True))
    for beat in found[:, :, 0]:
        assert np.any(np.all(beat == windows[:, :, 0], axis=1))
    assert not np.any(np.all(found[:, :, 0] == windows[:, :, 0], axis=1))


def test_the_other_beat_is_the_less_like_one():
    """In a batch of two wearers by turns, or in pairs, it is never a beat of the same one."""
    one, other = np.zeros((1, 320, 1), "float32"), np.ones((1, 320, 1), "float32")
    for windows in (np.concatenate([one, other] * 4), np.concatenate([one, one, other, other] * 2)):
        found = np.array(OtherWearer(seed=0)(windows, training=True))
        np.testing.assert_array_equal(found, 1 - windows)


def test_the_amplitude_is_one_factor_for_all_of_a_beat_around_its_mean():
    windows = pairs()
    level = windows.mean(axis=1, keepdims=True)
    factors = (np.array(Amplitude(0.3, seed=0)(windows, training=True)) - level) / (windows - level)
    assert np.ptp(factors, axis=(1, 2)).max() < 1e-3 and 0.1 < np.ptp(factors[:, 0, 0]) < 0.6


@pytest.mark.parametrize("compiled", [False, True])
def test_a_partner_is_another_beat_of_the_same_wearer(compiled):
    wearers = np.array([0, 1, 0, 2, 1, 0, 1, 1])
    windows = np.arange(8, dtype="float32")[:, None, None] * np.ones((8, 4, 1), "float32")
    layer, seen = Partners(seed=0), set()
    draw = tf.function(layer, jit_compile=compiled)
    for _ in range(60):
        chosen = np.array(draw(windows, wearers))[:, 0, 0].astype(int)
        assert (wearers[chosen] == wearers).all() and chosen[3] == 3
        assert (np.delete(chosen, 3) != np.delete(np.arange(8), 3)).all()
        seen.add(chosen[0])
    assert seen == {2, 5}


def rhythms(batch=4000):
    features = np.repeat(np.arange(10, dtype="float32")[:, None], 8, axis=1)
    layer = SimulatedRhythm(features, np.arange(10) >= 8, probability=0.6, seed=0)
    return layer, np.array(layer(np.full((batch, 8), -1, "float32"), training=True))


def test_rhythms_are_replaced_by_as_many_timely_as_premature_ones():
    _, found = rhythms()
    assert (found == found[:, :1]).all()
    assert np.mean(found[:, 0] == -1) == pytest.approx(0.4, abs=0.03)
    assert np.mean(found[:, 0] >= 8) == pytest.approx(0.3, abs=0.03)
    assert set(np.unique(found)) == {-1.0, *range(10)}


def test_half_of_the_rhythms_are_moved_by_noise_as_wide_as_stated():
    features = np.repeat(np.arange(10, dtype="float32")[:, None], 8, axis=1)
    layer = SimulatedRhythm(features, np.arange(10) >= 8, jitter=0.05, seed=0)
    found = np.array(layer(np.full((4000, 8), -1, "float32"), training=True))
    moved = found - np.rint(found)  # what is simulated, or was there, is whole
    is_moved = np.any(moved != 0, axis=1)
    assert np.mean(is_moved) == pytest.approx(0.5, abs=0.03)
    assert np.std(moved[is_moved]) == pytest.approx(0.05, rel=0.03)
    assert abs(np.corrcoef(moved[is_moved].T)[0, 1]) < 0.1  # each feature by itself
    assert layer.get_config()["jitter"] == 0.05


def test_at_inference_a_rhythm_stays():
    layer, _ = rhythms()
    np.testing.assert_array_equal(layer(np.ones((3, 8), "float32")), np.ones((3, 8)))


def test_without_a_simulation_there_is_nothing_to_draw_from():
    layer, _ = rhythms(1)
    copy = SimulatedRhythm.from_config(layer.get_config())
    with pytest.raises(ValueError, match="found no simulated beats"):
        copy.augment(tf.ones((2, 8)))
    with pytest.raises(ValueError, match="found one kind of beat"):
        copy.simulated = np.ones((3, 8)), np.ones(3, bool)


def template_pairs(batch=64, seed=0):
    """Smooth beats and templates ``(batch, 320, 2)``, scaled as the edge does."""
    generator, ticks = np.random.default_rng(seed), np.arange(320)[:, None]
    places, widths = generator.uniform(100, 220, (2, batch)), generator.uniform(5, 30, (2, batch))
    beats = np.exp(-(((ticks - places[:, None]) / widths[:, None]) ** 2)).transpose(0, 2, 1)
    return np.stack([beside(beat[:, None], own[:, None]) for beat, own in zip(*beats, strict=True)])


def test_an_imagined_wearers_beat_that_is_the_template_stays_the_template():
    windows = template_pairs()
    windows[:, :, 0] = windows[:, :, 1]
    found = np.array(ImaginedWearers(1.0, seed=0)(windows, training=True))
    np.testing.assert_allclose(found[:, :, 0], found[:, :, 1], atol=1e-4)
    assert np.abs(found - windows).max(axis=(1, 2)).min() > 0.05


def test_an_imagined_wearers_template_sets_the_scale_as_on_the_device():
    found = np.array(ImaginedWearers(1.0, seed=1)(template_pairs(), training=True))
    np.testing.assert_allclose(found[:, :, 1].min(axis=1), -1, atol=1e-5)
    np.testing.assert_allclose(found[:, :, 1].max(axis=1), 1, atol=1e-5)
    assert np.abs(found).max() <= HIGHEST


def test_a_beat_unlike_its_template_stays_unlike_it():
    windows = template_pairs()
    before = np.abs(windows[:, :, 0] - windows[:, :, 1]).max(axis=1) > 1
    found = np.array(ImaginedWearers(1.0, seed=2)(windows, training=True))
    assert before.sum() > 20 and (np.abs(found[:, :, 0] - found[:, :, 1]).max(axis=1) > 0.3)[before].all()


def test_two_beats_of_one_wearer_stay_two_of_one():
    windows = template_pairs()
    both = np.concatenate([windows, windows], axis=2)
    found = np.array(ImaginedWearers(1.0, seed=3)(both, training=True))
    np.testing.assert_allclose(found[:, :, :2], found[:, :, 2:], atol=1e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_as_many_wearers_are_imagined_as_stated(compiled):
    windows, layer = template_pairs(1000), ImaginedWearers(0.3, seed=4)
    draw = tf.function(lambda x: layer(x, training=True), jit_compile=compiled)
    changed = np.any(np.array(draw(windows)) != windows, axis=(1, 2))
    assert changed.mean() == pytest.approx(0.3, abs=0.05)


def test_imagined_wearers_are_for_training_and_for_pairs_alone():
    layer = ImaginedWearers(seed=0)
    np.testing.assert_array_equal(layer(template_pairs(4)), template_pairs(4))
    copy = ImaginedWearers.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="found windows of 3 channels, expected a multiple of 2"):
        ImaginedWearers().build((None, 320, 3))
    with pytest.raises(ValueError, match="share: found 1.5"):
        ImaginedWearers(1.5)
