"""Models saved for others: nothing that training alone needs, and what an older Keras 3 can read."""

import json
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

from keras_sibeat.layers.scores import NormalQuantile
from keras_sibeat.layers.shifts import Bump, Shifts
from keras_sibeat.layers.views import Gain, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.saving import make_portable, save_portable
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator
from keras_sibeat.models.student import student
from keras_sibeat.presets.loading import FOLDER, list_presets

# What each layer of a student could say in Keras 3.4, the oldest that reads how 3.15 names a model's ends.
KNOWN = {
    "InputLayer": {"batch_shape", "dtype", "sparse", "name"},
    "Conv1D": {"filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups"}
    | {"activation", "use_bias"},
    "BatchNormalization": {"axis", "momentum", "epsilon", "center", "scale", "synchronized"},
    "ReLU": {"max_value", "negative_slope", "threshold"},
    "Flatten": {"data_format"},
    "Dense": {"units", "activation", "use_bias"},
    "Concatenate": {"axis"},
    "Reshape": {"target_shape"},
    "Cropping1D": {"cropping", "data_format"},
    "Subtract": set(),
    "Multiply": set(),
    "GlobalAveragePooling1D": {"data_format", "keepdims"},
}
OF_ALL = {"name", "trainable", "dtype"}


def config_of(file):
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("config.json"))


def check_known(config):
    for layer in config["config"]["layers"]:
        unknown = set(layer["config"]) - KNOWN[layer["class_name"]] - OF_ALL
        assert not unknown, (layer["class_name"], unknown)
        assert layer["config"]["dtype"] == "float32"


def windows_of(model):
    draw = np.random.default_rng(0).uniform
    made = {entry.name: draw(-1, 1, (5, *entry.shape[1:])).astype("float32") for entry in model.inputs}
    return made if len(made) > 1 else made["window"]


@pytest.mark.parametrize("options", [{}, {"rhythm": 3}, {"rebuilds": True}])
def test_a_student_says_only_what_an_old_keras_knows_and_scores_the_same(options, tmp_path):
    network = student(64, 1, width=3, depth=2, units=4, seed=0, **options)
    network.save(tmp_path / "whole.keras")
    save_portable(network, tmp_path / "student.keras")
    with pytest.raises(AssertionError):  # what Keras itself writes is not so
        check_known(config_of(tmp_path / "whole.keras"))
    check_known(config_of(tmp_path / "student.keras"))
    loaded = keras.saving.load_model(tmp_path / "student.keras", safe_mode=True)
    windows = windows_of(network)
    for wanted, found in zip(
        keras.tree.flatten(network.predict(windows, verbose=0)),
        keras.tree.flatten(loaded.predict(windows, verbose=0)),
        strict=True,
    ):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", list_presets())
def test_the_presets_say_only_what_an_old_keras_knows(name):
    check_known(config_of(FOLDER / f"{name}.keras"))


