"""What a training begins with: the networks of a finished run, or of a preset, in place of random ones."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_sibeat.config import Config
from keras_sibeat.data.protocols import Fold
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.files import sha256
from keras_sibeat.models.outputs import student_outputs
from keras_sibeat.presets.loading import FOLDER, describe_preset, list_presets, load_preset
from keras_sibeat.train.fitting import load
from keras_sibeat.train.run import Run
from keras_sibeat.train.teachers import SAME

# What both runs must share: how windows are made, and the sizes of the networks.
WINDOWS = {"window": {"before", "after", "band", "order"}, "wearer": {"waits"}}
CONV = {"model": {"kind", "width", "depth", "latent"}, "contrastive": {"head", "units", "projection"}}
DENSE = {"model": {"kind", "units", "latent"}}
STUDENT = {"student": {"width", "depth", "units"}}
MODEL = "model.keras"  # a BeatGAN, contrastive or not


@dataclass(frozen=True)
class _Origin:
    """A finished run, or a preset, of which one part is begun with."""

    name: str
    config: Config
    data_sha256: str
    part: str
    student: Path | None  # file of its student, if it is one
    model: Path | None  # file of the BeatGAN, which a student's teacher is


def find_starts(config: Config, folder: Path, fold: Fold) -> dict[str, Path]:
    """The files of the networks that the training in a part's ``folder`` begins with.

    Returns a mapping of the stage's folder, ``.`` or a student's ``teacher``, to the file; empty where every
    network begins anew. A teacher begins anew where the start has none.

    Raises ``ConfigError`` or ``RunError`` for a start that is missing, not finished, or of networks or
    windows of another kind, and where the start may have learnt from beats that the ``fold`` tests.
    """
    if not config.start:
        return {}
    origin = _open(config.start.origin, folder.name, config.has_residuals)
    trains_teacher = config.student and config.student.distil and not config.student.teacher
    wanted = {".": origin.student if config.student else origin.model}
    if trains_teacher and origin.model:
        wanted["teacher"] = origin.model
    for stage, file in wanted.items():
        is_student = bool(config.student) and stage == "."
        if file is None:
            what = "student" if is_student else "BeatGAN"
            raise ConfigError(f"start.from: found no {what} in {origin.name}; expected one that has.")
        sizes = STUDENT if is_student else CONV if config.model.kind == "conv" else DENSE
        _check_sizes(origin, config, {**WINDOWS, **sizes})
        if not file.exists():
            raise RunError(f"{file}: no such file; expected a start that has finished training.")
        _check_inputs(file, fold.train.arrays if is_student else (fold.train.windows,))
    _check_split(origin, config, folder.name, fold)
    return {stage: file for stage, file in wanted.items() if file}


def begin(config: Config, file: Path | None, **networks: keras.Model) -> None:
    """Give the ``networks``, ``generator`` and ``discriminator`` or ``student``, the weights in the ``file``.

    A trunk that is to stay ``frozen`` is not trained from then on, nor do its statistics move. Without a
    ``file`` nothing happens.
    """
    if file is None:
        return
    model = load(file)
    for name, network in networks.items():
        known = model if name == "student" else getattr(model, name)
        target = network
        if len(known.outputs) < len(network.outputs):  # a student that does not say where: that begins anew
            target = keras.Model(network.input, student_outputs(network.outputs)["score"])
        target.set_weights(known.get_weights())
        if config.start.trunk == "frozen" and name != "generator":
            for layer in trunk(network).layers:
                layer.trainable = False


def trunk(network: keras.Model) -> keras.Model:
    """The part of a discriminator or of a student that makes a window's embedding, on the same variables.

    Without an embedding, as in a plain BeatGAN, it makes the features.

    >>> from keras_sibeat import student
    >>> trunk(student(width=3, units=4)).output.shape
    (None, 4)
    """
    names = {layer.name for layer in network.layers}
    end = "embedding" if "embedding" in names else "features"
    return keras.Model(network.get_layer("window").output, network.get_layer(end).output, name="trunk")


def describe_starts(starts: dict[str, dict[str, Path]]) -> dict[str, dict[str, str]]:
    """What ``run.json`` says of the ``find_starts`` of each part: path and SHA-256 of every file."""
    return {
        (Path(part) / stage).as_posix(): {"file": str(file), "sha256": sha256(file)}
        for part, files in starts.items()
        for stage, file in files.items()
    }


def _open(name, part, has_residuals):
    """The origin called ``name``, by the same fold and seed as ``part``, or else by its first one."""
    if Path(name).is_dir():
        run = Run(name)
        parts = {folder.name: folder for folder in run.parts().values()}
        folder = parts.get(part, next(iter(parts.values())))
        models = _models(run.config, folder, has_residuals)
        return _Origin(name, run.config, run.about["data_sha256"], folder.name, *models)
    if name not in list_presets():
        known = ", ".join(list_presets()) or "none, as none ships"
        raise ConfigError(f"start.from: found no run and no preset {name!r} (presets are: {known}).")
    about: dict[str, Any] = describe_preset(name)
    load_preset(name)  # whole, or an error
    config = Config.model_validate(about["config"])
    return _Origin(name, config, about["data_sha256"], about["part"], FOLDER / f"{name}.keras", None)


def _models(config, folder, has_residuals):
    """The files of the student and of the BeatGAN that were trained in a part's ``folder``, or None."""
    if not config.student:
        return None, folder / MODEL
    whole, teacher = folder / "residuals.keras", folder / "teacher" / MODEL
    student = whole if has_residuals and whole.exists() else folder / "student.keras"
    return student, teacher if teacher.exists() else None


def _check_split(origin, config, part, fold):
    """Raise ``ConfigError`` where both runs are of the same data, but of other splits or folds of it."""
    if origin.data_sha256 != fold.train.sha256:
        return
    splits = [each.protocol.model_dump(include=SAME["protocol"]) for each in (origin.config, config)]
    folds = [each.split("-")[0] for each in (origin.part, part)]
    if splits[0] != splits[1] or folds[0] != folds[1]:
        raise ConfigError(
            f"start.from: found {origin.name}, of the same data but another split or fold; expected the "
            "same ones, as it may have learnt from beats that are tested here."
        )


def _check_sizes(origin, config, sizes):
    differing = {}
    for section, keys in sizes.items():
        wanted, given = (getattr(each, section) for each in (origin.config, config))
        if (wanted is None) != (given is None):
            found, expected = ("none", "one") if given is None else ("one", "none")
            raise ConfigError(f"[{section}]: found {found}; expected {expected}, as in {origin.name}.")
        pairs = {key: (getattr(given, key), getattr(wanted, key)) for key in sorted(keys)} if given else {}
        differing |= {f"{section}.{key}": pair for key, pair in pairs.items() if pair[0] != pair[1]}
    if differing:
        found = ", ".join(f"{key} = {json.dumps(given)}" for key, (given, _) in differing.items())
        expected = ", ".join(json.dumps(wanted) for _, wanted in differing.values())
        raise ConfigError(f"start.from: found {found}; expected {expected}, as in {origin.name}.")


def _check_inputs(file, arrays):
    model = load(file)
    inputs = (model.generator if file.name == MODEL else model).inputs
    found, expected = (sorted((None, *each.shape[1:]) for each in kind) for kind in (inputs, arrays))
    if found != expected:
        raise ConfigError(f"{file}: found a model of inputs {found}; expected {expected}.")
