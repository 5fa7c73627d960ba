"""The noise that a student learns to see through: from the data's folder, filtered as the windows are."""

import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.data.noise import read_noise
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import Recording, write_recording
from keras_sibeat.errors import ConfigError
from keras_sibeat.train.student import build_noise


def config(folder, *overrides):
    return read_config("configs/worn-student-inter.toml", overrides, folder)


def write_noise(folder, seconds):
    signal = np.random.default_rng(0).normal(0, 0.1, (round(360 * seconds), 2)).astype("float32")
    write_recording(Recording("em", signal, 360.0, ("a", "b"), None), folder)


def test_it_is_the_configured_folder_within_the_data_s(tmp_path):
    write_noise(tmp_path / "nstdb_noise", 60)
    found = config(tmp_path, "student.noise.share=0.25", "student.noise.snr=[3, 9]")
    layer = build_noise(found, seed=0)
    assert (layer.snr, layer.probability) == ((3.0, 9.0), 0.25)
    expected = read_noise(tmp_path / "nstdb_noise", Preprocessing.of(found))
    np.testing.assert_array_equal(np.asarray(layer.noise), expected)


def test_without_noise_there_is_no_layer():
    assert build_noise(read_config("configs/wearer-student-inter.toml", data="data"), seed=0) is None


def test_too_short_a_noise_is_refused_in_a_sentence(tmp_path):
    write_noise(tmp_path / "nstdb_noise", 1)
    with pytest.raises(
        ConfigError, match=r"student.noise: found 180 samples in nstdb_noise; expected 320 or"
    ):
        build_noise(config(tmp_path), seed=0)
