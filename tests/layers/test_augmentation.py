"""The random stream, and the curves, scales and warps that all views and shifts are made of."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from keras_sibeat.layers import augmentation
from keras_sibeat.layers.augmentation import (
    Augmentation,
    beside_again,
    read_between,
    rescale,
    smooth,
    warp,
    whole,
    within,
)
from sibeat_edge.beats.windows import HIGHEST, beside, normalise

ZEROS = np.zeros((512, 320, 1), np.float32)


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def ramp(batch=1, length=320):
    return np.tile(np.arange(length, dtype=np.float32)[None, :, None], (batch, 1, 1))


@keras.saving.register_keras_serializable("test")
class Spy(Augmentation):
    """Adds a random number, and remembers what it was given."""

    def augment(self, windows):
        self.given = windows.dtype
        return windows + self.draw(windows, 0.0, 1.0)


# The random stream


def test_uniform_numbers_fill_their_range():
    layer = Augmentation(seed=0)
    drawn = numpy(layer.draw(ZEROS, -3.0, 5.0, size=4, channels=2))
    assert drawn.shape == (512, 4, 2) and drawn.min() >= -3 and drawn.max() < 5
    assert stats.kstest(drawn.ravel(), stats.uniform(-3, 8).cdf).pvalue > 0.01


def test_normal_numbers_are_normal_and_independent():
    layer = Augmentation(seed=0)
    drawn = numpy(layer.normal(ZEROS))
    assert drawn.shape == ZEROS.shape and np.isfinite(drawn).all()
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    following = np.corrcoef(drawn[:, :-1].ravel(), drawn[:, 1:].ravel())[0, 1]
    assert abs(following) < 4 / np.sqrt(drawn.size)


def test_the_outermost_normal_number_is_finite(monkeypatch):
    monkeypatch.setattr(tf.random, "stateless_uniform", lambda *a, **k: tf.fill([1, 2, 1], a[2]))
    drawn = numpy(Augmentation(seed=0).normal(ZEROS[:1, :2]))
    assert np.isfinite(drawn).all() and drawn.max() < -5


@pytest.mark.parametrize("compiled", [False, True])
def test_the_state_decides_what_is_drawn(compiled):
    layer, windows = Augmentation(seed=4), tf.constant(ZEROS[:3])

    def draw():
        return tf.concat([layer.draw(windows, 0.0, 1.0, 320), layer.normal(windows)], axis=1)

    run = tf.function(draw, jit_compile=compiled)
    first, second = run().numpy(), run().numpy()
    assert (first != second).all()
    layer.seed_generator.state.assign([4, 0])
    np.testing.assert_array_equal(run(), first)
    if not compiled:  # XLA makes other numbers of the same state
        layer.seed_generator.state.assign([4, 0])
        np.testing.assert_allclose(draw(), first, atol=1e-6)
    for numbers, distribution in ((first[:, :320], "uniform"), (first[:, 320:], "norm")):
        assert stats.kstest(numbers.ravel(), distribution).pvalue > 0.01


def test_every_draw_names_the_algorithm_that_is_fast_under_xla():
    layer = Augmentation(seed=0)
    graph = (
        tf.function(lambda: (layer.draw(ZEROS, 0.0, 1.0), layer.normal(ZEROS))).get_concrete_function().graph
    )
    draws = [op for op in graph.get_operations() if op.type == "StatelessRandomUniformV2"]
    assert [tf.get_static_value(op.inputs[3]) for op in draws] == [tf.random.Algorithm.PHILOX.value] * 2


def test_every_replica_draws_numbers_that_no_other_draws(monkeypatch):
    """Not in this step, nor in a later one, nor in the layers whose seeds follow."""
    drawn = []
    for replica in range(3):
        context = SimpleNamespace(replica_id_in_sync_group=tf.constant(replica))
        monkeypatch.setattr(augmentation.tf.distribute, "get_replica_context", lambda found=context: found)
        for seed in (10, 11, 12):
            layer = Augmentation(seed)
            drawn += [numpy(layer.draw(ZEROS[:1], 0.0, 1.0)).item() for _ in range(5)]
    assert len(set(drawn)) == len(drawn) == 45


def test_numbers_are_drawn_where_a_scope_is_open_outside_a_step():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        assert Spy(seed=0)(ZEROS[:2], training=True).shape == (2, 320, 1)


def test_without_a_seed_no_two_layers_are_alike():
    one, other = (numpy(Augmentation().draw(ZEROS, 0.0, 1.0)) for _ in range(2))
    assert (one != other).any()


def test_the_random_state_is_saved_in_safe_mode(tmp_path):
    model = keras.Sequential([keras.Input((320, 1)), Spy(seed=1)])
    first = numpy(model(ZEROS[:4], training=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    following = numpy(loaded(ZEROS[:4], training=True))
    assert (following != first).all()
    np.testing.assert_array_equal(following, numpy(model(ZEROS[:4], training=True)))


@pytest.mark.parametrize(
    ("dtype", "given", "returned"),
    [
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("mixed_float16", "float32", "float16"),
        ("bfloat16", "float32", "bfloat16"),
    ],
)
def test_places_are_computed_in_single_precision_or_better(dtype, given, returned):
    layer = Spy(seed=0, dtype=dtype)
    assert layer(ZEROS[:2], training=True).dtype == returned
    assert layer.given == given


def test_inference_returns_what_it_was_given():
    windows = np.random.default_rng(0).normal(size=(3, 320, 2)).astype(np.float32)
    np.testing.assert_array_equal(Spy(seed=0)(windows), windows)


def test_the_base_changes_nothing_itself():
    with pytest.raises(NotImplementedError):
        Augmentation(seed=0)(ZEROS[:1], training=True)


def test_windows_need_three_dimensions():
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        Spy(seed=0)(ZEROS[:, :, 0], training=True)


# Curves


@settings(max_examples=40)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 3), st.integers(2, 9), st.integers(1, 2)),
           elements=st.floats(-100, 100, width=32)),
    st.integers(2, 80),
)  # fmt: skip
def test_a_curve_follows_half_cosines_between_its_knots(knots, length):
    curve = numpy(smooth(keras.ops.convert_to_tensor(knots), length))
    assert curve.shape == (len(knots), length, knots.shape[2])
    places = np.linspace(0, knots.shape[1] - 1, length)
    below = np.minimum(places.astype(int), knots.shape[1] - 2)
    rise = (1 - np.cos(np.pi * (places - below)))[None, :, None] / 2
    expected = knots[:, below] * (1 - rise) + knots[:, below + 1] * rise
    np.testing.assert_allclose(curve, expected, atol=1e-4)


def test_a_curve_passes_through_its_knots_and_stays_in_their_range():
    knots = np.random.default_rng(0).uniform(-1, 1, (64, 8, 1)).astype(np.float32)
    curve = numpy(smooth(keras.ops.convert_to_tensor(knots), 7 * 45 + 1))
    np.testing.assert_allclose(curve[:, ::45], knots, atol=1e-6)
    assert (curve.max(axis=1) <= knots.max(axis=1) + 1e-6).all()
    assert (curve.min(axis=1) >= knots.min(axis=1) - 1e-6).all()


def test_random_curves_use_the_whole_range_and_each_channel_has_its_own():
    curve = numpy(Augmentation(seed=0).curve(ZEROS, 6, channels=2))
    assert curve.shape == (512, 320, 2) and np.abs(curve).max() <= 1
    assert curve.max() > 0.99 and curve.min() < -0.99
    assert abs(np.corrcoef(curve[:, 0, 0], curve[:, 0, 1])[0, 1]) < 0.2


# Scale


@settings(max_examples=60)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 3)),
        # No denormal numbers, which TensorFlow takes for zero.
        elements=st.integers(-4096, 4096).map(lambda number: number / 64),
    )
)
def test_windows_are_rescaled_as_on_the_device(windows):
    rescaled = numpy(rescale(keras.ops.convert_to_tensor(windows)))
    np.testing.assert_allclose(rescaled, normalise(windows), atol=1e-6)


def test_a_flat_channel_becomes_zero_and_leaves_the_other_alone():
    windows = np.concatenate([np.full((2, 50, 1), 0.3), ramp(2, 50)], axis=2).astype(np.float32)
    rescaled = numpy(rescale(keras.ops.convert_to_tensor(windows)))
    np.testing.assert_array_equal(rescaled[:, :, 0], 0)
    np.testing.assert_allclose(rescaled[0, :, 1], np.linspace(-1, 1, 50), atol=1e-6)


# Warps


def test_a_constant_speed_changes_nothing():
    speed = np.full((1, 320, 1), 0.7, np.float32)
    np.testing.assert_allclose(warp(ramp(), speed, 140), ramp(), atol=1e-3)


@pytest.mark.parametrize("centre", [1, 140, 318])
def test_a_warp_reads_at_the_integral_of_its_speed(centre):
    rng = np.random.default_rng(0)
    speed = rng.uniform(0.2, 1.8, (5, 320, 1)).astype(np.float32)
    windows = rng.normal(size=(5, 320, 2)).astype(np.float32)
    path = np.cumsum(speed[:, :, 0], axis=1, dtype=np.float64)
    result = numpy(warp(keras.ops.convert_to_tensor(windows), speed, centre))
    for row in range(5):
        anchors = path[row, [0, centre, 319]]
        places = np.interp(path[row], anchors, [0, centre, 319])
        for channel in range(2):
            expected = np.interp(places, np.arange(320), windows[row, :, channel])
            np.testing.assert_allclose(result[row, :, channel], expected, atol=5e-3)
    np.testing.assert_array_equal(result[:, [0, centre, 319]], windows[:, [0, centre, 319]])


def test_read_between_keeps_windows_at_their_own_ticks():
    windows = np.random.default_rng(0).normal(size=(2, 30, 3)).astype(np.float32)
    places = np.tile(np.arange(30, dtype=np.float32), (2, 1))
    np.testing.assert_array_equal(read_between(keras.ops.convert_to_tensor(windows), places), windows)


# Settings


def test_settings_in_range_are_taken_as_they_are():
    assert within("x", 0.5, 0, 1) == 0.5 and whole("x", 8.0, 2) == 8 and type(whole("x", 8.0, 2)) is int


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_settings_out_of_range(value):
    with pytest.raises(ValueError, match=rf"Gain: strength: found {value}, expected 0 to 1\."):
        within("Gain: strength", value, 0, 1)


@pytest.mark.parametrize("value", [1, 2.5, -3, float("nan"), float("inf")])
def test_settings_that_are_no_whole_number(value):
    with pytest.raises(ValueError, match=rf"Gain: knots: found {value}, expected a whole number from 2 on\."):
        whole("Gain: knots", value, 2)


# A beat and its template


@settings(max_examples=30)
@given(arrays(np.float32, (3, 12, 4), elements=st.floats(-8, 8, width=32)), st.sampled_from([1, 2]))
def test_a_pair_is_scaled_again_as_the_device_does_it(windows, leads):
    pairs = windows[:, :, : 2 * leads]
    spans = np.ptp(pairs[:, :, leads:], axis=1)
    pairs[:, :, leads:] *= np.where(spans < 1e-2, 0, 1)[:, None]  # flat, or with a span to divide by
    found = numpy(beside_again(pairs, leads))
    wanted = np.stack([beside(pair[:, :leads], pair[:, leads:]) for pair in pairs])
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_pair_that_the_device_has_scaled_stays_and_a_changed_one_does_not():
    generator = np.random.default_rng(0)
    pairs = np.stack([beside(*generator.normal(size=(2, 320, 2))) for _ in range(5)])
    np.testing.assert_allclose(beside_again(pairs, 2), pairs, atol=1e-6)
    found = numpy(beside_again(7 * pairs + 3, 2))  # in other units
    np.testing.assert_allclose(found, pairs, atol=1e-5)
    far = np.concatenate([20 * pairs[:, :, :2], pairs[:, :, 2:]], axis=2)
    assert np.abs(numpy(beside_again(far, 2))).max() == HIGHEST
