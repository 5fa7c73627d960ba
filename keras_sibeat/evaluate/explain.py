"""``python -m keras_sibeat.evaluate.explain RUN… [--data DIR] [--report DIR]``: where in the beat."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, parser
from keras_sibeat.errors import command

METRICS = {"pointing": "pointing game", "overlap": "overlap", "deletion": "deletion"}


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, measure, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.evaluate.explain",
        "Whether maps of where a beat, or a series, is abnormal find anomalies of known places.",
        "runs/worn-inter runs/worn-student-inter runs/beatgan-inter --data data",
    )
    line.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="runs whose wearers are kept apart; a student's is exported. The first one's validation "
        "recordings are looked at. Or one run on series",
    )
    add_data(line)
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console
    from rich.table import Table

    from keras_sibeat.evaluate.explaining import PLANTED, explain
    from keras_sibeat.evaluate.explaining_series import explain_series
    from keras_sibeat.evaluate.map_plots import plot_examples
    from keras_sibeat.results.markdown import cell
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.run import Run

    runs = [Run(folder, options.data if not place else None) for place, folder in enumerate(options.runs)]
    is_series = runs[0].config.protocol.name == "series"
    result = explain_series(runs[0]) if is_series else explain(runs)
    for source, rows in ({"windows": result["maps"]} if is_series else result["maps"]).items():
        table = Table(source, *METRICS.values())
        for name, row in rows.items():
            table.add_row(name, *(cell(row[PLANTED].get(metric), 3) for metric in METRICS))
        Console().print(table)
    if options.report:
        name = f"explain-{runs[0].config.name}" if is_series else "explain"
        trained = [run.about["command"] for run in runs]
        exported = [f"python -m keras_sibeat.export {run.folder}" for run in runs if run.config.student]
        measured = shlex.join(("python", "-m", "keras_sibeat.evaluate.explain", *arguments))
        if not is_series:
            plot_examples(runs, Path(options.report) / f"{name}.png")
        write_result(
            options.report, name, {"command": " && ".join((*trained, *exported, measured)), **result}
        )


if __name__ == "__main__":
    main()
