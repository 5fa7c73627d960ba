"""The named arrays and texts of a file, and what their names say."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sibeat_edge.reading.arrays import NUMBERS
from sibeat_edge.reading.encoding import decode
from sibeat_edge.reading.headings import clock_unit
from sibeat_edge.reading.text.numbers import NoNumber
from sibeat_edge.reading.text.stamps import Stamps

# Of several rates the first is taken: a frequency may be that of mains, and a rate that of the heart.
RATES = (
    ("fsecg", "ecgfs", "ecgrate", "ecgsamplingrate", "fs", "samplingrate", "samplerate", "samplingfrequency")
    + ("samplefrequency", "sfreq", "srate", "hz", "freq", "frequency", "rate")
)  # fmt: skip
SHORTEST = 8  # values, below which an array holds no signal
MOST_STAMPS = 5_000_000
CONTRADICTS = 0.01  # share of a rate that a clock may differ by


@dataclass
class Named:
    """What a file holds, by name.

    Attributes:
        arrays: of numbers, in memory or in the file; of them, slices are read.
        texts: of one or more words.
        dated: names of the arrays that were dates or times of day, and are ns now, whatever their name says.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    dated: set[str] = field(default_factory=set)

    def add(self, name: str, value: Any) -> None:
        """Add a value under its ``name``: an array of numbers or words, or a number or a word."""
        if isinstance(value, (str, bytes)):
            self.texts[name] = [_text(value)]
            return
        shape, kind = getattr(value, "shape", None), getattr(getattr(value, "dtype", None), "kind", "")
        if shape is None:
            value = np.asarray(value)
            shape, kind = value.shape, value.dtype.kind
        if kind in ("m", "M"):  # times of NumPy, which count ns
            self.arrays[name] = value.astype(f"{kind}8[ns]").view("i8")
            self.dated.add(name)
        elif kind in NUMBERS:
            self.arrays[name] = value
        elif kind in ("S", "U", "O") and are_stamps(name, value):
            self.add_texts(name, _words(value))
        elif kind in "USO" and int(np.prod(shape)) <= 1000:
            self.texts[name] = _words(value)

    def add_texts(self, name: str, words: list[str]) -> None:
        """Add texts, those of a clock as its times: times of day, with dates or without, or numbers."""
        for tick in (None, 1.0) if are_stamps(name, np.empty(len(words))) else ():
            try:
                times = Stamps(tick).of_words(words)
            except NoNumber:
                continue
            self.add(name, times if tick else np.rint(1e9 * times).astype("m8[ns]"))
            return
        self.texts[name] = words[:1000]


def are_stamps(name: str, array: Any) -> bool:
    """Whether an array of texts may be a clock, by its name and its size."""
    return unit_of_clock(name) is not None and SHORTEST <= length(array) <= MOST_STAMPS


def _words(array):
    return [_text(word) for word in np.ravel(array[()]) if isinstance(word, (str, bytes))]


def _text(word):
    """A text that may be bytes, or of bytes that h5py could not read."""
    return decode(word if isinstance(word, bytes) else word.encode("utf-8", "surrogateescape"))


def plain_key(name: str) -> str:
    """The last part of a name, without case and separators.

    >>> plain_key("record/Sampling_Rate")
    'samplingrate'
    """
    return re.sub(r"[\W_]+", "", name.rpartition("/")[2].casefold())


def parts_of(name: str) -> list[str]:
    """The groups that hold an array, and its own name.

    >>> parts_of("/ecg/fs")
    ['ecg', 'fs']
    """
    return [part for part in name.split("/") if part] or [""]


def nearest(names: Collection[str], signal: str, others: Collection[str]) -> list[str]:
    """The names, those of the signal's own group first; without those in a group of other signals alone.

    Args:
        names: of rates, units, …
        signal: name of the array that they may belong to.
        others: names of the other signals.

    >>> nearest(["acc/fs", "fs", "ecg/fs", "info/fs"], "ecg/data", ["acc/data"])
    ['ecg/fs', 'fs', 'info/fs']
    """
    place, found = parts_of(signal), []
    for name in names:
        group = parts_of(name)[:-1]
        if place[: len(group)] == group:
            found.append((len(place) - len(group), name))
        elif not any(parts_of(other)[: len(group)] == group for other in others):
            found.append((len(place) + 1, name))
    return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def unit_of_clock(name: str) -> float | None:
    """As ``clock_unit``, of the last part of a name."""
    return clock_unit(name.rpartition("/")[2])


def length(array: Any) -> int:
    """The samples of what can be a signal, else 0."""
    shape = array.shape
    return max(shape) if len(shape) in (1, 2) and min(shape) and max(shape) >= SHORTEST else 0
