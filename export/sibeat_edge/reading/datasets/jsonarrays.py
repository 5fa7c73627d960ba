"""JSON files of any program: arrays by their names, or a list with an object a sample."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling
from sibeat_edge.reading.datasets.named import SHORTEST, Named
from sibeat_edge.reading.datasets.signals import find_signal

MOST = 64 * 2**20  # bytes of a file, which is parsed as a whole
DEEPEST = 8  # objects within one another
INDEX = re.compile(r"\d+(\.\d*)?$|\d{4}-\d\d-\d\d[T ]")  # a row's name in a table of pandas


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
        content = _parsed(path.read_bytes())
    named = Named()
    with telling(path, "lists of numbers"):
        _add(named, "", content, path, 0)
    return find_signal(path, named, rate, {})


def _parsed(content):
    """The content of a file, or a list of what stands in its lines."""
    text = content.decode(json.detect_encoding(content))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _add(named: Named, name: str, value: Any, path: Path, depth: int) -> None:
    if depth > DEEPEST:
        raise RecordError(f"{path}: found more than {DEEPEST} objects within one another; expected fewer.")
    if isinstance(value, dict):
        if len(value) >= SHORTEST and all(map(INDEX.match, value)) and _are_numbers(list(value.values())):
            _add_index(named, f"{name.rpartition('/')[0]}/index", list(value))
            value = list(value.values())  # a column as pandas writes it
        elif "value" in value and set(value) <= {"value", "unit", "units"}:
            value = value["value"]
        elif len(value) >= SHORTEST and all(map(INDEX.match, value)) and _are_objects(value.values()):
            _add_index(named, f"{name}/index", list(value))
            value = list(value.values())
        else:
            for key, part in value.items():
                _add(named, f"{name}/{key}", part, path, depth + 1)
            return
    if not isinstance(value, list):
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            named.add(name, value)
    elif _are_numbers(value) or (value and all(isinstance(row, list) and _are_numbers(row) for row in value)):
        named.add(name, np.array(value, np.float64))
    elif _are_objects(value):
        keys = dict.fromkeys(key for row in value for key in row)
        for key in keys:
            column = [row.get(key) for row in value]
            _add(named, f"{name}/{key}", column if len(value) > 1 else column[0], path, depth + 1)
    elif all(isinstance(word, str) for word in value):
        _add_words(named, name, value)


def _add_index(named, name, keys):
    """Add the index of a table: dates, or numbers of its rows, which tell what is left out."""
    if keys != [str(n) for n in range(len(keys))]:
        _add_words(named, name, keys)


def _add_words(named, name, words):
    """Add numbers, dates with times of day, a word that is the same in all places, or some words."""
    try:
        named.add(name, np.array(words).astype(np.float64))
        return
    except ValueError:
        pass
    try:
        named.add(name, np.array([word.removesuffix("Z") for word in words], "M8[ns]"))
    except ValueError:
        named.add(name, words[0] if len(set(words)) == 1 else np.array(words))


def _are_objects(rows):
    return all(isinstance(row, dict) for row in rows)


def _are_numbers(values):
    return bool(values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )
