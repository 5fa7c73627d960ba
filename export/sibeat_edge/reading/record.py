"""A wearer's recording in a file of any format, read in blocks, so that memory does not grow with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.leads import FIRST, find_lead, millivolts, plain
from sibeat_edge.reading.start import Start
from sibeat_edge.reading.units import SECONDS, guess_unit
from sibeat_edge.signal.resampling import HIGHEST_RATE

LOWEST_RATE = 50  # Hz, below which an ECG has no QRS complexes left


class Source(Protocol):
    """What the reader of each format has.

    Attributes:
        leads: their names, or numbers if the file has no names.
        units: of each lead; empty where the file states none.
        rates: of each lead, Hz.
        named: whether the file names its leads.
        seconds: of the whole recording, or None if it is known only after reading to the end.
        warnings: sentences on how the file was understood, known once it is open.
        cut: a sentence on where what can be read ends too early, known after reading to the end; else empty.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("0.1\\n0.2\\n")
    ...     source: Source = open_source(path, rate=250)[0]
    >>> source.leads, source.named, source.seconds
    (['1'], False, None)
    """

    leads: list[str]
    units: list[str]
    rates: list[float]
    named: bool
    seconds: float | None
    warnings: list[str]
    cut: str

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """Yield each block's time in s since the recording's start, and its samples ``(samples, leads)``.

        Args:
            columns: numbers of the leads to read.
            seconds: length of a block.
        """
        ...


@dataclass(frozen=True)
class Record:
    """A recording that is open for reading.

    Attributes:
        path: of the file; of a WFDB record, without extension.
        name: of the record.
        rate: Hz.
        leads: names of those that are read, in the model's order.
        seconds: of the whole recording, or None if it is known only after reading to the end.
        told: sentences on what was chosen when the recording was opened.
        unit: of the leads whose unit the file does not state.
        source: the reader of the file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("MLII (uV)\\n100\\n200\\n")
    ...     record = read_record(path, rate=250)
    ...     signal = record.signal
    >>> record.name, record.rate, record.leads
    ('a', 250.0, ('MLII',))
    >>> signal
    array([[0.1],
           [0.2]])
    """

    path: Path
    name: str
    rate: float
    leads: tuple[str, ...]
    seconds: float | None
    told: tuple[str, ...]
    unit: str
    source: Source = field(repr=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that are to be shown with the result; some are known only after reading to the end."""
        return (*self.source.warnings, *self.told)

    @property
    def cut(self) -> str:
        """A sentence on where the recording ends too early, known after reading to the end; else empty."""
        return self.source.cut

    @property
    def start(self) -> Start | None:
        """When the recording began, for formats whose files state it; else None."""
        return getattr(self.source, "start", None)

    def blocks(self, seconds: float = 60) -> Iterator[tuple[float, np.ndarray]]:
        """Yield each block's time in s since the recording's start, and its samples ``(samples, leads)``.

        Samples are in mV, float64, and NaN where missing. A block starts where the block before it ended,
        unless the file's clock jumps in between. Raises ``RecordError`` if the file turns out to be damaged.

        Args:
            seconds: length of a block.
        """
        names, units = self.source.leads, self.source.units
        columns = [names.index(lead) for lead in self.leads]
        factors = np.array([_factor(units[column], self.unit) for column in columns])
        for time, samples in self.source.blocks(columns, seconds):
            with np.errstate(all="ignore"):  # a number that is too large is none
                samples = samples * factors
            samples[~np.isfinite(samples)] = np.nan
            yield time, samples

    @property
    def signal(self) -> np.ndarray:
        """The whole signal, ``(samples, leads)`` in mV; NaN where the clock has jumped."""
        blocks = [(round(time * self.rate), samples) for time, samples in self.blocks()]
        whole = np.full((max(start + len(part) for start, part in blocks), len(self.leads)), np.nan)
        for start, part in blocks:
            whole[start : start + len(part)] = part
        return whole


def read_record(
    path: str | Path,
    lead: str | Sequence[str] | None = None,
    rate: float | None = None,
    wanted: Sequence[str] = ("MLII",),
    unit: str | None = None,
) -> Record:
    """Open the recording at ``path``, a WFDB record (with or without extension) or a file of ``FORMATS``.

    Args:
        path: of the file; ``-`` for a text on standard input.
        lead: name, or names, of leads to take instead of the ``wanted`` ones, with a warning. A number that
            names none is that of a column of a text file, from 1.
        rate: Hz, for a file that states none. If the file states its rate, both must agree to 1 %; a text's
            clock that is not even is left out, with a warning.
        wanted: names of the leads that the model was trained on, in its order.
        unit: of the leads whose unit the file does not state, or not as a unit of voltage; as ``millivolts``
            takes it, such as ``"uV"`` or ``"200/mV"``. By default it is mV or, with a warning, for
            WFDB 200/mV, and else what it must be by the size of the beats (``guess_unit``).

    Names of leads are compared as ``reading.leads.plain`` has them: without regard to case or to "ECG" before
    them, and MLII is II. ``first`` stands for the first lead, whatever its name.

    Raises ``RecordError``, one sentence of what was found and what was expected. It is raised for a file that
    is missing, truncated, empty or of another kind, for a missing lead, for a unit other than V, mV, uV or
    nV, and for a rate that is unknown, contradicted or out of range, such as one below 50 Hz.
    """
    path = Path(path)
    if rate is not None and not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise RecordError(f"{path}: given a rate of {rate} Hz; expected {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
    return record_of(path, *open_source(path, rate), lead, rate, wanted, unit)


def record_of(
    path: Path,
    source: Source,
    name: str,
    lead: str | Sequence[str] | None,
    rate: float | None,
    wanted: Sequence[str],
    unit: str | None,
) -> Record:
    """As ``read_record``, of the ``source`` and the ``name`` that ``open_source`` gives."""
    columns, warnings = _choose(path, source, wanted, lead)
    if unit is not None and millivolts(unit) is None:
        raise RecordError(f"{path}: given the unit {unit!r}; expected mV, uV, V or counts such as 200/mV.")
    for column in columns:
        if unit is None and source.units[column] and millivolts(source.units[column]) is None:
            what = f"{path}: found lead {source.leads[column]} in {source.units[column]!r}"
            raise RecordError(f"{what}; expected mV, uV or V (--unit UNIT settles it).")
    rates = sorted({source.rates[column] for column in columns})
    if len(rates) > 1:
        raise RecordError(f"{path}: found leads at {rates[0]:g} and {rates[-1]:g} Hz; expected one rate.")
    found = rates[0]
    if not LOWEST_RATE <= found <= HIGHEST_RATE:
        raise RecordError(f"{path}: found a rate of {found:g} Hz; expected {LOWEST_RATE} to {HIGHEST_RATE}.")
    if rate is not None and abs(found / rate - 1) > 0.01:
        raise RecordError(f"{path}: found a rate of {found:g} Hz; expected {rate:g} Hz as given.")
    leads = tuple(source.leads[column] for column in columns)
    if unit is None:
        unit, told = likely_unit(path, source, columns)
        warnings += told
    return Record(path, name, float(found), leads, source.seconds, tuple(warnings), unit, source)


def _choose(path, source, wanted, lead):
    """The columns of the leads to read, and warnings."""
    asked = [lead] if isinstance(lead, str) else list(lead or wanted)
    listed = ", ".join(source.leads)
    if len(asked) != len(wanted):
        raise RecordError(
            f"{path}: given the leads {', '.join(asked)}; "
            f"expected {len(wanted)}, as the model was trained on {', '.join(wanted)}."
        )
    places = [_place(name, source) for name in asked]
    columns = [place for place in places if place is not None]
    missing = [name for name, place in zip(asked, places, strict=True) if place is None]
    if lead is None and missing and not source.named and len(source.leads) == len(wanted):
        what = "column" if len(wanted) == 1 else "columns"
        return list(range(len(wanted))), [
            f"{path}: found no names of leads; took its {what} {listed} for {', '.join(wanted)}."
        ]
    if missing:
        hint = "" if lead is not None else ", which the model was trained on (--lead NAME takes another)"
        raise RecordError(f"{path}: found the leads {listed}; expected {', '.join(missing)}{hint}.")
    warnings = [
        f"{path}: found lead {source.leads[column]}; expected {model}, which the model was trained on, so "
        "its scores are unreliable."
        for column, model in zip(columns, wanted, strict=True)
        if model != FIRST and plain(source.leads[column]) != plain(model)
    ]
    return columns, warnings


def _place(name, source):
    """The place of a lead by its name or, in a text file, by the number of its column."""
    place, numbers = find_lead(name, source.leads), getattr(source, "numbers", [])
    return numbers.index(name) if place is None and name in numbers else place


def _factor(stated, unit):
    """The mV of one step of a lead: as the file has it, or else in the ``unit`` of the others."""
    factor = millivolts(stated)
    return millivolts(unit) if factor is None else factor


def likely_unit(path: Path, source: Source, columns: Sequence[int]) -> tuple[str, list[str]]:
    """The likely unit of those leads of a ``source`` that state none, and a warning unless it is mV."""
    unknown = [column for column in columns if not source.units[column]]
    assumed = str(getattr(source, "assumed", "mV"))  # some formats have a unit of their own
    names = ", ".join(source.leads[column] for column in unknown)
    if unknown and assumed != "mV":
        return assumed, [
            f"{path}: found lead {names} without a gain; took {assumed} (--unit UNIT settles it)."
        ]
    if not unknown:
        return assumed, []
    first = next((samples for _, samples in source.blocks(unknown, SECONDS)), np.zeros((0, 1)))
    with np.errstate(all="ignore"):
        guess = guess_unit(first, source.rates[unknown[0]])
    told = [f"{path}: found lead {names} without a unit, and {guess.told} (--unit UNIT settles it)."]
    return guess.unit, told if guess.told else []
