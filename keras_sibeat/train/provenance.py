"""Which models a run depends on, each by the SHA-256 of its file, so that a retrained teacher is noticed."""

import json
from pathlib import Path

from keras_sibeat.config import Config
from keras_sibeat.distribution import is_chief
from keras_sibeat.errors import RunError
from keras_sibeat.files import sha256, write_json
from keras_sibeat.train.run import Run
from keras_sibeat.train.teachers import teacher_file

RECORD = "teacher.json"  # in the folder of one fold and seed: which file taught there


def record_teacher(folder: Path, teacher: Path) -> None:
    """Record in a part's ``folder`` who teaches there, unless it is known already: then compare.

    Raises ``RunError`` where training began with another teacher.
    """
    check_recorded(folder, teacher)
    if is_chief() and not (folder / RECORD).exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / RECORD, {"file": str(teacher), "sha256": sha256(teacher)})


def check_recorded(folder: Path, teacher: Path) -> None:
    """Raise ``RunError`` where the ``teacher`` is another than the one recorded in a part's ``folder``.

    A run from before teachers were recorded has nothing to compare with.
    """
    recorded = _recorded(folder)
    if recorded is None:
        return
    found = sha256(teacher)
    if found != recorded:
        raise RunError(
            f"{teacher}: found a teacher of SHA-256 {found}; expected {recorded}, which taught in {folder} "
            "(a student of another teacher needs a run folder of its own)."
        )


def depends_on(run: Run, selection: str | None = None) -> dict[str, str]:
    """SHA-256 of every model that an evaluation of the ``run`` depends on, by the file's name.

    Args:
        run: a finished run.
        selection: of a plain BeatGAN's epoch, ``label_free`` or ``labelled``; the run's own by default.

    Returns for each fold and seed the model that is measured, e.g. ``fold0-seed0/student.keras``, and its
    teacher: in the run's folder ``fold0-seed0/teacher/scorer.keras``, else under the path that is configured.

    Raises ``RunError`` for a model that is missing, or a teacher that is not the one that taught.
    """
    config, found = run.config, {}
    for part in run.parts().values():
        measured = part / _measured(config, selection or config.protocol.selection)
        if not measured.exists():
            raise RunError(f"{measured}: no such file; expected a finished run.")
        found[_name(run, measured)] = sha256(measured)
        teacher = teacher_file(config, part)
        if teacher is None:
            continue
        if teacher.exists():
            check_recorded(part, teacher)
        digest = _recorded(part) or (sha256(teacher) if teacher.exists() else None)
        if digest is None:
            raise RunError(f"{teacher}: no such file; expected the teacher of {part}.")
        found[_name(run, teacher)] = digest
    return found


def _measured(config: Config, selection: str) -> str:
    if config.student:
        return "student.keras"
    return "scorer.keras" if config.contrastive else f"{selection}.keras"


def _name(run, file):
    return file.relative_to(run.folder).as_posix() if file.is_relative_to(run.folder) else str(file)


def _recorded(folder):
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))["sha256"]
    except FileNotFoundError:
        return None
