"""The rate of a file's arrays and the gaps in them: by a clock, by numbers of samples, or stated."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import telling
from sibeat_edge.reading.clocks import DAYS, stretches_of, thinned, told_unit
from sibeat_edge.reading.clocks import UNITS as UNITS_OF_TIME
from sibeat_edge.reading.datasets.named import (
    CONTRADICTS,
    RATES,
    Named,
    length,
    nearest,
    parts_of,
    plain_key,
    unit_of_clock,
)
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.headings import COUNTERS, SECONDS, words
from sibeat_edge.reading.text.columns import rises_evenly
from sibeat_edge.reading.text.epochs import HUNDRED, tick_of_epoch
from sibeat_edge.signal.resampling import HIGHEST_RATE

CLOCK_UNITS = {DAYS: "days", HUNDRED: "100 ns", **UNITS_OF_TIME}
NANOSECOND = 1e-9  # s
MOST_TIMES = 50_000_000
LEAST, FEW = 10, 1000  # values by which an array is told to be an axis: at least, at most
INDEX = ("index", "axis1")  # of a table of pandas
INTERVAL = "isi"  # between samples, as BIOPAC calls it, and its unit
STATED = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(?:hz)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Times:
    """When samples were taken.

    Attributes:
        rate: Hz.
        stretches: between gaps, or None.
        warnings: sentences.
        told: how rate and clock were told.
    """

    rate: float
    stretches: list[tuple[float, int, int]] | None
    warnings: list[str]
    told: dict[str, str]


def steps_of_axis(array: Any) -> float:
    """The usual step of an array that rises evenly, as an axis does and no ECG; 0 for any other.

    >>> steps_of_axis(np.arange(20) * 4), steps_of_axis(np.sin(np.arange(20)))
    (4.0, 0.0)
    """
    first = np.ravel(array[:FEW] if array.shape[0] > 1 else array[:, :FEW]).astype(np.float64)
    return float(np.median(np.diff(first))) if len(first) >= LEAST and rises_evenly(first) else 0.0


def is_clock(named: Named, name: str) -> bool:
    """Whether an array is a clock, by its name or its kind."""
    return name in named.dated or unit_of_clock(name) is not None


def find_times(
    path: Path,
    named: Named,
    signal: str,
    others: Collection[str],
    axes: Mapping[str, Any],
    samples: int,
    rate: float | None,
) -> Times:
    """The rate, and the gaps, of the ``signal``.

    A clock of its own group goes before others. A clock that tells no time, or contradicts a rate that is
    stated, is left out with a warning.

    Args:
        path: of the file, for errors.
        named: what it holds.
        signal: name of the array.
        others: names of the arrays of other signals.
        axes: arrays that rise evenly but are not called a clock; they count as one, or as numbers of samples.
        samples: of the signal.
        rate: Hz, if the file states none; may be None.

    Raises ``RecordError`` if there is no rate.
    """
    stated, warnings = _stated(path, named, signal, others, rate)
    known = stated[0] if stated else rate
    called = [name for name, array in named.arrays.items() if is_clock(named, name) and length(array)]
    clocks = {name: named.arrays[name] for name in nearest(called, signal, others)}
    clocks |= {n: a for n, a in named.arrays.items() if plain_key(n) in INDEX and _tells_time(a)}
    clocks |= {
        name: axis
        for name, axis in axes.items()
        if unit_of_clock(name) is not None or steps_of_axis(axis) != 1
    }
    for name, array in clocks.items():
        shown = printable(name)
        if _is_of_samples(array, samples):
            try:
                unit = NANOSECOND if name in named.dated else unit_of_clock(name)
                found, stretches, unit = _clocked(path, array, name, unit, known)
            except RecordError as error:
                if known is None:
                    raise
                warnings.append(f"{str(error).split(';')[0]} in {shown}; took {known:g} Hz instead.")
                continue
            if stated is None or abs(found / known - 1) <= CONTRADICTS:
                how = "of times of day" if name in named.dated else f"in {CLOCK_UNITS.get(unit, unit)}"
                if name in axes and unit_of_clock(name) is None and unit != 1:
                    what = f"{path}: found no unit of time in {shown}"
                    warnings.append(f"{what}; took it for {CLOCK_UNITS[unit]}, {found:.4g} Hz.")
                told = dict.fromkeys(("rate", "clock"), f"the clock {shown}, {how}")
                return Times(found, stretches, warnings, told)
            what = f"{path}: found {found:.4g} Hz by the clock {shown}"
            warnings.append(f"{what}; expected {known:g} Hz as {stated[1]} says, which was taken.")
    if known is None:
        raise RecordError(
            f"{path}: found no sampling rate; expected one named fs, a clock named time, or the rate "
            "(--rate HZ)."
        )
    told = {"rate": f"{stated[1]} in the file" if stated else "the option"}
    return Times(known, _numbered(path, named, signal, axes, samples, known), warnings, told)


def _numbered(path, named, signal, axes, samples, known):
    """The stretches between gaps, by an array that numbers the samples at this rate; None without one."""
    called = {n: a for n, a in named.arrays.items() if COUNTERS & set(words(parts_of(n)[-1])) and n != signal}
    called |= {n: a for n, a in named.arrays.items() if plain_key(n) in INDEX}
    for name, array in (axes | called).items():
        if _is_of_samples(array, samples):
            try:
                with telling(path, f"numbers in {printable(name)}"):
                    numbers = np.ravel(array[()]).astype(np.float64)
                if not (numbers == np.round(numbers)).all():
                    continue
                found, stretches = stretches_of(path, *_scaled(thinned(numbers - numbers[0]), 1 / known))
            except RecordError:
                continue
            if abs(found / known - 1) <= CONTRADICTS:
                return stretches
    return None


def _is_of_samples(array, samples):
    """Whether an array has a value for each sample, and not too many to be read at once."""
    return length(array) == samples <= MOST_TIMES and min(array.shape) in (1, samples)


def _tells_time(index):
    """Whether the index of a table has times, and no numbers of rows."""
    step = steps_of_axis(index) if length(index) else 0.0
    return step > 0 and (step % 1 != 0 or tick_of_epoch(float(np.ravel(index[:1])[0])) is not None)


def _scaled(clock, unit):
    times, counts = clock
    return times * unit, counts


def _stated(path, named, signal, others, rate):
    """The rate that the file states, in Hz, and its name, or None; and a warning if it states several.

    The signal's own group goes first, then the order of ``RATES``; but one that agrees with the rate that is
    given goes before all.
    """
    names = sorted(
        (name for name in (*named.arrays, *named.texts) if _key_of_rate(name) in (*RATES, INTERVAL)),
        key=lambda name: (*RATES, INTERVAL).index(_key_of_rate(name)),
    )
    found = {}
    for name in nearest(names, signal, others):
        value = _rate_of(path, named, name)
        if value is not None and 0 < value <= HIGHEST_RATE:
            found[name] = value
    if not found:
        return None, []
    agreeing = [name for name in found if rate and abs(found[name] / rate - 1) <= CONTRADICTS]
    best = (agreeing or list(found))[0]
    value, shown = found[best], printable(best)
    if agreeing or all(abs(other / value - 1) <= CONTRADICTS for other in found.values()):
        return (value, shown), []
    listed = ", ".join(f"{other:g} Hz in {printable(name)}" for name, other in found.items())
    return (value, shown), [f"{path}: found the rates {listed}; took that of {shown} (--rate HZ settles it)."]


def _key_of_rate(name):
    """As ``plain_key``, without the unit behind it."""
    key = plain_key(name)
    return key if key in RATES else key.removesuffix("hz")


def _rate_of(path, named, name):
    """The rate in Hz that one number says, or a word; None for any other."""
    if name in named.texts:
        word = STATED.fullmatch(named.texts[name][0]) if len(named.texts[name]) == 1 else None
        return float(word[1]) if word else None
    array = named.arrays[name]
    if int(np.prod(array.shape)) != 1:
        return None
    with telling(path, f"a rate in {printable(name)}"):
        value = float(np.ravel(array[()])[0])
    if plain_key(name) != INTERVAL:
        return value
    unit = SECONDS.get(" ".join(named.texts.get(f"{name}_units", ())).casefold())
    return 1 / (value * unit) if unit and value > 0 else None


def _clocked(path, array, name, unit, known):
    """The rate by a clock, the stretches between its gaps, and its unit in s, which may be 0 if not known."""
    with telling(path, f"times in {printable(name)}"):
        times = np.ravel(array[()]).astype(np.float64)
    first, (times, counts) = float(times[0]), thinned(times - times[0])
    unit = unit or told_unit(path, times, counts, first, known)
    return *stretches_of(path, times * unit, counts), unit
