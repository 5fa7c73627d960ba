"""The place of the manifest inside a ``.tflite`` file: a metadata entry of its flatbuffer.

A native runtime may crash on a corrupt file. So the file is first read here: every offset is checked, and the
checksum is compared. The manifest holds the checksum of the file that contains it, so the checksum is
computed with zeros in the place of its own digits.
"""

import hashlib
import re
import struct

from sibeat_edge.errors import ModelError

IDENTIFIER = b"TFL3"
ENTRY = b"SIBEAT_MANIFEST"  # name of the metadata entry
BUFFERS, METADATA = 4, 6  # fields of the schema's table Model
NAME, BUFFER = 0, 1  # fields of Metadata
DATA = 0  # field of Buffer
OWN_CHECKSUM = re.compile(rb'"model_sha256":"([0-9a-f]{64})"')


class Flatbuffer:
    """Tables, vectors and strings of a flatbuffer; a place outside of it raises ``ModelError``.

    >>> Flatbuffer(bytes([4, 0, 0, 0, 7, 0, 0, 0])).number("<I", 4)
    7
    """

    def __init__(self, content: bytes | bytearray) -> None:
        self.content = content

    def number(self, kind: str, place: int) -> int:
        """The number of this ``kind``, as ``struct`` has it, at ``place``."""
        size = struct.calcsize(kind)
        if not 0 <= place <= len(self.content) - size:
            raise ModelError(f"found an offset to byte {place} of {len(self.content)}, expected one inside")
        return struct.unpack_from(kind, self.content, place)[0]

    def follow(self, place: int) -> int:
        """The place that the unsigned offset at ``place`` points to."""
        return place + self.number("<I", place)

    def field(self, table: int, number: int) -> int | None:
        """The place of a table's field, or None where the table lacks it."""
        vtable = table - self.number("<i", table)
        slot = 4 + 2 * number
        if slot + 2 > self.number("<H", vtable):
            return None
        offset = self.number("<H", vtable + slot)
        return table + offset if offset else None

    def vector(self, place: int) -> tuple[int, int]:
        """The places of a vector's elements' first byte, and their number."""
        start = self.follow(place)
        count = self.number("<I", start)
        if start + 4 + count > len(self.content):
            raise ModelError(f"found {count} elements at byte {start} of {len(self.content)}, expected fewer")
        return start + 4, count

    def tables(self, place: int) -> list[int]:
        """The places of the tables of a vector of tables."""
        first, count = self.vector(place)
        return [self.follow(first + 4 * number) for number in range(count)]


def find_manifest(content: bytes | bytearray) -> tuple[int, int]:
    """The manifest's first byte and the one after its last, in the ``content`` of a ``.tflite`` file.

    Raises ``ModelError`` if ``content`` is no such file, or has no manifest.
    """
    if len(content) < 8 or content[4:8] != IDENTIFIER:
        raise ModelError("found no TensorFlow Lite model, expected a .tflite file")
    file = Flatbuffer(content)
    model = file.follow(0)
    entries, buffers = file.field(model, METADATA), file.field(model, BUFFERS)
    if entries is not None and buffers is not None:
        for entry in file.tables(entries):
            name, number = file.field(entry, NAME), file.field(entry, BUFFER)
            if name is None or number is None:
                continue
            first, length = file.vector(name)
            if length == len(ENTRY) and bytes(content[first : first + length]) == ENTRY:
                return _data(file, buffers, file.number("<I", number))
    raise ModelError("found no manifest in the model, expected one that the export has embedded")


def _data(file, buffers, number):
    first, count = file.vector(buffers)
    if number >= count:
        raise ModelError(f"found a manifest in buffer {number} of {count}, expected an earlier one")
    data = file.field(file.follow(first + 4 * number), DATA)
    if data is None:
        raise ModelError("found an empty manifest, expected JSON")
    start, length = file.vector(data)
    return start, start + length


def checksum(content: bytes | bytearray) -> str:
    """SHA-256 of a ``.tflite`` file, in hexadecimal, with zeros for the checksum in its own manifest."""
    first, last = find_manifest(content)
    own = OWN_CHECKSUM.search(content, first, last)
    if own:
        first, last = own.span(1)
    digest = hashlib.sha256(content[:first])
    digest.update(b"0" * 64 if own else content[first:last])
    digest.update(content[last:])
    return digest.hexdigest()
