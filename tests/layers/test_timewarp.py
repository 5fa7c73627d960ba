"""Time warping of a ramp, on which each tick tells where it was read from."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_sibeat.layers.augmentation import read_between
from keras_sibeat.layers.timewarp import TimeWarp

LENGTH, CENTRE, TICKS = 320, 140, 8
SIDES = [slice(0, CENTRE), slice(CENTRE, LENGTH)]


def ramp(batch=64, length=LENGTH, channels=1):
    return np.tile(np.arange(length, dtype=np.float32)[None, :, None], (batch, 1, channels))


def warp(layer, windows=None, **arguments):
    return keras.ops.convert_to_numpy(layer(ramp() if windows is None else windows, **arguments))


def always(seed=1, **settings):
    return TimeWarp(TICKS, CENTRE, probability=1.0, seed=seed, **settings)


def assert_warped(places):
    """``places`` (batch, length) lack ``TICKS`` ticks a side, and hold as many means of neighbours."""
    for side in SIDES:
        for row in places[:, side]:
            assert (row >= side.start).all() and (row < side.stop).all()
            whole = np.unique(row[row % 1 == 0])
            assert len(whole) == side.stop - side.start - TICKS
            extra = np.setdiff1d(row, whole)
            repeated = len(row) - len(whole) - len(extra)
            # After the window's last tick there is nothing to take the mean with.
            assert repeated == 0 or (repeated == 1 and (row[-2:] == LENGTH - 1).all())
            assert len(extra) + repeated == TICKS
            np.testing.assert_array_equal(extra % 1, 0.5)
            assert np.isin(extra - 0.5, whole).all()
            assert (np.diff(row) > 0).sum() == len(row) - 1 - repeated


def test_each_side_loses_and_gains_ticks_and_keeps_its_length():
    places = warp(always(), training=True)
    assert places.shape == (64, LENGTH, 1)
    assert_warped(places[:, :, 0])


def test_inserted_ticks_are_the_mean_of_their_neighbours():
    windows = np.random.default_rng(0).normal(size=(32, LENGTH, 1)).astype(np.float32)
    places = warp(always(seed=3), np.concatenate([windows, ramp(32)], axis=2), training=True)[:, :, 1]
    warped = warp(always(seed=3), np.concatenate([windows, ramp(32)], axis=2), training=True)[:, :, 0]
    for window, place, result in zip(windows[:, :, 0], places, warped, strict=True):
        below, above = np.floor(place).astype(int), np.ceil(place).astype(int)
        np.testing.assert_allclose(result, (window[below] + window[above]) / 2, atol=1e-6)


def test_channels_are_warped_together():
    windows = ramp(8, channels=3) * [1, -1, 2]
    warped = warp(always(), windows, training=True)
    np.testing.assert_array_equal(warped[:, :, 1:], warped[:, :, :1] * [-1, 2])


def test_every_tick_of_a_side_is_as_likely_to_go():
    layer = TimeWarp(ticks=2, centre=8, probability=1.0, seed=0)
    places = warp(layer, ramp(6000, length=18), training=True)[:, :, 0]
    kept = np.array([(places == tick).any(axis=1).mean() for tick in range(18)])
    np.testing.assert_allclose(kept[:8], 1 - 2 / 8, atol=0.03)
    np.testing.assert_allclose(kept[8:], 1 - 2 / 10, atol=0.03)


def test_every_window_is_warped_in_its_own_way():
    assert len(np.unique(warp(always(), training=True), axis=0)) == 64


@pytest.mark.parametrize("arguments", [{}, {"training": False}])
def test_nothing_changes_at_inference(arguments):
    np.testing.assert_array_equal(warp(always(), **arguments), ramp())


@pytest.mark.parametrize(
    ("probability", "low", "high"), [(0, 0, 0), (0.5, 0.45, 0.55), (0.2, 0.16, 0.24), (1, 1, 1)]
)
def test_the_probability_is_the_share_of_warped_windows(probability, low, high):
    layer = TimeWarp(2, 10, probability, seed=0)
    windows = ramp(2000, length=20)
    changed = (warp(layer, windows, training=True) != windows).any(axis=(1, 2))
    assert low <= changed.mean() <= high


def test_the_seed_decides():
    one, same, other = (warp(always(seed), training=True) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_each_call_warps_anew():
    layer = always()
    assert (warp(layer, training=True) != warp(layer, training=True)).any()


def test_the_config_makes_the_same_layer():
    layer = TimeWarp(ticks=3, centre=20, probability=0.25, seed=7, name="warp")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert isinstance(copy, TimeWarp) and copy.get_config() == layer.get_config()
    assert (copy.ticks, copy.centre, copy.probability, copy.seed, copy.name) == (3, 20, 0.25, 7, "warp")
    np.testing.assert_array_equal(warp(copy, training=True), warp(layer, training=True))


@pytest.mark.parametrize("file", ["model.keras", "model.weights.h5"])
def test_a_saved_model_goes_on_with_the_same_random_stream(tmp_path, file):
    model = keras.Sequential([keras.Input((LENGTH, 1)), TimeWarp(seed=2)])
    first = warp(model, training=True)
    if file.endswith(".h5"):
        model.save_weights(tmp_path / file)
        loaded = keras.Sequential([keras.Input((LENGTH, 1)), TimeWarp(seed=9)])
        loaded.load_weights(tmp_path / file)
    else:
        model.save(tmp_path / file)
        loaded = keras.saving.load_model(tmp_path / file)
    second = warp(loaded, training=True)
    np.testing.assert_array_equal(second, warp(model, training=True))
    assert (first != second).any()


def test_runs_compiled_by_xla_with_any_batch():
    layer = always()
    compiled = tf.function(
        lambda windows: layer(windows, training=True),
        jit_compile=True,
        input_signature=[tf.TensorSpec((None, LENGTH, 1), tf.float32)],
    )
    for batch in (3, 5):
        assert_warped(compiled(ramp(batch)).numpy()[:, :, 0])


@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_other_precisions(dtype):
    layer = always(dtype=dtype)
    warped = layer(ramp(4), training=True)
    assert keras.backend.standardize_dtype(warped.dtype) == layer.compute_dtype
    assert_warped(keras.ops.convert_to_numpy(warped)[:, :, 0].astype(np.float64))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ticks": 0}, "found 0 ticks on 140; expected 1 to half of each side"),
        ({"ticks": 71}, "found 71 ticks on 140"),
        ({"ticks": 8, "centre": 15}, "found 8 ticks on 15"),
        ({"probability": -0.1}, "found probability -0.1, expected 0 to 1"),
        ({"probability": 1.1}, "found probability 1.1, expected 0 to 1"),
        ({"probability": float("nan")}, "found probability nan, expected 0 to 1"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        TimeWarp(**settings)


def test_a_right_side_that_is_too_short():
    assert warp(TimeWarp(8, 140), ramp(2, 156), training=True).shape == (2, 156, 1)
    with pytest.raises(ValueError, match="found a right side of 15 ticks; expected at least 16"):
        TimeWarp(8, 140)(ramp(2, 155))


def test_half_of_a_side_may_go():
    places = warp(TimeWarp(4, 8, 1.0, seed=0), ramp(50, 16), training=True)[:, :8, 0]
    assert all(len(np.unique(row[row % 1 == 0])) == 4 for row in places)


def test_read_between_interpolates_and_stops_at_the_ends():
    windows = keras.ops.convert_to_tensor(np.array([[[0.0], [10.0], [30.0]]], np.float32))
    places = np.array([[-1, 0, 0.25, 1, 1.5, 2, 9]], np.float32)
    read = keras.ops.convert_to_numpy(read_between(windows, places))[0, :, 0]
    np.testing.assert_allclose(read, [0, 0, 2.5, 10, 20, 30, 30])
