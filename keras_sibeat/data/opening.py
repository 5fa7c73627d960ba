"""Somebody's recording, in whatever form it comes: samples, a ``Recording``, or a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from keras_sibeat.data.recording import Recording, read_annotations
from keras_sibeat.errors import DataError
from sibeat_edge.reading.record import read_record
from sibeat_edge.signal.resampling import HIGHEST_RATE, LOWEST_RATE

Recorded = Recording | str | Path | npt.ArrayLike


def open_recording(
    recorded: Recorded,
    rate: float | None = None,
    lead: str | Sequence[str] | None = None,
    wanted: Sequence[str] | Literal["all", "first"] = ("MLII",),
    annotator: str = "atr",
) -> Recording:
    """The leads of a recording that a model takes, in mV, with the beats' annotations if it has any.

    Args:
        recorded: samples in mV, ``(samples,)`` or ``(samples, leads)``, NaN where missing; a ``Recording``;
            or the path of a WFDB record, an EDF, BDF or CSV file, as ``sibeat_edge.read_record`` takes it.
        rate: Hz, of samples, and of a CSV file without a clock.
        lead: name, or names, of leads to take, or ``first``; those of samples are ``"1"``, ``"2"``, ….
        wanted: the model's leads, which are taken by default. Samples have no names: of those the first.
        annotator: extension of the annotation file that a WFDB record may have.

    Raises ``DataError`` or ``RecordError``, one sentence, for what cannot be read, or a lead that is missing.

    >>> open_recording([0.0, 0.1, 0.2], rate=250).leads
    ('1',)
    """
    if isinstance(recorded, str | Path):
        return _read(Path(recorded), rate, lead, wanted, annotator)
    if isinstance(recorded, Recording):
        if rate is not None and rate != recorded.rate:
            raise DataError(
                f"Record {recorded.name}: found {recorded.rate:g} Hz; expected {rate:g} Hz as given."
            )
        return recorded.of_leads(_names(lead) or wanted)
    known = _of_samples(recorded, rate)
    count = None if wanted == "all" else 1 if wanted == "first" else len(wanted)
    return known.of_leads(_names(lead) or known.leads[:count])


def _names(lead):
    return [lead] if isinstance(lead, str) and lead != "first" else lead


def _of_samples(samples, rate):
    try:
        signal = np.asarray(samples, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(f"Samples: found no numbers ({error}); expected mV.") from error
    signal = signal[:, None] if signal.ndim == 1 else signal
    if signal.ndim != 2 or not signal.size:
        raise DataError(f"Samples: found the shape {signal.shape}; expected (samples,) or (samples, leads).")
    if rate is None or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        found = "no rate" if rate is None else f"a rate of {rate:g} Hz"
        raise DataError(f"Samples: found {found}; expected {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
    return Recording("samples", signal, float(rate), tuple(str(n + 1) for n in range(signal.shape[1])))


def _read(path, rate, lead, wanted, annotator):
    record = (
        read_record(path, lead or "first", rate)
        if isinstance(wanted, str)
        else read_record(path, lead, rate, wanted)
    )
    header = path.with_name(f"{path.name}.hea")
    stem = path if header.is_file() else path.with_suffix("")
    is_wfdb = header.is_file() or path.suffix.lower() in (".hea", ".dat")
    is_annotated = is_wfdb and stem.with_name(f"{stem.name}.{annotator}").is_file()
    signal = record.signal.astype(np.float32)
    marks, told = read_annotations(stem, annotator, len(signal), record.rate) if is_annotated else (None, ())
    notes = (*record.warnings, *filter(None, [record.cut]), *told)
    return Recording(record.name, signal, record.rate, record.leads, marks, notes=notes)
