"""The header of an EDF or BDF file: what it declares, as far as it is needed to read samples.

Specification: https://www.edfplus.info/specs/edf.html (Kemp et al. 1992, 2003); BDF has 24 bits, not 16.
Names are passed over, and dates that cannot be read: recorders and anonymisers fill them as they like.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.encoding import decode, decode_unit
from sibeat_edge.reading.start import Start, start_of

FIXED = EACH = 256  # bytes: the fixed part, and the part of each signal
MOST_SIGNALS = 9999  # as four digits hold
LARGEST = 1 << 31
# Bytes of a signal's fields, in their order; each field is stored for all signals before the next.
WIDTHS = {
    "label": 16, "transducer": 80, "unit": 8, "low": 8, "high": 8, "least": 8, "most": 8, "filter": 80,
    "samples": 8, "reserved": 32,
}  # fmt: skip


@dataclass(frozen=True)
class Channel:
    """A signal of the file.

    Attributes:
        label: its name, or empty.
        unit: or empty.
        samples: in a data record.
        place: in a data record, in bytes.
        gain, offset: value = gain · stored + offset; None where the header has no range to tell them.
    """

    label: str
    unit: str
    samples: int
    place: int
    gain: float | None
    offset: float | None

    @property
    def is_annotations(self) -> bool:
        """Whether it holds annotations and the records' times instead of samples."""
        return self.label.casefold() in ("edf annotations", "bdf annotations")


@dataclass(frozen=True)
class EdfHeader:
    """What the header declares.

    Attributes:
        width: bytes of a sample.
        records: number of data records, or None where the recording was not finished.
        duration: of a data record, in s.
        has_gaps: whether each data record has a time of its own (EDF+D).
        channels: in their order.
        begin: of the first data record, in bytes.
        size: of a data record, in bytes.
        start: when the recording began, or None where no date or time can be read.
    """

    width: int
    records: int | None
    duration: float
    has_gaps: bool
    channels: tuple[Channel, ...]
    begin: int
    size: int
    start: Start | None = None


def read_edf_header(path: Path, rate: float | None = None) -> EdfHeader:
    """Read the header of the file at ``path``; raises ``RecordError`` for what is none, or ends too early.

    Data records without a duration have that of their samples at the ``rate``, if all leads have as many.
    """
    with open(path, "rb") as file:
        fixed = file.read(FIXED)
        is_bdf = fixed[:8] == b"\xffBIOSEMI"
        if len(fixed) < FIXED or not (is_bdf or fixed[:8].strip(b" \0") == b"0"):
            raise RecordError(f"{path}: found no EDF header; expected an EDF or BDF file.")
        count = _number(fixed[252:256])
        if not count.is_integer() or not 0 < count <= MOST_SIGNALS:
            raise RecordError(f"{path}: found no number of signals in its EDF header; expected at least 1.")
        rest = file.read(EACH * int(count))
    duration, records = _number(fixed[244:252]), _number(fixed[236:244])
    if len(rest) < EACH * count:
        raise RecordError(
            f"{path}: found {FIXED + len(rest)} bytes; expected an EDF header of {FIXED + EACH * int(count)} "
            "(a truncated file?)."
        )
    width = 3 if is_bdf else 2
    channels, size = [], 0
    for fields in _fields(rest, int(count)):
        channels.append(_channel(path, fields, size))
        size += width * channels[-1].samples
    counts = {channel.samples for channel in channels if not channel.is_annotations}
    if duration == 0 and rate is not None and len(counts) == 1:
        duration = counts.pop() / rate
    if any(not channel.is_annotations for channel in channels) and not 0 < duration < LARGEST:
        found = decode(fixed[244:252]).strip()
        raise RecordError(
            f"{path}: found data records of {found!r} s; expected a duration, or the rate (--rate HZ)."
        )
    return EdfHeader(
        width=width,
        records=int(records) if records.is_integer() and 0 <= records < LARGEST else None,
        duration=duration,
        has_gaps=fixed[192:197] in (b"EDF+D", b"BDF+D"),
        channels=tuple(channels),
        begin=FIXED + EACH * int(count),
        size=size,
        start=start_of(decode(fixed[176:184]), decode(fixed[168:176])),
    )


def _fields(rest, count):
    """The fields of each signal, by name."""
    columns, first = {}, 0
    for name, width in WIDTHS.items():
        columns[name] = [rest[first + width * n : first + width * (n + 1)] for n in range(count)]
        first += width * count
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _channel(path, fields, place):
    label = decode(fields["label"]).strip(" \0")
    samples = _number(fields["samples"])
    if not samples.is_integer() or not 0 <= samples < LARGEST:
        raise RecordError(
            f"{path}: found {decode(fields['samples']).strip()!r} samples a data record of channel "
            f"{label or 'without a name'}; expected a number."
        )
    low, high, least, most = (_number(fields[name]) for name in ("low", "high", "least", "most"))
    gain = (high - low) / (most - least) if most != least else math.nan
    is_scaled = math.isfinite(gain) and gain != 0
    return Channel(
        label=label,
        unit=decode_unit(fields["unit"]),
        samples=int(samples),
        place=place,
        gain=gain if is_scaled else None,
        offset=low - gain * least if is_scaled else None,
    )


def _number(field):
    """The number that a field has; some programs write a decimal comma. NaN for none."""
    try:
        return float(decode(field).strip(" \0").replace(",", "."))
    except ValueError:
        return math.nan
