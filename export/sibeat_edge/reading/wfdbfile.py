"""WFDB records, of one segment or several."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError


class WfdbFile:
    """The WFDB record at ``path`` (without extension); a ``Source`` of samples.

    Raises ``RecordError`` if header or signal cannot be read, or end too early. ``blocks`` also raises it, at
    its end, for a lead whose checksum differs from the header's.

    >>> WfdbFile(Path("absent"))
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: absent.hea: found no such file; expected a WFDB header.
    """

    named = True

    def __init__(self, path: Path) -> None:
        import wfdb  # here, as a device that streams its samples needs no files

        self._path, self._header = path, path.with_name(path.name + ".hea")
        self.warnings: list[str] = []
        self.cut = ""
        if not self._header.is_file():
            raise RecordError(f"{self._header}: found no such file; expected a WFDB header.")
        if not self._header.stat().st_size:
            raise RecordError(f"{self._header}: found an empty file; expected a WFDB header.")
        try:
            header = wfdb.rdheader(str(path))
        except Exception as error:
            raise RecordError(
                f"{self._header}: found what cannot be read ({_words(error)}); expected a WFDB header."
            ) from error
        if not header.n_sig or not header.sig_len:
            what = "no signals" if not header.n_sig else "no samples"
            raise RecordError(f"{self._header}: found {what}; expected at least one lead and its samples.")
        self._segments = isinstance(header, wfdb.MultiRecord)
        self._frames, self._rate = header.sig_len, float(header.fs)
        # A lead may have several samples a frame; wfdb averages them unless told otherwise.
        self._per_frame = [1] * header.n_sig if self._segments else header.samps_per_frame
        self._checksums = [None] * header.n_sig if self._segments else header.checksum
        last = self._read(self._frames - 1, self._frames, list(range(header.n_sig)))
        self.seconds: float | None = self._frames / self._rate
        self.leads, self.units = list(last.sig_name), read_units(self._header, last.units)
        self.rates = [self._rate * count for count in self._per_frame]

    def _read(self, first, last, columns):
        import wfdb

        smooth = all(self._per_frame[column] == 1 for column in columns)
        try:
            return wfdb.rdrecord(
                str(self._path),
                sampfrom=first,
                sampto=last,
                channels=columns,
                physical=self._segments,
                smooth_frames=smooth,
            )
        except FileNotFoundError as error:
            raise RecordError(
                f"{error.filename}: found no such file; {self._header.name} names it."
            ) from error
        except Exception as error:
            raise RecordError(
                f"{self._path}: found no samples {first} to {last} ({_words(error)}); expected "
                f"{self._frames} as {self._header.name} declares (a truncated file?)."
            ) from error

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        sums = np.zeros(len(columns), np.int64)
        step = max(1, int(seconds * self._rate))
        for first in range(0, self._frames, step):
            block = self._read(first, min(first + step, self._frames), columns)
            if self._segments:
                samples = block.p_signal
            elif block.d_signal is not None:
                sums += block.d_signal.sum(axis=0, dtype=np.int64)
                samples = block.dac()
            else:
                sums += [lead.sum(dtype=np.int64) for lead in block.e_d_signal]
                samples = np.stack(block.dac(expanded=True), axis=1)
            yield first / self._rate, samples
        for column, found in zip(columns, sums.tolist(), strict=True):
            declared = self._checksums[column]
            # Some writers leave 0 for a checksum that they did not compute.
            if declared and (found - declared) % 65536:
                raise RecordError(
                    f"{self._path}: found the checksum {found % 65536} of lead {self.leads[column]}; "
                    f"expected {declared % 65536} as {self._header.name} declares (a damaged file?)."
                )


def read_units(header: Path, units: Sequence[str | None]) -> list[str]:
    """The units of a record's leads as its header has them, of the ``units`` that wfdb has read there.

    A unit that is not stated is mV. wfdb drops what is not ASCII: of µV it makes V, a million times as much.
    """
    content = header.read_bytes()
    if content.isascii():
        return [unit or "mV" for unit in units]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if "/" in rows[0][0]:  # of several segments, whose units are not here
        return [unit or "mV" for unit in units]
    return [row[2].partition("/")[2] or "mV" if len(row) > 2 else "mV" for row in rows[1 : 1 + len(units)]]


def _words(error):
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
