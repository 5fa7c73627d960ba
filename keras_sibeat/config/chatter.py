"""Commands say what they do, and TensorFlow's start-up messages only where a user asks for them."""

import importlib.abc
import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def wants_chatter() -> bool:
    """Whether a user asks for TensorFlow's own messages."""
    return os.environ.get("KERAS_SIBEAT_VERBOSE") == "1"


def silence_tensorflow() -> None:
    """Hide what TensorFlow writes to standard error about itself; its exceptions and Python warnings remain.

    To be called before TensorFlow is imported. ``KERAS_SIBEAT_VERBOSE=1`` turns this off, and so does a
    user's own ``TF_CPP_MIN_LOG_LEVEL``.
    """
    if wants_chatter() or LEVEL in os.environ or "tensorflow" in sys.modules:
        return
    os.environ[LEVEL] = "3"
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    sys.meta_path.insert(0, _QuietImport())


class _QuietImport(importlib.abc.MetaPathFinder):
    """Holds standard error back while TensorFlow is imported: its first messages heed no level."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                with held_back():
                    execute(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what the process, C++ included, writes to standard error; an exception lets all of it out.

    ``KERAS_SIBEAT_VERBOSE=1`` turns this off.
    """
    if wants_chatter():
        yield
        return
    with tempfile.TemporaryFile() as held:
        own = os.dup(2)
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            sys.stderr.flush()
            os.dup2(own, 2)
            os.close(own)
            if failed:
                held.seek(0)
                os.write(2, held.read())
