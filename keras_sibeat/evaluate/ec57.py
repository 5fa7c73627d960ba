"""``python -m keras_sibeat.evaluate.ec57 MODEL --data DIR``: the tables of ANSI/AAMI EC57."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, parser
from keras_sibeat.errors import command

SHOWN = (
    "veb_se",
    "veb_pp",
    "sveb_se",
    "sveb_pp",
    "f1",
    "false_alarms_mean",
    "false_alarms_median",
    "false_told_median",
    "burden_error",
)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.evaluate.ec57",
        "Names of beats, false alarms, runs and burden on annotated recordings, as ANSI/AAMI EC57 counts.",
        "runs/worn-student-inter --data data",
    )
    line.add_argument("run", type=Path, help="an exported wearer's run, or a .tflite file")
    add_data(line)
    line.add_argument("--records", nargs="+", metavar="NAME", help="of the folder DATA, for a file's model")
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console
    from rich.table import Table

    from keras_sibeat.evaluate.decision_figures import decide_folder
    from keras_sibeat.evaluate.stress import commands, decide_run
    from keras_sibeat.results.markdown import cell
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.run import Run

    run = None
    if options.run.suffix == ".tflite":
        if options.data is None or options.report:
            line.error("expected --data, a folder of annotated records, and no --report with a file's model")
        tables = decide_folder(options.run, options.data, options.records)
    else:
        if options.records:
            line.error("expected no --records with a run: its configuration names them")
        run = Run(options.run, options.data)
        tables = decide_run(run)
    for name, result in tables.items():
        table = Table(name, "mean ± sd over seeds")
        for metric in SHOWN:
            table.add_row(metric, cell(result["metrics"].get(metric), 3))
        Console().print(table)
    if options.report and run is not None:
        line_of_command = commands(run, "keras_sibeat.evaluate.ec57", arguments)
        for name, result in tables.items():
            write_result(options.report, f"ec57-{name}", {"command": line_of_command, **result})


if __name__ == "__main__":
    main()
