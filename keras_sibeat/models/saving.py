"""Saved models that load wherever Keras 3 does: they carry no more than a trained model needs."""

import importlib
import inspect
import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from sibeat_edge.files import whole_file

CONFIG = "config.json"  # in a .keras file
INITIALIZER = "_initializer"  # ends the name of a setting that a trained layer has no use for


def save_portable(model: keras.Model, file: str | Path) -> None:
    """Save a trained model for others, whole or not at all: ``model.save`` and then ``make_portable``.

    >>> import tempfile
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_portable(model, f"{folder}/model.keras")
    ...     keras.saving.load_model(f"{folder}/model.keras").output_shape
    (None, 2)
    """
    with whole_file(file) as partial:
        model.save(partial)
        make_portable(partial)


def make_portable(file: str | Path) -> None:
    """Rewrite a ``.keras`` file so that an older Keras 3 loads it, too; the weights stay byte for byte.

    Keras writes every setting of every layer, and each release knows settings that the one before refuses.
    Of Keras' own objects this leaves out what changes nothing: initialisers, and what is None or False by
    default and so here, as in a release that does not know it. Objects of others keep all of theirs.

    Raises ``zipfile.BadZipFile`` or ``KeyError`` for a file that Keras has not saved.

    >>> import tempfile
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.keras")
    ...     make_portable(f"{folder}/model.keras")
    ...     with zipfile.ZipFile(f"{folder}/model.keras") as archive:
    ...         config = json.loads(archive.read("config.json"))["config"]
    >>> "kernel_initializer" in config["layers"][1]["config"]
    False
    """
    with whole_file(file) as partial:
        with zipfile.ZipFile(file) as found, zipfile.ZipFile(partial, "w") as made:
            found.getinfo(CONFIG)
            for entry in found.infolist():
                content = found.read(entry)
                if entry.filename == CONFIG:
                    content = json.dumps(_portable(json.loads(content))).encode()
                made.writestr(entry, content)


def _portable(value: Any) -> Any:
    """A part of a model's configuration, as Keras serialises it, without what changes nothing."""
    if isinstance(value, list):
        return [_portable(part) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":  # the name alone is known from Keras 3.0 on
        return value["config"]["name"]
    value = {key: _portable(part) for key, part in value.items()}
    if isinstance(value.get("config"), dict):
        idle = _idle(value["config"], _defaults(value.get("module"), value.get("class_name")))
        value["config"] = {key: part for key, part in value["config"].items() if key not in idle}
    return value


def _idle(config, defaults):
    """The settings in an object's ``config`` that change nothing, given the ``defaults`` of its class."""
    off = {key for key in config if key in defaults and _is_off(config[key]) and _is_off(defaults[key])}
    # With ``renorm`` off, ``renorm_momentum`` says nothing, either.
    details = {key for key in config for other in off if key in defaults and key.startswith(f"{other}_")}
    return off | details | {key for key in config if key in defaults and key.endswith(INITIALIZER)}


def _defaults(module, name):
    """The arguments of a class of Keras' own that have a default; none of another's."""
    if module != "keras" and not str(module).startswith("keras."):
        return {}
    parameters = inspect.signature(getattr(importlib.import_module(module), name)).parameters
    return {key: p.default for key, p in parameters.items() if p.default is not inspect.Parameter.empty}


def _is_off(setting):
    return setting is None or setting is False
