"""The reference beat of SCP-ECG, which is stored once and subtracted from each beat like it."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError


@dataclass(frozen=True)
class Reference:
    """A reference beat, and where it has been subtracted.

    Attributes:
        beats: of each lead, mV.
        fiducial: place of its QRS in it, from 1.
        places: (first, QRS, last) sample of each beat that it was subtracted from, from 1 at the recording's
            beginning.
    """

    beats: list[np.ndarray]
    fiducial: int
    places: list[tuple[int, int, int]]

    def add(self, samples: np.ndarray, lead: int, start: int) -> np.ndarray:
        """The ``samples`` of a lead, whose first is number ``start`` of the recording, as recorded."""
        whole, beat = np.array(samples, np.float64), self.beats[lead]
        for first, middle, last in self.places:
            # Where the recording, the zone of subtraction and the reference beat all have samples.
            begin = max(first, start, middle - self.fiducial + 1)
            end = min(last + 1, start + len(whole), middle - self.fiducial + 1 + len(beat))
            if begin < end:
                there = begin - middle + self.fiducial - 1
                whole[begin - start : end - start] += beat[there : there + end - begin]
        return whole


def read_reference(
    path: Path,
    beats: bytes,
    data: bytes,
    interval: int,
    decoded: Callable[[bytes, int, int], np.ndarray],
    leads: int,
) -> Reference:
    """The reference beat of a file.

    Args:
        path: of the file.
        beats: section 4, the places of beats.
        data: section 5, the reference beat.
        interval: µs between samples of the rhythm.
        decoded: gives a lead's numbers, of its bytes, the most samples, and the order of differences.
        leads: their number.

    Raises ``RecordError`` for a file that lacks either, or a beat at another rate; ``struct.error`` for a
    section that ends too early.
    """
    if not beats or not data:
        raise RecordError(
            f"{path}: found no reference beat, though one is subtracted; expected sections 4 and 5."
        )
    length, fiducial, count = struct.unpack_from("<HHH", beats)
    rows = [struct.unpack_from("<HIII", beats, 6 + 14 * number) for number in range(count)]
    step, own, differences = struct.unpack_from("<HHB", data)
    if own != interval or not step or differences > 2:
        raise RecordError(
            f"{path}: found a reference beat in steps of {step} nV and {own} us; expected {interval} us."
        )
    sizes = struct.unpack_from(f"<{leads}H", data, 6)
    most, place, found = length * 1000 // interval, 6 + 2 * leads, []
    for size in sizes:
        found.append(decoded(data[place : place + size], most, differences) * (step / 1e6))
        place += size
    # Beats of another type were left as they are.
    return Reference(found, fiducial, [tuple(rest) for kind, *rest in rows if kind == 0])
