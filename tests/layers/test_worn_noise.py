"""What a worn electrode does to a beat beside its template, told from the windows alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import signal as sps
from scipy import stats

from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.layers.noises import FADES, WornNoise
from sibeat_edge.beats.windows import HIGHEST, beside
from sibeat_edge.signal.filters import process

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
    """A layer that moves nothing, and whose contact holds."""
    held = {"probability": 1.0, "common": 0, "own": 0, "contact": 0.0, "seed": 0}
    return WornNoise(noise, **{**held, **settings})


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
    found = run(WornNoise(RECORDED, (6.0, 12.0), 1.0, contact=0.0, seed=1), windows)
    np.testing.assert_allclose(found[:, :, leads:].min(axis=1), -1, atol=1e-5)
    np.testing.assert_allclose(found[:, :, leads:].max(axis=1), 1, atol=1e-5)
    assert np.abs(found).max() == HIGHEST


def test_the_probability_is_the_share_of_noisy_windows():
    windows = pairs(1000)
    is_noisy = np.abs(run(still(probability=0.3), windows) - windows).max(axis=1) > 1e-4
    np.testing.assert_array_equal(is_noisy[:, 0], is_noisy[:, 1])  # a template has noise where its beat has
    assert stats.binomtest(int(is_noisy[:, 0].sum()), 1000, 0.3).pvalue > 0.01


def test_without_noise_a_move_or_a_jump_windows_stay():
    layer = WornNoise(RECORDED, probability=0.0, common=0, own=3, contact=0.0, seed=0)
    np.testing.assert_allclose(run(layer, pairs(50)), pairs(50), atol=1e-6)


def test_flat_windows_stay_finite():
    flat = np.full((4, LENGTH, 2), -1, np.float32)  # what ``beside`` makes of a flat template
    np.testing.assert_array_equal(run(still(contact=1.0), flat), flat)
    assert np.isfinite(run(still(np.zeros((400, 1))), pairs())).all()


# Misplaced R-peaks


def test_beat_and_template_move_alike_by_whole_samples_as_far_as_stated():
    windows = pairs(600)
    found = run(WornNoise(RECORDED, probability=0.0, common=6, own=5, contact=0.0, seed=0), windows)
    moves = [shift_of(*pair, 7) for pair in zip(found, windows, strict=True)]  # of both channels at once
    places, counts = np.unique(moves, return_counts=True)
    np.testing.assert_array_equal(places, np.arange(-6, 7))
    assert stats.chisquare(counts).pvalue > 0.01


def test_with_noise_a_beat_moves_a_little_more_than_its_template():
    windows = pairs(900)
    found = run(WornNoise(RECORDED, SILENT, 1.0, common=6, own=2, contact=0.0, seed=0), windows)
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
    found = run(still(snr=(60.0, 60.0), probability=0.5, averaged=(0.0, 0.0), own=4), windows)
    is_noisy = np.abs(found - windows)[:, :, 1].max(axis=1) > 1e-4
    assert 100 < is_noisy.sum() < 200
    moves = np.array([shift_of(f[:, :1], w[:, :1], 6) for f, w in zip(found, windows, strict=True)])
    assert not moves[~is_noisy].any() and len(np.unique(moves[is_noisy])) > 6


# Changes of contact


def jumps(count, leads=1, seed=0, **settings):
    """What jumps, ``(count, 320, leads)``, are added to beats of no height beside templates that span 2."""
    windows = pairs(count, leads)
    windows[:, :, :leads] = 0
    found = run(still(**{"probability": 0.0, "contact": 1.0, "seed": seed, **settings}), windows)
    np.testing.assert_allclose(found[:, :, leads:], windows[:, :, leads:], atol=1e-6)
    return found[:, :, :leads]


def place_and_half(jump):
    """Between which ticks a jump (320,) changes its sign, where between them, and how high half of it is.

    None where it lies outside of the window. It dies away alike on both sides of its place.
    """
    changes = np.flatnonzero(np.diff(np.sign(jump)))
    if not len(changes):
        return None
    (before,) = changes
    place = before + (1 + FADES * np.log(-jump[before + 1] / jump[before])) / 2
    assert before <= place <= before + 1
    return place, jump[before + 1] * np.exp((before + 1 - place) / FADES)


def test_half_of_a_jump_is_before_its_place_and_half_behind_and_both_die_away_from_it():
    inside = 0
    for jump in jumps(400)[:, :, 0].astype(float):
        found = place_and_half(jump)
        if found is None:  # the jump lies outside of the window, and it dies away from one end of it
            place = np.abs(jump).argmax()
            assert place in (0, LENGTH - 1)
            sides = jump[place]
        else:
            place, half = found
            sides = half * np.sign(np.arange(LENGTH) - place)
        fades = np.exp(-np.abs(np.arange(LENGTH) - place) / FADES)
        np.testing.assert_allclose(jump, sides * fades, atol=1e-5)
        inside += found is not None
    assert stats.binomtest(inside, 400, 319 / (1.4 * LENGTH)).pvalue > 0.01


def test_jumps_are_as_high_as_stated_up_or_down_and_anywhere():
    found = [place_and_half(jump) for jump in jumps(900, jump=(0.3, 2.4))[:, :, 0].astype(float)]
    places, halves = np.transpose([each for each in found if each is not None])
    heights = np.abs(halves)  # half of the jump over half of the template's height
    assert 0.3 - 1e-4 < heights.min() < 0.32 and 2.25 < heights.max() < 2.4 + 1e-4
    assert stats.kstest(np.log(heights), stats.uniform(np.log(0.3), np.log(8)).cdf).pvalue > 0.01
    assert stats.binomtest(int((halves > 0).sum()), len(halves), 0.5).pvalue > 0.01
    assert stats.kstest(places, stats.uniform(0, LENGTH - 1).cdf).pvalue > 0.01
    assert abs(stats.pearsonr(places, heights).statistic) < 0.2


def test_a_jump_is_measured_by_the_template_whatever_the_windows_span():
    windows = pairs(40)
    jumped, same = (run(still(probability=0.0, contact=1.0), scale * windows) for scale in (1, 5))
    assert (jumped != windows).any()
    np.testing.assert_allclose(same, jumped, atol=1e-5)


def test_the_leads_of_a_beat_jump_together():
    first, second = np.moveaxis(jumps(40, leads=2), 2, 0)
    np.testing.assert_allclose(second, first, atol=1e-6)
    assert len(np.unique(first[:, 0])) == 40  # each beat on its own


def once_each_way(step):
    """A high-pass filter of the first order at 0.67 Hz, run forwards and backwards."""
    return sps.filtfilt(*sps.butter(1, 0.67, "highpass", fs=360), step)


def by_the_windows_filter(step):
    return process(Preprocessing(band=(0.67, 45.0), order=540).band_pass(), step[:, None])[:, 0]


@pytest.mark.parametrize(
    ("filtered", "near", "tolerance"),
    [
        (once_each_way, 0, 0.005),  # a place between two ticks is known to half a tick
        (by_the_windows_filter, 10, 0.11),  # its upper edge rounds the step, its lower edge is not as steep
    ],
)
def test_a_step_through_the_filter_looks_like_a_jump(filtered, near, tolerance):
    margin, compared = 3000, 0
    for jump in jumps(40)[:, :, 0].astype(float):
        if (found := place_and_half(jump)) is not None:
            place, half = found
            ticks = np.arange(-margin, LENGTH + margin)
            step = filtered(np.where(ticks > place, 2 * half, 0.0))[margin:-margin]
            far = np.abs(np.arange(LENGTH) - place) >= near
            np.testing.assert_allclose(step[far], jump[far], atol=tolerance * np.abs(2 * half))
            compared += 1
    assert compared > 20


def test_the_template_never_jumps_with_noise_and_moves_either():
    windows = pairs(100)
    held, changing = (
        run(WornNoise(RECORDED, (6.0, 12.0), 0.7, contact=contact, jump=(1.0, 3.0), seed=2), windows)
        for contact in (0.0, 1.0)
    )
    np.testing.assert_array_equal(changing[:, :, 1], held[:, :, 1])
    assert (np.abs(changing - held)[:, :, 0].max(axis=1) > 0.1).all()
    assert np.abs(changing).max() == HIGHEST  # as on the device, what reaches beyond is cut off


def test_the_contact_is_the_share_of_beats_that_jump_noisy_or_not():
    windows = pairs(1000)
    held, changing = (run(still(probability=0.4, contact=contact), windows) for contact in (0.0, 0.3))
    is_noisy = np.abs(held - windows)[:, :, 1].max(axis=1) > 1e-4
    has_jumped = np.abs(changing - held)[:, :, 0].max(axis=1) > 1e-4
    assert stats.binomtest(int(has_jumped.sum()), 1000, 0.3).pvalue > 0.01
    counts = [[np.sum((is_noisy == a) & (has_jumped == b)) for a in (False, True)] for b in (False, True)]
    assert stats.fisher_exact(counts).pvalue > 0.01


def test_a_tenth_of_the_beats_jumps_unless_it_is_said():
    layer = WornNoise(RECORDED, probability=0.0, common=0, seed=0)
    assert (layer.contact, layer.jump) == (0.1, (0.2, 3.0))
    changed = (np.abs(run(layer, pairs(1000)) - pairs(1000)).max(axis=(1, 2)) > 1e-3).sum()
    assert stats.binomtest(int(changed), 1000, 0.1).pvalue > 0.01


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
    layer = still(snr=(6.0, 6.0), averaged=(10.0, 10.0), contact=1.0)
    spec = [tf.TensorSpec((None, LENGTH, 2))]
    compiled = tf.function(lambda windows: layer(windows, training=True), spec, jit_compile=True)
    for count in (5, 2):
        found = np.array(compiled(pairs(count)))
        assert found.shape == (count, LENGTH, 2) and np.isfinite(found).all()
        assert (np.abs(found - pairs(count)).max(axis=1) > 0.01).all()


def test_the_config_makes_the_same_layer_but_for_the_noise():
    settings = {"snr": (1.0, 7.0), "probability": 0.8, "averaged": (3.0, 4.0), "common": 5, "own": 2}
    settings |= {"contact": 0.6, "jump": (0.5, 1.5)}
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


def test_alone_in_a_saved_model_the_contact_goes_on_changing(tmp_path):
    layer = still(probability=0.0, contact=0.5, jump=(0.5, 2.0), seed=4)
    model = keras.Sequential([keras.Input((LENGTH, 2)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert (loaded.layers[0].contact, loaded.layers[0].jump) == (0.5, (0.5, 2.0))
    np.testing.assert_array_equal(loaded.predict(pairs(), verbose=0), pairs())  # without noise, too
    loaded.layers[0].noise = RECORDED
    found = run(loaded, pairs(40))
    np.testing.assert_array_equal(found, run(model, pairs(40)))
    assert 5 < (np.abs(found - pairs(40)).max(axis=(1, 2)) > 0.01).sum() < 35


def test_it_runs_in_a_stream_of_data():
    layer = still(contact=1.0)
    stream = tf.data.Dataset.from_tensor_slices(pairs(6)).batch(3)
    found = np.concatenate([np.array(batch) for batch in stream.map(lambda w: layer(w, training=True))])
    same = still(contact=1.0)
    expected = np.concatenate([run(same, pairs(6)[:3]), run(same, pairs(6)[3:])])
    np.testing.assert_allclose(found, expected, atol=1e-5)


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
        ({"contact": 1.5}, "WornNoise: contact: found 1.5, expected 0 to 1"),
        ({"contact": -0.1}, "WornNoise: contact: found -0.1, expected 0 to 1"),
        ({"contact": float("nan")}, "WornNoise: contact: found nan"),
        ({"jump": (3, 1)}, r"WornNoise: found jump \(3, 1\), expected smallest and largest, above 0"),
        ({"jump": (0, 1)}, r"WornNoise: found jump \(0, 1\)"),
        ({"jump": (1,)}, r"WornNoise: found jump \(1,\)"),
        ({"jump": (1, float("inf"))}, "WornNoise: found jump"),
        ({"jump": (float("nan"), 1)}, "WornNoise: found jump"),
        ({"own": 2.5}, "WornNoise: own: found 2.5, expected a whole number from 0 on"),
        ({"snr": (24, 6)}, r"found snr \(24, 6\), expected lowest and highest, in dB"),
        ({"probability": 1.5}, "probability: found 1.5, expected 0 to 1"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        WornNoise(RECORDED, **settings)