def test_settings_that_differ_from_their_defaults_stay(tmp_path):
    window = keras.Input((16, 2), name="window")
    x = layers.Conv1D(3, 4, 2, "same", use_bias=False, kernel_regularizer="l2", activation="relu")(window)
    x = layers.BatchNormalization(momentum=0.7, epsilon=1e-5, scale=False)(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.UnitNormalization()(layers.MaxPooling1D(2, padding="same")(layers.UpSampling1D(2)(x)))
    score = NormalQuantile(name="quantile")(layers.Dense(1)(layers.Flatten()(x)))
    model = keras.Model(window, layers.Add()([layers.Rescaling(0.3)(score), score]))
    save_portable(model, tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    is_for_training = ("kernel", "gamma", "beta", "bias", "moving_mean", "moving_variance")
    for before, after in zip(model.layers, loaded.layers, strict=True):
        wanted, found = (
            {
                key: value
                for key, value in layer.get_config().items()
                if key.removesuffix("_initializer") not in is_for_training
            }
            for layer in (before, after)
        )
        assert wanted == found


def test_the_weights_are_the_same_bytes_and_twice_is_as_once(tmp_path):
    file = tmp_path / "student.keras"
    student(64, width=3, depth=2, units=4).save(file)
    weights = zipfile.ZipFile(file).read("model.weights.h5")
    make_portable(file)
    assert zipfile.ZipFile(file).read("model.weights.h5") == weights
    once = file.read_bytes()
    make_portable(file)
    assert file.read_bytes() == once


def test_a_file_that_is_no_model_stays_as_it_is(tmp_path):
    (tmp_path / "a.keras").write_text("beats")
    with pytest.raises(zipfile.BadZipFile):
        make_portable(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as archive:
        archive.writestr("beats", "1")
    with pytest.raises(KeyError, match="config.json"):
        make_portable(tmp_path / "b.keras")
    assert (tmp_path / "a.keras").read_text() == "beats" and len(list(tmp_path.iterdir())) == 2


def test_a_saving_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "student.keras").write_bytes(b"before")
    monkeypatch.setattr("keras_sibeat.models.saving.make_portable", lambda file: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_portable(student(64, width=3, depth=2, units=4), tmp_path / "student.keras")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("student.keras", b"before")]


def without(keys, value):
    """A configuration as an older version wrote it: without these parts, wherever they are."""
    if isinstance(value, list):
        return [without(keys, part) for part in value]
    if isinstance(value, dict):
        return {key: without(keys, part) for key, part in value.items() if key not in keys}
    return value


def test_a_contrastive_model_of_an_older_version_loads_without_the_parts_that_came_later(tmp_path):
    size = {"length": 24, "width": 2, "depth": 2}
    trunk = contrastive_discriminator(**size, units=4, projection=3)
    simclr = SimCLR(trunk, Views([Gain()]), Shifts([Bump(12)]))
    model = ContrastiveBeatGAN(conv_generator(**size, latent=3), simclr)
    model.compile(jit_compile=False)
    model.save(tmp_path / "model.keras")
    later = ("partners", "imagined", "self_teacher", "hard_negatives", "leads")
    with (
        zipfile.ZipFile(tmp_path / "model.keras") as found,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as made,
    ):
        for entry in found.infolist():
            content = found.read(entry)
            if entry.filename == "config.json":
                content = json.dumps(without(later, json.loads(content))).encode()
            made.writestr(entry, content)
    loaded = keras.saving.load_model(tmp_path / "old.keras", safe_mode=True)
    assert (loaded.simclr.partners, loaded.simclr.imagined, loaded.simclr.self_teacher) == (None,) * 3
    windows = np.random.default_rng(0).uniform(-1, 1, (8, 24, 1)).astype("float32")
    np.testing.assert_array_equal(loaded.predict(windows, verbose=0), model.predict(windows, verbose=0))
    loaded.fit(windows, batch_size=4, verbose=0)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Rescaling(2.0),
        layers.Normalization(mean=0.0, variance=4.0),
        layers.TimeDistributed(layers.Dense(3)),
        layers.Bidirectional(layers.GRU(2)),
        layers.LSTM(2),
        layers.SpectralNormalization(layers.Conv1D(2, 3)),
        layers.SeparableConv1D(2, 3),
        layers.DepthwiseConv1D(3),
        layers.LayerNormalization(),
        layers.GroupNormalization(1),
        layers.Dense(
            2, activation=layers.LeakyReLU(0.3), kernel_regularizer="l2", kernel_constraint="unit_norm"
        ),
        layers.Softmax(),
        layers.Masking(),
        layers.Discretization(bin_boundaries=[0.0, 1.0]),
        layers.GaussianNoise(0.1),
        layers.UpSampling1D(),
        layers.ZeroPadding1D(),
        layers.EinsumDense("abc,cd->abd", output_shape=(None, 3)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_any_layer_of_keras_loads_again(layer, tmp_path):
    entry = keras.Input((8, 2))
    model = keras.Model(entry, layer(entry))
    save_portable(model, tmp_path / "model.keras")
    loaded, windows = keras.saving.load_model(tmp_path / "model.keras"), np.ones((3, 8, 2), "float32")
    np.testing.assert_array_equal(loaded.predict(windows, verbose=0), model.predict(windows, verbose=0))
