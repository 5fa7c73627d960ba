"""JSON files of any program: arrays by their names, or a list with an object a sample."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling
from sibeat_edge.reading.datasets.named import Named
from sibeat_edge.reading.datasets.signals import find_signal

MOST = 64 * 2**20  # bytes of a file, which is parsed as a whole
DEEPEST = 8  # objects within one another


def read_json(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of the signal among the lists of numbers in a JSON file, as ``find_signal`` has it.

    A list of objects is a table of their values. So Polar's and Health Auto Export's files are read, and
    tables of pandas.

    Args:
        path: of the file.
        rate: Hz, if the file states none; may be None.

    Raises ``RecordError`` for what is no JSON, or without a signal.
    """
    checked_size(path, MOST)
    with telling(path, "JSON"):
        content = json.loads(path.read_bytes())
    named = Named()
    with telling(path, "lists of numbers"):
        _add(named, "", content, path, 0)
    return find_signal(path, named, rate, {})


def _add(named: Named, name: str, value: Any, path: Path, depth: int) -> None:
    if depth > DEEPEST:
        raise RecordError(f"{path}: found more than {DEEPEST} objects within one another; expected fewer.")
    if isinstance(value, dict):
        if _are_numbers(list(value.values())) and list(value) == [str(n) for n in range(len(value))]:
            value = list(value.values())  # a column as pandas writes it
        else:
            for key, part in value.items():
                _add(named, f"{name}/{key}", part, path, depth + 1)
            return
    if not isinstance(value, list):
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            named.add(name, value)
    elif _are_numbers(value) or (value and all(isinstance(row, list) and _are_numbers(row) for row in value)):
        named.add(name, np.array(value, np.float64))
    elif all(isinstance(row, dict) for row in value):
        keys = dict.fromkeys(key for row in value for key in row)
        for key in keys:
            column = [row.get(key) for row in value]
            _add(named, f"{name}/{key}", column if len(value) > 1 else column[0], path, depth + 1)
    elif all(isinstance(word, str) for word in value):
        _add_words(named, name, value)


def _add_words(named, name, words):
    """Add dates with times of day, a word that is the same in all places, or some words."""
    try:
        named.add(name, np.array([word.removesuffix("Z") for word in words], "M8[ns]"))
    except ValueError:
        named.add(name, words[0] if len(set(words)) == 1 else np.array(words))


def _are_numbers(values):
    return bool(values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )
