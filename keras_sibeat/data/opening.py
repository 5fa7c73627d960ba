"""Somebody's recording, in whatever form it comes: samples, a ``Recording``, or a file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from keras_sibeat.data.recording import Recording, read_recording
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
            or the path of a WFDB record, an EDF or a CSV file, as ``sibeat_edge.read_record`` takes it.
        rate: Hz, of samples, and of a CSV file without a clock.
        lead: name, or names, of leads to take; those of samples are called ``"1"``, ``"2"``, ….
        wanted: the model's leads, which are taken by default. Samples and a ``Recording`` that lack them
            give as many of their first leads.
        annotator: extension of the annotation file that a WFDB record may have.

    Raises ``DataError`` or ``RecordError``, one sentence, for what cannot be read.

    >>> open_recording([0.0, 0.1, 0.2], rate=250).leads
    ('1',)
    """
    if isinstance(recorded, str | Path):
        return _read(Path(recorded), rate, lead, wanted, annotator)
    known = recorded if isinstance(recorded, Recording) else _of_samples(recorded, rate)
    if rate is not None and rate != known.rate:
        raise DataError(f"Record {known.name}: found {known.rate:g} Hz; expected {rate:g} Hz as given.")
    return _of_leads(known, lead, wanted)


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
    record = read_record(path, lead, rate, wanted)
    header = path.with_name(f"{path.name}.hea")
    stem = path if header.is_file() else path.with_suffix("")
    files = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("hea", annotator)]
    marks = read_recording(stem, annotator).annotations if all(map(Path.is_file, files)) else None
    return Recording(record.name, record.signal.astype(np.float32), record.rate, record.leads, marks)


def _of_leads(recording, lead, wanted):
    names = recording.leads
    if lead is not None:
        names = (lead,) if isinstance(lead, str) else tuple(lead)
    elif wanted == "first":
        names = names[:1]
    elif wanted != "all":
        names = tuple(wanted) if set(wanted) <= set(names) else names[: len(wanted)]
    for name in names:
        if name not in recording.leads:
            raise DataError(
                f"Record {recording.name}: lead {name} is missing; found {', '.join(recording.leads)}."
            )
    columns = [recording.leads.index(name) for name in names]
    return replace(recording, signal=recording.signal[:, columns], leads=names)
