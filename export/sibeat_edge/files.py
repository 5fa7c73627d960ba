"""Files that are either whole or absent: written under a temporary name, then renamed."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial-"  # prefix of the name of a file that is not whole yet
HDF5_NUMBER = re.compile(r"errno = (\d+)")


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it on success, remove it on failure.

    Raises ``OSError`` that names ``path`` where it cannot be written, e.g. as the disk is full.
    """
    path = Path(path)
    # The suffixes stay last, as wfdb, Keras, NumPy and matplotlib choose the format by them.
    partial = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    with naming(path, partial):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def naming(path: Path, partial: Path) -> Iterator[None]:
    """Let an ``OSError`` that names no file, or ``partial`` or one in it, name ``path`` instead."""
    try:
        yield
    except OSError as error:
        name = error.filename
        if name is not None and not Path(os.fsdecode(name)).is_relative_to(partial):
            raise
        raise _named(error.errno or _hdf5_number(error) or errno.EIO, path) from error
    except RuntimeError as error:  # what h5py raises where a disk is full when it closes a file
        if (number := _hdf5_number(error)) is None:
            raise
        raise _named(number, path) from error


def _hdf5_number(error):
    found = HDF5_NUMBER.search(str(error))
    return int(found[1]) if found else None


def _named(number, path):
    return OSError(number, os.strerror(number), str(path))
