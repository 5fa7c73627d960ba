"""What training draws for beats beside their wearer's template: views, shifts, partners, rhythms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_sibeat.layers.partners import Partners
from keras_sibeat.layers.shifts import OtherWearer, Shifts, WideQRS
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.layers.views import Amplitude, Gain, Views


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
