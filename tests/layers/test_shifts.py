"""Each shift alone, on windows that show what it did: ramps say where a tick was read, levels in whom."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_sibeat.layers.augmentation import Augmentation
from keras_sibeat.layers.names import SHIFTS_OF_A_BEAT
from keras_sibeat.layers.shifts import (
    SHIFTS,
    Bump,
    EarlyNext,
    Fusion,
    Paste,
    PrematureBeat,
    Shifts,
    ShortPause,
    StrongTimeWarp,
    WaveGain,
    WideQRS,
)
from sibeat_edge.beats.windows import normalise

LENGTH, CENTRE, BATCH = 320, 140, 200
TICKS = np.arange(LENGTH) - CENTRE


def run(layer, windows):
    return keras.ops.convert_to_numpy(layer(windows, training=True))


def ramp(batch=BATCH, channels=1):
    return np.tile(TICKS.astype(np.float32)[None, :, None], (batch, 1, channels))


def levels(batch=BATCH):
    """Window ``i`` is ``i`` throughout."""
    return np.tile(np.arange(batch, dtype=np.float32)[:, None, None], (1, LENGTH, 1))


def wave(place, width):
    return np.exp(-(((TICKS - place) / width) ** 2) / 2)


def beats(batch=6, channels=2):
    """A P, a QRS and a T wave on a level below zero, and a little noise, so that no two are equal."""
    beat = 0.15 * wave(-60, 9) + 1.4 * wave(0, 5) + 0.35 * wave(95, 20)
    noise = np.random.default_rng(0).normal(0, 0.02, (batch, LENGTH, channels))
    return normalise(beat[None, :, None] + noise)


def assert_fills(values, low, high):
    """All in range, and uniform there as far as so many can tell."""
    slack = 1e-3 * (high - low)
    assert values.min() >= low - slack and values.max() <= high + slack
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01


# What holds for all of them


@pytest.mark.parametrize("name", SHIFTS)
def test_inference_changes_nothing(name):
    np.testing.assert_array_equal(SHIFTS[name](seed=0)(beats()), beats())


@pytest.mark.parametrize("name", SHIFTS_OF_A_BEAT)
def test_shape_and_precision_stay_and_the_seed_decides(name):
    layer, same, other = (SHIFTS[name](seed=seed) for seed in (5, 5, 6))
    changed = run(layer, beats())
    assert changed.shape == beats().shape and changed.dtype == np.float32 and np.isfinite(changed).all()
    np.testing.assert_array_equal(run(same, beats()), changed)
    assert (run(other, beats()) != changed).any() and (run(layer, beats()) != changed).any()


@pytest.mark.parametrize("name", SHIFTS)
def test_the_config_makes_the_same_layer(name):
    layer = SHIFTS[name](centre=150, seed=7, name="given")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(copy) is SHIFTS[name] and copy.get_config() == layer.get_config() and copy.centre == 150
    np.testing.assert_array_equal(run(copy, beats()), run(layer, beats()))


@pytest.mark.parametrize("name", SHIFTS)
def test_the_leads_of_a_window_are_shifted_alike(name):
    windows = np.tile(beats(40, channels=1), (1, 1, 3))
    changed = run(SHIFTS[name](seed=0), windows)
    np.testing.assert_array_equal(changed[:, :, 1:], np.repeat(changed[:, :, :1], 2, axis=2))


@pytest.mark.parametrize("name", SHIFTS_OF_A_BEAT)
def test_most_shifted_beats_no_longer_look_like_the_beat(name):
    """Wander and noise move a beat by 0.05 or so; a shift has to move some part of it further."""
    changed = run(Shifts([SHIFTS[name](seed=0)], seed=0), beats(BATCH, 1))
    assert (np.abs(changed - beats(BATCH, 1)).max(axis=(1, 2)) > 0.15).mean() > 0.75


@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_other_precisions(dtype):
    layers = [SHIFTS[name](seed=0, dtype=dtype) for name in SHIFTS]
    changed = Shifts(layers, seed=0, dtype=dtype)(beats(20), training=True)
    assert keras.backend.standardize_dtype(changed.dtype) == layers[0].compute_dtype
    assert np.isfinite(changed).all() and np.abs(changed).max() == 1


def test_all_shifts_do_the_same_in_a_tf_data_map_and_compiled_by_xla(monkeypatch):
    def uniform(self, shape, low, high, dtype):  # XLA makes other numbers of the same seed
        numbers = tf.math.floormod(tf.cast(tf.range(tf.reduce_prod(shape)), dtype) * 0.618034 + 0.31, 1.0)
        return low + (high - low) * tf.reshape(numbers, shape)

    monkeypatch.setattr(Augmentation, "_uniform", uniform)
    shifts = Shifts([shift(seed=0) for shift in SHIFTS.values()], seed=0)
    windows = beats(31)
    eager = run(shifts, windows)
    spec = [tf.TensorSpec((None, LENGTH, 2))]
    compiled = tf.function(lambda batch: shifts(batch, training=True), spec, jit_compile=True)
    np.testing.assert_allclose(compiled(windows), eager, atol=2e-4)
    dataset = tf.data.Dataset.from_tensor_slices(windows).batch(28)  # the last batch is of 3, for 9 shifts
    mapped = np.concatenate(list(dataset.map(lambda batch: shifts(batch, training=True))))
    np.testing.assert_allclose(mapped[:28], run(shifts, windows[:28]), atol=2e-4)
    np.testing.assert_allclose(mapped[28:], run(shifts, windows[28:]), atol=2e-4)


def test_a_saved_model_goes_on_with_the_same_numbers(tmp_path):
    shifts = Shifts([shift(seed=number) for number, shift in enumerate(SHIFTS.values())], seed=99)
    model = keras.Sequential([keras.Input((LENGTH, 2)), shifts])
    first = run(model, beats(20))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for _ in range(2):
        following = run(model, beats(20))
        np.testing.assert_array_equal(run(loaded, beats(20)), following)
        assert (following != first).any()


# Rooms and places


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("premature_beat", "PrematureBeat: found 32 ticks before .* expected at least 77 and 140"),
        ("short_pause", "ShortPause: found 32 ticks before .* expected at least 118 and 1"),
        ("early_next", "EarlyNext: found 32 ticks before .* expected at least 67 and 160"),
        (
            "wide_qrs",
            "WideQRS: found 32 ticks before the R-peak's and 31 after it in windows of 64",
        ),
        ("paste", "Paste: found windows of 64 ticks, expected at least 120"),
        ("fusion", "Fusion: found windows of 64 ticks, expected at least 161"),
    ],
)
def test_shifts_that_need_more_room_say_so(name, message):
    with pytest.raises(ValueError, match=message):
        SHIFTS[name](centre=32)(beats()[:, :64], training=True)


@pytest.mark.parametrize("name", ["strong_time_warp", "bump", "wave_gain"])
def test_the_others_work_on_any_window(name):
    changed = run(SHIFTS[name](centre=32, seed=0), beats()[:, 108:172])
    assert changed.shape == (6, 64, 2) and np.isfinite(changed).all()


@pytest.mark.parametrize(("name", "settings"), [(n, s.needs) for n, s in SHIFTS.items()])
def test_the_smallest_window_that_is_taken_works(name, settings):
    before, after, least = settings
    length = max(before + 1 + after, least)
    windows = np.random.default_rng(0).normal(size=(50, length, 1)).astype(np.float32)
    changed = run(SHIFTS[name](centre=before, seed=0), windows)
    assert np.isfinite(changed).all() and np.abs(changed).max() < 20
    assert (changed != windows).any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", SHIFTS)
@pytest.mark.parametrize("centre", [-1, 2.5, LENGTH])
def test_an_r_peak_outside_the_window(name, centre):
    with pytest.raises(ValueError, match="found -1,|found 2.5,|found 320 ticks before the R-peak's and -1"):
        SHIFTS[name](centre=centre)(beats(), training=True)


# Each alone


def test_a_strong_warp_keeps_the_ends_and_the_r_peak():
    places = run(StrongTimeWarp(seed=0), ramp())[:, :, 0]
    np.testing.assert_array_equal(places[:, [0, CENTRE, -1]], [TICKS[[0, CENTRE, -1]]] * BATCH)
    for side in (places[:, 1 : CENTRE + 1], places[:, CENTRE:]):
        speed = np.diff(side, axis=1)
        ratio = speed.max(axis=1) / speed.min(axis=1)
        assert speed.min() > 0 and ratio.max() <= 1.75 / 0.25 + 0.01 and np.median(ratio) > 1.5


def test_a_premature_beat_keeps_its_qrs_and_follows_its_own_end():
    places = run(PrematureBeat(seed=0), ramp())[:, :, 0]
    np.testing.assert_array_equal(places[:, TICKS >= -19], ramp()[:, TICKS >= -19, 0])
    coupling = places[:, 0] - TICKS[0]
    assert_fills(coupling, 100, 215)
    early = (TICKS <= -76) & (TICKS[0] + 215 <= TICKS[-1])
    expected = np.minimum(TICKS[early] + coupling[:, None], TICKS[-1])
    np.testing.assert_allclose(places[:, early], expected, atol=1e-3)
    # Where the place is half-way between both, the seam has its middle.
    part = (places - TICKS) / np.minimum(coupling[:, None], np.maximum(TICKS[-1] - TICKS, 1))
    kept = np.array([np.interp(-0.5, -row, TICKS) for row in part])
    assert_fills(kept, -70, -25)
    assert (((part > 1e-3) & (part < 1 - 1e-3)).sum(axis=1) <= 12).all()


def test_a_short_pause_moves_the_p_wave_and_fills_the_gap_from_another_beat():
    both = np.concatenate([ramp(), levels()], axis=2)
    changed = run(ShortPause(seed=0), both)
    np.testing.assert_array_equal(changed[:, TICKS >= -20], both[:, TICKS >= -20])
    moved = TICKS[TICKS == -29] - changed[:, TICKS == -29, 0][:, 0]
    assert_fills(moved, 15, 90)
    for row in range(BATCH):
        ticks, source = TICKS - TICKS[0], changed[row, :, 1]
        own = (ticks >= moved[row] + 4) & (TICKS <= -28)
        np.testing.assert_allclose(changed[row, own, 0], TICKS[own] - moved[row], atol=1e-3)
        assert (source[own] == row).all()
        other = ticks < moved[row] - 4
        np.testing.assert_allclose(changed[row, other, 0], TICKS[other] + LENGTH - moved[row], atol=1e-3)
        assert (source[other] == (row - 1) % BATCH).all()
    steps = np.abs(np.diff(changed[1:, :, 1], axis=1))
    assert steps.max() <= 1 / 8 + 1e-4  # the seam between beats that differ by 1


def test_an_early_next_beat_stands_on_the_t_wave():
    places = run(EarlyNext(seed=0), ramp())[:, :, 0]
    coupling = TICKS[-1] - places[:, -1]
    assert_fills(coupling, 90, 160)
    part = (TICKS - places) / coupling[:, None]
    begin = np.array([np.interp(0.5, row, TICKS) for row in part])
    assert_fills(coupling - begin, 15, 60)
    for row in range(BATCH):
        before, after = begin[row] - 7 > TICKS, begin[row] + 7 < TICKS
        np.testing.assert_array_equal(places[row, before], TICKS[before])
        np.testing.assert_allclose(places[row, after], TICKS[after] - coupling[row], atol=1e-3)


def test_an_early_next_beat_has_its_r_peak_where_the_coupling_says():
    changed = run(EarlyNext(seed=0), beats(BATCH, 1))[:, :, 0]
    coupling = TICKS[-1] - run(EarlyNext(seed=0), ramp())[:, -1, 0]
    second = CENTRE + 80 + changed[:, CENTRE + 80 :].argmax(axis=1)
    np.testing.assert_allclose(second - CENTRE, coupling, atol=1.5)
    np.testing.assert_array_equal(changed[:, : CENTRE + 23], beats(BATCH, 1)[:, : CENTRE + 23, 0])


def half_height_width(window):
    """Ticks that the wave around the R-peak spans at half its height over the window's edge level."""
    half = (window[CENTRE] + window[0]) / 2
    left = np.interp(half, window[: CENTRE + 1], TICKS[: CENTRE + 1])
    right = np.interp(-half, -window[CENTRE:], TICKS[CENTRE:])
    return right - left


