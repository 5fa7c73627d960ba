"""Compressed files (``.gz``), and pipes: kept in a folder of their own, which goes when it is not used."""

import glob
import gzip
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError

PACKED = ".gz"
MOST = 4 * 2**30  # bytes of an unpacked file
CHUNK = 2**20
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


def first_bytes(path: Path, count: int) -> bytes:
    """The first ``count`` bytes of what a ``.gz`` holds; fewer if it is shorter or damaged."""
    found = b""
    try:
        with gzip.open(path) as packed:
            while len(found) < count and (part := packed.read1(count - len(found))):
                found += part
    except DAMAGED:
        pass  # told when it is unpacked
    return found


class Gzipped:
    """The ``Source`` of what a ``.gz`` holds; its errors name the ``.gz``.

    Args:
        path: of the ``.gz``, of a file that has some beside it, or of a pipe, which is read but once.
        opened: gives the ``Source`` of the unpacked file.
        record: name of a record, of whose files all others in the folder are needed, too; compressed or not.

    Raises ``RecordError`` for what is no gzip, is cut off where nothing is left to read, or unpacks to more
    than 4 GiB, and whatever ``opened`` raises.
    """

    def __init__(self, path: Path, opened: Callable[[Path], Any], record: str = "") -> None:
        self._path = path
        folder = Path(tempfile.mkdtemp(prefix="sibeat-"))
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._inner = folder / _unpacked(path)
        self._cut = ""
        try:
            for file in [path, *(path.parent.glob(f"{glob.escape(record)}.*") if record else ())]:
                place = folder / _unpacked(file)
                if (file.suffix.lower() == PACKED or file.is_fifo()) and not place.exists():
                    self._unpack(file, place)
                elif not place.exists():
                    place.symlink_to(file.resolve())
            self._source = opened(self._inner)
        except RecordError as error:
            self._remove()
            raise self._renamed(error) from error
        except BaseException:
            self._remove()
            raise
        self.leads, self.units, self.rates = self._source.leads, self._source.units, self._source.rates
        self.named, self.seconds = self._source.named, self._source.seconds
        self.told = getattr(self._source, "told", {})
        self.numbers, self.start = getattr(self._source, "numbers", []), getattr(self._source, "start", None)

    @property
    def warnings(self) -> list[str]:
        """As ``Source.warnings``; some are known only after reading to the end."""
        return [self._words(warning) for warning in self._source.warnings]

    @property
    def cut(self) -> str:
        """As ``Source.cut``."""
        return self._cut or self._words(self._source.cut)

    def _unpack(self, path, place):
        size = 0
        try:
            with _opened(path) as packed, open(place, "wb") as file:
                while part := packed.read1(CHUNK):
                    size += len(part)
                    if size > MOST:
                        raise RecordError(
                            f"{path}: found more than {MOST // 2**30} GiB, unpacked; expected less."
                        )
                    file.write(part)
        except DAMAGED as error:
            if not size:
                raise RecordError(f"{path}: found no gzip file; expected one.") from error
            self._cut = f"{path}: found compressed data that end too early; expected all of the file."
        if not size:
            raise RecordError(f"{path}: found an empty file; expected a recording.")

    def _words(self, text):
        text = text.replace(str(self._inner), str(self._path))
        return text.replace(str(self._inner.parent), str(self._path.parent))

    def _renamed(self, error):
        return RecordError(self._words(str(error)))

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        try:
            yield from self._source.blocks(columns, seconds)
        except RecordError as error:
            raise self._renamed(error) from error


def _opened(path):
    return open(path, "rb") if path.is_fifo() else gzip.open(path)


def _unpacked(path):
    """The name of a file without ``.gz``."""
    return path.stem if path.suffix.lower() == PACKED else path.name
