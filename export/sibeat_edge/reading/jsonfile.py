"""JSON files of Movesense sensors and of AliveCor's Kardia."""

import json
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling
from sibeat_edge.reading.clocks import stretches_of

MOST = 64 * 2**20  # bytes of a file that is parsed as a whole, which takes ten times as much memory
CHUNK = 2**20  # characters read at a time
MOST_PACKET = 2**18  # characters of a packet
MOST_SAMPLES = 100_000_000
WRAP, LONGEST_DELAY = 2**32 / 1e3, 10.0  # s: where a clock of 32 bits begins again; that packets are held up
STEP = 0.38147e-3  # mV: Movesense's documented step of its counts
SAMPLES = re.compile(r'\{[^{}\[\]]*"Samples"\s*:\s*\[')  # where a packet begins
STAMP = re.compile(r'"Timestamp"\s*:\s*(-?\d+(?:\.\d+)?)')
LIST = re.compile(r'"Samples"\s*:\s*\[([^\[\]]*)\]')
ADDRESS = re.compile(r"Meas/ECG/(\d{1,9})(/mV)?", re.IGNORECASE)
MILLIVOLTS = re.compile(r'"(ECGmV|ecgmv)"')
KEYS = frozenset(("frequency", "amplitudeResolution", "gain", "mainsFrequency"))  # beside Kardia's samples
OWN = "amplitudeResolution", "mainsFrequency"  # no other program's words
ONLY = "the only"
KARDIA_LEAD = re.compile(r"^(?:lead\s*)?(I{1,3}|a?V[RLF]|V[1-6])$", re.IGNORECASE)


