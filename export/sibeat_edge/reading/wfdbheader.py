"""The header of a WFDB record: what it declares, checked before a sample is read.

Syntax: https://physionet.org/physiotools/wag/header-5.htm
"""

import codecs
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.encoding import decode, decode_unit
from sibeat_edge.reading.start import Start, start_of

LARGEST = 1 << 24  # bytes; a header of a hundred thousand segments has a fifth
DEFAULT_RATE = 250.0  # Hz, of a header without one
LONGEST_SKEW = 10_000  # frames
SAMPLE = re.compile(r"(\d{1,9})(?:x(\d{1,9}))?(?::(\d{1,9}))?(?:\+(\d{1,15}))?")
GAIN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)?(?:\(([-+]?\d{1,15})\))?(?:/(.+))?")
FORMS = frozenset("0 8 16 24 32 61 80 160 212 310 311 508 516 524".split())  # of samples
WHOLE = re.compile(r"[-+]?\d{1,15}")


@dataclass(frozen=True)
class Signal:
    """A signal as a line of the header describes it.

    Attributes:
        file: name of the signal file, ``~`` for none.
        form: of its samples, e.g. ``212``.
        per_frame: samples a frame.
        skew: frames by which it stands late in the file.
        offset: bytes before its samples; samples in a compressed file.
        gain: steps per unit; 1 where the header has none.
        baseline: the step that is zero.
        unit: empty where the header has no gain: the signal is then in steps.
        first: value before the first difference, for the format that stores differences.
        checksum: sum of all samples modulo 65,536; None where none is stated.
        name: or empty.
    """

    file: str
    form: str
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    unit: str
    first: int
    checksum: int | None
    name: str


@dataclass(frozen=True)
class Header:
    """What a header declares.

    Attributes:
        file: of the header.
        rate: frames a second.
        frames: their number, or None where the header has none.
        signals: of a record of one segment.
        segments: of a record of several, the name (``~`` for none) and the frames of each.
        count: of the signals of either.
        start: when the recording began, or None where the header has no time.
    """

    file: Path
    rate: float
    frames: int | None
    signals: tuple[Signal, ...]
    segments: tuple[tuple[str, int], ...]
    count: int
    start: Start | None = None


def read_header(file: Path) -> Header:
    """Read the header ``file``; raises ``RecordError`` for what is no header, or contradicts itself.

    >>> read_header(Path("absent.hea"))
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: absent.hea: found no such file; expected a WFDB header.
    """
    lines = [
        (number, line.strip())
        for number, line in enumerate(_read(file).splitlines(), 1)
        if decode(line).strip() and not line.strip().startswith(b"#")
    ]
    if not lines:
        raise RecordError(f"{file}: found no line but comments; expected a WFDB header.")
    name, _, parts = (words := decode(lines[0][1]).split())[0].partition("/")
    count = _whole(file, 1, words[1] if len(words) > 1 else "", "the number of signals")
    rate = _rate(file, words[2]) if len(words) > 2 else DEFAULT_RATE
    frames = _whole(file, 1, words[3], "the number of samples") if len(words) > 3 else 0
    listed = _whole(file, 1, parts, "the number of segments") if parts else count
    # Prose of old records stands behind the signals, without a mark before it.
    while len(lines) - 1 > listed > 0 and not _is_declared(lines[-1][1], parts):
        lines.pop()
    if listed != len(lines) - 1:
        what = "segments" if parts else "signals"
        raise RecordError(
            f"{file}: found lines for {len(lines) - 1} {what}; expected {listed} as line 1 declares."
        )
    if not count:
        raise RecordError(f"{file}: found no signals; expected at least one lead.")
    segments = tuple(_segment(file, *line) for line in lines[1:]) if parts else ()
    signals = () if parts else tuple(_signal(file, *line) for line in lines[1:])
    start = start_of(*(words[4:6] + ["", ""])[:2])
    return Header(file, rate, frames or None, signals, segments, count, start)