def test_a_wide_qrs_is_as_much_wider_as_it_says():
    qrs = np.tile(wave(0, 7)[None, :, None].astype(np.float32), (BATCH, 1, 1))
    changed = run(WideQRS(seed=0), qrs)[:, :, 0]
    assert (changed.argmax(axis=1) == CENTRE).all()
    widths = np.array([half_height_width(row) for row in changed])
    assert_fills(widths / half_height_width(qrs[0, :, 0]), 1.4, 3.4)


def test_a_wide_qrs_squeezes_the_rest_without_losing_any():
    places = run(WideQRS(seed=0), ramp())[:, :, 0]
    np.testing.assert_allclose(places[:, [0, CENTRE, -1]], [TICKS[[0, CENTRE, -1]]] * BATCH, atol=1e-3)
    stretch = 1 / places[:, CENTRE + 1]
    for row in range(BATCH):
        anchors = [TICKS[0], -24 * stretch[row], 24 * stretch[row], TICKS[-1]]
        expected = np.interp(TICKS, anchors, [TICKS[0], -24, 24, TICKS[-1]])
        np.testing.assert_allclose(places[row], expected, atol=1e-2)


def test_a_paste_puts_a_scaled_stretch_of_another_beat_at_a_wrong_place():
    # Each window its own slope, so that a pasted stretch says whose it is, from where and how much scaled.
    windows = np.concatenate([levels() + 1, ramp() + CENTRE], axis=2)
    changed = run(Paste(seed=0), windows)
    scales, starts, sources = [], [], []
    for row in range(BATCH):
        is_pasted = (changed[row] != windows[row]).any(axis=1)
        places = np.flatnonzero(is_pasted)
        assert 19 <= len(places) <= 120 and places[-1] - places[0] < 120
        level, slope = changed[row, places[1:-1], 0], changed[row, places[1:-1], 1]
        scale = level[0] / windows[row - 1, 0, 0]
        np.testing.assert_allclose(level, level[0], rtol=1e-5)
        source = slope / scale - places[1:-1]
        np.testing.assert_allclose(source, np.round(source[0]), atol=1e-2 / min(1, abs(scale)))
        assert source[0] + places[0] > -1 and source[0] + places[-1] < LENGTH
        scales.append(scale)
        starts.append(places[0])
        sources.append(source[0])
    assert_fills(np.array(scales), -0.4, 1.2)
    assert min(starts) < 10 and max(starts) > 200 and max(np.abs(sources)) > 150


