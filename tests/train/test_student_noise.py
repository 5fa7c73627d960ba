"""The noise that a student learns to see through: from the data's folder, filtered as the windows are, and
cut from recordings that an expert called noisy."""

import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.data.noise import cut_noise, read_noise
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import Recording, write_recording
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.train.student import build_noise


def config(folder, *overrides):
    return read_config("configs/worn-student-inter.toml", overrides, folder)


def write_noise(folder, seconds):
    signal = np.random.default_rng(0).normal(0, 0.1, (round(360 * seconds), 2)).astype("float32")
    write_recording(Recording("em", signal, 360.0, ("a", "b"), None), folder)


def test_it_is_the_configured_folder_within_the_data_s(tmp_path):
    write_noise(tmp_path / "nstdb_noise", 60)
    found = config(tmp_path, "student.noise={folder='nstdb_noise', snr=[3, 9], share=0.25}")
    layer = build_noise(found, seed=0)
    assert (layer.snr, layer.probability) == ((3.0, 9.0), 0.25)
    expected = read_noise(tmp_path / "nstdb_noise", Preprocessing.of(found))
    np.testing.assert_array_equal(np.asarray(layer.noise), expected)


def test_a_beat_without_a_template_is_mixed_with_the_noise_and_scaled_again(tmp_path):
    write_noise(tmp_path / "nstdb_noise", 60)
    (tmp_path / "mitdb").mkdir()  # the noise lies beside it
    found = read_config("configs/student-noise.toml", (), tmp_path / "mitdb")
    beats = np.tile(np.hanning(320)[None, :, None].astype("float32") * 2 - 1, (64, 1, 1))
    noisy = np.asarray(build_noise(found, seed=0)(beats, training=True))
    np.testing.assert_allclose(noisy.min(axis=1), -1, atol=1e-5)
    np.testing.assert_allclose(noisy.max(axis=1), 1, atol=1e-5)
    moved = np.abs(noisy - beats).max(axis=(1, 2)) > 1e-3
    assert 0.25 < moved.mean() < 0.75  # half of them is asked for
    assert np.std(noisy - beats) > 0.02


def test_without_noise_there_is_no_layer():
    assert build_noise(read_config("configs/wearer-student-inter.toml", data="data"), seed=0) is None


def test_too_short_a_noise_is_refused_in_a_sentence(tmp_path):
    write_noise(tmp_path / "nstdb_noise", 1)
    with pytest.raises(
        ConfigError, match=r"student.noise: found 180 samples in nstdb_noise; expected 320 or"
    ):
        build_noise(config(tmp_path), seed=0)


# Cut from noisy recordings


LABELS = {"A00001": "~", "A00002": "N", "A02500": "~", "A03001": "~"}


@pytest.fixture
def data(tmp_path):
    """A minute of noise, of which half trains, and recordings of wearers at 300 Hz, with their labels."""
    write_noise(tmp_path / "nstdb_noise", 60)
    for number, name in enumerate(LABELS):
        signal = np.random.default_rng(number).normal(0, 0.2, (300 * (30 + 5 * number), 1)).astype("float32")
        write_recording(Recording(name, signal, 300.0, ("ECG",), None), tmp_path / "cinc2017")
    lines = [f"{name},{label}\n" for name, label in LABELS.items()]
    (tmp_path / "cinc2017" / "REFERENCE.csv").write_text("".join(lines))
    return tmp_path


def test_a_cut_lies_in_channels_of_its_own_beside_the_folder_s(data):
    found = config(data)
    assert found.student.noise.cut.records == ("A0[0-2]*",)
    noise, wanted = np.asarray(build_noise(found, seed=0).noise), Preprocessing.of(found)
    assert noise.shape == (30 * 360, 5)  # two leads, and 30 and 40 s of wearers in three channels
    np.testing.assert_array_equal(noise[:, :2], read_noise(data / "nstdb_noise", wanted))
    expected = cut_noise(data / "cinc2017", ["A00001", "A02500"], wanted, 30 * 360)
    np.testing.assert_array_equal(noise[:, 2:], expected)


def test_only_what_has_the_label_and_a_name_that_is_asked_for_is_cut(data):
    found = config(data, "student.noise.cut.reference=N", "student.noise.cut.records=['A*']")
    noise = np.asarray(build_noise(found, seed=0).noise)
    expected = cut_noise(data / "cinc2017", ["A00002"], Preprocessing.of(found), 30 * 360)
    assert noise.shape == (30 * 360, 4)
    np.testing.assert_array_equal(noise[:, 2:], expected)


def test_a_cut_shorter_than_the_noise_is_one_channel_more(data):
    write_noise(data / "nstdb_noise", 100)
    found = config(data, "student.noise.cut.records=['A00001']")
    noise = np.asarray(build_noise(found, seed=0).noise)
    assert noise.shape == (50 * 360, 3)
    np.testing.assert_array_equal(noise[30 * 360 :, 2], noise[: 20 * 360, 2])  # it begins again


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("reference=A", r"REFERENCE\.csv: found no record labelled 'A'; expected some"),
        ("records=['A0*', 'B*']", r"found no record B\*; expected some of that name"),
        ("records=['A00002']", "found no record A00002; expected some of that name"),  # of another label
        ("folder=none", r"none/REFERENCE\.csv: no such file"),
    ],
)
def test_a_cut_that_is_not_there_is_refused_in_a_sentence(data, override, message):
    with pytest.raises(DataError, match=message):
        build_noise(config(data, f"student.noise.cut.{override}"), seed=0)
