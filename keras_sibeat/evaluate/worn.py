"""``python -m keras_sibeat.evaluate.worn RUN --motion DIR --rhythms DIR``: alarms on what people wear."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_report, parser
from keras_sibeat.errors import command

SHOWN = ("alarms_per_hour", "coverage", "with_an_alarm", "recordings", "hours", "beats")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.evaluate.worn",
        "Alarms of an exported model on recordings without annotated beats.",
        "runs/worn-student-inter --motion data/motion --rhythms data/cinc2017",
    )
    line.add_argument("run", type=Path, help="a wearer's student's run, exported")
    line.add_argument("--motion", type=Path, metavar="DIR", help="records WEARER_ELECTRODE_ACTIVITY")
    line.add_argument("--rhythms", type=Path, metavar="DIR", help="records labelled in REFERENCE.csv")
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console
    from rich.table import Table

    from keras_sibeat.evaluate.stress import commands, measure_worn
    from keras_sibeat.results.markdown import metric_cells
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.run import Run

    run = Run(options.run)
    result = measure_worn(run, options.motion, options.rhythms)
    table = Table("", *SHOWN)
    for name, row in result["worn"].items():
        table.add_row(name, *metric_cells(row, SHOWN))
    Console().print(table)
    if options.report:
        command = commands(run, "keras_sibeat.evaluate.worn", arguments)
        write_result(options.report, f"alarms-{run.config.name}", {"command": command, **result})


if __name__ == "__main__":
    main()
