"""Multivariate series from text files, such as CSV or CMU motion capture, as windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from keras_sibeat.config.wording import did_you_mean
from keras_sibeat.data.beats import checksum
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.tables import Table
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.files import sha256
from sibeat_edge.beats.windows import normalise, sliding_windows

Groups = Mapping[str, Sequence[str]]  # class -> glob patterns below the data's folder
Columns = Sequence[str | int]  # headings, or numbers from 1; empty: all but the time


@dataclass(frozen=True)
class _Series:
    """A file's channels ``(steps, channels)`` float32, their names, and what is said of its time."""

    file: Path
    values: np.ndarray
    names: tuple[str, ...]
    times: tuple[str, ...] = ()
    uneven: str | None = None
    rises: bool = False  # the first channel, evenly: a time without a heading


def read_series(file: Path, columns: Columns = ()) -> np.ndarray:
    """Read ``(steps, channels)`` float32 from a text file, one step a row, one channel a column.

    Commas, semicolons, tabs or blanks separate the columns; decimal commas, headings, quotes and comments are
    recognised (``sibeat_edge.reading.layout``). Columns of time are left out.

    Args:
        file: path of the file.
        columns: the channels, by heading or number from 1; all but the time if empty.

    Raises ``DataError`` for a file that is no such table, and for a cell that is missing or no number.
    """
    return _without_clocks([_read(Path(file), columns)])[0].values


def load_series(folder: Path, groups: Groups, length: int, stride: int, columns: Columns = ()) -> BeatSet:
    """Windows of every file, each channel of a file first scaled to [-1, 1] by its own extremes.

    Args:
        folder: the data's folder.
        groups: mapping of class name to a list of glob patterns below ``folder``.
        length, stride: of the sliding windows, in steps.
        columns: as in ``read_series``.

    Returns:
        BeatSet: ``records`` are named by ``record_names``, ``classes`` are those of ``groups``.

    Raises:
        DataError: a pattern without files, a file that cannot be read or is too short for one window, or
            other channels than in the first file.
        ConfigError: a file of two classes.
    """
    classes = find_files(folder, groups)
    names = record_names(folder, list(classes))
    series = _without_clocks([_read(file, columns) for file in classes])
    _check_alike(series, length)
    sets = [_windows(one, names[one.file], classes[one.file], length, stride) for one in series]
    digests = {file.relative_to(folder).as_posix(): sha256(file) for file in classes}
    return replace(BeatSet.join(sets, checksum(digests)), notes=tuple(_notes(series)))


def find_files(folder: Path, groups: Groups) -> dict[Path, str]:
    """Mapping of each file that the patterns of ``groups`` fit to its class; hidden files are left out.

    Raises ``DataError`` for a pattern without files, ``ConfigError`` for a file of two classes.
    """
    classes: dict[Path, str] = {}
    for name, patterns in groups.items():
        for pattern in patterns:
            if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
                raise ConfigError(
                    f"data.groups.{name}: found {pattern!r}; expected a pattern of files below {folder}."
                )
            found = sorted(f for f in Path(folder).glob(pattern) if f.is_file() and f.name[0] != ".")
            if not found:
                raise DataError(f"{Path(folder) / pattern}: no such file; expected series of class {name}.")
            for file in found:
                if classes.setdefault(file, name) != name:
                    raise ConfigError(
                        f"data.groups: found {file} in the classes {classes[file]} and {name}; "
                        "expected it in one."
                    )
    return classes


def record_names(folder: Path, files: Sequence[Path]) -> dict[Path, str]:
    """The name of each file's record: the shortest of these by which no two files have the same name.

    The file's name up to its first dot; the name without its last extension; the path below ``folder``
    without the last extension; that path.

    >>> record_names(Path("d"), [Path("d/2024.01.csv"), Path("d/b/x.csv")])
    {PosixPath('d/2024.01.csv'): '2024', PosixPath('d/b/x.csv'): 'x'}
    >>> list(record_names(Path("d"), [Path("d/2024.01.csv"), Path("d/b/x.csv"), Path("d/c/x.csv")]).values())
    ['2024.01', 'b/x', 'c/x']
    """
    spellings = zip(*(_spellings(Path(folder), file) for file in files), strict=True)
    return dict(zip(files, next(names for names in spellings if len(set(names)) == len(files)), strict=True))


