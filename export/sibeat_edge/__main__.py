"""``python -m sibeat_edge score RECORD``: a wearer's recording in, scored beats and a report out."""

import argparse
import io
import math
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sibeat_edge.errors import EdgeError
from sibeat_edge.model.runtime import KERNELS
from sibeat_edge.report.page import write_report
from sibeat_edge.report.recording import score_file
from sibeat_edge.report.writing import as_csv, as_json, write_annotations, write_text

FORMATS = ("table", "json", "csv", "wfdb")
LISTED = 20  # alarms in the table
WIDTH = 100  # characters of a table that goes into a file


def main(arguments=None):
    """Run the command; bad input or a failing disk ends it with one sentence and exit code 2."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (EdgeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _parser():
    parser = argparse.ArgumentParser("python -m sibeat_edge", description="Heartbeats on a wearable.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    score = commands.add_parser("score", help="score the beats of a recording")
    score.add_argument("record", metavar="RECORD", help="WFDB record (with or without .hea), .edf or .csv")
    score.add_argument("--model", type=Path, metavar="FILE", help=".tflite file; the package's preset else")
    score.add_argument(
        "--lead",
        action="append",
        metavar="NAME",
        help="take this lead in place of the one that the model was trained on; once for each of its leads",
    )
    score.add_argument("--rate", type=_positive, metavar="HZ", help="of a CSV without a column of time")
    limit = score.add_mutually_exclusive_group()
    limit.add_argument("--threshold", type=_finite, metavar="X", help="in place of the model's")
    limit.add_argument(
        "--false-alarms-per-hour", type=_positive, metavar="N", help="sets the threshold; the model's else"
    )
    score.add_argument(
        "--personal",
        type=_count,
        metavar="N",
        help="set the wearer's own threshold from the first N scored beats, 0 for none; by default "
        "50, if the model has a template and no threshold is given",
    )
    score.add_argument("--kernels", choices=KERNELS, default="builtin", help="xnnpack: faster, less exact")
    score.add_argument("--format", choices=FORMATS, default="table", help="table by default")
    score.add_argument(
        "--out", type=Path, metavar="PATH", help="write there, not to the screen; wfdb: RECORD.sib by default"
    )
    score.add_argument("--report", type=Path, metavar="FILE", help="write an HTML report, too")
    score.set_defaults(run=_score)
    return parser


def _score(options):
    with _Bar(Console(stderr=True)) as bar:
        scored = score_file(
            options.record,
            options.model,
            options.lead,
            options.rate,
            kernels=options.kernels,
            progress=bar.update,
            threshold=options.threshold,
            personal=options.personal,
            false_alarms_per_hour=options.false_alarms_per_hour,
        )
    for warning in scored.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if options.report is not None:
        write_report(scored, options.report)
    if options.format == "wfdb":
        path = options.out or Path(options.record).with_name(f"{scored.name}.sib")
        write_annotations(scored, path)
        print(f"{len(scored.beats)} annotations: {path}", file=sys.stderr)
    elif options.format == "table":
        _put(_tables(scored, None if options.out is None else WIDTH), options.out)
    else:
        _put(as_json(scored) if options.format == "json" else as_csv(scored), options.out)


def _put(text, path):
    if path is None:
        sys.stdout.write(text)
    else:
        write_text(text, path)


class _Bar:
    """Progress on a terminal; anywhere else, nothing."""

    def __init__(self, console):
        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def __enter__(self):
        self._progress.start()
        self._task = self._progress.add_task("reading", total=None)
        return self

    def __exit__(self, *_):
        self._progress.stop()

    def update(self, done, total):
        of = "" if total is None else f" of {total / 3600:.1f}"
        self._progress.update(
            self._task, completed=done, total=total, description=f"{done / 3600:.1f}{of} hours"
        )


def _tables(scored, width):
    """The summary, what was not scored, and the first alarms, as text."""
    text = io.StringIO()
    on_screen = width is None and sys.stdout.isatty()
    console = Console(file=text, width=width or (Console().width if on_screen else WIDTH), highlight=False)
    summary = scored.summary
    figures = Table("", "", box=box.SIMPLE, show_header=False, title=f"{scored.name}: scored beats")
    for name in ("leads", "rate", "seconds", "model", "threshold", "threshold_from"):
        figures.add_row(name.replace("_", " "), _cell(summary[name]))
    for name in ("beats", "scored", "alarms", "alarms_per_hour", "alarms_per_scored_hour"):
        figures.add_row(name.replace("_", " "), _cell(summary[name]))
    for name in ("expected_false_alarms_per_hour", "heart_rate"):
        figures.add_row(name.replace("_", " "), _cell(summary[name]))
    console.print(figures)
    if scored.unscored or scored.not_scored:
        table = Table("not scored", "beats", "minutes", box=box.SIMPLE)
        for reason in sorted(scored.unscored.keys() | scored.not_scored.keys()):
            minutes = scored.not_scored.get(reason, 0) / 60
            table.add_row(reason, str(scored.unscored.get(reason, 0)), f"{minutes:.1f}")
        console.print(table)
    if scored.alarms:
        relative = scored.manifest["wearer"] is not None
        table = Table("alarm at, s", "score", "RR, s", *(["for its"] if relative else []), box=box.SIMPLE)
        for beat in scored.alarms[:LISTED]:
            row = f"{beat.time:.2f}", _cell(beat.score), _cell(beat.rr)
            table.add_row(*row, *([beat.why] if relative else []))
        console.print(table)
        if len(scored.alarms) > LISTED:
            console.print(f"and {len(scored.alarms) - LISTED} more: --format csv lists all")
    console.print(scored.manifest["notice"])
    return text.getvalue()


def _cell(value):
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(text):
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _positive(text):
    value = _finite(text)
    if value <= 0:
        raise ValueError
    return value


def _count(text):
    value = int(text)
    if value < 0:
        raise ValueError
    return value


if __name__ == "__main__":
    main()
