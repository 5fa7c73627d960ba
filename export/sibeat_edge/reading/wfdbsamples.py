"""The samples of a WFDB signal file, in each of the formats that WFDB has.

Formats: https://physionet.org/physiotools/wag/signal-5.htm
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.integers import signed24

COMPRESSED = {"508": 8, "516": 16, "524": 24}  # bits of a sample in a FLAC file
TEXT = frozenset(b"0123456789+-.,;eE \t\r\n")
LOOK, MOST_FLAT = 512, 4  # bytes by which a text is told, and values of them in a flat signal


def _pairs(data):
    low, middle, high = data.reshape(-1, 3).T.astype(np.int16)
    return _signed(np.stack([low | (middle & 0x0F) << 8, high | (middle & 0xF0) << 4], axis=1), 12)


def _triples(data):
    one, two, three, four = data.reshape(-1, 4).T.astype(np.int16)
    third = two >> 3 | (four >> 3) << 5
    return _signed(np.stack([one >> 1 | (two & 7) << 7, three >> 1 | (four & 7) << 7, third], axis=1), 10)


def _packed_triples(data):
    one, two, three, four = data.reshape(-1, 4).T.astype(np.int16)
    second, third = two >> 2 | (three & 0x0F) << 6, three >> 4 | (four & 0x3F) << 4
    return _signed(np.stack([one | (two & 3) << 8, second, third], axis=1), 10)


def _signed(values, bits):
    return (values - ((values >> (bits - 1)) << bits)).ravel()


@dataclass(frozen=True)
class Form:
    """A format: ``size`` bytes hold ``count`` samples of ``bits``, as ``decode`` tells them.

    ``ends`` has how many samples the bytes of a last, incomplete group hold, by their number.
    """

    size: int
    count: int
    bits: int
    decode: Callable[[np.ndarray], np.ndarray]
    ends: tuple[int, ...] = (0, 0, 0, 0)

    def held(self, size: int) -> int:
        """How many samples ``size`` bytes hold."""
        return max(0, size) // self.size * self.count + self.ends[max(0, size) % self.size]


FORMS = {
    "8": Form(1, 1, 0, lambda data: data.view("i1")),  # differences
    "16": Form(2, 1, 16, lambda data: data.view("<i2")),
    "24": Form(3, 1, 24, signed24),
    "32": Form(4, 1, 32, lambda data: data.view("<i4")),
    "61": Form(2, 1, 16, lambda data: data.view(">i2")),
    "80": Form(1, 1, 8, lambda data: data.astype(np.int16) - 128),
    "160": Form(2, 1, 16, lambda data: data.view("<u2").astype(np.int32) - 32768),
    "212": Form(3, 2, 12, _pairs, (0, 0, 1)),
    "310": Form(4, 3, 10, _triples, (0, 0, 1, 1)),
    "311": Form(4, 3, 10, _packed_triples, (0, 0, 1, 2)),
}


class SignalFile:
    """The signal file at ``path``: ``per_frame`` samples a frame of the format ``form``.

    Args:
        path: of the file.
        form: of its samples.
        per_frame: samples a frame, of all its signals together.
        offset: bytes before the first of them; samples in a compressed file.
        channels: number of its signals, which a compressed file states, too.

    Raises ``RecordError`` for a file that is not there, is a text, or of an unknown format.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.dat"
    ...     _ = path.write_bytes(b"\\x01\\x00\\x02\\x00\\xff\\xff")
    ...     file = SignalFile(path, "16", 1)
    ...     samples = file.read(1, 3)
    >>> file.frames, samples.tolist()
    (3, [[2], [-1]])
    """

    def __init__(self, path: Path, form: str, per_frame: int, offset: int = 0, channels: int = 1) -> None:
        self._path, self._form, self._per_frame = path, form, per_frame
        self._offset, self._channels = offset, channels
        if form not in FORMS and form not in COMPRESSED:
            known = ", ".join((*FORMS, *COMPRESSED))
            raise RecordError(f"{path}: found the format {form} in its header; expected one of {known}.")
        if form in COMPRESSED:
            with self._open_flac() as flac:
                held = (flac.frames - offset) * channels
        else:
            with open(path, "rb") as file:
                head = file.read(LOOK)
            is_text = TEXT.issuperset(head) and b"\n" in head and len(set(head)) > MOST_FLAT
            if is_text:
                raise RecordError(
                    f"{path}: found a text; expected samples in format {form}, as in its header."
                )
            held = FORMS[form].held(path.stat().st_size - offset)
        self.frames = max(0, held) // per_frame

    @property
    def missing(self) -> int | None:
        """The value that stands for a missing sample; None in a format of differences."""
        bits = COMPRESSED.get(self._form) or FORMS[self._form].bits
        return -(1 << (bits - 1)) if bits else None

    @property
    def has_differences(self) -> bool:
        """Whether the samples are differences from the one before."""
        return self._form == "8"

    def read(self, first: int, last: int) -> np.ndarray:
        """The frames ``(frames, per_frame)`` from ``first`` to before ``last``; fewer if the file ends."""
        if self._form in COMPRESSED:
            return self._read_flac(first, last)
        form = FORMS[self._form]
        start, end = first * self._per_frame, last * self._per_frame
        group, groups = start // form.count, -(-end // form.count)
        data = np.fromfile(
            self._path, np.uint8, (groups - group) * form.size, offset=self._offset + group * form.size
        )
        held = form.held(len(data))
        data = np.concatenate([data, np.zeros(-len(data) % form.size, np.uint8)])
        samples = form.decode(data)[start - group * form.count : min(held, end - group * form.count)]
        return samples[: len(samples) // self._per_frame * self._per_frame].reshape(-1, self._per_frame)

    def _read_flac(self, first, last):
        each = self._per_frame // self._channels
        with self._open_flac() as flac:
            try:
                flac.seek(first * each + self._offset)
                data = flac.read((last - first) * each, dtype="int32", always_2d=True)
            except RuntimeError:  # a damaged stream
                return np.zeros((0, self._per_frame), np.int32)
        data = data[: len(data) // each * each] >> (
            32 - {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}[flac.subtype]
        )
        return data.reshape(-1, each, self._channels).transpose(0, 2, 1).reshape(-1, self._per_frame)

    def _open_flac(self):
        import soundfile  # which wfdb depends on

        try:
            flac = soundfile.SoundFile(str(self._path))
        except RuntimeError as error:
            raise RecordError(
                f"{self._path}: found no FLAC stream; expected one, as in its header."
            ) from error
        if flac.subtype not in ("PCM_S8", "PCM_16", "PCM_24") or flac.channels != self._channels:
            raise RecordError(
                f"{self._path}: found {flac.channels} channels of {flac.subtype}; expected {self._channels} "
                "as in its header."
            )
        return flac
