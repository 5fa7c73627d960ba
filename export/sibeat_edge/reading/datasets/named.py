"""The signal, its rate and its leads among the named arrays of a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import NUMBERS, ArraySource, Columns, Sideways, Single, telling
from sibeat_edge.reading.clocks import DAYS, stretches_of, thinned, told_unit
from sibeat_edge.reading.clocks import UNITS as UNITS_OF_TIME
from sibeat_edge.reading.encoding import decode, printable
from sibeat_edge.reading.headings import COUNTERS, clock_unit, words
from sibeat_edge.reading.leads import MILLIVOLTS, plain
from sibeat_edge.reading.text.numbers import NoNumber
from sibeat_edge.reading.text.stamps import Stamps
from sibeat_edge.signal.resampling import HIGHEST_RATE

SIGNALS = ("ecg", "ekg", "ecgsignal", "ecgdata", "val", "signal", "signals", "psignal", "data", "x")
RATES = (
    ("fs", "rate", "samplingrate", "samplerate", "samplingfrequency", "samplefrequency", "sfreq", "srate")
    + ("freq", "frequency", "hz", "fsecg", "ecgfs", "ecgrate", "ecgsamplingrate")
)  # fmt: skip
LEADS = (
    "leads",
    "lead",
    "leadnames",
    "signame",
    "channels",
    "channelnames",
    "chnames",
    "names",
    "labels",
    "block0items",
)
KNOWN = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
UNITS = ("units", "unit", "sigunits")
CLOCK_UNITS = {DAYS: "days", **UNITS_OF_TIME}
OTHERS = ("axis0", "axis1", "block0items", "index")  # of a table that pandas has written
NANOSECOND = 1e-9  # s
SHORTEST = 8  # values, below which an array holds no signal
MOST_TIMES, MOST_STAMPS = 50_000_000, 5_000_000
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
    return _clock_unit(name) is not None and SHORTEST <= _length(array) <= MOST_STAMPS


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


def find_signal(path: Path, named: Named, rate: float | None, told: Mapping[str, str]) -> ArraySource:
    """The ``Source`` of the signal among named arrays.

    It is the array with a usual name, as ``ecg``, ``val``, ``signal`` or ``data``. If none has one, each
    array of the one length that there is gives a lead or more. Of an array of two axes the longer one is
    time, or the one that is not as long as the names of leads. The rate comes from a clock, as ``time``,
    which tells gaps, from an array of one value with a usual name, as ``fs``, or from the option. A clock
    that tells no time, or contradicts such an array, is left out with a warning.

    Args:
        path: of the file.
        named: what it holds.
        rate: Hz, if the file states none; may be None.
        told: how ``leads`` were told.

    Raises ``RecordError`` if there is no signal, if there are several that cannot be leads of one recording,
    or if there is no rate.
    """
    scalars = {name: array for name, array in named.arrays.items() if int(np.prod(array.shape)) == 1}
    clocks = [name for name in named.arrays if _clock_unit(name) is not None and _length(named.arrays[name])]
    found = {
        name: array
        for name, array in named.arrays.items()
        if _length(array) and name not in clocks and plain_key(name) not in (*RATES, *LEADS, *UNITS, *OTHERS)
    }
    usual = sorted((SIGNALS.index(plain_key(name)), name) for name in found if plain_key(name) in SIGNALS)
    if usual:
        found = {usual[0][1]: found[usual[0][1]]}
    sizes = {max(array.shape) for array in found.values()}
    if not found or len(sizes) > 1:
        listed = ", ".join(f"{printable(name)} {_size(array)}" for name, array in list(found.items())[:8])
        what = f"the arrays {listed}" if found else "no array of a signal"
        raise RecordError(
            f"{path}: found {what}; expected one, or leads of one length, or one named ecg, val, signal or "
            "data."
        )
    names = next((words for key, words in named.texts.items() if plain_key(key) in LEADS), [])
    words = next((words for key, words in named.texts.items() if plain_key(key) in UNITS), [])
    columns, leads = [], []
    for name, array in found.items():
        wide = _upright(array, len(names) if len(found) == 1 else 0)
        count = wide.shape[1]
        columns.append(wide)
        leads += [name] if count == 1 else [f"{name} {number + 1}" for number in range(count)]
    signal = columns[0] if len(columns) == 1 else Columns(columns)
    told = dict(told)
    is_named = len(columns) > 1 or (len(leads) == 1 and plain(leads[0]) in KNOWN)
    if len(names) == len(leads):
        leads, is_named = names, True
        told["leads"] = "the file's names of leads"
    else:
        told["leads"] = "the arrays' names" if is_named else "their places in the array"
    if len(columns) == 1 and signal.shape[1] > 1:
        told["leads"] += "; time is the longer axis"
    units = (
        words if len(words) == len(leads) else words * len(leads) if len(words) == 1 else [""] * len(leads)
    )
    units = [unit if unit.strip().casefold() in MILLIVOLTS else unit.strip() for unit in units]
    if any(units):
        told["units"] = "the file's units"
    found_rate, stretches, warnings = _rate(path, named, scalars, clocks, signal.shape[0], rate, told)
    return ArraySource(
        path,
        signal,
        leads if is_named else None,
        units,
        found_rate,
        stretches=stretches,
        told=told,
        warnings=warnings,
    )


def _rate(path, named, scalars, clocks, samples, rate, told):
    """The rate in Hz, the stretches between gaps or None, and warnings."""
    stated, warnings = _stated(path, scalars), []
    known = stated[0] if stated else rate
    for name in clocks:
        array, shown = named.arrays[name], printable(name)
        if max(array.shape) == samples and samples <= MOST_TIMES and min(array.shape) in (1, samples):
            try:
                unit = NANOSECOND if name in named.dated else _clock_unit(name)
                found, stretches, unit = _clocked(path, array, name, unit)
            except RecordError as error:
                if known is None:
                    raise
                warnings.append(f"{str(error).split(';')[0]} in {shown}; took {known:g} Hz instead.")
                continue
            if stated is None or abs(found / known - 1) <= CONTRADICTS:
                how = "of times of day" if name in named.dated else f"in {CLOCK_UNITS.get(unit, unit)}"
                told["rate"] = told["clock"] = f"the clock {shown}, {how}"
                return found, stretches, warnings
            what = f"{path}: found {found:.4g} Hz by the clock {shown}"
            warnings.append(f"{what}; expected {known:g} Hz as {stated[1]} says, which was taken.")
    if known is None:
        raise RecordError(
            f"{path}: found no sampling rate; expected one named fs, a clock named time, or the rate "
            "(--rate HZ)."
        )
    told["rate"] = f"{stated[1]} in the file" if stated else "the option"
    return known, _numbered(path, named, samples, known), warnings


def _numbered(path, named, samples, known):
    """The stretches between gaps, by an array that numbers the samples at this rate; None without one."""
    for name, array in named.arrays.items():
        is_whole = array.dtype.kind in "iu" and array.shape == (samples,) and samples <= MOST_TIMES
        if is_whole and COUNTERS & set(words(name.rpartition("/")[2])):
            try:
                with telling(path, f"numbers in {printable(name)}"):
                    numbers = np.asarray(array[()], np.float64)
                found, stretches = stretches_of(path, *_scaled(thinned(numbers - numbers[0]), 1 / known))
            except RecordError:
                continue
            if abs(found / known - 1) <= CONTRADICTS:
                return stretches
    return None


def _scaled(clock, unit):
    times, counts = clock
    return times * unit, counts


def _stated(path, scalars):
    """The rate that the file states, in Hz, and its name; None if it states none."""
    for name, array in scalars.items():
        if plain_key(name) in RATES:
            with telling(path, f"a rate in {printable(name)}"):
                value = float(np.ravel(array[()])[0])
            if 0 < value <= HIGHEST_RATE:
                return value, printable(name)
    return None


def _clocked(path, array, name, unit):
    """The rate by a clock, the stretches between its gaps, and its unit in s, which may be 0 if not known."""
    with telling(path, f"times in {printable(name)}"):
        times = np.ravel(array[()]).astype(np.float64)
    times, counts = thinned(times - times[0])
    unit = unit or told_unit(path, times, counts)
    return *stretches_of(path, times * unit, counts), unit


def _clock_unit(name):
    """As ``clock_unit``, of the last part of a name."""
    return clock_unit(name.rpartition("/")[2])


def _length(array):
    """The samples of what can be a signal, else 0."""
    shape = array.shape
    return max(shape) if len(shape) in (1, 2) and min(shape) and max(shape) >= SHORTEST else 0


def _size(array):
    return "×".join(map(str, array.shape))


def _upright(array, leads):
    """An array as ``(samples, leads)``."""
    if len(array.shape) == 1:
        return Single(array)
    rows, columns = array.shape
    if leads and (rows == leads) != (columns == leads):
        return Sideways(array) if rows == leads else array
    return Sideways(array) if columns > rows else array
