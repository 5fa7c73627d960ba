"""Maps say where a score comes from: of scores whose answer is known, of networks, and of int8 models."""

import keras
import numpy as np
import pytest
from int8_students import int8_student, relative, settled

from keras_sibeat.data.beats import extract_beats, window_centres
from keras_sibeat.data.planted import plant
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.evaluate.explained import Beats, explained_export
from keras_sibeat.evaluate.map_metrics import agreement, pointing
from keras_sibeat.evaluate.maps import (
    chance,
    difference,
    gradients,
    occlusion,
    rebuild_error,
    squared_slope,
)
from keras_sibeat.models.student import student
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.heat import smoothed
from sibeat_edge.signal.resampling import RATE


def bumps(count=8, place=200):
    """Windows beside a template that is flat, with a bump at one place."""
    windows = np.zeros((count, 320, 2), np.float32)
    windows[:, :, 0] = np.exp(-np.square((np.arange(320) - place) / 10))
    return windows, windows[:, :, 1:]


def squares(windows, *rest):
    return np.square(windows[:, :, 0] - windows[:, :, 1]).sum(axis=1)


def test_occlusion_falls_by_what_is_occluded():
    windows, usual = bumps()
    maps = occlusion(squares, windows, usual=usual)
    assert maps.shape == (8, 320) and (np.abs(np.argmax(maps, axis=1) - 200) <= 8).all()
    far = np.abs(np.arange(320) - 200) > 60
    assert np.abs(maps[:, far]).max() < 1e-4 * maps.max()


def test_an_occluded_beat_keeps_its_rhythm():
    windows, usual = bumps(2)
    rhythm = np.ones((2, 8), np.float32)
    seen = []

    def score(changed, timing):
        seen.append(timing is rhythm)
        return squares(changed)

    occlusion(score, windows, rhythm, usual=usual)
    assert all(seen) and len(seen) == 41


@pytest.mark.parametrize("settings", [{"width": 0}, {"step": 0}])
def test_a_part_of_no_ticks_is_refused(settings):
    windows, usual = bumps(1)
    with pytest.raises(ValueError, match="expected 1 or more"):
        occlusion(squares, windows, usual=usual, **settings)


def test_a_usual_beat_of_another_shape_is_refused():
    windows, usual = bumps(2)
    with pytest.raises(ValueError, match=r"found \(1, 320, 1\) and windows \(2, 320, 2\)"):
        difference(windows, usual[:1])


def test_gradients_add_up_to_the_score_beyond_the_usual_beats():
    windows, usual = bumps()
    layer = keras.Input((320, 2))
    beat, template = keras.ops.split(layer, 2, axis=2)
    square = keras.ops.sum(keras.ops.square(beat - template), axis=(1, 2))[:, None]
    maps = gradients(keras.Model(layer, square), windows, usual=usual)
    assert np.allclose(maps.sum(axis=1), squares(windows), rtol=1e-4)
    assert np.allclose(maps, np.square(windows[:, :, 0] - usual[:, :, 0]), atol=1e-4)


def test_gradients_of_a_student_add_up_beside_its_rhythm():
    network = student(channels=2, rhythm=8, width=4, depth=4, units=8, seed=0)
    windows, rhythm = relative(64)
    settled(network, {"window": windows, "rhythm": rhythm})
    usual = windows[:, :, 1:]
    same = np.concatenate([usual, usual], axis=2)
    scores = [
        network({"window": part, "rhythm": rhythm}, training=False).numpy()[:, 0] for part in (windows, same)
    ]
    maps = gradients(network, windows, rhythm, usual=usual)
    rise = scores[0] - scores[1]
    # To within the path's steps, as ReLU bends.
    assert np.abs(maps.sum(axis=1) - rise).mean() < 0.15 * np.abs(rise).mean()


def test_int8_occlusion_agrees_with_that_of_the_float_model():
    network = student(channels=2, rhythm=8, width=4, depth=4, units=8, seed=0)
    windows, rhythm = relative(64)
    settled(network, {"window": windows, "rhythm": rhythm})

    def score(*arrays):
        inputs = dict(zip(("window", "rhythm"), arrays, strict=True))
        return network(inputs, training=False).numpy()[:, 0]

    model = explained_export(Model(int8_student(wearer=True)[0]))
    beats = Beats((windows, rhythm), windows[:, :, 1:])
    maps = model.maps["occlusion"](beats)
    truth = np.tile(np.arange(320) < 60, (64, 1))
    found = agreement(maps, occlusion(score, windows, rhythm, usual=beats.usual), truth)
    assert found["correlation"] > 0.9 and found["same_place"] > 0.8


def test_an_int8_model_that_rebuilds_has_its_residuals_as_a_map():
    model = Model(int8_student(rebuilds=True)[0])
    windows = np.random.default_rng(0).uniform(-1, 1, (3, 320, 1)).astype("float32")
    maps = explained_export(model).maps["residuals"](Beats((windows,), windows))
    model.score(windows[1])
    assert maps.shape == (3, 320) and (maps[1] == model.residuals()).all()


def test_rebuild_errors_are_the_beats_own_leads():
    windows, usual = bumps(2)
    rebuilt = np.concatenate([usual, usual + 5], axis=2)  # badly only in the template
    assert np.allclose(rebuild_error(windows, rebuilt, 1), np.square(windows[:, :, 0]))


def test_the_slope_is_steepest_beside_a_bumps_peak():
    windows, _ = bumps(1)
    assert abs(int(np.argmax(squared_slope(windows, 1))) - 200) == 7  # 10 / √2


def test_smoothing_keeps_a_maps_sum_and_its_place():
    maps = np.zeros((1, 320))
    maps[0, 100] = 3.0
    made = smoothed(maps, 40)
    assert made.sum() == pytest.approx(3.0) and np.argmax(made) == 100 and made[0, 140] == 0


def test_chance_knows_no_place():
    places = np.argmax(chance(40_000, 320, np.random.default_rng(0)), axis=1)
    shares = np.bincount(places // 80, minlength=4) / len(places)
    assert np.allclose(shares, 0.25, atol=0.01)


def test_planted_bumps_are_found_by_the_difference_from_the_template():
    recording = simulate_wearer(3, seconds=300.0).of_leads("first")
    changed, places = plant(recording, np.random.default_rng(0), each=6)
    wanted = Preprocessing(leads="first", band=(0.67, 45.0), order=540, waits=True)
    beats, centres = extract_beats(changed, wanted), window_centres(changed, wanted)
    windows, truth = [], []
    for place in places:
        if place.kind == "bump":
            (row,) = np.flatnonzero(beats.samples == round(place.sample * RATE / changed.rate))
            ticks = np.arange(320) - 140 + centres[int(beats.samples[row])]
            windows.append(beats.windows[row])
            truth.append((ticks >= place.first * RATE) & (ticks < place.last * RATE))
    windows = np.array(windows)
    assert len(windows) >= 4 and pointing(difference(windows, windows[:, :, 1:]), np.array(truth)).all()
