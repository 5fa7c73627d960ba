"""``python -m keras_sibeat.evaluate RUN | --preset NAME | --compare A B [--beats FILE] …``."""

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
    line.add_argument("--beats", type=Path, metavar="FILE", help="the test beats' scores, .csv or .parquet")
    line.add_argument(
        "--compare", nargs=2, metavar=("A", "B"), help="two runs, or files of --beats, on the same beats"
    )
    add_data(line)
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console

    from keras_sibeat.config import read_config
    from keras_sibeat.data.sources import load_folds
    from keras_sibeat.evaluate.baselines import BASELINES, evaluate_baseline
    from keras_sibeat.evaluate.beat_files import check_beats_file
    from keras_sibeat.evaluate.comparing import compare, print_comparison
    from keras_sibeat.evaluate.int8 import evaluate_exported
    from keras_sibeat.evaluate.presets import evaluate_preset
    from keras_sibeat.evaluate.printing import print_results
    from keras_sibeat.evaluate.runs import evaluate
    from keras_sibeat.evaluate.summary import result_name
    from keras_sibeat.results.writing import copy_strips, write_result
    from keras_sibeat.train.run import Run

    if sum(given is not None for given in (options.run, options.preset, options.compare)) != 1:
        raise ConfigError("evaluate: expected either a run, --preset NAME, or --compare A B.")
    if options.run is None:
        alone = "preset" if options.preset else "compare"
        for name in ("selection", "baselines", "exported", "beats", "report"):
            if getattr(options, name):
                raise ConfigError(f"--{alone}: found --{name} beside it; expected --data alone.")
    if options.preset:
        return print_results(Console(), evaluate_preset(options.preset, options.data))
    if options.compare:
        return print_comparison(
            Console(), options.compare, compare(options.compare, options.data, console=Console())
        )
    if options.beats:
        if options.baselines:
            raise ConfigError("--beats: found --baselines beside it; expected a run's own model.")
        check_beats_file(options.beats)
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
            results = {name: evaluate_exported(run, folds, options.beats)}
        else:
            results = {name: evaluate(run, folds, options.selection, options.beats)}
            if options.report:
                copy_strips(run, options.report)
    print_results(Console(), results)
    if options.report:
        for name, result in results.items():
            write_result(options.report, name, {"command": evaluated, **result})


if __name__ == "__main__":
    main()
