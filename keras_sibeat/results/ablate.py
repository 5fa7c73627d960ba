"""``python -m keras_sibeat.results.ablate CONFIG.toml [--only NAME] [--report DIR]``: ablations."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, add_report, log_to, parser
from keras_sibeat.errors import ConfigError, command


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, train every variant, print and report them beside each other."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.results.ablate", "Train variants.", "configs/ablation.toml --data mitdb --only both"
    )
    line.add_argument("config", type=Path, help="TOML file with [base] and [variants.NAME]")
    line.add_argument("--only", nargs="+", metavar="NAME", help="these variants alone")
    add_data(line)
    line.add_argument("--runs", type=Path, metavar="DIR", help="the runs' folder; runs/STEM by default")
    add_report(line)
    options = line.parse_args(arguments)

    from rich.console import Console

    from keras_sibeat.config.variants import read_variants
    from keras_sibeat.evaluate.printing import print_results
    from keras_sibeat.evaluate.runs import evaluate
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.training import train

    console = Console()
    log_to(console)
    variants = read_variants(options.config, options.data)
    absent = sorted(set(options.only or ()) - set(variants))
    if absent:
        raise ConfigError(f"--only: found {absent[0]}; expected some of {', '.join(variants)}.")
    command_line = ("python", "-m", "keras_sibeat.results.ablate", *arguments)
    results = {}
    for name in options.only or variants:
        config = variants[name]
        folder = (options.runs or Path("runs") / options.config.stem) / name
        run = train(config, folder, command_line, console)
        if run is None:  # of a cluster's workers, one evaluates
            continue
        results[config.name] = evaluate(run)
        if options.report:
            result = {"command": shlex.join(command_line), **results[config.name]}
            write_result(options.report, config.name, result)
    print_results(console, results)


if __name__ == "__main__":
    main()
