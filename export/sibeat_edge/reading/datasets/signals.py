"""The signal and its leads among the named arrays of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, Columns, Sideways, Single, telling
from sibeat_edge.reading.datasets.named import (
    RATES,
    Named,
    length,
    nearest,
    parts_of,
    plain_key,
    unit_of_clock,
)
from sibeat_edge.reading.datasets.timed import FEW, find_times, is_clock, steps_of_axis
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.headings import COUNTERS, ECG, words
from sibeat_edge.reading.leads import MILLIVOLTS, plain
from sibeat_edge.reading.text.columns import is_ecg

SIGNALS = (
    ("ecg", "ekg", "ecgsignal", "ecgdata", "val", "signal", "signals", "psignal", "voltage", "voltages")
    + ("data", "x")
)  # fmt: skip
LEADS = frozenset(
    "leads lead leadnames signame channels channelnames chnames names labels block0items columns".split()
)
KNOWN = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
UNITS = ("units", "unit", "sigunits")
OTHERS = ("axis0", "axis1", "block0items", "index")  # of a table that pandas has written
PLACES = "their places in the array"
OTHER = 3, 0  # rank of an array that no name tells
SPACE = frozenset(("x", "y", "z"))  # of a sensor of motion
# Words for what is made of an ECG.
RESULTS = frozenset(
    "quality peak peaks rpeaks label labels annotation annotations mask flag flags hr".split()
)


def find_signal(path: Path, named: Named, rate: float | None, told: Mapping[str, str]) -> ArraySource:
    """The ``Source`` of the signal among named arrays.

    It is the array with a usual name, as ``ecg``, ``val``, ``signal`` or ``data``, one that it or its group
    calls an ECG before others. If none has one, each array of the one length that there is gives a lead or
    more. Of an array of two axes the longer one is time, or the one that is not as long as the names of
    leads. An array or a column that rises evenly is no lead, but its clock. The rate and gaps are as
    ``find_times`` has them; names and units are those that stand next to the signal.

    Args:
        path: of the file.
        named: what it holds.
        rate: Hz, if the file states none; may be None.
        told: how ``leads`` were told.

    Raises ``RecordError`` if there is no signal, if there are several that cannot be leads of one recording,
    or if there is no rate.
    """
    candidates = {
        name: array
        for name, array in named.arrays.items()
        if length(array)
        and not is_clock(named, name)
        and plain_key(name) not in (*RATES, *LEADS, *UNITS, *OTHERS)
    }
    with telling(path, "arrays of numbers"):
        found, axes = _chosen(candidates)
    sizes = {max(array.shape) for array in found.values()}
    if not found or len(sizes) > 1:
        listed = ", ".join(f"{printable(name)} {_size(array)}" for name, array in list(found.items())[:8])
        what = f"the arrays {listed}" if found else "no array of a signal"
        raise RecordError(
            f"{path}: found {what}; expected one, or leads of one length, or one named ecg, val, signal or "
            "data."
        )
    first = next(iter(found))
    apart = [name for name in named.arrays if name not in found and name not in axes]
    others = [
        n for n in apart if length(named.arrays[n]) and not is_clock(named, n) and plain_key(n) not in OTHERS
    ]
    labels = [named.texts[key] for key in nearest(_called(named, LEADS), first, others)]
    words = next((named.texts[key] for key in nearest(_called(named, UNITS), first, others)), [])
    with telling(path, "an array of numbers"):
        leads = _beside(found, labels) if len(found) > 1 else _columns(first, found[first], labels)
    units = (
        [words[n] for n in leads.places] if len(words) > max(leads.places) else words[:1] * len(leads.names)
    )
    units = units if len(words) in (1, leads.width) else [""] * len(leads.names)
    units = [unit if unit.strip().casefold() in MILLIVOLTS else unit.strip() for unit in units]
    told = {**told, "leads": leads.told} | ({"units": "the file's units"} if any(units) else {})
    times = find_times(path, named, first, others, axes | leads.axes, leads.signal.shape[0], rate)
    source = ArraySource(
        path,
        leads.signal,
        leads.names,
        units,
        times.rate,
        stretches=times.stretches,
        told=told | times.told,
        warnings=[*_guessed(path, first, candidates, found), *times.warnings],
    )
    source.named, source.numbers = leads.is_named, leads.numbers
    return source


@dataclass(frozen=True)
class _Leads:
    """The leads of a signal, and the columns among them that are an axis instead.

    Attributes:
        signal: ``(samples, leads)``.
        names: of the leads.
        numbers: other names that they may be asked for by.
        places: of the leads among the columns there are.
        width: number of those columns.
        is_named: whether the file names its leads.
        told: how they were told.
        axes: the columns that are no leads.
    """

    signal: Any
    names: list[str]
    numbers: list[str]
    places: list[int]
    width: int
    is_named: bool
    told: str
    axes: dict[str, Any]


def _beside(found, listed):
    """The leads of arrays beside one another."""
    wides = [_upright(array, 0) for array in found.values()]
    own = [parts_of(name)[-1] for name in found]
    own = own if len(set(own)) == len(own) else list(found)
    leads = [lead for name, wide in zip(own, wides, strict=True) for lead in _numbered(name, wide)]
    numbers = [lead for name, wide in zip(found, wides, strict=True) for lead in _numbered(name, wide)]
    names = next((names for names in listed if len(names) == len(leads)), [])
    told = "the file's names of leads" if names else "the arrays' names"
    width = len(leads)
    return _Leads(Columns(wides), names or leads, numbers, list(range(width)), width, True, told, {})


def _columns(name, array, listed):
    """The leads of an array of one column or more."""
    names = next((names for names in listed if len(names) in array.shape), listed[0] if listed else [])
    signal, own = _upright(array, len(names)), parts_of(name)[-1]
    width = signal.shape[1]
    has_names = len(names) == width
    is_named = has_names or (width == 1 and plain(own) in KNOWN)
    if not has_names:
        names = [own] if is_named else [str(place + 1) for place in range(width)]
    numbers = ["1" if is_named else own] if width == 1 else []
    axes = _axes_of(array, signal, names, has_names)
    places = [place for place in range(width) if place not in axes]
    told = "the file's names of leads" if has_names else "the arrays' names" if is_named else PLACES
    if width > 1:
        told += "; time is the longer axis"
    if has_names:
        places.sort(key=lambda place: not is_ecg(names[place]))
    if places != list(range(width)):
        signal, names = Picked(signal, places), [names[place] for place in places]
    return _Leads(
        signal,
        names,
        numbers,
        places,
        width,
        is_named,
        told,
        {f"{name}/{label}": axis for label, axis in axes.values()},
    )


class Picked:
    """Some columns of an array of a file, of which slices of rows are read.

    >>> Picked(np.arange(6).reshape(2, 3), [2, 1])[1:].tolist()
    [[5, 4]]
    """

    def __init__(self, array: Any, places: Sequence[int]) -> None:
        self._array, self._places = array, list(places)
        self.shape, self.dtype = (array.shape[0], len(places)), array.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(self._array[rows])[:, self._places]


def _chosen(candidates):
    """The arrays of the signal, and those that rise evenly as an axis does."""
    ranks = {name: _rank(name, array, candidates) for name, array in candidates.items()}
    may_be = [name for name in candidates if ranks[name] == OTHER or plain_key(name) == "x"]
    axes = {name: candidates[name] for name in may_be if _is_single(candidates[name])}
    axes = {name: array for name, array in axes.items() if steps_of_axis(array)}
    axes = axes if len(axes) < len(candidates) else {}
    best = min((rank for name, rank in ranks.items() if name not in axes), default=OTHER)
    found = {n: a for n, a in candidates.items() if n not in axes and ranks[n] == best}
    still = {name: array for name, array in found.items() if not _is_in_space(name, candidates)}
    return still or found, axes


def _is_single(array):
    return len(array.shape) == 1 or 1 in array.shape


def _is_in_space(name, candidates):
    """Whether it is x, y or z of a sensor of motion."""
    return plain_key(name) in SPACE and SPACE <= _keys_in(parts_of(name)[:-1], candidates)


def _keys_in(group, names):
    return {plain_key(name) for name in names if parts_of(name)[:-1] == group}


def _rank(name, array, candidates):
    """How little a name says that an array is the ECG: the least is taken."""
    *group, own = parts_of(name)
    key = plain_key(name)
    usual = SIGNALS.index(key) if key in SIGNALS else None
    if key == "x" and "y" in _keys_in(group, candidates):
        usual = None  # of an axis, or of a sensor of motion
    is_in_ecg = any(ECG & set(words(part)) for part in group)
    if usual is not None:
        return (0 if is_in_ecg or "ecg" in key or "ekg" in key else 2), usual
    is_whole = length(array) >= max(map(length, candidates.values()))
    if not RESULTS & set(words(own)) and (is_in_ecg or (is_whole and is_ecg(own))):
        return 1, 0
    return OTHER


def _guessed(path, first, candidates, found):
    """A sentence if another array might as well be the signal."""
    if _rank(first, candidates[first], candidates)[0] != 2:
        return []
    size = length(candidates[first])
    alike = [name for name in candidates if name not in found and length(candidates[name]) == size]
    alike = [n for n in alike if not (RESULTS & set(words(parts_of(n)[-1])) or _is_in_space(n, candidates))]
    alike = [name for name in alike if not (_is_single(candidates[name]) and steps_of_axis(candidates[name]))]
    listed = ", ".join(printable(name.strip("/")) for name in [first, *alike[:7]])
    return [f"{path}: found the arrays {listed}; took the first of these."] if alike else []


def _called(named, keys):
    return [name for name in named.texts if plain_key(name) in keys]


def _numbered(name, wide):
    """The whole name of each column of an array."""
    name, count = "/".join(parts_of(name)), wide.shape[1]
    return [name] if count == 1 else [f"{name} {number + 1}" for number in range(count)]


def _axes_of(array, wide, names, has_names):
    """The columns of a wide array that are its clock, or number its samples, but never all; with a name."""
    first = np.asarray(wide[:FEW])
    if has_names:
        places = [n for n, name in enumerate(names) if _is_axis(name, first[:, n])]
    else:
        places = [0] if steps_of_axis(first[:, 0]) else []
    if len(places) == wide.shape[1]:
        return {}
    labels = {place: names[place] if has_names else f"column {place + 1}" for place in places}
    return {
        n: (label, array[n] if isinstance(wide, Sideways) else array[:, n]) for n, label in labels.items()
    }


def _is_axis(name, values):
    is_counter = bool(COUNTERS & set(words(name))) and steps_of_axis(values) == 1
    return is_counter or unit_of_clock(name) is not None


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
