"""Errors that a caller can act on: one sentence of what was found and what was expected."""

import errno
import os

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class EdgeError(ValueError):
    """Base class of the errors of this package.

    >>> issubclass(ModelError, EdgeError) and issubclass(RecordError, EdgeError)
    True
    """


class ModelError(EdgeError):
    """A model file that is corrupt, of another kind, or not what its manifest says.

    >>> raise ModelError("a.tflite: found no manifest, expected one.")
    Traceback (most recent call last):
    sibeat_edge.errors.ModelError: a.tflite: found no manifest, expected one.
    """


class RecordError(EdgeError):
    """A recording that cannot be read or scored.

    >>> raise RecordError("a.csv: found an empty file; expected a recording.")
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: a.csv: found an empty file; expected a recording.
    """


def sentence(error: Exception) -> str:
    """What a command tells of an error: its own sentence, or the path and what the system says of it.

    >>> sentence(OSError(28, "No space left on device", "runs/a/history.csv"))
    'runs/a/history.csv: found no space left on device; expected room to write it.'
    >>> sentence(RecordError("a.csv: found an empty file; expected a recording."))
    'a.csv: found an empty file; expected a recording.'
    """
    if not isinstance(error, OSError) or error.filename is None or not error.strerror:
        return str(error)
    what = error.strerror[0].lower() + error.strerror[1:]
    expected = "room to write it" if error.errno in FULL else "a path that can be read and written"
    return f"{os.fsdecode(error.filename)}: found {what}; expected {expected}."
