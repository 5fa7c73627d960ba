"""Samples that lie in an array, in memory or in a file: what most readers give."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.limits import LONGEST
from sibeat_edge.signal.resampling import HIGHEST_RATE

MOST_LEADS = 256
NUMBERS = "iuf"  # kinds of NumPy's real numbers


class ArraySource:
    """Samples in an array; a ``Source``.

    Args:
        path: of the file, for errors.
        signal: ``(samples, leads)``, of which only slices of rows are read.
        leads: their names; None for a file that has none, whose leads are 1, 2, ….
        units: of each lead, of ``signal`` times ``scale``; or of all.
        rate: Hz.
        scale: for each lead, or for all.
        stretches: ``(time, first, end)`` of the rows between gaps, the time in s since the recording's start;
            None for a single one.
        warnings: sentences on how the file was understood.
        told: how ``leads``, ``units``, ``rate`` and ``clock`` were told, as ``Inspection.told``.
        cut: a sentence on where the file ends too early.

    Raises ``RecordError`` for no samples, samples that are no real numbers, more than 256 leads, a rate that
    none has, or more than 100 days.

    >>> source = ArraySource(Path("a.npy"), np.arange(6).reshape(3, 2), None, "mV", 250, scale=0.5)
    >>> source.leads, source.units, source.seconds, list(source.blocks([1], seconds=60))
    (['1', '2'], ['mV', 'mV'], 0.012, [(0.0, array([[0.5],
           [1.5],
           [2.5]]))])
    """

    def __init__(
        self,
        path: Path,
        signal: Any,
        leads: Sequence[str] | None,
        units: str | Sequence[str],
        rate: float,
        *,
        scale: float | Sequence[float] = 1.0,
        stretches: Sequence[tuple[float, int, int]] | None = None,
        warnings: Sequence[str] = (),
        told: Mapping[str, str] | None = None,
        cut: str = "",
    ) -> None:
        self._path, self._signal = path, signal
        samples, count = signal.shape
        if signal.dtype.kind not in NUMBERS:
            raise RecordError(f"{path}: found samples of {signal.dtype}; expected real numbers.")
        if not samples or not count:
            raise RecordError(f"{path}: found no samples; expected at least one lead and its samples.")
        if count > MOST_LEADS:
            raise RecordError(f"{path}: found {count} leads; expected at most {MOST_LEADS}.")
        if not 0 < rate <= HIGHEST_RATE:
            raise RecordError(f"{path}: found a rate of {rate:g} Hz; expected at most {HIGHEST_RATE:g} Hz.")
        self.named = leads is not None
        self.numbers: list[str] = []  # other names that the leads may be asked for by
        self.leads = unique(leads if leads is not None else [str(number + 1) for number in range(count)])
        self.units = [units] * count if isinstance(units, str) else list(units)
        self.rates = [float(rate)] * count
        self._scale = np.broadcast_to(np.asarray(scale, np.float64), (count,))
        self._stretches = list(stretches) if stretches is not None else [(0.0, 0, samples)]
        time, first, end = self._stretches[-1]
        self.seconds: float | None = checked_seconds(path, time + (end - first) / rate)
        self.warnings, self.told, self.cut = list(warnings), dict(told or {}), cut

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        rate = self.rates[0]
        step = max(1, int(seconds * rate))
        for time, begin, end in self._stretches:
            for first in range(begin, end, step):
                with telling(self._path, "samples that can be read"):
                    block = np.asarray(self._signal[first : min(first + step, end)])
                    picked = block[:, list(columns)].astype(np.float64) * self._scale[list(columns)]
                yield time + (first - begin) / rate, picked


class Sideways:
    """An array of a file, ``(leads, samples)``, of which slices of samples are read as ``(samples, leads)``.

    >>> Sideways(np.arange(6).reshape(2, 3))[1:].tolist()
    [[1, 4], [2, 5]]
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = (array.shape[1], array.shape[0]), array.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(self._array[:, rows]).T


class Single:
    """An array of a file with one axis, of which slices are read as ``(samples, 1)``.

    >>> Single(np.arange(6))[1:3].tolist()
    [[1], [2]]
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape, self.dtype = (array.shape[0], 1), array.dtype

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.asarray(self._array[rows])[:, None]


class Columns:
    """Arrays of as many samples beside one another, of which slices are read as ``(samples, leads)``.

    >>> Columns([Single(np.arange(3)), Single(np.arange(3, 6))])[1:].tolist()
    [[1, 4], [2, 5]]
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = arrays
        self.shape = arrays[0].shape[0], sum(array.shape[1] for array in arrays)
        self.dtype = np.result_type(*(array.dtype for array in arrays))

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.concatenate([np.asarray(array[rows]) for array in self._arrays], axis=1)


@contextmanager
def telling(path: Path, expected: str) -> Iterator[None]:
    """Let an error that a library raises on a file's content be a ``RecordError``.

    The library's own words are left out, and its warnings, too: they may hold what stands in the file, as the
    wearer's name.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    except RecordError:
        raise
    except Exception as error:  # libraries raise all kinds on damaged files
        what = f"what cannot be read ({type(error).__name__})"
        raise RecordError(f"{path}: found {what}; expected {expected}.") from error


def unique(names: Sequence[str]) -> list[str]:
    """The names, printable; of those that come again, each has its number behind it, so that all differ.

    >>> unique(["ECG", "ECG", " II", ""])
    ['ECG', 'ECG 2', 'II', '4']
    """
    found: list[str] = []
    for number, name in enumerate(names, 1):
        name = printable(name).strip() or str(number)
        again, plain = 1, name
        while name in found:
            again += 1
            name = f"{plain} {again}"
        found.append(name)
    return found


def checked_seconds(path: Path, seconds: float) -> float:
    """The length of a recording in s; raises ``RecordError`` if it is more than 100 days."""
    if not seconds <= LONGEST:
        raise RecordError(
            f"{path}: found {seconds / 86_400:.4g} days; expected at most {LONGEST / 86_400:.0f} (a damaged "
            "file?)."
        )
    return seconds


def checked_size(path: Path, most: int) -> int:
    """The size of a file in bytes; raises ``RecordError`` if it is more than ``most``."""
    size = path.stat().st_size
    if size > most:
        raise RecordError(
            f"{path}: found {size / 2**20:,.0f} MiB; expected at most {most / 2**20:,.0f} MiB of this format."
        )
    return size
