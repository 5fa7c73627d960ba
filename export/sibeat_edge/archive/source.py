"""Where an archive's recordings lie: in a folder, or in an object store that fsspec knows."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from sibeat_edge.errors import EdgeError, RecordError
from sibeat_edge.reading.formats import FORMATS
from sibeat_edge.reading.listing import HEADER, PACKED, SIGNAL, find_recordings, named_in

PAUSES = (1.0, 5.0, 25.0)  # s before a file is fetched once more


class Unreachable(EdgeError):
    """The source as a whole cannot be read now, which says nothing about its recordings.

    >>> issubclass(Unreachable, EdgeError)
    True
    """


class Source:
    """The recordings in the folder or at the URL ``location``, by their paths in it.

    Args:
        location: a folder, or a URL that fsspec opens, as ``s3://bucket/folder``.

    Raises ``EdgeError`` for a URL whose protocol fsspec does not know, or needs a further package for.

    >>> Source("absent").names()
    Traceback (most recent call last):
    sibeat_edge.errors.RecordError: absent: found no such folder; expected one with recordings.
    """

    def __init__(self, location: str) -> None:
        self.location, self._folder, self._files = location, Path(location), None
        if "://" not in location:
            return
        import fsspec

        try:
            self._files, root = fsspec.core.url_to_fs(location)
        except (ImportError, ValueError) as error:
            raise EdgeError(f"{location}: found {error}; expected a URL that fsspec opens.") from error
        self._root = PurePosixPath(root)

    def names(self, without: Path | None = None) -> list[str]:
        """The paths of all recordings, relative to the source, in order.

        A WFDB record goes by its name without an ending. Names that are no UTF-8 are left out.

        Args:
            without: a local folder that is left out.

        Raises ``RecordError`` if there is no folder, or no recording in it.
        """
        if self._files is not None:
            found = self._remote_names()
        elif not self._folder.is_dir():
            raise RecordError(f"{self.location}: found no such folder; expected one with recordings.")
        else:
            own = without.resolve() if without is not None else None
            paths = find_recordings(self._folder)
            found = [p.relative_to(self._folder).as_posix() for p in paths if own not in p.resolve().parents]
        names = sorted(name for name in found if _is_text(name))
        if not names:
            raise RecordError(f"{self.location}: found no recording; expected one or more.")
        return names

    def _remote_names(self):
        """As ``find_recordings`` has those of a local folder, but from the names and headers alone."""
        endings = {ending for form in FORMATS for ending in form.endings} - {SIGNAL}
        inside = [str(PurePosixPath(path).relative_to(self._root)) for path in self._find()]
        known = {
            name
            for name in inside
            if not any(part.startswith(".") for part in name.split("/"))
            and PurePosixPath(name.lower().removesuffix(PACKED)).suffix in endings
        }
        headers = [name for name in known if name.endswith(HEADER)]
        texts = self._files.cat([str(self._root / name) for name in headers]) if headers else {}
        for name in headers:
            known -= _beside(name, texts[str(self._root / name)])
        return [name.removesuffix(HEADER) for name in known]

    def _find(self):
        try:
            return self._files.find(str(self._root))
        except FileNotFoundError:
            return []
        except Exception as error:  # whatever the store's own library raises
            raise Unreachable(f"{self.location}: found what cannot be listed ({_words(error)}).") from error

    @contextmanager
    def local(self, name: str, scratch: Path) -> Iterator[Path]:
        """The recording ``name`` as a local path; one of a URL is fetched into ``scratch``, which is emptied.

        Raises ``RecordError`` for one that is not there or must not be read, ``Unreachable`` if the source
        does not answer, several times.
        """
        if self._files is None:
            yield self._folder / name
            return
        try:
            self._fetch(name, scratch)
            yield scratch / name
        finally:
            for entry in scratch.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def _fetch(self, name, scratch):
        """Fetch a file or, of a WFDB record, its header and what that names."""
        header = name + HEADER
        if not self._again(self._files.exists, str(self._root / header)):
            self._get(name, scratch)
            return
        self._get(header, scratch)
        parts = _beside(header, (scratch / header).read_bytes())
        for segment in sorted(part for part in parts if part.endswith(HEADER)):
            self._get(segment, scratch)
            parts |= _beside(segment, (scratch / segment).read_bytes())
        for part in sorted(part for part in parts if not part.endswith(HEADER)):
            self._get(part, scratch)

    def _get(self, name, scratch):
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._again(self._files.get_file, str(self._root / name), str(scratch / name))
        except FileNotFoundError as error:
            raise RecordError(f"{name}: found no such file; expected it at the source.") from error
        except PermissionError as error:
            raise RecordError(f"{name}: found that it may not be read; expected a file for all.") from error

    def _again(self, ask: Callable[..., Any], *arguments: str) -> Any:
        """What ``ask`` answers; a network that fails is asked again after a while."""
        for pause in (*PAUSES, None):
            try:
                return ask(*arguments)
            except (FileNotFoundError, PermissionError):
                raise
            except Exception as error:  # whatever the store's own library raises
                if pause is None:
                    raise Unreachable(
                        f"{self.location}: found no answer ({_words(error)}); expected its files."
                    ) from error
                time.sleep(pause)

    def check(self) -> None:
        """Raise ``Unreachable`` if a local source has gone as a whole, as a disk that was taken away."""
        if self._files is None and not self._folder.is_dir():
            raise Unreachable(f"{self.location}: found no such folder any more; expected it to stay.")

    def tell(self, text: str, scratch: Path) -> str:
        """A sentence on a file, with the recording's path in the source in place of the one that was read."""
        return text.replace(f"{self._folder if self._files is None else scratch}/", "")


def _beside(header: str, content: bytes) -> set[str]:
    """The files that a WFDB header names, by their paths in the source; none outside of it."""
    folder = PurePosixPath(header).parent
    named = (folder / name for name in named_in(content.decode("latin-1")))
    return {str(path) for path in named if ".." not in path.parts and not path.is_absolute()}


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
