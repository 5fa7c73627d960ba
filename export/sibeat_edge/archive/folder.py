"""The folder of an archive's results: what is to be done, what is done, and the datasets.

A recording's result is first written as one file of its own, so that it is never scored again. The results of
each 100 recordings, in the order of the source, then become one Parquet file in each dataset; that of
``recordings`` comes last and says that all three are whole. So the files are the same however often the
command was interrupted: each file is written under another name first, and has its place and rows by number.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sibeat_edge.archive.tables import EPISODES, RECORDINGS, TABLES, as_table, parts_of, schema
from sibeat_edge.errors import EdgeError
from sibeat_edge.files import PARTIAL, whole_file

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 100  # recordings whose rows share a file
ROWS = 100_000  # beats from which a row group is written
STATE = ".sibeat"  # sub-folder of what only this module reads


class Folder:
    """The folder at ``path``.

    Attributes:
        settings: what the results depend on, by name; known once they have been written.

    >>> import tempfile
    >>> from sibeat_edge.archive.tables import no_result
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = Folder(Path(place) / "out")
    ...     with folder.locked():
    ...         folder.begin({"rate": None}, ["a.csv", "b.csv"])
    ...         folder.keep(0, 1, no_result("b.csv", "failed", "empty"))
    ...         todo = folder.todo()
    ...         folder.keep(0, 0, no_result("a.csv", "failed", "empty"))
    ...         folder.finish(0)
    ...     todo, folder.todo(), folder.statuses()
    ([{'chunk': 0, 'number': 0, 'recording': 'a.csv'}], [], {'failed': 2})
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._state = self.path / STATE
        self.model = self._state / "model.tflite"
        self._settings, self._listing = self._state / "settings.json", self._state / "recordings.json"
        self._kept = self._state / "scored"
        self._chunks: list[list[str]] = []  # the recordings of each, once begun

    @property
    def settings(self) -> dict[str, Any]:
        """What the results depend on, as ``begin`` was given it."""
        return json.loads(self._settings.read_text(encoding="utf-8"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process work on this folder, until this one leaves it or ends, however that is.

        Raises ``EdgeError`` if another process does, or if the folder has files of something else.
        """
        import fcntl

        others = {entry.name for entry in self.path.iterdir()} - {STATE} if self.path.is_dir() else set()
        if others and not self._settings.is_file():
            raise EdgeError(
                f"{self.path}: found {sorted(others)[0]}; expected an empty folder, or one of an archive."
            )
        self._state.mkdir(parents=True, exist_ok=True)
        with open(self._state / "lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise EdgeError(
                    f"{self.path}: found another sibeat at work on it; expected one at a time."
                ) from error
            yield

    def begin(self, settings: Mapping[str, Any], names: Iterable[str], model: bytes | None = None) -> None:
        """Begin with these recordings, or go on. Recordings that are new make further chunks.

        Args:
            settings: what the results depend on.
            names: of all recordings.
            model: bytes of the model, or None for the presets.

        Raises ``EdgeError`` if the folder has results of other settings.
        """
        for partial in self._state.rglob(f"{PARTIAL}*"):
            partial.unlink(missing_ok=True)
        if self._settings.is_file():
            self._compare(settings)
        chunks = json.loads(self._listing.read_bytes()) if self._settings.is_file() else []
        known = {name for chunk in chunks for name in chunk}
        new = sorted(set(names) - known)
        if new:
            chunks += [new[first : first + CHUNK] for first in range(0, len(new), CHUNK)]
            self._write(self._listing, json.dumps(chunks, indent=0).encode())
        self._chunks = chunks
        if not self._settings.is_file():
            if model is not None:
                self._write(self.model, model)
            self._write(self._settings, json.dumps(dict(settings), indent=2).encode())

    def _compare(self, settings):
        before = self.settings
        for name, value in settings.items():
            if before.get(name) != value:
                raise EdgeError(
                    f"{self.path}: found results of {name} {_told(before.get(name))}; expected "
                    f"{_told(value)} as given now (another --out begins anew)."
                )

    def _write(self, path, content):
        with whole_file(path) as partial:
            partial.write_bytes(content)

    @property
    def total(self) -> int:
        """Number of recordings."""
        return sum(map(len, self._chunks))

    def todo(self) -> list[dict[str, Any]]:
        """Finish whole chunks; the ``chunk``, ``number`` in it and ``recording`` of what is not scored."""
        todo = []
        for chunk, names in enumerate(self._chunks):
            if self._file("recordings", chunk).is_file():
                shutil.rmtree(self._kept_in(chunk), ignore_errors=True)
                continue
            left = [number for number in range(len(names)) if not self._kept_at(chunk, number).is_file()]
            todo += [{"chunk": chunk, "number": number, "recording": names[number]} for number in left]
            if not left:
                self.finish(chunk)
        return todo

    def _kept_in(self, chunk):
        return self._kept / f"{chunk:05d}"

    def _kept_at(self, chunk, number):
        return self._kept_in(chunk) / f"{number:02d}.arrow"

    def _file(self, dataset, chunk):
        return self.path / dataset / f"chunk={chunk:05d}" / f"{dataset}.parquet"

    def keep(self, chunk: int, number: int, result: "pa.Table") -> None:
        """Write a recording's ``result`` as a file of its own."""
        from pyarrow import feather

        with whole_file(self._kept_at(chunk, number)) as partial:
            feather.write_feather(result, str(partial), compression="zstd")

    def kept(self, chunk: int, number: int) -> dict[str, Any] | None:
        """The row of ``recordings`` of a recording that is scored, or None."""
        from pyarrow import feather

        path = self._kept_at(chunk, number)
        return parts_of(feather.read_table(str(path), columns=[]))[0] if path.is_file() else None

    def finish(self, chunk: int) -> None:
        """Make the Parquet files of a chunk whose recordings are all scored."""
        from pyarrow import feather

        kept = [self._kept_at(chunk, number) for number in range(len(self._chunks[chunk]))]
        rows: list[dict[str, Any]] = []
        episodes: list[dict[str, Any]] = []

        def beats():
            for path in kept:
                table = feather.read_table(str(path), memory_map=False)
                row, found = parts_of(table)
                rows.append(row)
                episodes.extend(found)
                yield table.replace_schema_metadata()

        self._put("beats", chunk, beats())
        self._put("episodes", chunk, [as_table(EPISODES, episodes)])
        self._put("recordings", chunk, [as_table(RECORDINGS, rows)])
        shutil.rmtree(self._kept_in(chunk), ignore_errors=True)

    def _put(self, dataset, chunk, tables):
        """Write a Parquet file, whole or not at all, in row groups of ``ROWS`` or a little more."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        whole, target = self._state / f"{dataset}.parquet", self._file(dataset, chunk)
        columns = schema(TABLES[dataset])
        with whole_file(whole) as partial, pq.ParquetWriter(partial, columns, compression="zstd") as writer:
            group = columns.empty_table()
            for table in tables:
                group = pa.concat_tables([group, table])
                if len(group) >= ROWS:
                    writer.write_table(group, row_group_size=len(group))
                    group = columns.empty_table()
            if len(group):
                writer.write_table(group, row_group_size=len(group))
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(whole, target)

    def finished(self, columns: list[str]) -> Iterator[dict[str, Any]]:
        """These ``columns`` of all rows of ``recordings``, in order."""
        import pyarrow.parquet as pq

        for path in sorted((self.path / "recordings").glob("chunk=*/recordings.parquet")):
            yield from pq.ParquetFile(path).read(columns=columns).to_pylist()

    def statuses(self) -> dict[str, int]:
        """How many recordings have each status."""
        found: dict[str, int] = {}
        for row in self.finished(["status"]):
            found[row["status"]] = found.get(row["status"], 0) + 1
        return found


def _told(value: object) -> str:
    return "not given" if value is None else str(value)
