"""SCP-ECG files (EN 1064, ISO 11073-91064) of resting ECGs."""

import binascii
import struct
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size
from sibeat_edge.reading.clinical.huffman import decode, read_tables
from sibeat_edge.reading.clinical.limbs import limb_source
from sibeat_edge.reading.clinical.reference import read_reference

MOST, MOST_SAMPLES = 16 * 2**20, 2_000_000  # bytes of a file, samples of all leads
HEADER, SECTION, POINTER = 6, 16, 10  # bytes of the file's header, of a section's, and of a pointer to one
NAMES = {
    **dict(enumerate(("I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "V7"), 1)),
    **dict(enumerate(("V2R", "V3R", "V4R", "V5R", "V6R", "V7R", "X", "Y", "Z", "CC5", "CM5"), 10)),
    **dict(enumerate(("III", "aVR", "aVL", "aVF"), 61)),
    66: "V8",
    67: "V9",
    68: "V8R",
    69: "V9R",
}


def read_scp(path: Path) -> ArraySource:
    """The ``Source`` of an SCP-ECG file: its rhythm data (section 6), plain or in Huffman codes.

    III, aVR, aVL and aVF follow from I and II where they are not stored. A reference beat that has been
    subtracted is added again. A file that differs from its checksum is told in a warning.

    Raises ``RecordError`` for a file without rhythm data, and for data that are thinned out between beats
    ("bimodal"), which this reader cannot undo.
    """
    checked_size(path, MOST)
    content = path.read_bytes()
    try:
        return _read(path, content)
    except (struct.error, IndexError) as error:
        raise RecordError(f"{path}: found a section that ends too early; expected all of it.") from error


def _read(path, content):
    checksum, size = struct.unpack_from("<HI", content)
    sections = _sections(path, content)
    leads = sections.get(3, b"")
    rhythm = sections.get(6, b"")
    if not leads or not rhythm:
        raise RecordError(f"{path}: found no leads or no rhythm data; expected sections 3 and 6 of SCP-ECG.")
    count, flags = leads[0], leads[1]
    spans = [struct.unpack_from("<IIB", leads, 2 + 9 * number) for number in range(count)]
    step, interval, differences, is_bimodal = struct.unpack_from("<HHBB", rhythm)
    if is_bimodal:
        raise RecordError(
            f"{path}: found samples thinned out between beats; expected all samples of the rhythm."
        )
    if not count or not step or not interval or differences > 2:
        raise RecordError(
            f"{path}: found {count} leads, steps of {step} nV and {interval} us; expected a header that "
            "makes sense (a damaged file?)."
        )
    sizes = struct.unpack_from(f"<{count}H", rhythm, 6)
    lengths = [end - start + 1 for start, end, _ in spans]
    if min(lengths) <= 0 or sum(lengths) > MOST_SAMPLES:
        raise RecordError(
            f"{path}: found {sum(lengths)} samples; expected at most {MOST_SAMPLES:,} of a lead each."
        )
    tables = read_tables(path, sections[2]) if sections.get(2) else None

    def decoded(part, samples, order):
        return _summed(_lead(part, tables, samples), order)

    reference = None
    if flags & 1:
        reference = read_reference(path, sections.get(4, b""), sections.get(5, b""), interval, decoded, count)
    place, signals, length = 6 + 2 * count, {}, min(lengths)
    for number, ((start, _, code), bytes_of) in enumerate(zip(spans, sizes, strict=True)):
        values = decoded(rhythm[place : place + bytes_of], lengths[number], differences) * (step / 1e6)
        values = values if reference is None else reference.add(values, number, start)
        length = min(length, len(values))
        signals.setdefault(NAMES.get(code, f"lead {code}"), values)
        place += bytes_of
    cut = ""
    if length < min(lengths):
        cut = f"{path}: found {length} samples; expected {min(lengths)} of each lead (a truncated file?)."
    warnings = []
    if checksum and checksum != binascii.crc_hqx(
        content[2:size] if 2 < size <= len(content) else b"", 0xFFFF
    ):
        warnings.append(f"{path}: found another checksum than the file states; expected the same (damaged?).")
    if len({start for start, _, _ in spans}) > 1:
        warnings.append(
            f"{path}: found leads that begin at different times; took them from their beginnings on."
        )
    signals = {name: samples[:length] for name, samples in signals.items()}
    told = {"leads": "the file's codes", "rate": "section 6", "units": "section 6"}
    return limb_source(path, signals, 1e6 / interval, told, warnings=warnings, cut=cut)


def _sections(path, content):
    """The content of each section, without its header, by its number."""
    size = struct.unpack_from("<I", content, HEADER + 4)[0]
    end = min(HEADER + size, len(content))
    found = {}
    for place in range(HEADER + SECTION, end - POINTER + 1, POINTER):
        number, length, index = struct.unpack_from("<HII", content, place)
        if length > SECTION and 0 < index <= len(content) and number not in found:
            found[number] = content[index - 1 + SECTION : index - 1 + length]
    return found


def _lead(content, tables, samples):
    """A lead's numbers as they are stored, at most ``samples``."""
    if tables is None:
        return np.frombuffer(content[: len(content) // 2 * 2], "<i2")[:samples].astype(np.int64)
    return decode(content, tables, samples)


def _summed(values, differences):
    """The samples of which first or second differences are stored, from their first one or two on."""
    if differences == 0:
        return values
    if differences == 1:
        return np.cumsum(values)
    steps = np.cumsum(np.concatenate([values[1:2] - values[:1], values[2:]]))
    return np.concatenate([values[:1], values[:1] + np.cumsum(steps)])
