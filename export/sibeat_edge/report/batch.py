"""Many recordings, one after the other or several at once: none of them stops the others."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sibeat_edge.errors import EdgeError, sentence
from sibeat_edge.reading.listing import files_of, find_recordings, is_folder
from sibeat_edge.report.outputs import ENDINGS, check_outputs, identities
from sibeat_edge.report.recording import score_file
from sibeat_edge.report.writing import write_results


@dataclass(frozen=True)
class Task:
    """A recording to score, and where its results go.

    Attributes:
        record: its path.
        form: of the results: ``table``, ``json``, ``csv`` or ``wfdb``.
        out, report: files of its results and of its report; None for none.

    >>> Task(Path("a.csv"), "json", Path("out/a.csv.json")).report is None
    True
    """

    record: Path
    form: str
    out: Path | None = None
    report: Path | None = None

    @property
    def outputs(self) -> list[Path]:
        """The files that it writes."""
        return [path for path in (self.out, self.report) if path is not None]


@dataclass(frozen=True)
class Outcome:
    """What became of a recording.

    Attributes:
        record: its path.
        seconds, beats: its length and number of beats; None if it failed.
        alarms_per_hour: None if it failed or nothing was scored.
        cut: a sentence on where it ended too early; empty if it was whole.
        warnings: sentences that are to be shown.
        error: a sentence on why it failed, or an empty text.

    >>> Outcome(Path("a.csv"), error="a.csv: found no such file; expected a recording.").beats is None
    True
    """

    record: Path
    seconds: float | None = None
    beats: int | None = None
    alarms_per_hour: float | None = None
    cut: str = ""
    warnings: tuple[str, ...] = ()
    error: str = ""


def plan(
    sources: Sequence[str | Path],
    form: str = "csv",
    out: Path | None = None,
    report: Path | None = None,
    overwrite: bool = False,
    models: Sequence[str | Path] = (),
) -> list[Task]:
    """The recordings that the ``sources`` name, once each, and where the results of each go.

    In the folders ``out`` and ``report`` the results of a recording have its path behind the folder that was
    given, or behind the one that all sources have in common, and an ending of their own: those of
    ``study/ann/day1.edf`` are ``ann/day1.edf.csv`` if ``study`` was given. Annotations lie beside their
    recording if there is no ``out``.

    Args:
        sources: as ``find_recordings`` takes them.
        form: of the results.
        out, report: folders; None for none.
        overwrite: as for ``check_output``.
        models: files that are not to be overwritten either.

    Raises ``RecordError`` as ``find_recordings`` does, and ``EdgeError`` as ``check_output`` does, before
    anything is read.
    """
    found = [(Path(source), find_recordings(source)) for source in sources]
    records = list(dict.fromkeys(record for _, those in found for record in those))
    base = _base(found)
    tasks = [
        Task(
            record,
            form,
            _place(out, base, record, ENDINGS[form]) if out or form != "wfdb" else beside(record),
            _place(report, base, record, ".html"),
        )
        for record in records
    ]
    inputs = identities([*models, *files_of(*records)])
    check_outputs((path for task in tasks for path in task.outputs), inputs, overwrite)
    return tasks


def _base(found):
    """The folder behind which results have the paths of the recordings: the one that all sources share."""
    folders = [source for source, _ in found if is_folder(source)]
    folders += [record.parent for source, those in found if not is_folder(source) for record in those]
    try:
        return Path(os.path.commonpath([os.path.abspath(folder) for folder in folders]))
    except ValueError as error:
        raise EdgeError("found recordings on several drives; expected them on one.") from error


def _place(folder, base, record, ending):
    if folder is None:
        return None
    inner = Path(os.path.abspath(record)).relative_to(base)
    return folder / inner.with_name(inner.name + ending)


def beside(record: str | Path) -> Path:
    """Where a recording's annotations go if no other place is named: ``RECORD.sib``.

    >>> beside("data/a.edf").as_posix()
    'data/a.sib'
    """
    path = Path(record)
    has_header = path.with_name(path.name + ".hea").is_file()
    return path.with_name((path.name if has_header else path.stem) + ENDINGS["wfdb"])


def score_tasks(tasks: Sequence[Task], jobs: int = 1, **options: Any) -> Iterator[Outcome]:
    """Score recordings and write their results; the outcomes come in the order of the ``tasks``.

    A recording that fails stops no other, nor does one with which its process ends.

    Args:
        tasks: of ``plan``.
        jobs: processes that score at once; 1 for this one.
        options: of ``score_file``; with several processes a model by its name or path.
    """
    if jobs == 1:
        yield from (_outcome(task, options) for task in tasks)
        return
    known: dict[int, Outcome] = {}
    place = 0
    while place < len(tasks):
        futures: dict[int, Future[Outcome]] = {}
        pool = _pool(jobs)
        try:
            for number in range(place, len(tasks)):
                if number not in known:
                    futures[number] = pool.submit(_outcome, tasks[number], options)
            while place < len(tasks):
                yield known.pop(place) if place in known else futures[place].result()
                place += 1
        except BrokenProcessPool:
            done = {n: future for n, future in futures.items() if n >= place and future.done()}
            known |= {n: future.result() for n, future in done.items() if not future.exception()}
            # A process has died, maybe on another recording: this one is scored alone, to know.
            known[place] = _alone(tasks[place], options)
        finally:
            pool.shutdown(cancel_futures=True)


def _alone(task, options):
    with _pool(1) as pool:
        try:
            return pool.submit(_outcome, task, options).result()
        except BrokenProcessPool:
            return Outcome(
                task.record,
                error=f"{task.record}: found that the process which scored it was ended (out of memory?); "
                "expected it to finish.",
            )


def _pool(jobs):
    # A fresh process, as one forked beside threads may hang.
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _outcome(task, options):
    try:
        scored = score_file(task.record, trace=task.report is not None, **options)
        if task.report is not None:
            from sibeat_edge.report.page import write_report  # here, as matplotlib takes its time to load

            write_report(scored, task.report)
        if task.out is not None:
            write_results(scored, task.form, task.out)
    except (EdgeError, OSError) as error:
        return Outcome(task.record, error=sentence(error))
    except Exception as error:  # a fault of ours, which is to stop no other recording
        told = " ".join(f"{type(error).__name__} {error}".split())
        return Outcome(task.record, error=f"{task.record}: found a fault of sibeat ({told}); expected none.")
    return Outcome(
        task.record,
        scored.seconds,
        len(scored.beats),
        scored.summary["alarms_per_hour"],
        scored.cut,
        scored.warnings,
    )
