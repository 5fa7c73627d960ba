"""``sibeat archive``: all recordings of a folder or an object store in, tables of their beats out."""

import argparse
import contextlib
import io
import sys
from pathlib import Path

from sibeat_edge.commands.arguments import add_scored, jobs, positive

LISTED = 20  # recordings that are named where they are not done
INTERRUPTED = 130  # exit code, as of a shell


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the ``commands`` of a parser."""
    archive = commands.add_parser(
        "archive",
        help="score a folder or an object store of recordings into tables",
        description="Scores all recordings of a source, and writes their beats, episodes and a row a "
        "recording as Parquet datasets. Interrupted at any moment, the same command goes on where it "
        "stopped. Exit code 0: all is done, 3: some recordings failed or ended too early, 2: nothing could "
        "be done.",
        epilog="example: sibeat archive s3://clinic/holters --out results",
    )
    archive.add_argument("source", metavar="SOURCE", help="a folder, or a URL that fsspec opens")
    archive.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the results, and of what is done"
    )
    add_scored(archive, "rate of files that state none")
    archive.add_argument(
        "--jobs", type=jobs, metavar="N", help="recordings that are scored at once (default: one a core)"
    )
    archive.add_argument(
        "--address", metavar="HOST:PORT", help="of a Ray cluster (default: this machine alone)"
    )
    archive.add_argument(
        "--limit-seconds",
        type=positive,
        default=3600.0,
        metavar="S",
        help="end a recording that takes longer, and list it (default: 3600)",
    )
    archive.add_argument(
        "--limit-memory",
        type=positive,
        default=1000.0,
        metavar="MB",
        help="end a recording that takes more memory, and list it (default: 1000)",
    )
    archive.set_defaults(run=_archive)


def _archive(options):
    # Imported here, so that --help answers at once.
    from rich.console import Console

    from sibeat_edge.archive.progress import ArchiveBar
    from sibeat_edge.archive.run import score_archive

    names = ("model", "lead", "rate", "unit", "jobs", "address", "limit_seconds", "limit_memory")
    arguments = {name: getattr(options, name) for name in names}
    bar, nowhere = ArchiveBar(Console(stderr=True)), io.StringIO()
    try:
        with bar, contextlib.redirect_stdout(nowhere):  # where Ray tells of workers that have ended
            archive = score_archive(options.source, options.out, progress=bar.update, **arguments)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
        return INTERRUPTED
    _tell_troubles(archive)
    print(", ".join(f"{count:,} {status}" for status, count in sorted(archive.statuses.items())))
    return archive.code


def _tell_troubles(archive):
    """Name what is not done, but no more of it than a screen holds."""
    more = 0
    for number, row in enumerate(archive.troubles()):
        if number < LISTED:
            print(f"{row['status']}: {row['reason']}", file=sys.stderr)
        else:
            more += 1
    if more:
        print(f"… and {more:,} more, in {archive.folder.path / 'recordings'}", file=sys.stderr)
