"""ATC files, in which AliveCor's Kardia app keeps its recordings."""

from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size

MAGIC, FIRST = b"ALIVE", 12  # bytes before the first block: the signature and a version
LEADS = {b"ecg ": "I", b"ecg2": "II", b"ecg3": "III", b"ecg4": "aVR", b"ecg5": "aVL", b"ecg6": "aVF"}
MOST, MOST_BLOCKS = 256 * 2**20, 1000  # bytes; blocks of a file


def read_atc(path: Path) -> ArraySource:
    """The ``Source`` of an ATC file: blocks of a name, a length, content, and a sum of 4 bytes each.

    ``fmt `` has the rate in Hz and the step of a sample in nV; ``ecg `` to ``ecg6`` are the leads.

    Raises ``RecordError`` for a file without those blocks.
    """
    checked_size(path, MOST)
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise RecordError(f"{path}: found no ATC signature; expected a file of the Kardia app.")
    blocks: dict[bytes, bytes] = {}
    place, cut = FIRST, ""
    for _ in range(MOST_BLOCKS):
        if place + 8 > len(content):
            break
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        block = content[place + 8 : place + 8 + size]
        blocks.setdefault(name, block)
        if len(block) < size:
            cut = f"{path}: found a block that ends too early; expected {size} bytes (a truncated file?)."
        place += 8 + size + 4
    form = blocks.get(b"fmt ", b"")
    if len(form) < 5:
        raise RecordError(f"{path}: found no format block; expected one with the sampling rate.")
    rate, step = int.from_bytes(form[1:3], "little"), int.from_bytes(form[3:5], "little")
    if not step:
        raise RecordError(f"{path}: found a step of 0 nV; expected a positive one.")
    found = {lead: blocks[name] for name, lead in LEADS.items() if name in blocks}
    signals = {lead: np.frombuffer(block[: len(block) // 2 * 2], "<i2") for lead, block in found.items()}
    length = min((len(signal) for signal in signals.values()), default=0)
    if not length:
        raise RecordError(f"{path}: found no samples; expected at least one lead and its samples.")
    return ArraySource(
        path,
        np.stack([signal[:length] for signal in signals.values()], axis=1),
        list(signals),
        "mV",
        rate,
        scale=step / 1e6,
        told={"leads": "the blocks' names", "rate": "the format block", "units": "the format block's step"},
        cut=cut,
    )
