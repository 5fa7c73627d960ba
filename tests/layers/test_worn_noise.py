"""What a worn electrode does to a beat beside its template, told from the windows alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_sibeat.layers.noises import WornNoise
from sibeat_edge.beats.windows import HIGHEST, beside

LENGTH = 320
RECORDED = np.random.default_rng(8).normal(size=(4000, 3)).astype(np.float32)
SILENT = (200.0, 200.0)  # dB: a ratio at which the noise is too weak to be seen


def run(layer, windows):
    return keras.ops.convert_to_numpy(layer(windows, training=True))


def pairs(batch=6, leads=1, seed=0):
    """Smooth beats and templates ``(batch, 320, 2 · leads)`` beside each other, every extreme far from the
    window's ends."""
    generator, ticks = np.random.default_rng(seed), np.arange(LENGTH)[:, None]

    def waves():
        centres, widths = (
            generator.uniform([120, 170], [150, 200], (leads, 2)),
            generator.uniform(5, 9, leads),
        )
        heights = generator.uniform([0.6, -0.5], [1.2, -0.2], (leads, 2))
        bells = np.exp(-(((ticks[:, None] - centres) / widths[:, None]) ** 2))
        return (heights * bells).sum(axis=2)

    return np.stack([beside(waves(), waves()) for _ in range(batch)])


def moved(windows, ticks):
    """Windows read ``ticks`` samples later; beyond an end its last value goes on."""
    return windows[..., np.clip(np.arange(LENGTH) + ticks, 0, LENGTH - 1), :]


def shift_of(found, given, most):
    """By how many ticks ``given`` (320, leads) was moved to become ``found``."""
    errors = [np.abs(found - moved(given, ticks)).max() for ticks in range(-most, most + 1)]
    assert min(errors) < 0.02, "no move gives this window"
    return int(np.argmin(errors)) - most


def still(noise=RECORDED, **settings):
    """A layer that moves nothing."""
    return WornNoise(noise, **{"probability": 1.0, "common": 0, "own": 0, "seed": 0, **settings})


def added(windows, leads=1, **settings):
    """The noise in the beats and in the templates, each up to a constant, in the units of the ``windows``.

    Two beats beside one template get the same noise from the same seed, and the scale is the template's: so
    the difference of the two tells the scale that was divided by.
    """
    other = windows.copy()
    other[:, :, :leads] *= 0.5
    one, two = (run(still(**settings), given) for given in (windows, other))
    assert max(np.abs(one).max(), np.abs(two).max()) < HIGHEST  # nothing was cut off
    size = np.abs(windows[:, :, :leads] - other[:, :, :leads]).max(axis=1, keepdims=True)
    scale = np.abs(one - two)[:, :, :leads].max(axis=1, keepdims=True) / size
    noise = one / np.tile(scale, (1, 1, 2)) - windows
    return noise[:, :, :leads], noise[:, :, leads:]


def ratios(windows, noise, leads):
    """The ratio of the template's power to the noise's, dB, of each window and lead."""
    return 10 * np.log10(windows[:, :, leads:].var(axis=1) / noise.var(axis=1))


# Noise


@pytest.mark.parametrize("leads", [1, 2])
def test_the_noise_of_a_beat_has_a_ratio_to_the_templates_power_as_stated(leads):
    windows = pairs(500, leads)
    found = ratios(windows, added(windows, leads, snr=(4.0, 16.0))[0], leads)
    assert found.min() > 4 - 0.02 and found.max() < 16 + 0.02
    np.testing.assert_allclose(found, found[:, :1].repeat(leads, axis=1), atol=0.02)  # the leads share theirs
    assert stats.kstest(found[:, 0], stats.uniform(4, 12).cdf).pvalue > 0.01


