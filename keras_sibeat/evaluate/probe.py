"""``python -m keras_sibeat.evaluate.probe RUN [--data DIR] [--report DIR]``: the linear probe."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, parser
from keras_sibeat.errors import command


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, probe, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.evaluate.probe",
        "Linear probe of a run's embedding.",
        "runs/contrastive-inter --data mitdb",
    )
    line.add_argument("run", type=Path, help="the folder of a contrastive run under inter_patient")
    add_data(line)
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console

    from keras_sibeat.data.sources import load_folds
    from keras_sibeat.evaluate.linear_probe import probe
    from keras_sibeat.evaluate.printing import print_results
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.run import Run

    run = Run(options.run, options.data)
    folds = load_folds(run.config)
    run.check_data(folds)
    results = {f"probe-{run.config.name}-{name}": result for name, result in probe(run, folds).items()}
    print_results(Console(), results)
    if options.report:
        probed = shlex.join(("python", "-m", "keras_sibeat.evaluate.probe", *arguments))
        for name, result in results.items():
            write_result(options.report, name, {**result, "command": f"{run.about['command']} && {probed}"})


if __name__ == "__main__":
    main()
