"""Each view alone, on windows that show what became of them: a ramp's values tell where they were read."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_sibeat.layers.augmentation import Augmentation
from keras_sibeat.layers.timewarp import TimeWarp
from keras_sibeat.layers.views import (
    VIEWS,
    BaselineWander,
    Gain,
    LeadDropout,
    Noise,
    RecordedNoise,
    RPeakJitter,
    SmoothTimeWarp,
    Views,
)
from sibeat_edge.beats.windows import normalise

LENGTH, CENTRE = 320, 140
RECORDED = np.random.default_rng(8).normal(size=(1000, 3)).astype(np.float32)


def make(view, **settings):
    """The view of this name with its defaults."""
    return VIEWS[view](**({"noise": RECORDED} if view == "recorded_noise" else {}) | settings)


def run(layer, windows):
    return keras.ops.convert_to_numpy(layer(windows, training=True))


def ramp(batch, channels=1):
    return np.tile(np.arange(LENGTH, dtype=np.float32)[None, :, None], (batch, 1, channels))


def beats(batch=6, channels=2):
    """A P, a QRS and a T wave on a level below zero, and a little noise, so that no two are equal."""
    ticks = np.arange(LENGTH) - CENTRE
    waves = [(0.15, -60, 9), (1.4, 0, 5), (0.35, 95, 20)]
    beat = sum(height * np.exp(-(((ticks - place) / width) ** 2) / 2) for height, place, width in waves)
    noise = np.random.default_rng(0).normal(0, 0.02, (batch, LENGTH, channels))
    return normalise(beat[None, :, None] + noise)


# What holds for all of them


@pytest.mark.parametrize("name", VIEWS)
def test_inference_changes_nothing(name):
    np.testing.assert_array_equal(make(name, seed=0)(beats()), beats())
    np.testing.assert_array_equal(Views([make(name, seed=0)])(beats()), beats())


@pytest.mark.parametrize("name", VIEWS)
def test_shape_and_precision_stay_and_the_seed_decides(name):
    layer, same, other = (make(name, seed=seed) for seed in (5, 5, 6))
    changed = run(layer, beats())
    assert changed.shape == beats().shape and changed.dtype == np.float32 and np.isfinite(changed).all()
    np.testing.assert_array_equal(run(same, beats()), changed)
    assert (run(other, beats()) != changed).any() and (run(layer, beats()) != changed).any()


@pytest.mark.parametrize("name", VIEWS)
def test_the_config_makes_the_same_layer(name):
    layer = make(name, seed=7, name="given")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(copy) is VIEWS[name] and copy.get_config() == layer.get_config()
    if name == "recorded_noise":
        copy.noise = RECORDED
    np.testing.assert_array_equal(run(copy, beats()), run(layer, beats()))


@pytest.mark.parametrize("name", [name for name in VIEWS if name != "lead_dropout"])
def test_a_view_of_a_beat_stays_close_to_it(name):
    """A label-preserving change is small: less than the beat differs from its own mean."""
    changed = run(Views([make(name, seed=0)]), beats(64))
    spread = beats(64).std(axis=1)
    assert (np.sqrt(np.mean((changed - beats(64)) ** 2, axis=1)) < spread).mean() > 0.95


def fixed_draws(monkeypatch):
    """The same numbers for every call and every way to run: XLA makes others of the same seed."""

    def uniform(self, shape, low, high, dtype):
        count = tf.range(tf.reduce_prod(shape))
        numbers = tf.math.floormod(tf.cast(count, dtype) * 0.618034 + 0.31, 1.0)
        return low + (high - low) * tf.reshape(numbers, shape)

    monkeypatch.setattr(Augmentation, "_uniform", uniform)


def test_all_views_do_the_same_in_a_tf_data_map_and_compiled_by_xla(monkeypatch):
    fixed_draws(monkeypatch)
    views = Views([make(name, seed=0) for name in VIEWS])
    eager = run(views, beats(5))
    assert np.abs(eager - beats(5)).max() > 0.1
    dataset = tf.data.Dataset.from_tensor_slices(beats(5)).batch(3)  # the last batch is smaller
    mapped = np.concatenate(list(dataset.map(lambda windows: views(windows, training=True))))
    np.testing.assert_allclose(mapped[:3], run(views, beats(5)[:3]), atol=1e-4)
    np.testing.assert_allclose(mapped[3:], run(views, beats(5)[3:]), atol=1e-4)
    spec = [tf.TensorSpec((None, LENGTH, 2))]
    compiled = tf.function(lambda windows: views(windows, training=True), spec, jit_compile=True)
    np.testing.assert_allclose(compiled(beats(5)), eager, atol=1e-4)


def test_a_tf_data_map_draws_anew_for_every_batch():
    layer = Noise(1.0, seed=0)
    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((6, LENGTH, 1), np.float32)).batch(2)
    windows = np.concatenate(list(dataset.map(lambda batch: layer(batch, training=True))))
    assert len(np.unique(windows[:, 0, 0])) == 6


@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_other_precisions(dtype):
    layers = [make(name, seed=0, dtype=dtype) for name in VIEWS]
    changed = Views(layers, dtype=dtype)(beats(), training=True)
    assert keras.backend.standardize_dtype(changed.dtype) == layers[0].compute_dtype
    assert np.isfinite(changed).all() and np.abs(changed).max() == 1


def test_a_saved_model_goes_on_with_the_same_numbers(tmp_path):
    views = Views([make(name, seed=number) for number, name in enumerate(VIEWS)])
    model = keras.Sequential([keras.Input((LENGTH, 2)), views])
    first = run(model, beats())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.layers[0].layers[list(VIEWS).index("recorded_noise")].noise = RECORDED
    for _ in range(2):
        following = run(model, beats())
        np.testing.assert_array_equal(run(loaded, beats()), following)
        assert (following != first).any()


# Views


@keras.saving.register_keras_serializable("test")
class Add(Augmentation):
    def augment(self, windows):
        return windows + 1


@keras.saving.register_keras_serializable("test")
class Square(Augmentation):
    def augment(self, windows):
        return windows**2


def test_views_run_in_order_and_rescale_at_the_end():
    windows = beats(3)
    np.testing.assert_allclose(
        run(Views([Add(), Square()]), windows), normalise((windows + 1) ** 2), atol=1e-6
    )
    np.testing.assert_allclose(run(Views([Square(), Add()]), windows), normalise(windows**2), atol=1e-6)
    np.testing.assert_allclose(run(Views([]), 3 * windows), windows, atol=1e-6)


def test_a_config_can_be_used_twice():
    config = Views([Add(), Square()]).get_config()
    for _ in range(2):
        assert [type(layer) for layer in Views.from_config(config).layers] == [Add, Square]


def test_time_warp_can_still_be_imported_from_the_views():
    from keras_sibeat.layers import views

    assert views.TimeWarp is TimeWarp is VIEWS["time_warp"]
    assert keras.saving.get_registered_name(TimeWarp) == "keras_sibeat>TimeWarp"


# Smooth time warp


def test_a_smooth_warp_keeps_the_ends_and_the_r_peak_and_never_turns_back():
    strength = 0.3
    places = run(SmoothTimeWarp(strength, seed=0), ramp(64))[:, :, 0]
    np.testing.assert_array_equal(places[:, [0, CENTRE, LENGTH - 1]], [[0, CENTRE, LENGTH - 1]] * 64)
    speed = np.diff(places, axis=1)
    assert speed.min() > 0 and speed.std() > 0.05
    for side in (speed[:, 1:CENTRE], speed[:, CENTRE:-1]):
        # Each side is scaled to fit, so its speeds keep their ratio, but not their mean.
        assert (side.max(axis=1) / side.min(axis=1)).max() <= (1 + strength) / (1 - strength) + 1e-3
        assert np.abs(np.diff(side, axis=1)).max() < 0.05


def test_leads_are_warped_together():
    warped = run(SmoothTimeWarp(seed=0), ramp(4, channels=3) * np.float32([1, -1, 2]))
    np.testing.assert_allclose(warped[:, :, 1:], warped[:, :, :1] * [-1, 2], rtol=1e-5)


@pytest.mark.parametrize("name", ["smooth_time_warp", "gain", "baseline_wander", "noise"])
def test_a_strength_of_zero_changes_nothing(name):
    np.testing.assert_allclose(run(make(name, strength=0), beats()), beats(), atol=1e-4)


@pytest.mark.parametrize("centre", [0, LENGTH - 1, LENGTH, 400])
def test_an_r_peak_at_or_beyond_the_windows_ends(centre):
    expected = f"SmoothTimeWarp: found {centre} ticks before the R-peak's and {LENGTH - 1 - centre} after it"
    with pytest.raises(ValueError, match=expected):
        SmoothTimeWarp(centre=centre)(ramp(2), training=True)


def test_other_windows_need_another_centre():
    windows = beats()[:, :64]
    with pytest.raises(
        ValueError, match="found 140 ticks before the R-peak's and -77 after it in windows of 64"
    ):
        SmoothTimeWarp()(windows, training=True)
    assert run(SmoothTimeWarp(centre=32), windows).shape == windows.shape


# Gain and wander


def test_the_gain_stays_in_its_range_and_each_lead_has_its_own():
    gain = run(Gain(0.25, knots=6, seed=0), np.ones((256, LENGTH, 2), np.float32))
    assert gain.min() >= 0.75 - 1e-6 and gain.max() <= 1.25 + 1e-6
    assert gain.min() < 0.755 and gain.max() > 1.245 and abs(gain.mean() - 1) < 0.01
    assert (gain[:, :, 0] != gain[:, :, 1]).any(axis=1).all()


def test_the_gain_multiplies():
    one, two = (run(Gain(seed=3), factor * beats()) for factor in (1, 2))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-5)


def test_the_wander_is_added_slow_and_bounded():
    strength, knots = 0.4, 4
    wander = run(BaselineWander(strength, knots, seed=0), np.zeros((256, LENGTH, 1), np.float32))
    assert 0.99 * strength < np.abs(wander).max() <= strength
    # The steepest half cosine falls by its whole range between two knots.
    steepest = 2 * strength * np.pi / 2 / ((LENGTH - 1) / (knots - 1))
    assert 0.8 * steepest < np.abs(np.diff(wander, axis=1)).max() <= steepest
    np.testing.assert_allclose(run(BaselineWander(strength, knots, seed=0), np.ones_like(wander)), 1 + wander)


# Noise


def test_noise_is_white_and_its_deviation_uniform_among_windows():
    noise = run(Noise(0.5, seed=0), np.zeros((1000, LENGTH, 1), np.float32))[:, :, 0]
    deviations = noise.std(axis=1)
    assert stats.kstest(deviations, stats.uniform(0, 0.5).cdf).pvalue > 0.01
    white = noise / deviations[:, None]
    assert stats.kstest(white.ravel(), "norm").pvalue > 0.01
    for lag in (1, 2, 10):
        assert abs((white[:, lag:] * white[:, :-lag]).mean()) < 4 / np.sqrt(white.size)


# Recorded noise


def recorded(windows, noise=RECORDED, **settings):
    """The noise that was added."""
    return run(RecordedNoise(noise, **{"probability": 1.0, "seed": 0, **settings}), windows) - windows


def test_recorded_noise_has_the_ratio_asked_for():
    windows = beats(500)
    added = recorded(windows, snr=(3.0, 15.0))
    ratios = 10 * np.log10(windows.var(axis=1) / added.var(axis=1))
    assert ratios.min() > 3 - 0.01 and ratios.max() < 15 + 0.01
    np.testing.assert_allclose(ratios[:, 0], ratios[:, 1], atol=0.05)
    assert stats.kstest(ratios[:, 0], stats.uniform(3, 12).cdf).pvalue > 0.01


@pytest.mark.parametrize("unit", [1, 1e-6])
def test_one_ratio_in_any_unit(unit):
    windows = beats(4)
    added = recorded(windows, RECORDED * unit, snr=(6.0, 6.0))
    np.testing.assert_allclose(10 * np.log10(windows.var(axis=1) / added.var(axis=1)), 6, atol=0.02)


def test_recorded_noise_is_a_stretch_of_the_recording():
    added = recorded(beats(8), snr=(0.0, 0.0))
    stretches = np.lib.stride_tricks.sliding_window_view(RECORDED, LENGTH, axis=0).reshape(-1, LENGTH)
    stretches = (stretches - stretches.mean(axis=1, keepdims=True)) / stretches.std(axis=1, keepdims=True)
    found = set()
    for lead in np.moveaxis(added, 2, 1).reshape(-1, LENGTH):
        likeness = stretches @ (lead - lead.mean()) / lead.std() / LENGTH
        assert likeness.max() > 0.9999
        found.add(int(likeness.argmax()))
    assert len(found) > 12 and {place % 3 for place in found} == {0, 1, 2}  # other stretches, all channels


def test_every_start_of_the_recording_can_be_drawn():
    recording = RECORDED[: LENGTH + 2]
    added = recorded(beats(100, 1), recording, snr=(0.0, 0.0))[:, :, 0]
    likeness = [
        [np.corrcoef(row, recording[start : start + LENGTH, channel])[0, 1] for row in added]
        for start in range(3)
        for channel in range(3)
    ]
    assert set(np.argmax(likeness, axis=0)) == set(range(9))
    assert recorded(beats(2), RECORDED[:LENGTH]).any()


def test_the_probability_is_the_share_of_noisy_windows():
    added = recorded(beats(1000), probability=0.3)
    is_noisy = added.any(axis=1)
    np.testing.assert_array_equal(is_noisy[:, 0], is_noisy[:, 1])
    assert stats.binomtest(int(is_noisy[:, 0].sum()), 1000, 0.3).pvalue > 0.01


def test_flat_windows_and_flat_noise_stay_flat():
    assert not recorded(np.zeros((3, LENGTH, 2), np.float32)).any()
    for still in (np.ones((400, 1)), np.pad(np.ones((1, 1)), ((600, 0), (0, 0)))):
        quiet = recorded(beats(8), still.astype(np.float32))
        assert np.isfinite(quiet).all() and not quiet[quiet.std(axis=(1, 2)) < 1e-3].any()


@pytest.mark.parametrize(
    ("noise", "found"), [(None, "no noise"), (RECORDED[: LENGTH - 1], "noise of 319 samples")]
)
def test_without_enough_noise_nothing_is_augmented(noise, found):
    layer = RecordedNoise(noise, seed=0)
    np.testing.assert_array_equal(layer(beats()), beats())
    with pytest.raises(ValueError, match=f"RecordedNoise: found {found}, expected at least 320 samples"):
        layer(beats(), training=True)


@pytest.mark.parametrize("noise", [RECORDED[:, 0], RECORDED[None], np.full((400, 2), np.nan)])
def test_noise_that_is_none(noise):
    with pytest.raises(ValueError, match=r"expected finite numbers \(samples, channels\)"):
        RecordedNoise(noise)


# Leads


def test_at_most_one_lead_is_lost_and_each_as_often():
    windows = np.ones((3000, 4, 3), np.float32)
    lost = (run(LeadDropout(0.4, seed=1), windows) == 0).all(axis=1)
    assert lost.sum(axis=1).max() == 1
    assert stats.binomtest(int(lost.sum()), 3000, 0.4).pvalue > 0.01
    assert stats.chisquare(lost.sum(axis=0)).pvalue > 0.01


def test_the_other_leads_and_windows_are_kept():
    changed = run(LeadDropout(0.5, seed=0), beats(50))
    for before, after in zip(beats(50), changed, strict=True):
        for lead in range(2):
            assert (after[:, lead] == before[:, lead]).all() or not after[:, lead].any()


def test_a_single_lead_cannot_be_lost():
    with pytest.raises(ValueError, match="found windows of 1 lead; expected at least 2"):
        LeadDropout()(beats(channels=1), training=True)


# R-peak jitter


def test_the_window_moves_by_whole_ticks_and_repeats_its_ends():
    offsets = []
    for row in run(RPeakJitter(3, seed=0), ramp(700))[:, :, 0]:
        offset = int(row[CENTRE] - CENTRE)
        np.testing.assert_array_equal(row, np.clip(np.arange(LENGTH) + offset, 0, LENGTH - 1))
        offsets.append(offset)
    places, counts = np.unique(offsets, return_counts=True)
    np.testing.assert_array_equal(places, np.arange(-3, 4))
    assert stats.chisquare(counts).pvalue > 0.01


def test_leads_move_together():
    moved = run(RPeakJitter(9, seed=0), ramp(8, channels=2) * np.float32([1, 2]))
    np.testing.assert_array_equal(moved[:, :, 1], 2 * moved[:, :, 0])


# Settings


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("smooth_time_warp", {"strength": 1.0}, "SmoothTimeWarp: strength: found 1.0, expected 0 to 0.95"),
        ("smooth_time_warp", {"knots": 1}, "SmoothTimeWarp: knots: found 1, expected a whole number from 2"),
        ("smooth_time_warp", {"centre": 1.5}, "SmoothTimeWarp: centre: found 1.5, expected a whole number"),
        ("gain", {"strength": -0.1}, "Gain: strength: found -0.1, expected 0 to 1"),
        ("gain", {"knots": 0}, "Gain: knots: found 0, expected a whole number from 2"),
        ("baseline_wander", {"strength": 3}, "BaselineWander: strength: found 3, expected 0 to 2"),
        ("baseline_wander", {"knots": 2.5}, "BaselineWander: knots: found 2.5"),
        ("noise", {"strength": float("nan")}, "Noise: strength: found nan, expected 0 to 2"),
        ("recorded_noise", {"snr": (24, 6)}, r"found snr \(24, 6\), expected lowest and highest, in dB"),
        ("recorded_noise", {"snr": (6,)}, r"found snr \(6,\)"),
        ("recorded_noise", {"snr": (float("-inf"), 6)}, "found snr"),
        ("recorded_noise", {"probability": 2}, "RecordedNoise: probability: found 2, expected 0 to 1"),
        ("lead_dropout", {"probability": -1}, "LeadDropout: probability: found -1, expected 0 to 1"),
        ("rpeak_jitter", {"ticks": -1}, "RPeakJitter: ticks: found -1, expected a whole number from 0 on"),
        ("rpeak_jitter", {"ticks": 2.5}, "RPeakJitter: ticks: found 2.5"),
        ("time_warp", {"ticks": 2.5}, "TimeWarp: ticks: found 2.5, expected a whole number"),
    ],
)
def test_impossible_settings(name, settings, message):
    with pytest.raises(ValueError, match=message):
        make(name, **settings)