def test_the_templates_noise_is_weaker_by_the_decibels_stated():
    windows = pairs(500)
    of_beat, of_template = (
        ratios(windows, noise, 1)[:, 0] for noise in added(windows, snr=(4.0, 10.0), averaged=(5.0, 9.0))
    )
    weaker = of_template - of_beat
    assert weaker.min() > 5 - 0.03 and weaker.max() < 9 + 0.03
    assert stats.kstest(weaker, stats.uniform(5, 4).cdf).pvalue > 0.01
    assert abs(stats.pearsonr(weaker, of_beat).statistic) < 0.2  # drawn apart


def test_beat_and_template_have_noise_of_their_own_from_the_recording():
    windows = pairs(20)
    stretches = np.lib.stride_tricks.sliding_window_view(RECORDED, LENGTH, axis=0).reshape(-1, LENGTH)
    stretches = (stretches - stretches.mean(axis=1, keepdims=True)) / stretches.std(axis=1, keepdims=True)
    places = []
    for noise in added(windows, snr=(6.0, 6.0)):
        rows = noise[:, :, 0]
        rows = (rows - rows.mean(axis=1, keepdims=True)) / rows.std(axis=1, keepdims=True)
        likeness = stretches @ rows.T / LENGTH
        assert likeness.max(axis=0).min() > 0.999
        places.append(likeness.argmax(axis=0))
    assert (places[0] != places[1]).mean() > 0.9


@pytest.mark.parametrize("leads", [1, 2])
def test_the_noisy_template_sets_the_scale_as_on_the_device(leads):
    windows = pairs(64, leads)
    windows[:, :, :leads] *= 2  # beats far beyond their template
    found = run(WornNoise(RECORDED, (6.0, 12.0), 1.0, seed=1), windows)
    np.testing.assert_allclose(found[:, :, leads:].min(axis=1), -1, atol=1e-5)
    np.testing.assert_allclose(found[:, :, leads:].max(axis=1), 1, atol=1e-5)
    assert np.abs(found).max() == HIGHEST


def test_the_probability_is_the_share_of_noisy_windows():
    windows = pairs(1000)
    is_noisy = np.abs(run(still(probability=0.3), windows) - windows).max(axis=1) > 1e-4
    np.testing.assert_array_equal(is_noisy[:, 0], is_noisy[:, 1])  # a template has noise where its beat has
    assert stats.binomtest(int(is_noisy[:, 0].sum()), 1000, 0.3).pvalue > 0.01


def test_without_noise_and_without_a_move_windows_stay():
    layer = WornNoise(RECORDED, probability=0.0, common=0, own=3, seed=0)
    np.testing.assert_allclose(run(layer, pairs(50)), pairs(50), atol=1e-6)


def test_flat_windows_stay_finite():
    flat = np.full((4, LENGTH, 2), -1, np.float32)  # what ``beside`` makes of a flat template
    np.testing.assert_array_equal(run(still(), flat), flat)
    assert np.isfinite(run(still(np.zeros((400, 1))), pairs())).all()


# Misplaced R-peaks


def test_beat_and_template_move_alike_by_whole_samples_as_far_as_stated():
    windows = pairs(600)
    found = run(WornNoise(RECORDED, probability=0.0, common=6, own=5, seed=0), windows)
    moves = [shift_of(*pair, 7) for pair in zip(found, windows, strict=True)]  # of both channels at once
    places, counts = np.unique(moves, return_counts=True)
    np.testing.assert_array_equal(places, np.arange(-6, 7))
    assert stats.chisquare(counts).pvalue > 0.01


def test_with_noise_a_beat_moves_a_little_more_than_its_template():
    windows = pairs(900)
    found = run(WornNoise(RECORDED, SILENT, 1.0, common=6, own=2, seed=0), windows)
    beat, template = (
        np.array(
            [shift_of(f[:, lead, None], w[:, lead, None], 9) for f, w in zip(found, windows, strict=True)]
        )
        for lead in (0, 1)
    )
    np.testing.assert_array_equal(np.unique(template), np.arange(-6, 7))
    places, counts = np.unique(beat - template, return_counts=True)
    np.testing.assert_array_equal(places, np.arange(-2, 3))
    assert stats.chisquare(counts).pvalue > 0.01
    assert abs(stats.pearsonr(beat - template, template).statistic) < 0.2


