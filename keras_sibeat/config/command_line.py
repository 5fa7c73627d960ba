"""What the commands' lines have in common: how they are parsed, and what a user sees while they run."""

import argparse
import logging
from pathlib import Path

import keras_sibeat


def parser(module, description, example):
    """An ``ArgumentParser`` of the command ``python -m MODULE``, with ``--version`` and an example."""
    command = f"python -m {module}"
    made = argparse.ArgumentParser(
        prog=command,
        description=description,
        epilog=f"example: {command} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"keras_sibeat {keras_sibeat.__version__}")
    return made


def add_data(made):
    """The option ``--data``: where a local copy of the data lies."""
    made.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")


def add_report(made):
    """The option ``--report``: where results go."""
    made.add_argument("--report", type=Path, metavar="DIR", help="write JSON here and RESULTS.md beside it")


def log_to(console):
    """Show what is logged while a model trains on the ``console``, a ``rich`` one."""
    from rich.logging import RichHandler

    handler = RichHandler(console=console)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
