"""Trains all folds and seeds of a configuration."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from keras_sibeat.config import Config
from keras_sibeat.data.sources import load_folds, load_unlabelled
from keras_sibeat.distribution import is_chief, open_strategy
from keras_sibeat.train.beatgan import train_beatgan
from keras_sibeat.train.contrastive import check_contrastive, train_contrastive
from keras_sibeat.train.progress import EpochProgress
from keras_sibeat.train.provenance import check_recorded
from keras_sibeat.train.run import Run, part_folders
from keras_sibeat.train.starting import describe_starts, find_starts
from keras_sibeat.train.student import train_student
from keras_sibeat.train.teachers import check_teacher, teacher_file


def train(
    config: Config, folder: Path, command_line: Sequence[str] = (), console: Console | None = None
) -> Run | None:
    """Train every configured fold and seed in the run's ``folder``, going on where it stopped.

    Returns the ``Run``; a cluster's other workers, which write no files, return None.

    Raises ``DataError``, ``ConfigError`` or ``RunError`` before training.
    """
    console = console or Console()
    strategy = open_strategy(config.distribute.strategy)
    folds = load_folds(config)
    parts = part_folders(folder, config)
    starts = {part.name: find_starts(config, part, folds[number]) for (number, _), part in parts.items()}
    if not is_chief():
        _train_parts(config, folds, parts, strategy, console, starts)
        return None
    first = next(iter(folds.values()))
    for note in first.train.notes:
        console.print(note, style="dim", highlight=False)
    if config.contrastive:
        check_contrastive(config, first.train)
    if config.student and config.student.unlabelled:
        load_unlabelled(config, config.student.unlabelled)
    for part in parts.values():
        check_teacher(config, part.name, first.train)
        teacher = teacher_file(config, part)
        if teacher and teacher.exists():
            check_recorded(part, teacher)
    run = Run.open(folder, config, folds, command_line, describe_starts(starts))
    with run.locked():
        _train_parts(config, folds, run.parts(), strategy, console, starts)
    return run


def _train_parts(config, folds, parts, strategy, console, starts):
    stage = train_student if config.student else train_contrastive if config.contrastive else train_beatgan
    for (number, seed), part in parts.items():
        fold = folds[number]
        counts = " / ".join(str(len(beats)) for beats in (fold.train, fold.validation, fold.test))
        console.print(
            f"[bold]{config.name}[/] fold {number}, seed {seed}: {counts} train / validation / test"
        )
        stage(config, fold, seed, part, [EpochProgress(console)], strategy, starts[part.name])
