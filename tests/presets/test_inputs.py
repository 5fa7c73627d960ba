"""What a preset takes, in one line: the same beats as training cuts, of anyone's recording."""

from dataclasses import replace

import numpy as np
import pytest

import keras_sibeat
from keras_sibeat.config import read_config
from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import Annotations, write_recording
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.presets.making import preset_config
from keras_sibeat.train.run import Run

RECORDING = simulate_wearer(seed=1, seconds=90.0, rate=250.0)


@pytest.mark.parametrize("preset", ["mitdb-wearer", "mitdb-beat"])
def test_samples_and_a_rate_give_what_the_preset_takes(preset):
    found = keras_sibeat.beats(RECORDING.signal[:, 0], rate=250, preset=preset)
    scores = keras_sibeat.load_preset(preset).predict(found.inputs, verbose=0)
    assert scores.shape == (len(found), 1) and np.isfinite(scores).all()
    wanted = Preprocessing.of(preset_config(preset))
    expected = extract_beats(_at(RECORDING, found.times * 250), wanted)
    np.testing.assert_array_equal(found.windows, expected.windows)
    np.testing.assert_array_equal(found.rhythm, expected.rhythm)


@pytest.mark.parametrize(("preset", "is_sensitive"), [("mitdb-wearer", True), ("mitdb-beat", False)])
def test_beats_are_found_as_on_the_device(preset, is_sensitive):
    lead, beat = np.zeros(90 * 360), np.exp(-np.square(np.arange(-40, 41) / 9.0))
    for place in range(200, len(lead) - 50, 400):
        lead[place - 40 : place + 41] += beat
    lead[30_000 - 40 : 30_000 + 41] += 0.43 * beat
    samples = keras_sibeat.beats(lead, rate=360, preset=preset).samples
    assert np.any(np.abs(samples - 30_000) < 3) == is_sensitive


def _at(recording, samples):
    """The recording with normal beats at these samples."""
    marks = np.rint(samples).astype(np.int64)
    return replace(recording, annotations=Annotations(marks, np.full(len(marks), "N")))


def test_the_times_are_those_of_the_r_peaks():
    found = keras_sibeat.beats(RECORDING.signal[:, 0], rate=250)
    known = RECORDING.annotations.samples / 250
    nearest = np.abs(found.times[:, None] - known).min(axis=1)
    assert len(found) > 0.9 * len(known) and np.quantile(nearest, 0.95) < 0.03


def test_annotated_beats_are_the_beats(tmp_path):
    path = write_recording(RECORDING, tmp_path)
    for recording in (RECORDING, path, str(path)):
        found = keras_sibeat.beats(recording)
        assert set(found.symbols) == set(RECORDING.annotations.symbols)
        inside = np.isin(found.samples, np.rint(RECORDING.annotations.samples * 360 / 250))
        assert inside.all()


def test_the_students_of_a_run_take_beats_as_it_is_configured(tmp_path):
    config = read_config(overrides=["data.wearers=4", "data.seconds=60", "window.before=100"])
    run = Run.open(tmp_path / "run", config, load_folds(config), ())
    expected = extract_beats(RECORDING, Preprocessing.of(config))
    found = keras_sibeat.beats(RECORDING, preset=run.folder)
    assert found.windows.shape[1:] == (280, 1)
    np.testing.assert_array_equal(found.windows, expected.windows)


def test_a_recording_without_beats_gives_none():
    assert len(keras_sibeat.beats(np.zeros(20 * 250), rate=250)) == 0


def test_what_gives_no_beats_is_one_sentence():
    with pytest.raises(ConfigError, match=r"Preset 'nothing': no such; expected one of mitdb-beat"):
        keras_sibeat.beats(RECORDING, preset="nothing")
    with pytest.raises(DataError, match="too short for one beat"):
        keras_sibeat.beats(np.zeros(50), rate=250)
