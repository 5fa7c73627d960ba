"""The names that a configuration may choose from are those that the code knows."""

import inspect

import numpy as np
import pytest

from keras_sibeat.layers import names
from keras_sibeat.layers.shifts import SHIFTS
from keras_sibeat.layers.views import VIEWS
from keras_sibeat.models.distiller import Distiller
from keras_sibeat.models.scorer import MEASURES, build_scorer
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert


def settings(layer):
    parameters = inspect.signature(layer.__init__).parameters
    return {name for name in parameters if name not in ("self", "seed", "noise", "kwargs")}


def test_the_settings_of_a_view_are_its_constructor_s():
    assert {name: set(found) for name, found in names.VIEW_SETTINGS.items()} == {
        name: settings(layer) for name, layer in VIEWS.items()
    }
    assert list(names.VIEW_SETTINGS) == list(VIEWS)


def test_shifts_and_measures_are_those_of_the_code():
    assert names.SHIFT_NAMES == tuple(SHIFTS)
    assert names.MEASURE_NAMES == tuple(MEASURES)
    assert all(settings(layer) == {"centre"} for layer in SHIFTS.values())


def test_the_formats_are_those_that_convert_makes():
    network = student(64, width=3, depth=2, units=4, seed=0)
    windows = np.random.default_rng(0).uniform(-1, 1, (4, 64, 1)).astype("float32")
    contents = {kind: convert(network, windows, kind) for kind in names.FORMATS}
    assert len(set(contents.values())) == len(names.FORMATS)
    with pytest.raises(ValueError, match=f"expected one of {', '.join(names.FORMATS)}"):
        convert(network, windows, "float64")


def test_the_scores_of_a_beat_are_combined_by_default():
    assert inspect.signature(build_scorer).parameters["combine"].default == names.SCORES_OF_A_BEAT
    assert names.SCORES[: len(names.SCORES_OF_A_BEAT)] == names.SCORES_OF_A_BEAT


def test_the_tails_and_weights_of_a_distillation_are_those_of_the_distiller():
    assert inspect.signature(Distiller.__init__).parameters["tail"].default == names.TAILS[0]
    told = Distiller.__doc__
    assert all(f"``{name}``" in told for name in (*names.TAILS, *names.DISTILLATION_WEIGHTS))
