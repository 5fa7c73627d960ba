"""What was understood of a recording, and how each was told, without scoring it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import STANDARD_INPUT, TEXT, locate, open_source
from sibeat_edge.reading.leads import millivolts
from sibeat_edge.reading.record import likely_unit, record_of

BLOCK, FEWEST = 60, 1000  # s, and samples at least, that are read at a time


@dataclass(frozen=True)
class Lead:
    """A lead of a recording.

    Attributes:
        name: as the file has it, or a number.
        unit: of its samples, as stated or as taken; empty if it is neither stated nor of voltage.
        rate: Hz.
        samples: their number, with those that are missing in what is there, without those in gaps.
        missing: of them, those without a value.
        lowest, highest: values, in mV if ``in_millivolts``, else in ``unit``; None if there is none.
        in_millivolts: whether the unit is one of voltage.
    """

    name: str
    unit: str
    rate: float
    samples: int
    missing: int
    lowest: float | None
    highest: float | None
    in_millivolts: bool


@dataclass(frozen=True)
class Inspection:
    """What was understood of a recording.

    Attributes:
        path: of the file.
        name: of the recording.
        format: its name, as in ``FORMATS``.
        seconds: from the first sample to the last, gaps included.
        leads: all that the file has.
        gaps: ``(start, length)`` of what the clock jumps over, s.
        told: how ``format``, ``leads``, ``units``, ``rate`` and ``clock`` were told.
        taken: names of the leads that scoring takes; empty if it refuses.
        refusal: the sentence with which scoring refuses; else empty.
        warnings: the sentences that scoring shows.
        cut: a sentence on where what can be read ends too early; else empty.
    """

    path: str
    name: str
    format: str
    seconds: float
    leads: tuple[Lead, ...]
    gaps: tuple[tuple[float, float], ...]
    told: dict[str, str]
    taken: tuple[str, ...]
    refusal: str
    warnings: tuple[str, ...]
    cut: str


def inspect(
    path: str | Path,
    lead: str | Sequence[str] | None = None,
    rate: float | None = None,
    wanted: Sequence[str] = ("MLII",),
    unit: str | None = None,
) -> Inspection:
    """Read the recording at ``path`` to its end, and say what was understood of it.

    The arguments are those of ``read_record``; the file is opened as for scoring.

    Raises ``RecordError`` for a file that cannot be read. That scoring would refuse a file that can, e.g. as
    it lacks the lead, is no error but the ``refusal``.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("V5 (uV),pulse\\n100,7\\n-200,\\n")
    ...     found = inspect(path, rate=250)
    >>> found.format, found.seconds, found.leads[0]
    ('text', 0.008, Lead(name='V5', unit='uV', rate=250.0, samples=2, missing=0, lowest=-0.2, highest=0.1, \
in_millivolts=True))
    >>> found.leads[1].missing, found.refusal.partition("found ")[2]
    (1, 'the leads V5, pulse; expected MLII, which the model was trained on (--lead NAME takes another).')
    """
    path = Path(path)
    form = TEXT if path == STANDARD_INPUT else locate(path)[0]
    source, name = open_source(path, rate)
    record, refusal = None, ""
    try:
        record = record_of(path, source, name, lead, rate, wanted, unit)
    except RecordError as error:
        refusal = str(error)
    known = record.unit if record is not None else unit
    # Scoring takes one unit for its leads; where it takes none, each lead has its own.
    assumed = [known or likely_unit(path, source, [column])[0] for column in range(len(source.leads))]
    leads: list[Lead | None] = [None] * len(source.leads)
    seconds, gaps = 0.0, tuple[tuple[float, float], ...]()
    for shared in sorted(set(source.rates), reverse=True):
        columns = [column for column, its in enumerate(source.rates) if its == shared]
        end, found, values = _read(source, columns, shared)
        seconds, gaps = max(seconds, end), gaps or tuple(found)
        for column, value in zip(columns, values, strict=True):
            leads[column] = _lead(source, column, value, unit, assumed[column])
    return Inspection(
        path=str(path),
        name=name,
        format=form.name,
        seconds=seconds,
        leads=tuple(lead for lead in leads if lead is not None),
        gaps=gaps,
        told=_told(path, form, source, unit, assumed),
        taken=record.leads if record is not None else (),
        refusal=refusal,
        warnings=record.warnings if record is not None else tuple(source.warnings),
        cut=source.cut,
    )


def _read(source, columns, rate):
    """The end in s, the gaps, and each column's samples, missing ones, lowest and highest value."""
    end, gaps = 0.0, []
    samples, missing = 0, np.zeros(len(columns), np.int64)
    lowest, highest = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    for time, block in source.blocks(columns, max(BLOCK, FEWEST / rate)):
        if time - end > 1.5 / rate:
            gaps.append((float(end), float(time - end)))
        end = time + len(block) / rate
        known = np.isfinite(block)
        samples, missing = samples + len(block), missing + (~known).sum(axis=0)
        lowest = np.minimum(lowest, np.where(known, block, np.inf).min(axis=0, initial=np.inf))
        highest = np.maximum(highest, np.where(known, block, -np.inf).max(axis=0, initial=-np.inf))
    values = [(samples, int(gone), *edges) for gone, *edges in zip(missing, lowest, highest, strict=True)]
    return float(end), gaps, values


def _lead(source, column, value, given, assumed):
    samples, missing, lowest, highest = value
    stated = source.units[column].strip()
    is_taken = bool(stated) and (given is None or millivolts(stated) is not None)
    unit = stated if is_taken else assumed
    factor = millivolts(unit)
    edges = (
        [None, None]
        if lowest > highest
        else [float(edge) * (factor or 1.0) + 0.0 for edge in (lowest, highest)]
    )
    return Lead(
        source.leads[column], unit, source.rates[column], samples, missing, *edges, factor is not None
    )


def _told(path, form, source, unit, assumed):
    """How each was told, in words; what a reader does not say was stated in the file."""
    told = {
        "format": "its first bytes" if path.suffix.lower() not in (*form.endings, ".gz") else "its ending"
    }
    if form.name == "WFDB":
        told["format"] = "the header"
    if path == STANDARD_INPUT:
        told["format"] = "default for standard input"
    own = dict(getattr(source, "told", {}))
    where = "the headings" if form is TEXT else "the header"
    told["leads"] = own.get("leads") or (where if source.named else "their places, as the file names none")
    told["rate"] = own.get("rate") or where
    stated = [bool(each.strip()) for each in source.units]
    guesses = dict.fromkeys(one for one, is_stated in zip(assumed, stated, strict=True) if not is_stated)
    guess = f"the option: {unit}" if unit else f"a guess: {', '.join(guesses)}, as the file states none"
    told["units"] = (own.get("units") or where) if any(stated) else guess
    if any(stated) and not all(stated):
        told["units"] += f"; where it states none, {guess}"
    if own.get("clock"):
        told["clock"] = own["clock"]
    return told
