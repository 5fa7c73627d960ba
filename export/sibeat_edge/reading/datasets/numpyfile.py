"""NumPy's ``.npy`` and ``.npz`` files."""

import math
import zipfile
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, telling
from sibeat_edge.reading.datasets.named import Named
from sibeat_edge.reading.datasets.signals import find_signal

MOST = 512 * 2**20  # bytes of an .npz once it is unpacked; an .npy stays in its file


def read_npy(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of an ``.npy``, an array of one or two axes of which the longer is time.

    Args:
        path: of the file.
        rate: Hz; the file has none.

    Raises ``RecordError`` for what is no such array, or without a rate.
    """
    named = Named()
    with telling(path, "an array of numbers as numpy.save writes it"):
        array, cut = _mapped(path)
        if array.dtype.names:
            for name in array.dtype.names:
                named.add(name, array[name])
        else:
            named.add("data", array)
    source = find_signal(path, named, rate, {})
    source.cut = cut
    return source


def _mapped(path):
    """The array in its file, and a sentence if the file ends before it does: its first rows are read."""
    with open(path, "rb") as file:
        if np.lib.format.read_magic(file) == (1, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
        begin = file.tell()
    row = dtype.itemsize * math.prod(shape[1:])
    rows = (path.stat().st_size - begin) // row if row else 0
    has_samples_first = len(shape) == 1 or (len(shape) == 2 and shape[0] > shape[1] and not is_fortran)
    if dtype.hasobject or not has_samples_first or not 0 < rows < shape[0]:
        return np.load(path, mmap_mode="r", allow_pickle=False), ""
    cut = f"{path}: found {rows:,} samples; expected {shape[0]:,} as its header says (a truncated file?)."
    return np.memmap(path, dtype, "r", begin, (rows, *shape[1:])), cut


def read_npz(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of the signal among the arrays of an ``.npz``; as ``find_signal``."""
    named = Named()
    with telling(path, "arrays as numpy.savez writes them"):
        with zipfile.ZipFile(path) as file:
            size = sum(part.file_size for part in file.infolist())
            packed = all(part.compress_size <= path.stat().st_size for part in file.infolist())
        if size > MOST or not packed:
            raise RecordError(f"{path}: found arrays of {size:,} bytes; expected at most {MOST:,}.")
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                _add(named, name, arrays)
    return find_signal(path, named, rate, {})


def _add(named, name, arrays):
    try:
        named.add(name, arrays[name])
    except ValueError as error:
        if "allow_pickle" not in str(error):  # objects are code, and no signal
            raise
