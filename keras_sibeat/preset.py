"""Trained students that ship with the package; ``python -m keras_sibeat.preset RUN NAME`` makes one."""

import argparse
import json
import shutil
import sys
from pathlib import Path

import keras

from keras_sibeat.card import render_card
from keras_sibeat.config import Config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, DataError, RunError, command
from keras_sibeat.files import sha256, whole_file, write_json
from keras_sibeat.run import Run
from keras_sibeat.scoring import count_multiply_adds, count_parameters

FOLDER = Path(__file__).parent / "presets"
LARGEST = 500_000  # bytes


def list_presets(folder=FOLDER):
    """Names of the presets that ship."""
    return sorted(file.stem for file in Path(folder).glob("*.json"))


def describe_preset(name, folder=FOLDER):
    """What is known of a preset: configuration, metrics, checksums. Raises ``ConfigError`` for no such."""
    if name not in list_presets(folder):
        known = ", ".join(list_presets(folder)) or "none, as none ships"
        raise ConfigError(f"Preset {name!r}: no such; expected one of {known}.")
    return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))


def load_preset(name, folder=FOLDER):
    """The preset's Keras model: beats ``(batch, length, leads)`` → score ``(batch, 1)``.

    Raises ``ConfigError`` for a name that no preset has, and ``RunError`` for a file that was changed.
    """
    about, file = describe_preset(name, folder), Path(folder) / f"{name}.keras"
    found = sha256(file) if file.exists() else "no file"
    if found != about["model_sha256"]:
        raise RunError(f"{file}: found SHA-256 {found}, expected {about['model_sha256']}.")
    return keras.saving.load_model(file, safe_mode=True)


def preset_config(name, data=None, folder=FOLDER):
    """The configuration that a preset was trained with, its data in the folder ``data``."""
    config = Config.model_validate(describe_preset(name, folder)["config"])
    moved = config.data.model_copy(update={"folder": data and Path(data)})
    return config.model_copy(update={"data": moved})


def open_preset(name, data=None, folder=FOLDER):
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


def make_preset(run, name, folder=FOLDER):
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
    network = keras.saving.load_model(model)
    about = {
        "name": name,
        "part": part.name,
        "model_sha256": sha256(model),
        "model": {
            "parameters": count_parameters(network),
            "multiply_adds": count_multiply_adds(network),
            "bytes": model.stat().st_size,
        },
        "metrics": json.loads((part / "metrics.json").read_text(encoding="utf-8")),
        "config": run.config.describe(),
        **{key: run.about[key] for key in ("command", "data_sha256", "versions", "commit")},
    }
    card = render_card(about)
    with whole_file(Path(folder) / f"{name}.keras") as partial:
        shutil.copyfile(model, partial)
    with whole_file(Path(folder) / f"{name}.md") as partial:
        partial.write_text(card, encoding="utf-8")
    write_json(Path(folder) / f"{name}.json", about)  # last: it makes the others a preset
    return about


@command
def main(arguments=None):
    """Parse the command line, make the preset, say what was made."""
    parser = argparse.ArgumentParser(prog="python -m keras_sibeat.preset", description="Make a preset.")
    parser.add_argument("run", type=Path, help="the folder of a student's finished run")
    parser.add_argument("name", help="of the preset")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the package's presets by default")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    about = make_preset(Run(options.run), options.name, options.folder)
    size, auc = about["model"]["bytes"], about["metrics"]["auc"]
    print(f"{options.folder / options.name}.keras: {size} bytes, AUC {auc:.4f}")


if __name__ == "__main__":
    main()
