"""Errors that a user can act on, and how a command reports them."""

import functools
import sys

from sibeat_edge.errors import EdgeError


class SibeatError(ValueError):
    """Base of the errors whose message is one sentence: what was found, what was expected, and where."""


class DataError(SibeatError):
    """A recording, annotation or series that cannot be used."""


class ConfigError(SibeatError):
    """A configuration with an unknown key or a value out of range."""


class RunError(SibeatError):
    """A run folder that cannot be used."""


class ExportError(SibeatError):
    """A model that lost too much on its way to the device, or cannot go there."""


def command(main):
    """Make ``main`` a command: bad input or a failing disk ends it with one sentence and exit code 2."""

    @functools.wraps(main)
    def run(*args, **kwargs):
        try:
            return main(*args, **kwargs)
        except (SibeatError, EdgeError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)

    return run
