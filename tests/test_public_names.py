"""The package's face: names that are imported when used, classes that Keras knows after either import."""

import importlib
import subprocess
import sys

import keras
import pytest

import keras_sibeat
from keras_sibeat.layers.shifts import Bump, Shifts
from keras_sibeat.layers.views import Gain, Views
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.networks import conv_generator
from keras_sibeat.models.simclr import SimCLR, contrastive_discriminator


def run(code, *arguments):
    """What a fresh process prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


def test_the_version_is_told_without_keras():
    code = "import sys, keras_sibeat; print(keras_sibeat.__version__)\n"
    code += "print({'keras', 'tensorflow'} & {*sys.modules})"
    assert run(code) == [keras_sibeat.__version__, "set()"]


@pytest.mark.parametrize("name", keras_sibeat.__all__)
def test_every_public_name_is_there(name):
    found = getattr(keras_sibeat, name)
    assert found.__name__.rsplit(".", 1)[-1] == name
    assert name in dir(keras_sibeat)


@pytest.mark.parametrize("name", ["scores", "shifts", "views"])
def test_a_public_module_is_imported_as_the_attribute_is(name):
    assert importlib.import_module(f"keras_sibeat.{name}") is getattr(keras_sibeat, name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'keras_sibeat' has no attribute 'NTXnet'"):
        keras_sibeat.NTXnet  # noqa: B018


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder of models, each of classes that are ours."""
    folder = tmp_path_factory.mktemp("saved")
    size = {"length": 24, "width": 2, "depth": 2}
    simclr = SimCLR(
        contrastive_discriminator(**size, units=4, projection=3), Views([Gain()]), Shifts([Bump(12)])
    )
    simclr.save(folder / "SimCLR.keras")
    ContrastiveBeatGAN(conv_generator(**size, latent=3), simclr).save(folder / "ContrastiveBeatGAN.keras")
    window = keras.Input((24, 1))
    keras.Model(window, Views([Gain()])(window)).save(folder / "Functional.keras")
    return folder


@pytest.mark.parametrize("imports", ["keras_sibeat, keras", "keras, keras_sibeat"])
def test_saved_models_load_in_safe_mode_after_either_import(saved, imports):
    files = sorted(saved.glob("*.keras"))
    code = f"import sys, {imports}\nfor file in sys.argv[1:]:\n"
    code += "    print(type(keras.saving.load_model(file, safe_mode=True)).__name__)"
    assert run(code, *files) == [file.stem for file in files]
