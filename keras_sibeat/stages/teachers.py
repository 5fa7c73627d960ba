"""Who teaches: a finished run, or the discriminator's own trunk."""

from keras_sibeat.distribution import replicas
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.models.frskd import SelfTeacher, bifpn, trunk_maps
from keras_sibeat.run import Run

SCORER, GENERATOR = "scorer.keras", "generator.keras"  # of what is saved, what teaches
SPLIT = ("name", "split_seed", "classes", "contamination", "normal", "train_records", "test_records")
# What both must share: a teacher of another split may have learnt from the student's test beats.
SAME = {"window": None, "data": {"leads"}, "protocol": set(SPLIT)}


def find_teacher(path, config, part, file):
    """The file that a teacher's run has saved as ``file`` in its ``part``, e.g. ``fold0-seed0``.

    Args:
        path: the teacher's run folder, or the path of a ``.keras`` file.
        config: the student's configuration, which must make beats, and split them, as the teacher's does.

    Raises ``ConfigError`` or ``RunError`` for a teacher that is missing, not trained, or of other beats.
    """
    if path.suffix == ".keras":
        if not path.exists():
            raise ConfigError(f"{path}: no such file; expected a trained teacher.")
        return path
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; expected the run of a trained teacher.")
    run = Run(path)
    for section, keys in SAME.items():
        theirs, ours = (getattr(c, section).model_dump(include=keys) for c in (run.config, config))
        if theirs != ours:
            raise ConfigError(f"{path}: found a teacher with {section} {theirs}; expected {ours}.")
    saved = path / part / file
    if not saved.exists():
        raise RunError(f"{saved}: no such file; expected a teacher that has finished training.")
    return saved


def check_teacher(config, part):
    """Raise ``ConfigError`` or ``RunError``, as ``find_teacher``, unless a configured teacher is there."""
    if config.student and config.student.distil and config.student.teacher:
        find_teacher(config.student.teacher, config, part, SCORER)
    if config.distillation:
        find_teacher(config.distillation.teacher, config, part, GENERATOR)


def build_self_teacher(discriminator, frskd, seed):
    """The configured self-teacher of a discriminator's trunk, or None where none is configured."""
    if frskd is None:
        return None
    maps = trunk_maps(discriminator).outputs[len(discriminator.outputs) :]
    shapes = [tuple(features.shape[1:]) for features in maps]
    network = bifpn(shapes, frskd.width, seed, synchronized=replicas() > 1)
    return SelfTeacher(network, frskd.temperature, frskd.soft_weight, frskd.attention_weight)