def test_a_bump_adds_a_gaussian():
    added = run(Bump(seed=0), np.zeros((BATCH, LENGTH, 1), np.float32))[:, :, 0]
    heights, widths, places = [], [], []
    for row in added:
        near = np.abs(row) > 0.3 * np.abs(row).max()
        a, b, c = np.polyfit(TICKS[near], np.log(np.abs(row[near])), 2)
        np.testing.assert_allclose(
            row, np.sign(row[near][0]) * np.exp(a * TICKS**2 + b * TICKS + c), atol=1e-3
        )
        widths.append(np.sqrt(-1 / (2 * a)))
        places.append(-b / (2 * a) + CENTRE)
        heights.append(np.sign(row[near][0]) * np.exp(c - b * b / (4 * a)))
    assert_fills(np.array(widths), 8, 33)
    assert_fills(np.array(places), 0, LENGTH)
    assert_fills(np.array(heights), -0.9, 0.9)


def test_a_bump_is_added_to_the_beat():
    zeros = np.zeros_like(beats())
    np.testing.assert_allclose(run(Bump(seed=3), beats()), beats() + run(Bump(seed=3), zeros), atol=1e-6)


def test_a_fusion_is_a_mean_with_another_beat_displaced():
    both = np.concatenate([ramp(), levels()], axis=2)
    changed = run(Fusion(seed=0), both)
    step = levels() - np.roll(levels(), 1, axis=0)
    share = ((levels() - changed[:, :, 1:]) / step)[:, :, 0]
    np.testing.assert_allclose(share, np.tile(share[:, :1], (1, LENGTH)), atol=1e-3)
    assert_fills(share[:, 0], 0.3, 0.7)
    # From the middle a displacement of 160 ticks stays in the window.
    offsets = (changed[:, 159:161, 0] - TICKS[159:161]) / share[:, :1]
    offset = np.where(offsets[:, 0] > 0, offsets[:, 0], offsets[:, 1])
    assert_fills(np.abs(offset), 30, 160)
    assert stats.binomtest(int((offset > 0).sum()), BATCH).pvalue > 0.01
    ends = np.clip(TICKS + offset[:, None], TICKS[0], TICKS[-1])
    np.testing.assert_allclose(changed[:, :, 0], TICKS + share * (ends - TICKS), atol=0.02)


