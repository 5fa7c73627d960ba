"""A recording: the one type that every source of heartbeats yields; read and written as WFDB records."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import wfdb

from keras_sibeat.data import mitbih
from keras_sibeat.errors import DataError
from sibeat_edge.errors import RecordError
from sibeat_edge.reading.leads import find_lead, millivolts
from sibeat_edge.reading.wfdbfile import WfdbFile
from sibeat_edge.signal.resampling import RATE

Leads = Sequence[str] | Literal["all", "first"]
BLOCK = 600  # s read at a time
_LABELS = wfdb.io.annotation.ann_label_table
WFDB_SYMBOLS = frozenset(_LABELS["symbol"])
# Flutter waves ("!") count as QRS complexes in WFDB, but are no beats to window or to score.
BEAT_SYMBOLS = frozenset(
    symbol
    for store, symbol in zip(_LABELS["label_store"], _LABELS["symbol"], strict=True)
    if wfdb.io.annotation.is_qrs[store] and symbol != "!"
)


@dataclass(frozen=True)
class Annotations:
    """Annotations at ``samples`` (n,) int64, with their WFDB ``symbols`` (n,); beats are at their R-peak.

    >>> Annotations(np.array([360, 720]), np.array(["N", "V"])).symbols.tolist()
    ['N', 'V']
    """

    samples: np.ndarray
    symbols: np.ndarray


@dataclass(frozen=True)
class Recording:
    """A named signal in mV, ``(samples, leads)`` float32, at ``rate`` Hz, with its annotations or None.

    ``wearer`` is the name of who wore it, if known, and ``notes`` say how it was read, one sentence each.

    >>> Recording("mine", np.zeros((3600, 1), np.float32), 360.0, ("MLII",)).leads
    ('MLII',)
    >>> Recording("mine", np.zeros(3600, np.float32), 360.0, ("MLII",))
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.DataError: Recording mine: expected a signal of shape (samples, 1), found (3600,).
    """

    name: str
    signal: np.ndarray
    rate: float
    leads: tuple[str, ...]
    annotations: Annotations | None = None
    wearer: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.shape[1] != len(self.leads):
            raise DataError(
                f"Recording {self.name}: expected a signal of shape (samples, {len(self.leads)}), "
                f"found {self.signal.shape}."
            )

    @property
    def person(self) -> str:
        """The name of who wore it: the ``wearer``, or the recording's own name."""
        return self.wearer or self.name

    def beats(self) -> Annotations:
        """The annotations that are beats, at the recording's own rate; raises ``DataError`` without any."""
        if self.annotations is None:
            raise DataError(
                f"Record {self.name}: found no annotations; expected the beats' R-peaks and symbols."
            )
        is_beat = np.isin(self.annotations.symbols, list(BEAT_SYMBOLS))
        return Annotations(self.annotations.samples[is_beat], self.annotations.symbols[is_beat])

    def with_detected(self, peaks: np.ndarray) -> "Recording":
        """The recording with detected R-peaks, in samples at 360 Hz, as its beats, all called normal."""
        samples = np.rint(peaks * (self.rate / RATE)).astype(np.int64).clip(0, len(self.signal) - 1)
        return replace(self, annotations=Annotations(samples, np.full(len(samples), "N")))

    def until(self, seconds: float) -> "Recording":
        """The recording's first ``seconds``, and the annotations in them."""
        end = round(seconds * self.rate)
        marks = self.annotations
        if marks is not None:
            inside = marks.samples < end
            marks = Annotations(marks.samples[inside], marks.symbols[inside])
        return replace(self, signal=self.signal[:end], annotations=marks)

    def of_leads(self, leads: Leads) -> "Recording":
        """The recording with these leads alone, in their order; raises ``DataError`` for a missing one."""
        columns = choose_leads(self.name, self.leads, leads)
        names = tuple(self.leads[column] for column in columns)
        return replace(self, signal=self.signal[:, columns], leads=names)


def choose_leads(record: str, found: Sequence[str], wanted: Leads) -> list[int]:
    """The places of the leads ``wanted`` among those ``found`` in a record, by ``reading.leads.find_lead``.

    ``all`` and ``first`` stand for all of them and the first, whatever their names. Raises ``DataError`` for
    a lead that is not there.

    >>> choose_leads("mine", ["V5", "II"], ["MLII"])
    [1]
    """
    if wanted == "all":
        return list(range(len(found)))
    columns = []
    for lead in [wanted] if isinstance(wanted, str) else wanted:
        column = find_lead(lead, found)
        if column is None:
            raise DataError(
                f"Record {record}: lead {lead} is missing; found {', '.join(found)}; expected data.leads to "
                'name one of them, or "first".'
            )
        columns.append(column)
    return columns


