"""Arguments that several commands have: what is scored of a recording, and numbers within limits."""

import argparse
import math


def add_scored(parser: argparse.ArgumentParser, rate: str) -> None:
    """Add the options on the model, and on the lead, rate and unit of a recording; ``rate`` is a help."""
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a preset, mitdb-wearer (default) or mitdb-beat, or a .tflite file",
    )
    parser.add_argument(
        "--lead",
        action="append",
        metavar="NAME",
        help="score this lead instead of the one that the model was trained on; repeat for several leads; "
        '"first" is the first one, whatever its name',
    )
    parser.add_argument("--rate", type=positive, metavar="HZ", help=rate)
    parser.add_argument(
        "--unit",
        metavar="UNIT",
        help="of leads whose unit the file does not state: mV (default), uV, V, 200/mV",
    )


def finite(text: str) -> float:
    """A number; raises ``ValueError`` for any other text, as all of these do."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def positive(text: str) -> float:
    """A number above 0."""
    value = finite(text)
    if value <= 0:
        raise ValueError
    return value


def count(text: str) -> int:
    """A whole number, 0 or more."""
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def jobs(text: str) -> int:
    """A whole number, 1 or more."""
    value = count(text)
    if value == 0:
        raise ValueError
    return value
