"""ISHNE files, the standard output of Holter recorders (Badilini, ANE 1998; thew-project.org)."""

import binascii
import struct
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource

MAGIC, START, FIXED = b"ISHNE1.0", 10, 522  # the header begins behind magic and checksum, and is so long
NAMES = (
    ["", "", "X", "Y", "Z", "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    + ["ES", "AS", "AI"]
)  # fmt: skip
MOST_LEADS = 12


def read_ishne(path: Path) -> ArraySource:
    """The ``Source`` of an ISHNE Holter recording, whose samples stay in the file until they are read.

    A header that differs from its checksum is told in a warning, if it makes sense: recorders write many.

    Raises ``RecordError`` for a header that is cut off or makes no sense, or for no samples.
    """
    with open(path, "rb") as file:
        head = file.read(FIXED)
        if len(head) < FIXED or not head.startswith(MAGIC):
            raise RecordError(f"{path}: found no ISHNE header; expected one of {FIXED} bytes.")
        extra, samples, _, data = struct.unpack_from("<4i", head, START)
        (count,) = struct.unpack_from("<h", head, 156)
        specs, steps = struct.unpack_from("<12h", head, 158), struct.unpack_from("<12h", head, 206)
        (rate,) = struct.unpack_from("<h", head, 272)
        size = path.stat().st_size
        if not (
            0 < count <= MOST_LEADS and FIXED <= data <= size and 0 <= extra <= data - FIXED and rate > 0
        ):
            raise RecordError(
                f"{path}: found {count} leads at {rate} Hz from byte {data} on; expected a header that makes "
                "sense (a damaged file?)."
            )
        head += file.read(extra)
    steps = steps[:count]
    if min(steps) <= 0:
        raise RecordError(f"{path}: found a step of {min(steps)} nV; expected positive ones.")
    warnings, cut = [], ""
    (declared,) = struct.unpack_from("<H", head, len(MAGIC))
    checksum = binascii.crc_hqx(head[START:], 0xFFFF)
    if declared not in (0, checksum):
        warnings.append(
            f"{path}: found the header's checksum {checksum:04X}; expected {declared:04X} as it states "
            "(a damaged file?)."
        )
    rows = (size - data) // (2 * count)
    # The number of samples is that of each lead, or of all together; some recorders leave it out.
    if samples in (rows, rows * count) or samples <= 0:
        pass
    elif samples < rows:
        warnings.append(
            f"{path}: found {rows} samples a lead; expected {samples} as its header says, and no more are "
            "read."
        )
        rows = samples
    elif samples != rows * count:
        cut = (
            f"{path}: found {rows} samples a lead; expected {samples} as its header says (a truncated file?)."
        )
    if not rows:
        raise RecordError(f"{path}: found no samples; expected at least one lead and its samples.")
    leads = [NAMES[spec] if 0 <= spec < len(NAMES) else "" for spec in specs[:count]]
    return ArraySource(
        path,
        np.memmap(path, "<i2", "r", offset=data, shape=(rows, count)),
        leads if any(leads) else None,
        "mV",
        rate,
        scale=[step / 1e6 for step in steps],
        warnings=warnings,
        told={
            "leads": "the header's codes" if any(leads) else "their places, as the header names none",
            "rate": "the header",
            "units": "the header's steps in nV",
        },
        cut=cut,
    )
