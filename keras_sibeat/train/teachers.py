"""Who teaches: a finished run, or the discriminator's own trunk."""

from pathlib import Path

import keras

from keras_sibeat.config import Config
from keras_sibeat.config.learning import Frskd
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.distribution import replicas
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.models.frskd import SelfTeacher, bifpn, trunk_maps
from keras_sibeat.train.fitting import load
from keras_sibeat.train.run import Run

SCORER, GENERATOR = "scorer.keras", "generator.keras"  # of what is saved, what teaches
# What both must share: a teacher of another split may have learnt from the student's test beats.
SAME = {
    "window": None,
    "wearer": {"waits"},
    "data": {"source", "annotator", "leads", "wearer"},
    "protocol": {
        *("name", "split_seed", "classes", "contamination", "normal", "all_beats"),
        *("train_records", "test_records"),
    },
}


def teacher_file(config: Config, folder: Path) -> Path | None:
    """The file of who teaches in a part's ``folder``, whether it is there or not; None where nobody does."""
    if config.student and config.student.distil:
        path = config.student.teacher
        return _saved(path, folder.name, SCORER) if path else folder / "teacher" / SCORER
    return _saved(config.distillation.teacher, folder.name, GENERATOR) if config.distillation else None


def _saved(path, part, file):
    return path if path.suffix == ".keras" else path / part / file


def find_teacher(path: Path, config: Config, part: str, file: str, sha256: str | None = None) -> Path:
    """The file that a teacher's run has saved as ``file`` in its ``part``, e.g. ``fold0-seed0``.

    Args:
        path: the teacher's run folder, or the path of a ``.keras`` file, in a run's folder or anywhere.
        config: the student's configuration, which must make beats, and split them, as the teacher's run does.
        sha256: of the student's data, which must be the teacher's; not compared without.

    Raises ``ConfigError`` or ``RunError`` for a teacher that is missing, not trained, or of other beats.
    """
    if path.suffix == ".keras":
        if not path.exists():
            raise ConfigError(f"{path}: no such file; expected a trained teacher.")
        folder = next((folder for folder in path.absolute().parents if (folder / "run.json").exists()), None)
        if folder:
            _check_same(folder, config, sha256)
        return path
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; expected the run of a trained teacher.")
    _check_same(path, config, sha256)
    saved = _saved(path, part, file)
    if not saved.exists():
        raise RunError(f"{saved}: no such file; expected a teacher that has finished training.")
    return saved


def _check_same(folder, config, sha256):
    """Raise ``ConfigError`` unless the run in ``folder`` makes and splits the same beats as ``config``."""
    run = Run(folder)
    for section, keys in SAME.items():
        found, expected = (
            values and values.model_dump(include=keys)
            for values in (getattr(run.config, section), getattr(config, section))
        )
        if found != expected:
            raise ConfigError(f"{folder}: found a teacher with {section} {found}; expected {expected}.")
    trained = run.about["data_sha256"]
    if sha256 and sha256 != trained:
        raise ConfigError(
            f"{folder}: found a teacher of data of SHA-256 {trained[:12]}…; expected {sha256[:12]}…."
        )


def check_teacher(config: Config, part: str, beats: BeatSet) -> None:
    """Raise ``ConfigError`` or ``RunError`` unless a configured teacher is there and takes such ``beats``.

    Args:
        part: name of the fold's and seed's folder, e.g. ``fold0-seed0``.
        beats: the training ``BeatSet``.
    """
    for section, file in ((config.student, SCORER), (config.distillation, GENERATOR)):
        if not (section and section.teacher):
            continue
        found = find_teacher(section.teacher, config, part, file, beats.sha256)
        teacher = load(found)
        inputs = beats.inputs if isinstance(beats.inputs, dict) else {"window": beats.inputs}
        expected = sorted((None, *values.shape[1:]) for values in inputs.values())
        shapes = sorted(tuple(entry.shape) for entry in teacher.inputs)
        if shapes != expected:
            raise ConfigError(f"{found}: found a teacher of inputs {shapes}; expected {expected}.")
        if (file == SCORER) != isinstance(teacher.output, dict):
            kind = "scorer of a contrastive run" if file == SCORER else "generator"
            raise ConfigError(f"{found}: found another kind of model; expected a {kind}.")


def build_self_teacher(discriminator: keras.Model, frskd: Frskd | None, seed: int) -> SelfTeacher | None:
    """The configured self-teacher of a discriminator's trunk, or None where none is configured."""
    if frskd is None:
        return None
    maps = trunk_maps(discriminator).outputs[len(discriminator.outputs) :]
    shapes = [tuple(features.shape[1:]) for features in maps]
    network = bifpn(shapes, frskd.width, seed, synchronized=replicas() > 1)
    return SelfTeacher(network, frskd.temperature, frskd.soft_weight, frskd.attention_weight)