def test_a_beat_moves_by_itself_only_where_there_is_noise():
    windows = pairs(300)
    found = run(WornNoise(RECORDED, (60.0, 60.0), 0.5, (0.0, 0.0), common=0, own=4, seed=0), windows)
    is_noisy = np.abs(found - windows)[:, :, 1].max(axis=1) > 1e-4
    assert 100 < is_noisy.sum() < 200
    moves = np.array([shift_of(f[:, :1], w[:, :1], 6) for f, w in zip(found, windows, strict=True)])
    assert not moves[~is_noisy].any() and len(np.unique(moves[is_noisy])) > 6


# As a layer


def test_inference_changes_nothing():
    np.testing.assert_array_equal(WornNoise(RECORDED, seed=0)(pairs()), pairs())


def test_the_seed_decides_and_every_call_draws_anew():
    layer, same, other = (WornNoise(RECORDED, probability=1.0, seed=seed) for seed in (5, 5, 6))
    first = run(layer, pairs())
    assert first.shape == pairs().shape and first.dtype == np.float32 and np.isfinite(first).all()
    np.testing.assert_array_equal(run(same, pairs()), first)
    assert (run(other, pairs()) != first).any() and (run(layer, pairs()) != first).any()


def test_it_runs_compiled_by_xla_on_batches_of_any_size():
    layer = still(snr=(6.0, 6.0), averaged=(10.0, 10.0))
    spec = [tf.TensorSpec((None, LENGTH, 2))]
    compiled = tf.function(lambda windows: layer(windows, training=True), spec, jit_compile=True)
    for count in (5, 2):
        found = np.array(compiled(pairs(count)))
        assert found.shape == (count, LENGTH, 2) and np.isfinite(found).all()
        assert (np.abs(found - pairs(count)).max(axis=1) > 0.01).all()


def test_the_config_makes_the_same_layer_but_for_the_noise():
    settings = {"snr": (1.0, 7.0), "probability": 0.8, "averaged": (3.0, 4.0), "common": 5, "own": 2}
    layer = WornNoise(RECORDED, **settings, seed=7, name="given")
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(copy) is WornNoise and copy.get_config() == layer.get_config()
    assert {name: copy.get_config()[name] for name in settings} == settings
    with pytest.raises(ValueError, match="found no noise, expected at least 320 samples"):
        run(WornNoise.from_config(layer.get_config()), pairs())
    copy.noise = RECORDED
    np.testing.assert_array_equal(run(copy, pairs()), run(layer, pairs()))


def test_a_saved_model_goes_on_with_the_same_numbers(tmp_path):
    model = keras.Sequential([keras.Input((LENGTH, 2)), WornNoise(RECORDED, probability=1.0, seed=3)])
    first = run(model, pairs())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    loaded.layers[0].noise = RECORDED
    following = run(model, pairs())
    np.testing.assert_array_equal(run(loaded, pairs()), following)
    assert (following != first).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_windows_without_a_template_for_each_lead_are_refused(channels):
    with pytest.raises(ValueError, match=f"found windows of {channels} channels, expected a beat's and a"):
        WornNoise(RECORDED)(np.zeros((2, LENGTH, channels), np.float32), training=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"averaged": (16, 8)}, r"WornNoise: found averaged \(16, 8\), expected least and largest, in dB"),
        ({"averaged": (-1, 8)}, r"WornNoise: found averaged \(-1, 8\)"),
        ({"averaged": (8,)}, r"WornNoise: found averaged \(8,\)"),
        ({"averaged": (8, float("inf"))}, "WornNoise: found averaged"),
        ({"common": -1}, "WornNoise: common: found -1, expected a whole number from 0 on"),
        ({"own": 2.5}, "WornNoise: own: found 2.5, expected a whole number from 0 on"),
        ({"snr": (24, 6)}, r"found snr \(24, 6\), expected lowest and highest, in dB"),
        ({"probability": 1.5}, "probability: found 1.5, expected 0 to 1"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        WornNoise(RECORDED, **settings)
