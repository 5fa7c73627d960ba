"""``python -m keras_sibeat.evaluate RUN | --preset NAME [--selection S] [--baselines] [--exported] …``."""

import argparse
import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from keras_sibeat.baselines import BASELINES
from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, command
from keras_sibeat.evaluation import evaluate, evaluate_baseline, evaluate_preset, result_name
from keras_sibeat.exported import evaluate_exported
from keras_sibeat.files import whole_file
from keras_sibeat.results import write_result
from keras_sibeat.run import Run


def copy_strips(run, folder):
    """Copy the heat strips of a run's first part, where it has any, into the folder of the results."""
    first = next(iter(run.parts().values()))
    for file in first.glob("plots/strip-*.png"):
        with whole_file(folder / f"{run.config.name}-{file.name}") as partial:
            shutil.copyfile(file, partial)


def print_results(console, results):
    """Print a table of results by name: mean, and standard deviation where there are several values."""
    names = list(dict.fromkeys(metric for result in results.values() for metric in result["metrics"]))
    table = Table("metric", *results)
    for name in names:
        metrics = [result["metrics"].get(name) for result in results.values()]
        table.add_row(name, *("" if metric is None else _cell(metric) for metric in metrics))
    console.print(table)


def _cell(metric):
    spread = f" ± {metric['sd']:.4f}" if len(metric["values"]) > 1 else ""
    return f"{metric['mean']:.4f}{spread}"


@command
def main(arguments=None):
    """Parse the command line, evaluate, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m keras_sibeat.evaluate", description="Measure a run.")
    parser.add_argument(
        "run", nargs="?", type=Path, help="a run's folder; with --baselines a configuration will do"
    )
    parser.add_argument("--preset", metavar="NAME", help="a model that ships with the package, and no run")
    parser.add_argument("--selection", choices=("label_free", "labelled"), help="the run's own by default")
    parser.add_argument("--baselines", action="store_true", help="score the baselines on the same folds")
    parser.add_argument("--exported", action="store_true", help="the int8 models that a run was exported to")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write JSON here and RESULTS.md beside it")
    options = parser.parse_args(arguments)
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
