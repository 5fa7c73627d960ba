"""What the commands' lines have in common: how they are parsed, and what a user sees while they run."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import keras_sibeat
from keras_sibeat.config.chatter import silence_tensorflow

if TYPE_CHECKING:
    from rich.console import Console


def parser(module: str, description: str, example: str) -> argparse.ArgumentParser:
    """An ``ArgumentParser`` of the command ``python -m MODULE``, with ``--version`` and an example.

    A command that has one is quiet: from here on TensorFlow's start-up messages are hidden.
    """
    silence_tensorflow()
    command = f"python -m {module}"
    made = argparse.ArgumentParser(
        prog=command,
        description=description,
        epilog=f"example: {command} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"keras_sibeat {keras_sibeat.__version__}")
    return made


def add_data(made: argparse.ArgumentParser) -> None:
    """The option ``--data``: where a local copy of the data lies."""
    made.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")


def add_report(made: argparse.ArgumentParser) -> None:
    """The option ``--report``: where results go."""
    made.add_argument("--report", type=Path, metavar="DIR", help="write JSON here and RESULTS.md beside it")


def log_to(console: "Console") -> None:
    """Show on the console what is logged while a model trains."""
    from rich.logging import RichHandler

    handler = RichHandler(console=console, show_time=False, show_path=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
