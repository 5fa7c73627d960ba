"""HL7 annotated ECG files (aECG), in which trials hand in their ECGs."""

from datetime import datetime
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, telling
from sibeat_edge.reading.clinical.xmltree import number_of, read_tree
from sibeat_edge.reading.encoding import printable
from sibeat_edge.reading.leads import millivolts

LEAD = "MDC_ECG_LEAD_"  # before a lead's name
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
MOST_TEXT = 40_000_000  # characters of a lead's digits


def read_aecg(path: Path) -> ArraySource:
    """The ``Source`` of an aECG file: its first series, whose sequences have an origin, a scale and digits.

    Several sets of sequences of the same leads follow one another by their times.

    Raises ``RecordError`` for a file without leads or an increment of time, or of a unit other than of
    voltage.
    """
    root = read_tree(path)
    series = next(root.iter("series"), None)
    sets = [] if series is None else [part for part in series.iter("sequenceSet")]
    if not sets:
        raise RecordError(f"{path}: found no series of sequences; expected that of an annotated ECG.")
    leads: list[str] = []
    increment, parts, times, warnings = None, [], [], []
    for part in sets:
        time, step, found = _sequences(path, part)
        if not found:
            continue
        if step is None or not 0 < step < 1:
            raise RecordError(f"{path}: found no increment of time in s; expected one below a second.")
        if not leads:
            leads, increment = list(found), step
        if list(found) != leads or step != increment:
            warnings.append(f"{path}: found a set of other leads or another rate; left it out.")
            continue
        parts.append(_stacked(path, found, warnings))
        times.append(time)
    if not leads or increment is None:
        raise RecordError(f"{path}: found no leads; expected sequences named {LEAD}II or alike.")
    return ArraySource(
        path,
        np.concatenate(parts),
        leads,
        "mV",
        round(1 / increment, 6),
        stretches=_stretches(path, parts, times, increment, warnings),
        warnings=warnings,
        told={
            "leads": "the file's codes",
            "rate": "the file's increment",
            "units": "the file's scale",
            "clock": "the times of its sequences",
        },
    )


def _sequences(path, part):
    """The time in s at which a set begins or None, its increment in s or None, and its leads in mV."""
    time, step, found = None, None, {}
    for sequence in part.iter("sequence"):
        code, value = sequence.find("code"), sequence.find("value")
        name = code.get("code", "") if code is not None else ""
        if value is None:
            continue
        if name.startswith("TIME_"):
            head, increment = value.find("head"), value.find("increment")
            time = _time(head)
            if increment is not None and increment.get("unit", "s") in SECONDS:
                amount = number_of(increment.get("value"))
                step = None if amount is None else amount * SECONDS[increment.get("unit", "s")]
        elif value.find("digits") is not None:
            lead = name.removeprefix(LEAD) or str(len(found) + 1)
            lead = "a" + lead[1:] if lead in ("AVR", "AVL", "AVF") else lead
            if lead not in found:
                found[lead] = _samples(path, lead, value)
    return time, step, found


def _samples(path, lead, value):
    """A sequence's samples in mV: its origin, and the digits times its scale."""
    (origin, shift), (scale, unit) = (_quantity(value.find(name)) for name in ("origin", "scale"))
    if scale is None or unit is None:
        raise RecordError(
            f"{path}: found lead {printable(lead[:20])} without a scale; expected one in uV or mV."
        )
    text = value.findtext("digits") or ""
    with telling(path, "digits that are numbers"):
        digits = np.array(text[:MOST_TEXT].split(), np.float64)
    return (origin * shift if origin is not None and shift is not None else 0.0) + digits * (scale * unit)


def _quantity(element):
    """A number, and how many mV its unit is; None for either that is missing."""
    if element is None:
        return None, None
    return number_of(element.get("value")), millivolts(element.get("unit", ""))


def _time(head):
    """A time in s, of which only differences count; None if there is none."""
    if head is None:
        return None
    text = head.get("value", "")
    if head.get("unit") in SECONDS:
        number = number_of(text)
        return None if number is None else number * SECONDS[head.get("unit")]
    whole, _, fraction = text.partition(".")
    digits = "".join(character for character in fraction if character.isdigit())
    try:
        return datetime.strptime(whole[:14], "%Y%m%d%H%M%S").timestamp() + float(f"0.{digits or 0}")
    except (ValueError, OverflowError, OSError):
        return None


def _stacked(path, found, warnings):
    length = min(map(len, found.values()))
    if any(len(samples) != length for samples in found.values()):
        warnings.append(f"{path}: found leads of different lengths; took the {length} samples that all have.")
    return np.stack([samples[:length] for samples in found.values()], axis=1)


def _stretches(path, parts, times, increment, warnings):
    """The ``(time, first, end)`` of each set."""
    stretches, first, end = [], 0, 0.0
    for part, time in zip(parts, times, strict=True):
        start = time - times[0] if time is not None and times[0] is not None else None
        if stretches and (start is None or start < end - increment or start > 1e7):
            warnings.append(f"{path}: found a set whose time is unknown; took it as next to the one before.")
            start = end
        stretches.append((max(start or 0.0, end), first, first + len(part)))
        end = stretches[-1][0] + len(part) * increment
        first += len(part)
    return stretches
