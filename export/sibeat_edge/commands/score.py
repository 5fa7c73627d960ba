"""``sibeat score``: recordings in, scored beats and reports out."""

import argparse
import math
import sys
from pathlib import Path

from sibeat_edge.model import KERNELS

FORMATS = ("table", "json", "csv", "wfdb")
WIDTH = 100  # characters of a table that is written to a file


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the ``commands`` of a parser."""
    score = commands.add_parser(
        "score",
        help="score the beats of a recording, and write a report",
        description="Scores the beats of a recording.",
        epilog="example: sibeat score holter.edf --report holter.html",
    )
    score.add_argument("record", metavar="RECORD", help="WFDB record (with or without .hea), .edf or .csv")
    score.add_argument("--model", type=Path, metavar="FILE", help=".tflite file (default: mitdb-wearer)")
    score.add_argument(
        "--lead",
        action="append",
        metavar="NAME",
        help="score this lead instead of the one that the model was trained on; repeat for several leads",
    )
    score.add_argument("--rate", type=_positive, metavar="HZ", help="rate of a CSV without a column of time")
    limit = score.add_mutually_exclusive_group()
    limit.add_argument("--threshold", type=_finite, metavar="X", help="default: the model's")
    limit.add_argument(
        "--false-alarms-per-hour",
        type=_positive,
        metavar="N",
        help="set the threshold that N normal beats an hour score above (default: the model's)",
    )
    score.add_argument(
        "--personal",
        type=_count,
        metavar="N",
        help="adapt the threshold to the wearer after the first N scored beats; 0: never (default: 50 if the "
        "model has a template and no --threshold is given, else 0)",
    )
    score.add_argument(
        "--kernels",
        choices=KERNELS,
        default="builtin",
        help="xnnpack is faster, but its scores differ slightly from a microcontroller's (default: builtin)",
    )
    score.add_argument("--format", choices=FORMATS, default="table", help="of the output (default: table)")
    score.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="write to this file (default: the screen; for wfdb RECORD.sib)",
    )
    score.add_argument("--report", type=Path, metavar="FILE", help="also write an HTML report")
    score.set_defaults(run=_score)


def _score(options):
    # Imported here, so that --help answers at once.
    from rich.console import Console

    from sibeat_edge.report.page import write_report
    from sibeat_edge.report.progress import ProgressBar
    from sibeat_edge.report.recording import score_file
    from sibeat_edge.report.writing import write_annotations

    with ProgressBar(Console(stderr=True)) as bar:
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
    else:
        _put(scored, options.format, options.out)


def _put(scored, form, path):
    """Write the beats as a table, JSON or CSV to ``path``, or to the screen."""
    from rich.console import Console

    from sibeat_edge.report.table import as_table
    from sibeat_edge.report.writing import as_csv, as_json, write_text

    if form == "table":
        is_terminal = path is None and sys.stdout.isatty()
        text = as_table(scored, Console().width if is_terminal else WIDTH)
    else:
        text = as_json(scored) if form == "json" else as_csv(scored)
    if path is None:
        sys.stdout.write(text)
    else:
        write_text(text, path)


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
