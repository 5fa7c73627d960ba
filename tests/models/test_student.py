"""The compact student's graph: its sizes, what it computes, and that plain Keras loads it."""

import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from keras_sibeat.config.students import Student
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.models.student import student

BUILT_IN = (
    layers.InputLayer,
    layers.Conv1D,
    layers.BatchNormalization,
    layers.ReLU,
    layers.Flatten,
    layers.Dense,
    layers.Reshape,
    layers.Cropping1D,
    layers.Subtract,
    layers.Multiply,
    layers.GlobalAveragePooling1D,
)


def windows(count=5, length=320, channels=1):
    return np.random.default_rng(0).uniform(-1, 1, (count, length, channels)).astype("float32")


@pytest.mark.parametrize(("length", "channels", "depth"), [(320, 1, 4), (320, 2, 3), (50, 1, 2), (7, 3, 1)])
def test_a_beat_in_one_score_out(length, channels, depth):
    network = student(length, channels, width=4, depth=depth, units=6, seed=0)
    assert network.output_shape == (None, 1)
    assert network.predict(windows(5, length, channels), verbose=0).shape == (5, 1)


@pytest.mark.parametrize(("length", "channels", "depth"), [(320, 1, 4), (320, 2, 3), (50, 1, 2), (7, 3, 1)])
def test_the_residuals_are_the_squared_error_of_the_rebuilt_beat(length, channels, depth):
    network = student(length, channels, width=4, depth=depth, units=6, rebuilds=True, seed=0)
    beats = windows(5, length, channels)
    score, residuals = network.predict(beats, verbose=0)
    rebuilt = keras.Model(network.input, network.get_layer("rebuilt").output).predict(beats, verbose=0)
    assert (score.shape, residuals.shape, rebuilt.shape) == ((5, 1), (5, length), beats.shape)
    np.testing.assert_allclose(residuals, np.mean((beats - rebuilt) ** 2, axis=2), rtol=1e-4, atol=1e-6)


def test_the_score_is_the_same_with_and_without_residuals():
    both, alone = student(rebuilds=True, seed=3), student(seed=3)
    np.testing.assert_array_equal(both(windows())[0], alone(windows()))


def test_it_has_built_in_layers_alone():
    for layer in student(rebuilds=True).layers:
        assert type(layer) in BUILT_IN, layer


def test_width_and_depth_are_a_family():
    sizes = [(count_parameters(s), count_multiply_adds(s)) for s in (student(width=w) for w in (8, 12, 16))]
    assert sizes == sorted(sizes)
    macs = [count_multiply_adds(student(width=w)) for w in (8, 16)]
    assert 2 < macs[1] / macs[0] < 4.5


@pytest.mark.parametrize("shape", [{}, {"channels": 2, "rhythm": 8}])
def test_the_default_student_is_small_enough_for_a_microcontroller(shape):
    settings = Student()
    size = {"width": settings.width, "depth": settings.depth, "units": settings.units}
    network = student(**size, **shape)
    assert count_parameters(network) <= 20_000 and count_multiply_adds(network) <= 250_000


def test_multiply_adds_are_counted_by_hand():
    network = student(width=3, depth=2, units=3)
    wanted = 80 * 8 * 3 + 40 * 5 * 3 * 4 + 40 * 4 * 3 + 3 * 3 + 3
    assert count_multiply_adds(network) == wanted


def test_a_window_too_short_for_the_depth_is_an_error():
    with pytest.raises(ValueError, match="student: found depth 4 for windows of 20 ticks, expected fewer"):
        student(20, depth=4)


def test_a_seed_draws_the_same_weights():
    first, second, other = (student(seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(first, other, strict=True))


def test_plain_keras_loads_it_in_a_process_that_knows_nothing_of_us(tmp_path):
    network = student(rebuilds=True, seed=0)
    network.save(tmp_path / "student.keras")
    with zipfile.ZipFile(tmp_path / "student.keras") as file:
        assert b"keras_sibeat" not in file.read("config.json")
    np.save(tmp_path / "beats.npy", windows())
    code = (
        "import sys, numpy, keras; "
        f"model = keras.saving.load_model({str(tmp_path / 'student.keras')!r}, safe_mode=True); "
        f"score, _ = model.predict(numpy.load({str(tmp_path / 'beats.npy')!r}), verbose=0); "
        "assert not {'keras_sibeat', 'sibeat_edge'} & set(sys.modules); "
        f"numpy.save({str(tmp_path / 'score.npy')!r}, score)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    found = np.load(tmp_path / "score.npy")
    np.testing.assert_allclose(found, network.predict(windows(), verbose=0)[0], rtol=1e-5, atol=1e-6)
