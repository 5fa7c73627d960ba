"""MATLAB's ``.mat`` files of all versions."""

import zlib
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import ArraySource, checked_size, telling
from sibeat_edge.reading.datasets.named import Named
from sibeat_edge.reading.datasets.signals import find_signal

MOST = 256 * 2**20  # bytes of a file, and of what it unpacks to
HEADER, TAG = 128, 8  # bytes before the elements, and before the content of an element
DEEPEST, MOST_ELEMENTS = 6, 20_000  # structures within one another, elements of a file
NEWEST = b"MATLAB 7.3"
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MATRIX, COMPRESSED, UTF8, UTF16, UTF32 = 14, 15, 16, 17, 18
CELL, STRUCT, CHAR, NUMBERS = 1, 2, 4, range(6, 16)  # classes of arrays
COMPLEX, LOGICAL = 0x0800, 0x0200  # flags beside the class


def read_mat(path: Path, rate: float | None) -> ArraySource:
    """The ``Source`` of the signal among a ``.mat`` file's variables, and fields of structures.

    Args:
        path: of the file; of version 7.3, it is read by h5py, and of version 4, by SciPy.
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
    checked_size(path, MOST)
    with telling(path, "a MATLAB file"):
        named = _read_old(path) if 0 in head[:4] else _Variables(path, head).named
    return find_signal(path, named, rate, {})


def _read_old(path):
    """The variables of version 4, whose files begin with a number that has a byte of 0."""
    from scipy.io import loadmat

    named = Named()
    for name, value in loadmat(path).items():
        if not name.startswith("__"):
            named.add(name, value)
    return named


class _Variables:
    """The variables of a file of version 5 to 7.

    SciPy's reader of these ends the whole process on some damaged files, hence this one, by MathWorks'
    "MAT-File Format". What is neither number, text, structure nor cell of texts is left out.
    """

    def __init__(self, path: Path, head: bytes) -> None:
        self.named, self._path, self._unpacked, self._count = Named(), path, 0, 0
        order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
        if order is None:
            raise RecordError(f"{path}: found no MATLAB header; expected a MATLAB file.")
        self._order, self._byte_order = order, "little" if order == "<" else "big"
        for kind, content in self._elements(memoryview(path.read_bytes())[HEADER:]):
            if kind == COMPRESSED:
                for inner, unpacked in self._elements(self._unpack(content)):
                    if inner == MATRIX:
                        self._add("", unpacked, 0)
            elif kind == MATRIX:
                self._add("", content, 0)

    def _unpack(self, content):
        unpacker, room = zlib.decompressobj(), MOST - self._unpacked
        unpacked = unpacker.decompress(content, room + 1)
        self._unpacked += len(unpacked)
        if len(unpacked) > room:
            raise RecordError(
                f"{self._path}: found more than {MOST // 2**20} MiB, compressed; expected at most that."
            )
        return memoryview(unpacked)

    def _elements(self, content):
        """Yield the kind and the content of each element."""
        place = 0
        while place + TAG <= len(content):
            self._count += 1
            if self._count > MOST_ELEMENTS:
                raise RecordError(
                    f"{self._path}: found more than {MOST_ELEMENTS:,} elements; expected fewer."
                )
            kind, size = (self._integer(content[place + at : place + at + 4]) for at in (0, 4))
            if kind >> 16:  # at most 4 bytes, which lie in the tag itself
                kind, size, first = kind & 0xFFFF, min(kind >> 16, 4), place + 4
                place += TAG
            else:
                first = place + TAG
                place = first + size + (0 if kind == COMPRESSED else -size % TAG)
            if first + size > len(content):
                raise ValueError("an element ends too early")
            yield kind, content[first : first + size]

    def _integer(self, content):
        return int.from_bytes(content, self._byte_order)

    def _add(self, prefix, content, depth):
        """Add an array of any class, or its fields, under its name behind the ``prefix``."""
        parts = self._elements(content)
        (_, flags), (_, sizes), (_, name) = next(parts), next(parts), next(parts)
        text = bytes(name).decode("latin-1")
        self._add_class("/".join(filter(None, (prefix, text))), self._integer(flags[:4]), sizes, parts, depth)

    def _add_class(self, name, flags, sizes, parts, depth):
        shape = tuple(np.frombuffer(sizes, f"{self._order}i4").tolist())
        kind = flags & 0xFF
        if kind in NUMBERS and not flags & (COMPLEX | LOGICAL):
            values = self._values(*next(parts))
            self.named.add(name, values.reshape(shape, order="F").squeeze() if len(values) > 1 else values)
        elif kind == CHAR:
            self.named.add_texts(name, self._texts(shape, *next(parts)))
        elif kind == STRUCT and shape == (1, 1) and depth < DEEPEST:
            (_, width), (_, names) = next(parts), next(parts)
            size = self._integer(width[:4])
            fields = [
                bytes(names[at : at + size]).split(b"\0")[0] for at in range(0, len(names), max(size, 1))
            ]
            for field, (_, content) in zip(fields, parts, strict=False):
                self._add(f"{name}/{field.decode('latin-1')}", content, depth + 1)
        elif kind == CELL:
            self.named.add_texts(name, [text for _, content in parts for text in self._cell(content)])

    def _cell(self, content):
        """The texts of a cell; none if it holds anything else."""
        parts = self._elements(content)
        (_, flags), (_, sizes), _ = next(parts), next(parts), next(parts)
        if self._integer(flags[:4]) & 0xFF != CHAR:
            return []
        return self._texts(tuple(np.frombuffer(sizes, f"{self._order}i4").tolist()), *next(parts))

    def _values(self, kind, content):
        return np.frombuffer(content, self._order + TYPES[kind])

    def _texts(self, shape, kind, content):
        """The rows of an array of letters, whose columns follow one another."""
        if kind in (UTF16, UTF32) or kind in (4, 6):
            wide = "utf-16" if kind in (UTF16, 4) else "utf-32"
            text = bytes(content).decode(f"{wide}-{self._byte_order[0]}e", "replace")
        else:
            text = bytes(content).decode("utf-8" if kind == UTF8 else "latin-1", "replace")
        rows = shape[0] if len(shape) == 2 else 1
        return [text[row::rows].strip() for row in range(rows)] if 0 < rows <= len(text) else []
