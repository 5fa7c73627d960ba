"""Where results may be written: never over what they were made of, nor over a file of someone else's."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from sibeat_edge.errors import EdgeError
from sibeat_edge.marks import is_own

ENDINGS = {"table": ".txt", "json": ".json", "csv": ".csv", "wfdb": ".sib"}  # of a file of results, by format

Identities: TypeAlias = set[tuple[int, int]]


def identities(paths: Iterable[str | Path]) -> Identities:
    """What tells the files at ``paths`` from all others, whatever links or spellings lead to them."""
    found = (os.stat(path) for path in paths if os.path.exists(path))
    return {(state.st_dev, state.st_ino) for state in found}


def check_output(path: str | Path, inputs: Identities, overwrite: bool = False) -> None:
    """Refuse a ``path`` of results whose file is not to be lost.

    Args:
        path: of the file that is to be written.
        inputs: ``identities`` of the files that results are made of; they are never replaced.
        overwrite: whether another file may be replaced that this package did not write.

    Raises ``EdgeError`` for one of the ``inputs``, also by a link to it, for what is no file, for ``-``,
    which people take for the standard output, and for a file that this package did not write, unless
    ``overwrite`` is true.

    >>> check_output(__file__, identities([__file__]), overwrite=True)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    sibeat_edge.errors.EdgeError: ...outputs.py: found a file that is to be read; expected another path ...
    """
    path = Path(path)
    if path.parts[:1] == ("-",):
        raise EdgeError(
            f"{path}: found no name of a file; expected the path of a file (without --out, results go to the "
            "standard output)."
        )
    if not os.path.lexists(path):
        return
    if identities([path]) & inputs:
        raise EdgeError(f"{path}: found a file that is to be read; expected another path for the results.")
    if path.is_dir():
        raise EdgeError(f"{path}: found a folder; expected the path of a file for the results.")
    if path.exists() and not path.is_file():
        raise EdgeError(f"{path}: found a device; expected the path of a file for the results.")
    if not overwrite and not (path.exists() and is_own(path)):
        raise EdgeError(
            f"{path}: found a file that sibeat did not write; expected another path, or --overwrite."
        )


def check_outputs(outputs: Iterable[str | Path], inputs: Identities, overwrite: bool = False) -> None:
    """Refuse ``outputs`` as ``check_output`` does, and two that are one file."""
    known: dict[str, str | Path] = {}
    for path in outputs:
        check_output(path, inputs, overwrite)
        place = os.path.normcase(os.path.realpath(path))
        if place in known:
            raise EdgeError(f"{path}: found the path of two results; expected one of each.")
        known[place] = path
