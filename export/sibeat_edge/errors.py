"""Errors that the wearer's software can act on: one sentence of what was found and what was expected."""


class EdgeError(ValueError):
    """Base of them."""


class ModelError(EdgeError):
    """A model file that is corrupt, of another kind, or not what its manifest says."""


class RecordError(EdgeError):
    """A recording that cannot be read or scored."""
