"""``python -m keras_sibeat.train [CONFIG.toml] [--set key=value …] [--data DIR] [--run DIR]``."""

import argparse
import logging
import sys
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds, load_unlabelled
from keras_sibeat.distribution import is_chief, open_strategy
from keras_sibeat.errors import command
from keras_sibeat.evaluate import print_results
from keras_sibeat.evaluation import evaluate, result_name
from keras_sibeat.progress import EpochProgress
from keras_sibeat.run import Run, part_folders
from keras_sibeat.stages.beatgan import train_beatgan
from keras_sibeat.stages.contrastive import check_contrastive, train_contrastive
from keras_sibeat.stages.student import train_student
from keras_sibeat.stages.teachers import check_teacher


def train(config, folder, command_line=(), console=None):
    """Train every configured fold and seed in the run's ``folder``, going on where it stopped, and evaluate.

    Returns ``evaluate``'s result; a cluster's other workers, which write no files, return None. Raises
    ``DataError``, ``ConfigError`` or ``RunError`` before training.
    """
    console = console or Console()
    strategy = open_strategy(config.distribute.strategy)
    folds = load_folds(config)
    if not is_chief():
        _train_parts(config, folds, part_folders(folder, config), strategy, console)
        return None
    first = next(iter(folds.values()))
    for note in first.train.notes:
        console.print(note, style="dim", highlight=False)
    if config.contrastive:
        check_contrastive(config, first.train.windows)
    if config.student and config.student.unlabelled:
        load_unlabelled(config, config.student.unlabelled)
    for part in part_folders(folder, config).values():
        check_teacher(config, part.name, first.train)
    run = Run.open(folder, config, folds, command_line)
    with run.locked():
        _train_parts(config, folds, run.parts(), strategy, console)
        result = evaluate(run, folds)
    print_results(console, {result_name(config): result})
    return result


def _train_parts(config, folds, parts, strategy, console):
    stage = train_student if config.student else train_contrastive if config.contrastive else train_beatgan
    for (number, seed), part in parts.items():
        fold = folds[number]
        counts = " / ".join(str(len(beats)) for beats in (fold.train, fold.validation, fold.test))
        console.print(
            f"[bold]{config.name}[/] fold {number}, seed {seed}: {counts} train / validation / test"
        )
        stage(config, fold, seed, part, [EpochProgress(console)], strategy)


@command
def main(arguments=None):
    """Parse the command line, train, print."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m keras_sibeat.train", description=train.__doc__.splitlines()[0]
    )
    parser.add_argument("config", nargs="?", type=Path, help="TOML file; without one, the quickstart")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. train.epochs=30"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--run", type=Path, metavar="DIR", help="the run's folder; runs/NAME by default")
    options = parser.parse_args(arguments)
    console = Console()
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console)])
    config = read_config(options.config, options.set, options.data)
    folder = options.run or Path("runs") / config.name
    train(config, folder, ("python", "-m", "keras_sibeat.train", *arguments), console)


if __name__ == "__main__":
    main()
