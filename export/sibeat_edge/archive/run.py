"""An archive scored on Ray Data: a worker a core, a recording or some a task, the results in files."""

import importlib
import logging
import os
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sibeat_edge import __version__
from sibeat_edge.archive.extra import need_extra
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.source import Source
from sibeat_edge.archive.tables import DONE, PARTIAL
from sibeat_edge.archive.worker import Worker
from sibeat_edge.errors import EdgeError, ModelError
from sibeat_edge.model.presets import WEARER, model_path

SECONDS, MEGABYTES = 3600.0, 1000.0  # that a recording may take, by default
TASKS = 10_000  # that Ray is given at most; above that, a task has several recordings
OBJECTS = 100 * 2**20  # bytes of Ray's object store: results go to files, so that little passes through it
SETTINGS = {  # Ray tells much that is nothing to whoever scores recordings
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}

Progress = Callable[[int, int, int, float], object]


@dataclass(frozen=True)
class Archive:
    """What became of an archive.

    Attributes:
        folder: with the datasets ``beats``, ``episodes`` and ``recordings``.
        statuses: how many recordings are ``done``, ``partial``, ``failed`` and ``timed out``.

    >>> Archive(Folder("out"), {"done": 2, "failed": 1}).code
    3
    """

    folder: Folder
    statuses: Mapping[str, int]

    @property
    def code(self) -> int:
        """The command's exit code: 0 if all is done, 2 if nothing could be, else 3."""
        if set(self.statuses) == {DONE}:
            return 0
        return 3 if {DONE, PARTIAL} & set(self.statuses) else 2

    def troubles(self) -> Iterator[dict[str, Any]]:
        """The ``recording``, ``status`` and ``reason`` of each that is not done."""
        rows = self.folder.finished(["recording", "status", "reason"])
        return (row for row in rows if row["status"] != DONE)


def score_archive(
    source: str,
    out: str | Path,
    *,
    model: str | Path | None = None,
    lead: str | Sequence[str] | None = None,
    rate: float | None = None,
    unit: str | None = None,
    jobs: int | None = None,
    address: str | None = None,
    limit_seconds: float = SECONDS,
    limit_memory: float = MEGABYTES,
    progress: Progress | None = None,
) -> Archive:
    """Score all recordings of a ``source``, or those that an earlier call with the same arguments has left.

    Args:
        source: a folder, or a URL that fsspec opens.
        out: folder of the results; the workers of a cluster see it under the same path.
        model, lead, rate, unit: as for ``score_file``.
        jobs: recordings that are scored at once; by default one a core.
        address: of a Ray cluster; by default Ray is started on this machine, and ended.
        limit_seconds, limit_memory: s and MB that a recording may take; one that takes more is ended.
        progress: called with the numbers of recordings done, in all, and done by this call, and with the
            seconds of signal in the latter, after each.

    Raises ``EdgeError`` for a source without recordings, an ``out`` of other settings or with other files, or
    if Ray or the source fails on the way: what is done by then is kept. Raises ``ModelError`` for the model.
    """
    need_extra()
    location = source if "://" in source else str(Path(source).resolve())
    out = Path(out).resolve()
    content = None if model is None else _content(model)
    settings = {
        "version": __version__,
        "source": location,
        "model": WEARER if content is None else sha256(content).hexdigest(),
        "lead": [lead] if isinstance(lead, str) else lead and list(lead),
        "rate": rate,
        "unit": unit,
        "limit_seconds": limit_seconds,
        "limit_memory": limit_memory,
    }
    names, folder = Source(location).names(without=out), Folder(out)
    with folder.locked():
        folder.begin(settings, names, content)
        todo = folder.todo()
        if todo:
            with _ray(jobs, address) as cores:
                _run(folder, todo, _results(folder, todo, jobs or cores), progress)
        return Archive(folder, folder.statuses())


def _content(model: str | Path) -> bytes:
    from sibeat_edge.model.runtime import Model  # it takes long to import, and only workers score

    path = model_path(model)
    Model(path)  # one that cannot be used would fail with every recording
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}; expected a .tflite file.") from error


@contextmanager
def _ray(jobs: int | None, address: str | None) -> Iterator[int]:
    """Start Ray, or join a cluster; the number of its cores."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray
    import ray.exceptions

    # Ray's processes take seconds to start, in which its part for data can be imported.
    threading.Thread(target=importlib.import_module, args=("ray.data",), daemon=True).start()
    own = {
        "address": "local",
        "num_cpus": jobs or _cores(),
        "include_dashboard": False,
        "object_store_memory": OBJECTS,
    }
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        with warnings.catch_warnings(), _no_errors_shown():
            warnings.simplefilter("ignore")
            ray.init(**(own if address is None else {"address": address}), **quiet)
    except Exception as error:  # Ray raises bare ones, too
        where = "this machine" if address is None else address
        raise EdgeError(
            f"{where}: found no Ray ({_last(error)}); expected it to start, or a cluster."
        ) from error
    try:
        yield int(ray.cluster_resources().get("CPU", 1))
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, EdgeError | OSError):
            raise cause from error
        raise EdgeError(
            f"found that Ray has ended ({_last(error)}); expected it to go on (the same command takes up "
            "what is left)."
        ) from error
    finally:
        ray.shutdown()


def _results(folder: Folder, todo: list[dict[str, Any]], jobs: int) -> Iterator[dict[str, Any]]:
    """What workers tell of each recording that is ``todo``, as they are done."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Tables instead of items would be looked at by a process of Ray's first, before any worker starts.
    results = ray.data.from_items(todo, override_num_blocks=min(len(todo), TASKS)).map(
        Worker,
        fn_constructor_args=(str(folder.path),),
        compute=ray.data.ActorPoolStrategy(size=min(jobs, len(todo))),
        num_cpus=1,
    )
    yield from results.iter_rows()


def _run(
    folder: Folder, todo: list[dict[str, Any]], results: Iterable[dict[str, Any]], progress: Progress | None
) -> None:
    """Follow the ``results`` of what is ``todo``; finish each chunk of which nothing is left."""
    left, seconds = Counter(task["chunk"] for task in todo), 0.0
    total = folder.total
    for done, row in enumerate(results, 1):
        chunk, seconds = row["chunk"], seconds + row["seconds"]
        left[chunk] -= 1
        if not left[chunk]:
            folder.finish(chunk)
        if progress is not None:
            progress(total - len(todo) + done, total, done, seconds)


@contextmanager
def _no_errors_shown() -> Iterator[None]:
    """Drop what is written to the standard error, also by what is not Python."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _last(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
