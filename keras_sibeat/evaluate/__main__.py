"""``python -m keras_sibeat.evaluate RUN | --preset NAME [--selection S] [--baselines] [--exported] …``."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, parser
from keras_sibeat.errors import ConfigError, command


@command
def main(arguments: Sequence[str] | None = None) -> None:
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
    from keras_sibeat.evaluate.baselines import BASELINES, evaluate_baseline
    from keras_sibeat.evaluate.int8 import evaluate_exported
    from keras_sibeat.evaluate.presets import evaluate_preset
    from keras_sibeat.evaluate.printing import print_results
    from keras_sibeat.evaluate.runs import evaluate
    from keras_sibeat.evaluate.summary import result_name
    from keras_sibeat.results.writing import copy_strips, write_result
    from keras_sibeat.train.run import Run

    if (options.run is None) == (options.preset is None):
        raise ConfigError("evaluate: expected either a run or --preset NAME.")
    if options.preset:
        for name in ("selection", "baselines", "exported", "report"):
            if getattr(options, name):
                raise ConfigError(f"--preset: found --{name} beside it; expected --data alone.")
        return print_results(Console(), evaluate_preset(options.preset, options.data))
    evaluated = shlex.join(("python", "-m", "keras_sibeat.evaluate", *arguments))
    if options.run.suffix == ".toml":
        if not options.baselines:
            raise ConfigError(f"{options.run}: a configuration has no model; expected a run, or --baselines.")
        config, run = read_config(options.run, (), options.data), None
    else:
        run = Run(options.run, options.data)
        config = run.config
    folds = load_folds(config)
    if run:
        run.check_data(folds)
    if run is None or options.baselines:
        results = {result_name(config, baseline=n): evaluate_baseline(config, n, folds) for n in BASELINES}
    else:
        name = result_name(config, options.selection, exported=options.exported)
        evaluated = f"{run.about['command']} && {evaluated}"
        if options.exported:
            results = {name: evaluate_exported(run, folds)}
        else:
            results = {name: evaluate(run, folds, options.selection)}
            if options.report:
                copy_strips(run, options.report)
    print_results(Console(), results)
    if options.report:
        for name, result in results.items():
            write_result(options.report, name, {"command": evaluated, **result})


if __name__ == "__main__":
    main()
