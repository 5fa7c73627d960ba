"""``sibeat score``: recordings in, scored beats and reports out."""

import argparse
import sys
from pathlib import Path

from sibeat_edge.commands.arguments import add_scored, count, finite, jobs, positive
from sibeat_edge.commands.listing import ListFormats
from sibeat_edge.errors import EdgeError
from sibeat_edge.model import KERNELS

FORMATS = ("table", "json", "csv", "wfdb")
STANDARD_INPUT = "-"
STANDARD_FILE = "/dev/stdin"  # the file that standard input comes from, where there is one
FAILED, PARTIAL = 2, 3  # exit codes


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the ``commands`` of a parser."""
    score = commands.add_parser(
        "score",
        help="score the beats of recordings, and write reports",
        description="Scores the beats of a recording, or of each of several. Exit code 0: all is well, 3: a "
        "recording ended too early and was scored so far, 2: something failed.",
        epilog="example: sibeat score watch.csv --lead ECG --report watch.html",
    )
    score.add_argument(
        "records",
        nargs="+",
        metavar="RECORD",
        help="a file, or a WFDB record, with or without .hea; a folder or a pattern of such",
    )
    score.add_argument(
        "--list-formats", action=ListFormats, help="list the formats that can be read, and exit"
    )
    add_scored(score, "rate of a CSV without a column of time")
    limit = score.add_mutually_exclusive_group()
    limit.add_argument("--threshold", type=finite, metavar="X", help="default: the model's")
    limit.add_argument(
        "--false-alarms-per-hour",
        type=positive,
        metavar="N",
        help="set the threshold that N normal beats an hour score above (default: the model's)",
    )
    score.add_argument(
        "--personal",
        type=count,
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
        help="write to this file, or with several recordings to files in this folder (default: the screen; "
        "for wfdb RECORD.sib)",
    )
    score.add_argument(
        "--report", type=Path, metavar="PATH", help="also write an HTML report, or reports in this folder"
    )
    score.add_argument(
        "--show", action="store_true", help="also draw the strip with the most alarms, in letters"
    )
    score.add_argument(
        "--overwrite", action="store_true", help="replace files, too, that sibeat did not write"
    )
    score.add_argument(
        "--jobs", type=jobs, default=1, metavar="N", help="recordings that are scored at once (default: 1)"
    )
    score.set_defaults(run=_score)


def _score(options):
    # Imported here and below, so that --help answers at once.
    from sibeat_edge.reading.listing import is_folder

    (first, *others) = options.records
    if STANDARD_INPUT in options.records:
        if others:
            raise EdgeError("found - among several recordings; expected the standard input alone.")
        return _score_one(options)
    if others or is_folder(Path(first)) or _is_pattern(first):
        return _score_many(options)
    return _score_one(options)


def _is_pattern(text):
    """Whether it stands for files by a pattern: names of files may have brackets, too."""
    import glob

    return glob.has_magic(text) and not Path(text).exists() and not Path(f"{text}.hea").is_file()


def _arguments(options):
    names = ("model", "lead", "rate", "unit", "kernels", "threshold", "personal", "false_alarms_per_hour")
    return {name: getattr(options, name) for name in names}


def _models(options):
    from sibeat_edge.model.presets import model_path

    return [] if options.model is None else [model_path(options.model)]


def _score_one(options):
    from rich.console import Console

    from sibeat_edge.reading.listing import files_of
    from sibeat_edge.report.batch import beside
    from sibeat_edge.report.letters import strip_text
    from sibeat_edge.report.outputs import check_outputs, identities
    from sibeat_edge.report.progress import ProgressBar
    from sibeat_edge.report.recording import score_file
    from sibeat_edge.report.table import as_table
    from sibeat_edge.report.writing import as_csv, as_json, write_results

    (record,) = options.records
    form, out = options.format, options.out
    if form == "wfdb" and out is None:
        if record == STANDARD_INPUT:
            raise EdgeError("found no name for the annotations of the standard input; expected --out PATH.")
        out = beside(record)
    outputs = [path for path in (out, options.report) if path is not None]
    files = [STANDARD_FILE] if record == STANDARD_INPUT else files_of(record)
    check_outputs(outputs, identities([*files, *_models(options)]), options.overwrite)
    with ProgressBar(Console(stderr=True)) as bar:
        scored = score_file(
            record, progress=bar.update, trace=options.report is not None, **_arguments(options)
        )
    for warning in scored.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if options.report is not None:
        from sibeat_edge.report.page import write_report  # here, as matplotlib takes its time to load

        write_report(scored, options.report)
    if out is not None:
        write_results(scored, form, out)
        if form == "wfdb":
            print(f"{len(scored.beats)} annotations: {out}", file=sys.stderr)
    elif form == "table":
        sys.stdout.write(as_table(scored, _width()))
    else:
        sys.stdout.write(as_json(scored) if form == "json" else as_csv(scored))
    if options.show:
        stream = sys.stdout if form == "table" and out is None else sys.stderr
        stream.write(f"\n{strip_text(scored, _width())}")
    return PARTIAL if scored.partial else 0


def _score_many(options):
    from rich.console import Console

    from sibeat_edge.model.runtime import Model
    from sibeat_edge.report.batch import plan, score_tasks
    from sibeat_edge.report.overview import as_overview
    from sibeat_edge.report.progress import ProgressBar

    if options.show:
        raise EdgeError("found --show with several recordings; expected one.")
    if options.format in ("json", "csv") and options.out is None:
        raise EdgeError(f"found several recordings to write as {options.format}; expected --out FOLDER.")
    for folder in (options.out, options.report):
        if folder is not None and folder.exists() and not folder.is_dir():
            raise EdgeError(f"{folder}: found a file; expected a folder for the results of the recordings.")
    models = _models(options)
    for model in models:
        Model(model)  # one that cannot be used would fail with every recording
    tasks = plan(options.records, options.format, options.out, options.report, options.overwrite, models)
    outcomes = []
    with ProgressBar(Console(stderr=True)) as bar:
        for outcome in score_tasks(tasks, options.jobs, **_arguments(options)):
            outcomes.append(outcome)
            for warning in outcome.warnings:
                print(f"warning: {warning}", file=sys.stderr)
            if outcome.error:
                print(f"error: {outcome.error}", file=sys.stderr)
            bar.count(len(outcomes), len(tasks))
    sys.stdout.write(as_overview(outcomes, _width()))
    if any(outcome.error for outcome in outcomes):
        return FAILED
    return PARTIAL if any(outcome.cut for outcome in outcomes) else 0


def _width():
    """Characters of a line: those of a terminal, or of a file."""
    from rich.console import Console

    from sibeat_edge.report.table import WIDTH

    return Console().width if sys.stdout.isatty() else WIDTH