def _is_declared(line, parts):
    """Whether a line is like that of a segment or a signal, by its number of samples or its format."""
    second = (decode(line).split() + [""])[1]
    found = WHOLE.fullmatch(second) if parts else SAMPLE.fullmatch(second)
    return found is not None and (bool(parts) or found[1] in FORMS)


def as_there(path: Path) -> Path:
    """A file that is named in other letters than it has, large or small, if there is one; else the ``path``.

    >>> as_there(Path("absent.DAT")).name
    'absent.DAT'
    """
    if os.path.exists(path) or not os.path.isdir(path.parent) or not os.access(path.parent, os.R_OK):
        return path
    alike = [other for other in path.parent.iterdir() if other.name.casefold() == path.name.casefold()]
    return alike[0] if len(alike) == 1 else path


def _read(file):
    try:
        if not file.is_file():
            raise RecordError(f"{file}: found no such file; expected a WFDB header.")
        with open(file, "rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise RecordError(f"{file}: found no readable file ({error.strerror}); expected a header.") from error
    if not content:
        raise RecordError(f"{file}: found an empty file; expected a WFDB header.")
    if b"\0" in content or len(content) > LARGEST:
        raise RecordError(f"{file}: found no text; expected a WFDB header.")
    return content.removeprefix(codecs.BOM_UTF8)


def _whole(file, number, text, what):
    """A whole number from 0 on."""
    if not WHOLE.fullmatch(text) or int(text) < 0:
        raise RecordError(
            f"{file}, line {number}: found {text[:30]!r}; expected {what}, as in a WFDB header."
        )
    return int(text)


def _rate(file, text):
    """Hz, of ``rate/counter(base)``."""
    try:
        rate = float(text.partition("/")[0])
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise RecordError(f"{file}, line 1: found the rate {text[:30]!r}; expected Hz.")
    return rate


def _segment(file, number, line):
    words = decode(line).split()
    return words[0], _whole(file, number, words[1] if len(words) > 1 else "", "the segment's samples")


def _signal(file, number, line):
    raw = line.split(maxsplit=8)
    words = [decode(word) for word in raw]
    stored = SAMPLE.fullmatch(words[1]) if len(words) > 1 else None
    if stored is None:
        raise RecordError(
            f"{file}, line {number}: found {' '.join(words[:2])[:40]!r}; expected a file and its format."
        )
    scaled = GAIN.fullmatch(words[2]) if len(words) > 2 else GAIN.fullmatch("")
    if scaled is None:
        raise RecordError(f"{file}, line {number}: found the gain {words[2][:30]!r}; expected as in 200/mV.")
    gain = float(scaled[1] or 0)
    if not math.isfinite(gain):
        raise RecordError(f"{file}, line {number}: found the gain {words[2][:30]!r}; expected a number.")
    rest = words[3:]
    numbers = []  # resolution, zero, first value, checksum, size of a block; what follows is the name
    while rest and len(numbers) < 5 and WHOLE.fullmatch(rest[0]):
        numbers.append(int(rest.pop(0)))
    zero, first = (numbers[place] if len(numbers) > place else 0 for place in (1, 2))
    skew = int(stored[3] or 0)
    if skew > LONGEST_SKEW:
        raise RecordError(
            f"{file}, line {number}: found a skew of {skew} samples; expected at most {LONGEST_SKEW}."
        )
    return Signal(
        file=words[0],
        form=stored[1],
        per_frame=int(stored[2] or 1) or 1,
        skew=skew,
        offset=int(stored[4] or 0),
        gain=gain or 1.0,
        baseline=int(scaled[2]) if scaled[2] else zero,
        unit=decode_unit(raw[2].partition(b"/")[2]) or "mV" if gain else "",
        first=first,
        checksum=numbers[3] % 65536 if len(numbers) > 3 else None,
        name=" ".join(rest).strip(),
    )
