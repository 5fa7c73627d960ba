"""MATLAB's ``.mat`` files of all versions."""

import zlib
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling
from sibeat_edge.reading.datasets.named import Named, find_signal

HEADER, COMPRESSED, TAG = 128, 15, 8  # bytes of the header; a kind of element; bytes before an element
MOST = 256 * 2**20  # bytes of a file, and of what it unpacks to
DEEPEST = 4  # structures within one another
MOST_FIELDS = 2000
NEWEST = b"MATLAB 7.3"


def read_mat(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of the signal among a ``.mat`` file's variables, and fields of structures.

    Args:
        path: of the file; of version 7.3, it is read by h5py.
        rate: Hz, if the file states none; may be None.

    Raises ``RecordError`` as ``find_signal``, for what is no such file, or for more than 256 MiB.
    """
    with open(path, "rb") as file:
        head = file.read(HEADER)
    if head.startswith(NEWEST):
        from sibeat_edge.reading.datasets.hdf5file import read_hdf5
        from sibeat_edge.reading.formats import needed

        needed(path, "MATLAB 7.3", "h5py", "formats")
        return read_hdf5(path, rate)
    from scipy.io import loadmat

    checked_size(path, MOST)
    named = Named()
    with telling(path, "a MATLAB file"):
        if head.startswith(b"MATLAB"):
            _check_unpacked(path, "little" if head[126:128] == b"IM" else "big")
        content = loadmat(path, simplify_cells=True, verify_compressed_data_integrity=False)
        _add(named, "", {name: value for name, value in content.items() if not name.startswith("__")}, 0)
    return find_signal(path, named, rate, {})


def _check_unpacked(path, order):
    """Raise if the compressed elements unpack to more than ``MOST`` bytes together."""
    content, place, size = path.read_bytes(), HEADER, 0
    while place + TAG <= len(content):
        kind = int.from_bytes(content[place : place + 4], order)
        length = int.from_bytes(content[place + 4 : place + TAG], order)
        if kind == COMPRESSED:
            unpacker, rest = zlib.decompressobj(), content[place + TAG : place + TAG + length]
            while rest and not unpacker.eof and size <= MOST:
                size += len(unpacker.decompress(rest, 2**20))
                rest = unpacker.unconsumed_tail
        if size > MOST:
            raise RecordError(
                f"{path}: found more than {MOST // 2**20} MiB, compressed; expected at most that."
            )
        place += TAG + length


def _add(named, prefix, fields, depth):
    for name, value in fields.items():
        if len(named.arrays) + len(named.texts) > MOST_FIELDS:
            return
        full = f"{prefix}/{name}" if prefix else name
        if isinstance(value, dict):
            if depth < DEEPEST:
                _add(named, full, value, depth + 1)
        elif isinstance(value, (str, int, float, np.ndarray, np.number)):
            named.add(full, value)
        elif isinstance(value, list) and all(isinstance(word, str) for word in value):
            named.texts[full] = value
