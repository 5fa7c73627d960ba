"""``python -m keras_sibeat.evaluate.robustness RUN --data DIR --noise DIR``: whole recordings."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, parser
from keras_sibeat.errors import command

SHOWN = ("auc", "ap", "auc_record", "sensitivity", "false_alarms_per_hour", "missed_abnormal", "unscored")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.evaluate.robustness",
        "An exported model on whole recordings, clean and with noise.",
        "runs/student-inter --data data/mitdb --noise data/noise",
    )
    line.add_argument("run", type=Path, help="a student's run under inter_patient, exported")
    add_data(line)
    line.add_argument("--noise", type=Path, metavar="DIR", help="records of noise alone: bw, em, ma")
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console
    from rich.table import Table

    from keras_sibeat.evaluate.stress import commands, robustness
    from keras_sibeat.results.markdown import cell
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.run import Run

    run = Run(options.run, options.data)
    result = robustness(run, options.noise)
    table = Table("", *SHOWN)
    for name, row in result["conditions"].items():
        table.add_row(name, *(cell(row.get(metric), 4) for metric in SHOWN))
    Console().print(table)
    if options.report:
        command = commands(run, "keras_sibeat.evaluate.robustness", arguments)
        write_result(options.report, f"end-to-end-{run.config.name}", {"command": command, **result})


if __name__ == "__main__":
    main()