def test_a_fusion_shows_both_r_peaks():
    changed = run(Fusion(seed=0), beats(50, 1))[:, :, 0]
    for row in changed:
        high = np.flatnonzero(row > row.min() + 0.28 * (1 - -1))
        assert (high == CENTRE).any() and np.abs(high - CENTRE).max() >= 28


def test_waves_are_multiplied_by_a_smooth_gain():
    signs = np.tile(np.float32([1, -1]), LENGTH // 2)
    gain = run(WaveGain(seed=0), np.tile(signs[None, :, None], (BATCH, 1, 1)))[:, :, 0] * signs
    assert gain.min() >= -1 and gain.max() <= 2.5 and gain.min() < -0.98 and gain.max() > 2.48
    # The steepest half cosine turns the whole range round between two of seven knots.
    assert np.abs(np.diff(gain, axis=1)).max() <= 3.5 * np.pi / 2 * 6 / (LENGTH - 1)
    level = beats(BATCH, 1)[:, :, 0].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(
        run(WaveGain(seed=0), beats(BATCH, 1))[:, :, 0],
        level + gain * (beats(BATCH, 1)[:, :, 0] - level),
        atol=1e-5,
    )


# The mixture


@keras.saving.register_keras_serializable("test")
class Mark(Augmentation):
    """Raises the second channel at one tick."""

    def __init__(self, tick, seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.tick = tick

    def augment(self, windows):
        raised = keras.ops.one_hot([self.tick], windows.shape[1], dtype=windows.dtype)[:, :, None]
        return windows + raised * [0.0, 1.0]


def marked(batch, calls=1, count=9):
    """Which of ``count`` shifts each row of each call met, ``(calls, batch)``."""
    windows = np.zeros((batch, 200, 2), np.float32)
    windows[np.arange(batch), np.arange(batch), 0] = 1
    shifts, met = Shifts([Mark(tick) for tick in range(count)], seed=3), []
    for _ in range(calls):
        shifted = run(shifts, windows)
        np.testing.assert_array_equal(shifted[:, :, 0], normalise(windows)[:, :, 0])  # every row in its place
        np.testing.assert_array_equal(np.sort(shifted[:, :, 1], axis=1)[:, -2:], [[-1, 1]] * batch)
        met.append(shifted[:, :, 1].argmax(axis=1))
    return np.array(met)


@pytest.mark.parametrize(("batch", "least", "most"), [(90, 10, 10), (94, 10, 11), (9, 1, 1)])
def test_each_shift_has_its_share_and_each_row_stays_in_its_place(batch, least, most):
    counts = np.bincount(marked(batch)[0], minlength=9)
    assert counts.min() == least and counts.max() == most


@pytest.mark.parametrize("batch", [1, 3])
def test_a_batch_smaller_than_the_shifts_meets_each_with_the_same_chance(batch):
    counts = np.bincount(marked(batch, calls=60, count=4).ravel(), minlength=4)
    assert stats.chisquare(counts).pvalue > 0.01


def test_every_call_and_row_meets_shifts_at_random():
    met = marked(18, calls=40)
    assert len(np.unique(met, axis=0)) == 40
    assert stats.chisquare(np.bincount(met[:, 0], minlength=9)).pvalue > 0.01


def test_the_mixture_is_scaled_as_on_the_device():
    shifted = run(Shifts([Bump(seed=0)], seed=0), beats(20))
    np.testing.assert_allclose(shifted, normalise(shifted), atol=1e-6)
    assert (shifted.min(axis=1) == -1).all() and (shifted.max(axis=1) == 1).all()


def test_the_mixture_changes_nothing_at_inference():
    np.testing.assert_array_equal(Shifts([Bump(seed=0)], seed=0)(3 * beats()), 3 * beats())


def test_an_empty_batch_stays_empty():
    """As the last batch of an epoch may be on one of several replicas."""
    shifts = Shifts([shift(seed=0) for shift in SHIFTS.values()], seed=0)
    assert run(shifts, beats()[:0]).shape == (0, LENGTH, 2)


def test_a_mixture_of_nothing():
    with pytest.raises(ValueError, match="Shifts: found no layers, expected at least one"):
        Shifts([])
