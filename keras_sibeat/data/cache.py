"""A cache saves time, and no more: where it cannot be written, that is told and all goes on without."""

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sibeat_edge.errors import sentence

LOG = logging.getLogger(__name__)


@contextmanager
def as_far_as_possible() -> Iterator[None]:
    """Turn an ``OSError`` into a note that says which cache is not kept, and how to choose another."""
    try:
        yield
    except OSError as error:
        LOG.warning("%s Nothing is kept there ($KERAS_SIBEAT_CACHE names another folder).", sentence(error))


def folder_instead(name: str) -> Path:
    """A folder in the cache's place, one for each name, that lasts as long as the process."""
    return Path(_temporary(name).name)


@functools.cache
def _temporary(name):
    return TemporaryDirectory(prefix=f"{name}-")
