"""EDF and EDF+C files, by EDFlib: it reads blocks in place and refuses what breaks the format."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError

FIXED, PER_SIGNAL = 256, 256  # bytes of the header: its fixed part, and its part for each signal
RECORDS, SIGNALS = slice(236, 244), slice(252, 256)  # places of their numbers in the fixed part
SAMPLES = 216  # bytes a signal before the numbers of samples in a data record, which have 8 bytes each


class EdfFile:
    """The EDF file at ``path``; a ``Source`` of samples.

    Raises ``RecordError`` for a file that is not EDF, is truncated, unfinished or discontinuous (EDF+D).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.edf"
    ...     _ = path.write_bytes(b"no EDF")
    ...     EdfFile(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: ...a.edf: found no EDF header; expected an EDF file.
    """

    named = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.warnings: list[str] = []
        self.cut = ""
        self._check_size()
        with self._reader() as reader:
            count = reader.signals_in_file
            self.leads = reader.getSignalLabels()
            self.units = [reader.getPhysicalDimension(number) for number in range(count)]
            self.rates = [float(rate) for rate in reader.getSampleFrequencies()]
            self._samples = [int(samples) for samples in reader.getNSamples()]
        if not count or not min(self._samples):
            raise RecordError(f"{path}: found no samples; expected at least one lead and its samples.")
        self.seconds: float | None = max(
            samples / rate for samples, rate in zip(self._samples, self.rates, strict=True)
        )

    def _check_size(self):
        """Compare the file's size with the header's numbers; EDFlib would print a message of its own."""
        size = self._path.stat().st_size
        try:
            with open(self._path, "rb") as file:
                fixed = file.read(FIXED)
                signals, records = int(fixed[SIGNALS]), int(fixed[RECORDS])
                file.seek(FIXED + SAMPLES * signals)
                samples = [int(file.read(8)) for _ in range(signals)]
        except ValueError as error:
            raise RecordError(f"{self._path}: found no EDF header; expected an EDF file.") from error
        if records < 0:
            raise RecordError(f"{self._path}: found no number of data records; expected a finished EDF file.")
        expected = FIXED + PER_SIGNAL * signals + 2 * records * sum(samples)
        if size < expected:
            raise RecordError(
                f"{self._path}: found {size} bytes; expected {expected} as its header declares "
                f"(a truncated file?)."
            )

    def _reader(self):
        import pyedflib  # here, as a device that streams its samples needs no files

        try:
            return pyedflib.EdfReader(str(self._path), annotations_mode=pyedflib.DO_NOT_READ_ANNOTATIONS)
        except OSError as error:
            words = str(error).removeprefix(f"{self._path}: ")
            raise RecordError(
                f"{self._path}: found what cannot be read ({words}); expected EDF or EDF+C."
            ) from error

    def blocks(self, columns: Sequence[int], seconds: float) -> Iterator[tuple[float, np.ndarray]]:
        """As ``Source.blocks``."""
        rate, samples = self.rates[columns[0]], self._samples[columns[0]]
        step = max(1, int(seconds * rate))
        with self._reader() as reader:
            for first in range(0, samples, step):
                count = min(step, samples - first)
                leads = [reader.readSignal(column, first, count) for column in columns]
                yield first / rate, np.stack(leads, axis=1)
