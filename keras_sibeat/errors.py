"""Errors that a user can act on, and how a command reports them."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sibeat_edge.errors import EdgeError, sentence

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class SibeatError(ValueError):
    """Base of the errors whose message is one sentence: what was found, what was expected, and where.

    >>> isinstance(DataError("Record 100: found no annotations; expected some."), SibeatError)
    True
    """


class DataError(SibeatError):
    """A recording, annotation or series that cannot be used.

    >>> raise DataError("Record 100: lead II is missing; found V1.")
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.DataError: Record 100: lead II is missing; found V1.
    """


class ConfigError(SibeatError):
    """A configuration with an unknown key or a value out of range.

    >>> raise ConfigError("train.epochs: found 0; expected 1 or more.")
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.ConfigError: train.epochs: found 0; expected 1 or more.
    """


class RunError(SibeatError):
    """A run folder that cannot be used.

    >>> raise RunError("runs/a: found no run.json; expected a run's folder.")
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.RunError: runs/a: found no run.json; expected a run's folder.
    """


class ExportError(SibeatError):
    """A model that lost too much on its way to the device, or cannot go there.

    >>> raise ExportError("Gate: found an AUC of 0.5; expected 0.9.")
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.ExportError: Gate: found an AUC of 0.5; expected 0.9.
    """


class BackendError(SibeatError, ImportError):
    """Keras works on another backend than the one that is needed.

    >>> raise BackendError("Keras's backend: found jax; expected tensorflow.")
    Traceback (most recent call last):
    ...
    keras_sibeat.errors.BackendError: Keras's backend: found jax; expected tensorflow.
    """


def command(main: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Make ``main`` a command: bad input or a failing disk ends it with one sentence and exit code 2."""

    @functools.wraps(main)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return main(*args, **kwargs)
        except (SibeatError, EdgeError, OSError) as error:
            print(f"error: {sentence(error)}", file=sys.stderr)
            sys.exit(2)

    return run
