"""Errors that a caller can act on: one sentence of what was found and what was expected."""


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