def read_movesense(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of a Movesense ECG: packets ``{"Timestamp": ms, "Samples": [counts]}``.

    They may stand in anything, as the showcase app's ``{"data": [{"ecg": …}]}`` or a line a notification.

    Counts have the sensor's documented step of 0.38147 uV; what comes from ``/Meas/ECG/…/mV`` is in mV. The
    rate is the address's or the option's, and else that of the timestamps, whose gaps are gaps. Packets that
    come in another order, or twice, are put in the order of their timestamps, with a warning.

    Args:
        path: of the file.
        rate: Hz, for packets without timestamps; may be None.

    Raises ``RecordError`` for a file without such packets, or without a rate.
    """
    values, stamps, sizes = array("f"), [], []
    address, is_scaled, cut = None, False, ""
    try:
        for stamp, samples, place, scaled in _packets(path):
            address, is_scaled = place or address, is_scaled or scaled
            if samples:
                values.extend(samples)
                stamps.append(np.nan if stamp is None else stamp)
                sizes.append(len(samples))
            if len(values) > MOST_SAMPLES:
                raise RecordError(f"{path}: found more than {MOST_SAMPLES:,} samples; expected fewer.")
    except _EndsError as ended:
        cut = f"{path}: found a packet of samples that ends too early; expected it whole (a truncated file?)."
        if not values:
            raise RecordError(cut) from ended
    if not values:
        raise RecordError(f"{path}: found no samples; expected packets of Movesense's ECG.")
    signal, times, counts = np.frombuffer(values, np.float32), np.array(stamps) / 1e3, np.array(sizes)
    told = {
        "leads": "the format: one lead",
        "units": "the address, /mV" if is_scaled else "the sensor's step",
    }
    warnings, stretches = [], None
    if np.isfinite(times).all() and len(times) > 1:
        signal, times, counts, is_changed = _in_order(signal, times, counts)
        if is_changed:
            what = f"{path}: found packets in another order than their timestamps, or twice"
            warnings.append(f"{what}; expected each once, and put them in order.")
        found, stretches = stretches_of(path, times, counts)
        told |= {"rate": "the timestamps of packets", "clock": "the timestamps of packets"}
    elif (address or rate) is not None:
        found = float(address or rate or 0)
        told["rate"] = "the address in the file" if address else "the option"
        warnings.append(f"{path}: found packets without timestamps; took them for one without a gap.")
    else:
        raise RecordError(f"{path}: found no timestamps of packets; expected them, or the rate (--rate HZ).")
    return ArraySource(
        path,
        signal[:, None],
        ["ECG"],
        "mV",
        found,
        scale=1.0 if is_scaled else STEP,
        stretches=stretches,
        warnings=warnings,
        told=told,
        cut=cut,
    )


def _in_order(signal, times, counts):
    """The samples, times and counts of packets in the order of their times, each once; whether that differs.

    Where a clock goes back by more than packets are held up, it has begun anew: that is left as it is.
    """
    times = times + WRAP * np.cumsum(np.diff(times, prepend=times[0]) < -WRAP / 2)
    back = np.maximum.accumulate(times) - times
    if not (np.diff(times) <= 0).any() or back.max() > LONGEST_DELAY:
        return signal, times, counts, False
    packets = np.split(signal, np.cumsum(counts)[:-1])
    kept: list[int] = []
    for number in np.argsort(times, kind="stable"):
        is_again = kept and times[number] == times[kept[-1]]
        if not (is_again and np.array_equal(packets[number], packets[kept[-1]])):
            kept.append(number)
    parts = [packets[number] for number in kept]
    return np.concatenate(parts), times[kept], counts[kept], kept != list(range(len(packets)))


class _EndsError(Exception):
    """The file ends in the middle of a packet."""


def _packets(path: Path) -> Iterator[tuple[float | None, list[float], int | None, bool]]:
    """Each packet's timestamp in ms, samples, the rate of its address, and whether it is in mV."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        text, ended, in_millivolts = "", False, False
        while not ended:
            more = file.read(CHUNK)
            ended = len(more) < CHUNK
            text += more
            begun, done = 0, 0
            for match in SAMPLES.finditer(text):
                begun = match.start()
                end = text.find("}", match.end())
                if end < 0:
                    break
                body, around = text[begun : end + 1], text[max(done, begun - 200) : end + 200]
                listed, stamp = LIST.search(body), STAMP.search(body)
                if listed is None:
                    raise RecordError(f"{path}: found samples that are no list; expected numbers.")
                place = ADDRESS.search(around)
                in_millivolts |= MILLIVOLTS.search(around) is not None or bool(place and place[2])
                yield (
                    float(stamp[1]) if stamp else None,
                    _numbers(path, listed[1]),
                    int(place[1]) if place and 0 < int(place[1]) <= 10_000 else None,
                    in_millivolts,
                )
                done = end + 1
            is_open = ended and text.rstrip()[-1:] not in ("}", "]")
            if is_open or (ended and begun >= done and SAMPLES.search(text, done)):
                raise _EndsError
            text = text[max(done, len(text) - MOST_PACKET) :]


def _numbers(path, text):
    try:
        return [float(word.replace("null", "nan")) for word in text.split(",")] if text.strip() else []
    except ValueError as error:
        raise RecordError(f"{path}: found a sample that is no number; expected numbers.") from error


def read_kardia(path: Path, rate: float | None = None) -> ArraySource:
    """The ``Source`` of a JSON file of AliveCor's Kardia: ``data`` with ``raw`` or ``enhanced``, which have a
    ``frequency`` in Hz, an ``amplitudeResolution`` in nV, and ``samples`` of one to twelve leads.

    The raw signal is taken where there is one: the enhanced is filtered, and a filter changes beats.

    Samples that are objects, or without Kardia's words beside them, are of another program: the file is then
    read as any JSON.

    Args:
        path: of the file.
        rate: Hz, for a file without a frequency; may be None.

    Raises ``RecordError`` for a file without samples or a rate.
    """
    checked_size(path, MOST)
    text = path.read_bytes()
    with telling(path, "JSON"):
        content = json.loads(text)
    block, name = _kardia_block(content)
    if block is None and any(f'"{word}"'.encode() in text for word in OWN):
        raise RecordError(f"{path}: found no samples; expected those of a Kardia recording.")
    if block is None or _is_of_another(block, name):
        from sibeat_edge.reading.datasets.jsonarrays import read_json

        return read_json(path, rate)
    samples = block["samples"]
    leads = list(samples) if isinstance(samples, dict) else ["leadI"]
    columns = list(samples.values()) if isinstance(samples, dict) else [samples]
    stated = _number(block.get("frequency"))
    rate = stated or rate
    if rate is None:
        raise RecordError(f"{path}: found no frequency; expected one, or the rate (--rate HZ).")
    with telling(path, "lists of numbers"):
        signals = [np.array(column, np.float32) for column in columns]
        if any(signal.ndim != 1 for signal in signals):
            raise ValueError("a list in a list")
    length = min((len(signal) for signal in signals), default=0)
    if not length:
        raise RecordError(f"{path}: found no samples; expected those of a Kardia recording.")
    warnings = []
    if any(len(signal) != length for signal in signals):
        warnings.append(f"{path}: found leads of different lengths; took the {length} samples that all have.")
    step = _number(block.get("amplitudeResolution"))
    key = "amplitudeResolution" if step else "gain"
    step = step or _number(block.get("gain"))
    return ArraySource(
        path,
        np.stack([signal[:length] for signal in signals], axis=1),
        [_lead_name(lead) for lead in leads],
        "mV" if step else "",
        rate,
        scale=step / 1e6 if step else 1.0,
        warnings=warnings,
        told={
            "leads": f"the file's names ({name} signal)",
            "rate": "the file's frequency" if stated else "the option",
            "units": f"the file's {key} in nV" if step else "",
        },
    )


def _kardia_block(content: Any) -> tuple[dict | None, str]:
    data = content.get("data", content) if isinstance(content, dict) else None
    for name in ("raw", "enhanced"):
        block = data.get(name) if isinstance(data, dict) else None
        if isinstance(block, dict) and isinstance(block.get("samples"), (dict, list)):
            return block, name
    for block in (data, content):
        if isinstance(block, dict) and isinstance(block.get("samples"), (dict, list)):
            return block, ONLY
    return None, ""


def _is_of_another(block, name):
    """Whether samples are those of another program."""
    samples = block["samples"]
    is_plain = name == ONLY and isinstance(samples, list) and not KEYS & set(block)
    return is_plain or (isinstance(samples, list) and bool(samples) and isinstance(samples[0], dict))


def _lead_name(name):
    """``leadI`` is I, ``AVR`` is aVR; names of other kinds stay as they are."""
    found = KARDIA_LEAD.match(name.strip())
    if not found:
        return name
    lead = found[1].upper()
    return "a" + lead.removeprefix("A") if lead.removeprefix("A") in ("VR", "VL", "VF") else lead


def _number(value):
    """A positive number, or None."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1e12 else None
