"""HDF5 files, and MATLAB's of version 7.3, which are HDF5 files."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, telling
from sibeat_edge.reading.datasets.named import Named, are_stamps
from sibeat_edge.reading.datasets.signals import find_signal

MOST_PARTS = 2000  # groups and datasets of a file
MOST_CHUNK = 64 * 2**20  # bytes that are unpacked at once
MOST_PACKED = 1100  # times of what is stored: gzip packs to a 1032nd, so more has never been written
HEAP, HEAD, PART = (
    b"GCOL\1\0\0\0",
    16,
    2**20,
)  # begins a heap of texts; bytes of its header; bytes read at a time
SMALL = 1000  # values of an array of texts, or of an attribute


def read_hdf5(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of the signal among an HDF5 file's datasets; as ``find_signal``.

    Attributes count as arrays and texts, too, as ``fs`` and ``units`` of the signal's dataset. Samples stay
    in the file until they are read.

    Raises ``RecordError`` also for what is no HDF5 file, is compressed in chunks of more than 64 MiB, or
    lacks most of its samples.
    """
    import h5py

    named, is_matlab = Named(), _begins_as_matlab(path)
    _check_heaps(path)
    with telling(path, "an HDF5 file"):
        file = h5py.File(path, "r")
        found: list[tuple[str, Any]] = [("", file)]

        def visit(name, item):
            found.append((name, item))
            return True if len(found) > MOST_PARTS else None  # anything but None ends the visit

        file.visititems(visit)
        if len(found) > MOST_PARTS:
            raise RecordError(f"{path}: found more than {MOST_PARTS} datasets; expected one recording.")
        for name, item in found:
            _add_attributes(named, name, item)
            if isinstance(item, h5py.Dataset) and item.shape is not None and not name.startswith("#refs#"):
                _add(path, named, name, item, is_matlab)
    return find_signal(path, named, rate, {})


def _check_heaps(path):
    """Refuse a heap with a part of no length, at which HDF5's own code would stay for ever."""
    with open(path, "rb") as file:
        begin, text = 0, b""
        while more := file.read(PART):
            text = text[1 - len(HEAP) :] + more
            begin += len(more)
            for found in re.finditer(re.escape(HEAP), text):
                _check_heap(path, file, begin - len(text) + found.start())
            file.seek(begin)


def _check_heap(path, file, place):
    def integer(at, size):
        file.seek(at)
        return int.from_bytes(file.read(size), "little")

    end = min(place + integer(place + 8, 8), path.stat().st_size)
    place += HEAD
    while place + HEAD <= end:
        number, length = integer(place, 2), integer(place + 8, 8)
        step = HEAD + length + -length % 8 if number else length
        if not 0 < step <= end - place:
            raise RecordError(f"{path}: found a damaged heap of texts; expected whole ones.")
        place += step


def _begins_as_matlab(path):
    with open(path, "rb") as file:
        return file.read(6) == b"MATLAB"


def _add_attributes(named, name, item):
    for key, value in item.attrs.items():
        if not key.startswith(("MATLAB_", "H5PATH", "CLASS", "VERSION", "TITLE")) and np.size(value) <= SMALL:
            named.add(f"{name}/{key}", value)


def _add(path, named, name, item, is_matlab):
    kind = item.attrs.get("MATLAB_class", b"")
    if is_matlab and "MATLAB_empty" in item.attrs:
        return
    if kind in (b"char", "char") and item.size <= SMALL and item.dtype.kind == "u":
        # A row a text, of UTF-16 units; the axes are in MATLAB's order.
        rows = np.atleast_2d(item[()].T)
        named.texts[name] = ["".join(map(chr, row)).strip() for row in rows.tolist()]
    elif item.dtype.kind in "iuf" and kind not in (b"char", "char", b"logical", "logical"):
        chunk = int(np.prod(item.chunks)) * item.dtype.itemsize if item.chunks else 0
        if chunk > MOST_CHUNK:
            raise RecordError(
                f"{path}: found chunks of {chunk / 2**20:,.0f} MiB; expected at most "
                f"{MOST_CHUNK // 2**20} MiB."
            )
        size, stored = item.size * item.dtype.itemsize, item.id.get_storage_size()
        if size > MOST_CHUNK and size > MOST_PACKED * stored:
            raise RecordError(
                f"{path}: found {stored:,} bytes in place of {size:,} of samples; expected all in the file."
            )
        named.arrays[name] = item
    elif item.dtype.kind in "SO" and h5_text(item) and (item.size <= SMALL or are_stamps(name, item)):
        named.add(name, item.asstr()[()] if item.dtype.kind == "O" else item[()])


def h5_text(item: Any) -> bool:
    """Whether a dataset holds texts."""
    import h5py

    return h5py.check_string_dtype(item.dtype) is not None