def read_recording(path: Path | str, annotator: str | None = "atr", leads: Leads = "all") -> Recording:
    """Read the WFDB record at ``path`` (without extension) and its annotations.

    Samples in V, µV or nV are converted to mV; a signal without a gain has WFDB's default of 200 steps per
    mV. Annotations beyond the signal's ends are left out and noted. Training takes no part of a damaged file.

    Args:
        path: record path, e.g. ``mitdb/100``.
        annotator: extension of the annotation file, or None for a recording without annotations.
        leads: names of those to read, in order, or ``all`` or the ``first`` of them.

    Raises:
        DataError: a missing or truncated file, a missing lead, a signal whose checksum is not the header's,
            samples that are no voltage, leads of several sampling rates, missing annotations, or a symbol
            that WFDB does not know.
    """
    path = Path(path)
    try:
        file = WfdbFile(path)
        columns = choose_leads(path.name, file.leads, leads)
        rate, signal = _read_signal(path, file, columns)
    except RecordError as error:
        raise DataError(str(error)) from error
    annotations: Annotations | None = None
    notes: tuple[str, ...] = ()
    if annotator is not None:
        annotations, notes = read_annotations(path, annotator, len(signal), rate)
    return Recording(
        path.name,
        signal,
        rate,
        tuple(file.leads[column] for column in columns),
        annotations,
        mitbih.wearer_of(path.name) if mitbih.is_own(path.name, rate, len(signal)) else "",
        (*file.warnings, *notes),
    )


def _read_signal(path, file, columns):
    """The rate in Hz, and these leads in mV, NaN in gaps."""
    rates = {file.rates[column] for column in columns}
    if len(rates) > 1:
        raise DataError(f"{path}: found leads of {min(rates):g} and {max(rates):g} Hz; expected one rate.")
    rate = rates.pop()
    factors = np.array([_millivolts(path, file, column) for column in columns])
    signal = np.full((round(file.seconds * rate), len(columns)), np.nan, np.float32)
    for time, samples in file.blocks(columns, BLOCK):
        start = round(time * rate)
        signal[start : start + len(samples)] = samples * factors
    if file.cut:
        raise DataError(file.cut)
    return rate, signal


def _millivolts(path, file, column):
    unit = file.units[column] or file.assumed
    factor = millivolts(unit)
    if factor is None:
        raise DataError(f"{path}: lead {file.leads[column]} is in {unit}; expected mV, µV or V.")
    return factor


def read_annotations(
    path: Path, annotator: str, length: int, rate: float
) -> tuple[Annotations, tuple[str, ...]]:
    """The annotations of the record at ``path`` within its signal, and a note of those outside of it.

    Args:
        path: of the record, without extension.
        annotator: extension of the annotation file.
        length: of the signal, in samples.
        rate: of the signal, in Hz.

    Raises ``DataError`` for a file that is missing or cut, holds a symbol that WFDB does not know, or no
    annotation within the signal.
    """
    file = path.with_name(f"{path.name}.{annotator}")
    if not file.is_file():
        raise DataError(
            f"{file}: no such file; expected beat annotations (data.annotator names their extension, and "
            '"none" stands for recordings without).'
        )
    if file.read_bytes()[-2:] != b"\0\0":
        raise DataError(f"{file}: found no end mark; expected whole WFDB annotations (a truncated file?).")
    try:
        found = wfdb.rdann(str(path), annotator)
    except Exception as error:
        raise DataError(
            f"{file}: found annotations that cannot be read ({error}); expected WFDB's."
        ) from error
    symbols = np.array(found.symbol, dtype=str)
    unknown = sorted(set(symbols.tolist()) - WFDB_SYMBOLS)
    if unknown:
        raise DataError(
            f"{file}: found the unknown annotation symbol {unknown[0]!r}; expected WFDB's symbols."
        )
    samples = np.asarray(found.sample, np.int64)
    if found.fs and found.fs != rate:  # annotated in ticks of another rate, or in frames
        samples = np.rint(samples * (rate / found.fs)).astype(np.int64)
    inside = (samples >= 0) & (samples < length)
    if inside.all():
        return Annotations(samples, symbols), ()
    outside = samples[~inside]
    if not inside.any():
        raise DataError(
            f"{file}: found all annotations outside of the signal's {length} samples, the first at "
            f"{outside[0]}; expected those of this signal."
        )
    note = f"left out {len(outside)} annotations outside of the signal's {length} samples"
    return Annotations(samples[inside], symbols[inside]), (f"Record {path.name}: {note}.",)


def write_recording(recording: Recording, folder: Path) -> Path:
    """Write a recording as WFDB files (format 16, 1,000 units per mV); returns the record's path.

    Missing samples (NaN) are written as WFDB's invalid value. Raises ``DataError`` beyond 32.767 mV, the
    most that the format holds.
    """
    largest = np.nanmax(np.abs(recording.signal), initial=0)
    if largest > 32.767:
        raise DataError(f"Recording {recording.name}: found {largest:g} mV; expected at most 32.767 mV.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    leads = len(recording.leads)
    wfdb.wrsamp(
        recording.name,
        fs=recording.rate,
        units=["mV"] * leads,
        sig_name=list(recording.leads),
        p_signal=recording.signal.astype(np.float64),
        fmt=["16"] * leads,
        adc_gain=[1000.0] * leads,
        baseline=[0] * leads,
        write_dir=str(folder),
    )
    if recording.annotations is not None:
        wfdb.wrann(
            recording.name,
            "atr",
            np.asarray(recording.annotations.samples),
            np.asarray(recording.annotations.symbols),
            write_dir=str(folder),
        )
    return folder / recording.name
