"""A recording: the one type that every source of heartbeats yields; read and written as WFDB records."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb

from keras_sibeat.errors import DataError

log = logging.getLogger("keras_sibeat")
AT_END = 2  # samples behind a signal's last, at which some databases mark a beat
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

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or self.signal.shape[1] != len(self.leads):
            raise DataError(
                f"Recording {self.name}: expected a signal of shape (samples, {len(self.leads)}), "
                f"found {self.signal.shape}."
            )

    def beats(self) -> Annotations:
        """The annotations that are beats, at the recording's own rate; raises ``DataError`` without any."""
        if self.annotations is None:
            raise DataError(
                f"Record {self.name}: found no annotations; expected the beats' R-peaks and symbols."
            )
        is_beat = np.isin(self.annotations.symbols, list(BEAT_SYMBOLS))
        return Annotations(self.annotations.samples[is_beat], self.annotations.symbols[is_beat])


def read_recording(path: Path | str, annotator: str | None = "atr") -> Recording:
    """Read the WFDB record at ``path`` (without extension) and its annotations.

    Args:
        path: record path, e.g. ``mitdb/100``.
        annotator: extension of the annotation file, or None for a recording without annotations.

    Raises:
        DataError: a missing or truncated file, a signal whose checksum is not the header's, samples
            that are not in mV, missing annotations, or a symbol that WFDB does not know.
    """
    path = Path(path)
    header = path.with_name(path.name + ".hea")
    if not header.is_file():
        raise DataError(f"{header}: no such file; expected a WFDB header.")
    try:
        record = wfdb.rdrecord(str(path), physical=False)
    except FileNotFoundError as error:
        raise DataError(f"{error.filename}: no such file; {header.name} names it.") from error
    except Exception as error:
        raise DataError(
            f"{path}: found a signal or header that cannot be read ({error}); expected what "
            f"{header.name} declares (a truncated file?)."
        ) from error
    _check(record, path)
    signal = record.dac().astype(np.float32)
    annotations = None if annotator is None else _read_annotations(path, annotator, record.sig_len)
    return Recording(path.name, signal, float(record.fs), tuple(record.sig_name), annotations)


def _check(record, path):
    if record.d_signal is None:
        raise DataError(f"{path}.hea: found no signals; expected at least one lead.")
    for column, (lead, unit) in enumerate(zip(record.sig_name, record.units, strict=True)):
        if unit != "mV":
            raise DataError(f"{path}: lead {lead} is in {unit}; expected mV.")
        # Where a database states no checksums, its headers have 0.
        declared, samples = record.checksum[column], record.d_signal[:, column]
        if declared and (int(samples.sum()) - declared) % 65536:
            raise DataError(
                f"{path.with_name(record.file_name[column])}: the checksum of lead {lead} is "
                f"{int(samples.sum()) % 65536}; expected {declared % 65536} as {path.name}.hea declares."
            )


def _read_annotations(path, annotator, length):
    file = path.with_name(f"{path.name}.{annotator}")
    if not file.is_file():
        raise DataError(f"{file}: no such file; expected beat annotations.")
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
    outside = samples[(samples < 0) | (samples >= length + AT_END)]
    if len(outside):
        raise DataError(
            f"{file}: found an annotation at sample {outside[0]}; "
            f"expected all within the signal's {length} samples."
        )
    inside = samples < length
    if not inside.all():
        log.warning("%s: left out an annotation at sample %d, the signal's end.", file, samples[-1])
    return Annotations(samples[inside], symbols[inside])


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
