"""Multivariate series from CSV or whitespace-separated files, such as CMU motion capture, as windows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_sibeat.data.beats import checksum
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.errors import DataError
from keras_sibeat.files import sha256
from sibeat_edge.beats.windows import normalise, sliding_windows


def read_series(file: Path) -> np.ndarray:
    """Read ``(steps, channels)`` float32 from text, one step a line, comma or blank between channels."""
    file = Path(file)
    try:
        lines = file.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            if "," in line and not all(field.strip() for field in line.split(",")):
                raise ValueError(f"found an empty field in line {number}")
        lines = [line.replace(",", " ") for line in lines]
        values = np.loadtxt(lines, dtype=np.float32, ndmin=2)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file}: {error}; expected one step a line with the same number of channels."
        ) from error
    if not np.isfinite(values).all():
        step = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise DataError(f"{file}: found a value that is not finite at step {step}; expected numbers only.")
    return values


def load_series(folder: Path, groups: Mapping[str, Sequence[str]], length: int, stride: int) -> BeatSet:
    """Windows of every file, each channel of a file first scaled to [-1, 1] by its own extremes.

    Args:
        folder: the data's folder.
        groups: mapping of class name to a list of glob patterns below ``folder``.
        length, stride: of the sliding windows, in steps.

    Returns:
        BeatSet: ``records`` are the files' names up to the first dot, ``classes`` those of ``groups``.

    Raises:
        DataError: a pattern without files, a file too short for one window, or another number of channels.
    """
    sets, digests, channels = [], {}, None
    for name, patterns in groups.items():
        for pattern in patterns:
            files = sorted(Path(folder).glob(pattern))
            if not files:
                raise DataError(f"{Path(folder) / pattern}: no such file; expected series of class {name}.")
            for file in files:
                values = read_series(file)
                channels = channels or values.shape[1]
                if values.shape[1] != channels:
                    raise DataError(f"{file}: found {values.shape[1]} channels; expected {channels}.")
                if len(values) < length:
                    raise DataError(
                        f"{file}: found {len(values)} steps; expected at least one window of {length}."
                    )
                digests[str(file.relative_to(folder))] = sha256(file)
                sets.append(_windows(file, name, values, length, stride))
    return BeatSet.join(sets, checksum(digests))


def _windows(file, name, values, length, stride):
    windows = sliding_windows(normalise(values), length, stride)
    count = len(windows)
    return BeatSet(
        windows=windows,
        rhythm=np.zeros((count, 0), np.float32),
        samples=np.arange(count) * stride,
        rr_before=np.full(count, np.nan),
        rr_after=np.full(count, np.nan),
        seconds=np.full(count, np.nan),
        records=np.full(count, file.name.split(".")[0]),
        symbols=np.full(count, name),
        classes=np.full(count, name),
        detected=np.full(count, True),
    )