def find_records(folder: Path, groups: Groups, wanted: Sequence[str]) -> list[str]:
    """The records that ``wanted`` names: by their name, their path below ``folder``, or a pattern of either.

    Raises ``ConfigError`` for a name that no file has.
    """
    files = list(find_files(folder, groups))
    names = record_names(folder, files)
    found: list[str] = []
    for name in wanted:
        fits = [
            names[file]
            for file in files
            if any(spelling == name or fnmatchcase(spelling, name) for spelling in _spellings(folder, file))
        ]
        if not fits:
            hint = did_you_mean(name, names.values()) or f", such as {next(iter(names.values()))}"
            raise ConfigError(f"protocol.test_records: found {name!r}; expected the name of a file{hint}.")
        found += fits
    return list(dict.fromkeys(found))


def _spellings(folder, file):
    path = file.relative_to(folder)
    return file.name.split(".")[0], file.stem, path.with_suffix("").as_posix(), path.as_posix()


def _read(file, columns):
    table = Table(file)
    if columns:
        places = [table.find(column) for column in columns]
        return _series(table, places)
    times = table.times()
    places = [place for place in range(table.width) if place not in times]
    if not places:
        raise DataError(f"{file}: found no column but the time; expected a channel, or data.columns.")
    if times:
        return _series(table, places, times[:1])
    rises = table.width > 1 and table.rises_evenly()
    return replace(_series(table, places, [0] if rises else []), rises=rises)


def _series(table, places, times=()):
    return _Series(
        table.file,
        table.numbers(places).astype(np.float32),
        tuple(table.name(place) for place in places) if table.headings else (),
        tuple(table.name(place) for place in times),
        next((told for told in map(table.uneven, times) if told), None),
    )


def _without_clocks(series):
    """Without the first column, if it rises evenly in all of them: that is no channel, but their time."""
    if not all(one.rises for one in series):
        return [replace(one, times=(), uneven=None) if one.rises else one for one in series]
    return [replace(one, values=one.values[:, 1:], names=one.names[1:]) for one in series]


def _check_alike(series, length):
    first = series[0]
    for one in series:
        count, expected = one.values.shape[1], first.values.shape[1]
        if count != expected:
            raise DataError(f"{one.file}: found {count} channels; expected {expected}, as in {first.file}.")
        if one.names and first.names and one.names != first.names:
            raise DataError(
                f"{one.file}: found the columns {', '.join(one.names)}; expected {', '.join(first.names)}, "
                f"as in {first.file} (data.columns chooses them by name)."
            )
        if len(one.values) < length:
            raise DataError(
                f"{one.file}: found {len(one.values)} steps; expected at least one window of {length}."
            )


def _notes(series):
    """What was left out, which time is uneven, and which channels are flat."""
    timed = [one for one in series if one.times]
    for name in dict.fromkeys(one.times[0] for one in timed):
        count = sum(one.times[0] == name for one in timed)
        yield f"Left out the column {name} of {count} series, which is the time; data.columns takes others."
    uneven = [one for one in series if one.uneven]
    if uneven:
        more = f" (and {len(uneven) - 1} more series)" if len(uneven) > 1 else ""
        yield f"{uneven[0].file}: its time has {uneven[0].uneven}{more}; windows count rows as even steps."
    flat = np.array([np.ptp(one.values, axis=0) == 0 for one in series])
    names = next((one.names for one in series if one.names), [str(n + 1) for n in range(flat.shape[1])])
    for channel in np.flatnonzero(flat.any(axis=0)):
        yield f"Channel {names[channel]} is flat in {flat[:, channel].sum()} of {len(series)} series."


def _windows(series, record, name, length, stride):
    windows = sliding_windows(normalise(series.values), length, stride)
    count = len(windows)
    return BeatSet(
        windows=windows,
        rhythm=np.zeros((count, 0), np.float32),
        samples=np.arange(count) * stride,
        rr_before=np.full(count, np.nan),
        rr_after=np.full(count, np.nan),
        seconds=np.full(count, np.nan),
        records=np.full(count, record),
        symbols=np.full(count, name),
        classes=np.full(count, name),
        detected=np.full(count, True),
    )
