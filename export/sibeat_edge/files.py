"""Files that are either whole or absent: written under a temporary name, then renamed."""

import os
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial-"  # what the name of a file begins with until it is whole


@contextmanager
def whole_file(path):
    """Yield a temporary path beside ``path``; rename it on success, remove it on failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffixes stay last, since wfdb, Keras, numpy and matplotlib choose the format by them.
    partial = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
