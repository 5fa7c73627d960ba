"""Trained students that ship with the package."""

import json
from pathlib import Path
from typing import Any

import keras

from keras_sibeat.config.wording import did_you_mean
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.files import sha256

FOLDER = Path(__file__).parent


def list_presets(folder: Path = FOLDER) -> list[str]:
    """Names of the presets that ship."""
    return sorted(file.stem for file in Path(folder).glob("*.json"))


def describe_preset(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What is known of a preset: configuration, metrics, checksums. Raises ``ConfigError`` for no such."""
    if name not in list_presets(folder):
        known = ", ".join(list_presets(folder)) or "none, as none ships"
        hint = did_you_mean(name, list_presets(folder))
        raise ConfigError(f"Preset {name!r}: no such; expected one of {known}{hint}.")
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))


def load_preset(name: str, folder: Path = FOLDER) -> keras.Model:
    """The preset's Keras model: beats ``(batch, length, leads)`` → score ``(batch, 1)``.

    Raises ``ConfigError`` for a name that no preset has, and ``RunError`` for a file that was changed.
    """
    about, file = describe_preset(name, folder), Path(folder) / f"{name}.keras"
    found = sha256(file) if file.exists() else "no file"
    if found != about["model_sha256"]:
        raise RunError(f"{file}: found SHA-256 {found}, expected {about['model_sha256']}.")
    return keras.saving.load_model(file, safe_mode=True)
