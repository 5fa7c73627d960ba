"""The segments of a WFDB record: which signals they have, and where in the record each of them stands."""

from dataclasses import dataclass, replace

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.leads import millivolts
from sibeat_edge.reading.limits import LONGEST
from sibeat_edge.reading.wfdbheader import Header, Signal, read_header
from sibeat_edge.reading.wfdbsignals import Signals

ASSUMED = "200/mV"  # WFDB's default for a lead whose header has no gain


@dataclass(frozen=True)
class Part:
    """A segment from frame ``first`` of the record on, of ``frames``; its leads are in the record's order.

    Leads are found ``by_name`` instead, if the record has a layout of which segments have some leads.
    """

    first: int
    frames: int
    signals: Signals
    by_name: bool = False

    def find(self, number: int, lead: Signal) -> tuple[int | None, float]:
        """The number here of the record's ``lead``, if it has it, and the factor to the record's unit."""
        listed = self.signals.header.signals
        place: int | None = number
        if self.by_name:
            place = next((n for n, signal in enumerate(listed) if signal.name == lead.name), None)
        if place is None:
            return None, 1.0
        here = listed[place]
        own, wanted = millivolts(here.unit or ASSUMED), millivolts(lead.unit or ASSUMED)
        is_same = here.unit == lead.unit
        if here.per_frame != lead.per_frame or not (is_same or (own and wanted)):
            raise RecordError(
                f"{self.signals.header.file}: found lead {lead.name or number + 1} in {here.unit!r}, "
                f"{here.per_frame} samples a frame; expected {lead.unit!r}, {lead.per_frame} as before."
            )
        return place, own / wanted if own and wanted and not is_same else 1.0


def open_segments(whole: Header) -> tuple[list[Part], tuple[Signal, ...], int, str]:
    """The parts of the record of several segments that ``whole`` describes, without those that are missing.

    Returns also the record's signals, its number of frames, and a sentence if a segment cannot be read, or
    ends too early. Raises ``RecordError`` if none can be read.
    """
    has_layout = whole.segments[0][1] == 0
    layout = _read(whole, whole.segments[0][0]) if has_layout else None
    opened: dict[str, Signals | None] = {"~": None}
    parts, cuts, first = [], [], 0
    for name, frames in whole.segments[has_layout:]:
        if first + frames > LONGEST * whole.rate:
            cuts.append(
                f"{whole.file}: found segments of more than {LONGEST // 86_400} days; expected fewer, so no "
                "more are read."
            )
            break
        if name not in opened:
            try:
                header = _read(whole, name)
                if not has_layout:
                    _check_count(whole, header)
                signals = opened[name] = Signals(replace(header, frames=header.frames or frames))
                if signals.cut or signals.frames < frames:
                    cuts.append(signals.cut or _too_short(whole, header, frames))
            except RecordError as error:
                opened[name] = None
                cuts += [str(error)]
        found = opened[name]
        if found is not None:
            parts.append(Part(first, frames, found, has_layout))
        first += frames
    if not parts:
        raise RecordError(cuts[0] if cuts else f"{whole.file}: found no samples; expected at least one.")
    if whole.frames is not None and first < whole.frames:
        cuts.append(
            f"{whole.file}: found segments of {first} samples; expected {whole.frames} as line 1 declares."
        )
    if layout is None:
        described = parts[0].signals.header.signals
    else:
        _check_count(whole, layout)
        stated = {signal.name: signal for part in parts[::-1] for signal in part.signals.header.signals}
        described = tuple(stated.get(signal.name, signal) for signal in layout.signals)
    return parts, described, first, cuts[0] if cuts else ""


def _read(whole, name):
    header = read_header(whole.file.parent / f"{name}.hea")
    if header.segments or header.rate != whole.rate:
        found = "segments" if header.segments else f"a rate of {header.rate:g} Hz"
        raise RecordError(f"{header.file}: found {found}; expected a segment of {whole.file.name}.")
    return header


def _too_short(whole, header, frames):
    return f"{header.file}: found {header.frames} samples; expected {frames} as {whole.file.name} declares."


def _check_count(whole, header):
    if header.count != whole.count:
        raise RecordError(
            f"{header.file}: found {header.count} signals; expected {whole.count} as {whole.file.name} "
            "declares."
        )
