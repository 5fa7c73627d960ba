"""A text file as bytes of whole lines: plain or gzipped, of a path or standard input, in any encoding."""

import codecs
import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import STANDARD_INPUT

CHUNK = 1 << 19  # bytes read at once: what is made of them stays in the processor's cache
HEAD = 1 << 16  # bytes by which the encoding is told
LONGEST = 1 << 16  # bytes of a line, beyond which it is no row
WIDE = 0.8  # of the bytes at odd or even places are 0 in UTF-16
GZIP = b"\x1f\x8b"


class TextStream:
    """The text at ``path``, or that of standard input for ``-``, which is kept in a temporary file.

    Attributes:
        fault: why reading ended before the text did, known after reading; else empty.

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv.gz"
    ...     _ = path.write_bytes(gzip.compress("5 \u00b5V\\r6".encode("utf-16")))
    ...     list(TextStream(path).chunks())
    [b'5 \\xc2\\xb5V\\n', b'6\\n']
    """

    def __init__(self, path: Path) -> None:
        self._path, self.fault, self._kept = path, "", None
        if path == STANDARD_INPUT:
            self._kept = tempfile.NamedTemporaryFile(prefix="sibeat-")  # noqa: SIM115  (as long as this lives)
            shutil.copyfileobj(sys.stdin.buffer, self._kept)
            self._kept.flush()
        with self._open() as file:
            self._encoding = encoding_of(self._read(file, HEAD))

    def _open(self) -> IO[bytes]:
        name = self._kept.name if self._kept else self._path
        with open(name, "rb") as file:
            is_packed = file.read(2) == GZIP
        return gzip.open(name) if is_packed else open(name, "rb")  # type: ignore[return-value]

    def _read(self, file, size):
        """The next bytes; none behind a fault of the compressed data."""
        try:
            return file.read1(size) if isinstance(file, gzip.GzipFile) else file.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            self.fault = "compressed data that are damaged or end too early"
            return b""

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the text in UTF-8 or, where it is not that, in bytes of one a letter, in whole lines.

        Each line ends with a newline. Of one longer than 65,536 bytes the beginning alone is given.
        """
        decoder = codecs.getincrementaldecoder(self._encoding)("replace") if self._encoding else None
        rest, is_first, skips = b"", True, False
        with self._open() as file:
            while data := self._read(file, size):
                text = decoder.decode(data).encode("utf-8", "replace") if decoder else data
                text = rest + (text.removeprefix(codecs.BOM_UTF8) if is_first else text)
                is_first = False
                rest = b"\r" if text.endswith(b"\r") else b""  # may be half of a newline
                text = _lines(text[: len(text) - len(rest)])
                cut = text.rfind(b"\n") + 1
                whole, rest = text[:cut], text[cut:] + rest
                if skips and whole:
                    whole, skips = whole[whole.index(b"\n") + 1 :], False
                if len(rest) > LONGEST:
                    whole, rest, skips = whole if skips else whole + rest[:LONGEST] + b"\n", b"", True
                if whole:
                    yield whole
        if rest and not skips:
            yield _lines(rest).removesuffix(b"\n") + b"\n"

    def head(self, size: int) -> list[str]:
        """The lines at its beginning, each with a newline at its end, of about ``size`` bytes.

        Raises ``RecordError`` if there is no line of text.
        """
        parts, seen = [], 0
        for part in self.chunks(min(size, CHUNK)):
            parts.append(part)
            seen += len(part)
            if seen >= size:
                break
        text = b"".join(parts)
        shown = "standard input" if self._kept else self._path
        if self.fault and not text:
            raise RecordError(f"{shown}: found {self.fault}; expected a text.")
        lines = decoded(text).split("\n")[:-1]
        is_odd = ["\0" in line or len(line) >= LONGEST for line in lines]
        lines = lines[: is_odd.index(True)] if any(is_odd) else lines
        if True in is_odd and not lines and "\0" not in decoded(text[:LONGEST]):
            raise RecordError(
                f"{shown}: found no row of text of up to {LONGEST:,} letters; expected a row a sample."
            )
        if not any(map(str.strip, lines)):
            raise RecordError(f"{shown}: found no row of text; expected columns of numbers.")
        return [line + "\n" for line in lines]


def _lines(text):
    """With newlines of one byte, and a minus sign that is a hyphen."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text if text.isascii() else text.replace(b"\xe2\x88\x92", b"-")


def encoding_of(head: bytes) -> str:
    """The encoding of a text that is UTF-16; empty for one of bytes.

    >>> encoding_of("1;2".encode("utf-16")), encoding_of("1;2".encode("utf-16-be")), encoding_of(b"1;2")
    ('utf-16', 'utf-16-be', '')
    """
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = head[first::2], head[1 - first :: 2]
        if zeros and zeros.count(0) > WIDE * len(zeros) and others.count(0) < (1 - WIDE) * len(others):
            return name
    return ""


def decoded(text: bytes) -> str:
    """A text of UTF-8 or else of Latin-1, in which B5 is the micro sign.

    >>> decoded("µV".encode()) == decoded("µV".encode("latin-1")) == "µV"
    True
    """
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")
