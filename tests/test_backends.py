"""What works on every backend of Keras, against NumPy and against scores that TensorFlow gave.

``make test`` runs this on TensorFlow, ``make test-backends`` on PyTorch and JAX, without TensorFlow.
"""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_sibeat
from keras_sibeat.errors import BackendError
from keras_sibeat.losses import NTXent, nt_xent
from keras_sibeat.models.saving import save_portable
from keras_sibeat.models.student import student
from keras_sibeat.optimizers import LARS
from keras_sibeat.presets.loading import list_presets, load_preset

IS_TENSORFLOW = keras.backend.backend() == "tensorflow"
NEEDS_TENSORFLOW = ("BeatGAN", "SimCLR", "Distiller", "Views", "Shifts", "build_scorer", "views", "shifts")
# Of six beats by ``drawn_beats``, by TensorFlow 2.21 and Keras 3.15.1.
SCORES = {
    "mitdb-beat": [4.846706, 4.972578, 4.849655, 5.287126, 5.472451, 5.779309],
    "mitdb-wearer": [2.24948, 2.641625, 2.964862, 3.159443, 4.621001, 5.758017],
}


def drawn_beats(inputs):
    """Six beats, ever broader and later, as a preset's ``inputs`` take them."""
    ticks, step = np.arange(320.0), np.arange(6.0)[:, None]

    def wave(centre, width):
        return np.exp(-(((ticks - centre) / width) ** 2))

    beat = wave(140 + step, 6 + step) + 0.2 * wave(210, 25) + 0.1 * wave(85, 12)
    beat = 2 * beat / beat.max(axis=1, keepdims=True) - 1
    template = np.repeat(beat[:1], 6, axis=0)
    if len(inputs) == 1:
        return beat[:, :, None].astype("float32")
    window = np.stack([beat, template], axis=2).astype("float32")
    rhythm = np.linspace(-0.5, 0.5, 6)[:, None] * np.ones(inputs["rhythm"].shape[1])
    return {"window": window, "rhythm": rhythm.astype("float32")}


@pytest.mark.parametrize("name", list_presets())
def test_a_preset_scores_as_on_tensorflow(name):
    preset = load_preset(name)
    beats = drawn_beats({entry.name: entry for entry in preset.inputs})
    found = preset.predict(beats, verbose=0)[:, 0]
    assert np.ptp(found) > 0.5
    np.testing.assert_allclose(found, SCORES[name], rtol=1e-5, atol=1e-5)


def test_a_student_that_is_saved_here_scores_the_same_when_loaded(tmp_path):
    network = student(64, width=3, depth=2, units=4, seed=0)
    beats = np.random.default_rng(0).uniform(-1, 1, (5, 64, 1)).astype("float32")
    save_portable(network, tmp_path / "student.keras")
    loaded = keras.saving.load_model(tmp_path / "student.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.predict(beats, verbose=0), network.predict(beats, verbose=0))


def contrast(first, second, temperature):
    """NT-Xent by its definition, in float64."""
    rows = [np.asarray(row, "float64") / np.linalg.norm(row) for row in (*first, *second)]
    losses = []
    for number, row in enumerate(rows):
        others = [row @ other / temperature for place, other in enumerate(rows) if place != number]
        positive = row @ rows[(number + len(first)) % len(rows)] / temperature
        losses.append(np.logaddexp.reduce(others) - positive)
    return np.mean(losses)


def test_nt_xent_is_its_definition():
    first, second = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    wanted = contrast(first, second, 0.5)
    assert float(nt_xent(first, second, 0.5)) == pytest.approx(wanted, rel=1e-5)
    assert float(NTXent(0.5)(first, second)) == pytest.approx(wanted, rel=1e-5)


def dense(units, optimizer, loss):
    """A compiled layer without bias, and its weights: 4 × units."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, use_bias=False)])
    model.compile(optimizer, loss)
    weights = np.random.default_rng(1).normal(size=(4, units))
    model.set_weights([weights])
    return model, weights


def test_a_network_descends_along_the_gradient_of_nt_xent():
    inputs, other = np.random.default_rng(0).normal(size=(2, 6, 4))
    other = other[:, :3]
    model, weights = dense(3, keras.optimizers.SGD(1.0), NTXent(0.5))
    gradient = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        step = np.zeros_like(weights)
        step[place] = 1e-5
        ends = [contrast(other, inputs @ (weights + sign * step), 0.5) for sign in (1, -1)]
        gradient[place] = (ends[0] - ends[1]) / 2e-5
    model.train_on_batch(inputs.astype("float32"), other.astype("float32"))
    assert np.abs(gradient).max() > 0.01
    np.testing.assert_allclose(model.get_weights()[0], weights - gradient, atol=1e-5)


def test_lars_takes_the_steps_of_its_formula():
    inputs, wanted = np.random.default_rng(0).normal(size=(2, 6, 4))
    model, weights = dense(4, LARS(0.5, momentum=0.9, weight_decay=0.01, trust_coefficient=0.1), "mse")
    velocity = np.zeros_like(weights)
    for _ in range(3):
        model.train_on_batch(inputs.astype("float32"), wanted.astype("float32"))
        gradient = 2 * inputs.T @ (inputs @ weights - wanted) / wanted.size + 0.01 * weights
        ratio = 0.1 * np.linalg.norm(weights) / np.linalg.norm(gradient)
        velocity = 0.9 * velocity + 0.5 * ratio * gradient
        weights = weights - velocity
        np.testing.assert_allclose(model.get_weights()[0], weights, atol=1e-5)


@pytest.mark.skipif(IS_TENSORFLOW, reason="this is TensorFlow")
@pytest.mark.parametrize("name", NEEDS_TENSORFLOW)
def test_what_needs_tensorflow_says_so(name):
    sentence = rf"^Keras's backend: found {keras.backend.backend()}; expected tensorflow.*KERAS_BACKEND"
    with pytest.raises(BackendError, match=sentence):
        getattr(keras_sibeat, name)


# TensorFlow is installed, and Keras says that it works on another backend, as none is installed beside it.
ELSEWHERE = "import keras; keras.backend.backend = lambda: 'jax'; "


@pytest.mark.skipif(not IS_TENSORFLOW, reason="the commands' libraries come with TensorFlow")
@pytest.mark.parametrize("command", [["train", "quickstart"], ["export", "mitdb-beat", "--data", "nowhere"]])
def test_a_command_that_needs_tensorflow_ends_in_the_sentence(command, tmp_path):
    code = f"{ELSEWHERE}from keras_sibeat.{command[0]}.__main__ import main; main({command[1:]})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 2 and not any(tmp_path.iterdir()), done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: Keras's backend: found jax; expected tensorflow")
