"""Makes a preset of a run, and opens one with the beats that it was trained on."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from keras_sibeat.config import Config
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, DataError, RunError
from keras_sibeat.files import sha256, whole_file, write_json
from keras_sibeat.models.saving import make_portable
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.presets.card import render_card
from keras_sibeat.presets.loading import FOLDER, describe_preset, load_preset
from keras_sibeat.train.run import Run

LARGEST = 500_000  # bytes


def preset_config(name: str, data: Path | str | None = None, folder: Path = FOLDER) -> Config:
    """The configuration that a preset was trained with, its data in the folder ``data``."""
    config = Config.model_validate(describe_preset(name, folder)["config"])
    moved = config.data.model_copy(update={"folder": data and Path(data)})
    return config.model_copy(update={"data": moved})


def open_preset(
    name: str, data: Path | str | None = None, folder: Path = FOLDER
) -> tuple[keras.Model, Config, Fold]:
    """A preset's model, its configuration and the fold it was trained on, read from the folder ``data``.

    Raises ``ConfigError`` for an unknown preset or no data, and ``DataError`` for other data.
    """
    config, trained_on = preset_config(name, data, folder), describe_preset(name, folder)["data_sha256"]
    if config.data.source != "simulator" and data is None:
        raise ConfigError(f"Preset {name}: found no data folder; expected --data DIR.")
    fold = load_folds(config)[config.protocol.folds[0]]
    if fold.train.sha256 != trained_on:
        raise DataError(
            f"Preset {name}: found data of SHA-256 {fold.train.sha256[:12]}…, expected that it was "
            f"trained on, {trained_on[:12]}…."
        )
    return load_preset(name, folder), config, fold


def make_preset(run: Run, name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Make a preset of the first fold and seed of a finished student's ``run``; returns what describes it.

    Raises ``RunError`` for another kind of run, one that is not finished, or a model of 500 kB and more.
    """
    part = next(iter(run.parts().values()))
    if not run.config.student or not (part / "metrics.json").exists():
        raise RunError(f"{run.folder}: expected the finished run of a student.")
    if not run.config.student.distil:
        raise RunError(f"{run.folder}: found a student without a teacher; expected a distilled one.")
    model = part / "student.keras"
    if model.stat().st_size >= LARGEST:
        raise RunError(f"{model}: found {model.stat().st_size} bytes, expected less than {LARGEST}.")
    with whole_file(Path(folder) / f"{name}.keras") as partial:
        shutil.copyfile(model, partial)
        make_portable(partial)  # of a run of an older version; a present one's is so already
        network = keras.saving.load_model(partial)
        about = {
            "name": name,
            "part": part.name,
            "model_sha256": sha256(partial),
            "student_sha256": sha256(model),  # by which results name it
            "model": {
                "parameters": count_parameters(network),
                "multiply_adds": count_multiply_adds(network),
                "bytes": partial.stat().st_size,
            },
            "metrics": json.loads((part / "metrics.json").read_text(encoding="utf-8")),
            "config": run.config.describe(),
            **{key: run.about[key] for key in ("command", "data_sha256", "versions", "commit")},
            **{key: run.about[key] for key in ("started_from",) if key in run.about},
        }
        render_card(about)  # before anything is written: it raises where a figure is missing
    write_about(about, folder)
    return about


def write_about(about: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Write the card and the JSON of what describes a preset.

    The JSON comes last, as it makes the other files a preset.
    """
    folder, name, card = Path(folder), about["name"], render_card(about)
    with whole_file(folder / f"{name}.md") as partial:
        partial.write_text(card, encoding="utf-8")
    write_json(folder / f"{name}.json", about)
