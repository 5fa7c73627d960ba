"""``python -m keras_sibeat.evaluate RUN | --preset NAME [--selection S] [--baselines] [--exported] …``."""

import shlex
import sys
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, parser
from keras_sibeat.errors import ConfigError, command


@command
def main(arguments=None):
    """Parse the command line, evaluate, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser("keras_sibeat.evaluate", "Measure a run or a preset.", "runs/contrastive --data mitdb")
    line.add_argument(
        "run", nargs="?", type=Path, help="a run's folder; with --baselines a configuration will do"
    )
    line.add_argument("--preset", metavar="NAME", help="a model that ships with the package, and no run")
    line.add_argument("--selection", choices=("label_free", "labelled"), help="the run's own by default")
    line.add_argument("--baselines", action="store_true", help="score the baselines on the same folds")
    line.add_argument("--exported", action="store_true", help="the int8 models that a run was exported to")
    add_data(line)
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console

    from keras_sibeat.config import read_config
    from keras_sibeat.data.sources import load_folds
    from keras_sibeat.evaluate.baselines import BASELINES
    from keras_sibeat.evaluate.int8 import evaluate_exported
    from keras_sibeat.evaluate.printing import print_results
    from keras_sibeat.evaluate.runs import evaluate, evaluate_baseline, evaluate_preset, result_name
    from keras_sibeat.results.writing import copy_strips, write_result
    from keras_sibeat.train.run import Run

    if (options.run is None) == (options.preset is None):
        raise ConfigError("evaluate: expected either a run or --preset NAME.")
    if options.preset:
        for name in ("selection", "baselines", "exported", "report"):
            if getattr(options, name):
                raise ConfigError(f"--preset: found --{name} beside it; expected --data alone.")
        return print_results(Console(), evaluate_preset(options.preset, options.data))
    if options.run.suffix == ".toml":
        if not options.baselines:
            raise ConfigError(f"{options.run}: a configuration has no model; expected a run, or --baselines.")
        run, config = None, read_config(options.run, (), options.data)
    else:
        run = Run(options.run, options.data)
        config = run.config
    folds = load_folds(config)
    if run:
        run.check_data(folds)
    if options.baselines:
        results = {result_name(config, baseline=n): evaluate_baseline(config, n, folds) for n in BASELINES}
    elif options.exported:
        results = {result_name(config, exported=True): evaluate_exported(run, folds)}
    else:
        results = {result_name(config, options.selection): evaluate(run, folds, options.selection)}
    print_results(Console(), results)
    if options.report:
        if not options.baselines and not options.exported:
            copy_strips(run, options.report)
        evaluated = shlex.join(("python", "-m", "keras_sibeat.evaluate", *arguments))
        for name, result in results.items():
            commands = [evaluated] if options.baselines else [run.about["command"], evaluated]
            write_result(options.report, name, {"command": " && ".join(commands), **result})


if __name__ == "__main__":
    main()
