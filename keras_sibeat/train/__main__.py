"""``python -m keras_sibeat.train [CONFIG] [--set key=value …] [--data DIR] [--run DIR]``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, log_to, parser
from keras_sibeat.errors import command


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, train, evaluate, print."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser(
        "keras_sibeat.train",
        "Train every configured fold and seed, going on where it stopped, and evaluate.",
        "configs/contrastive.toml --data mitdb --set train.epochs=20",
    )
    line.add_argument(
        "config",
        nargs="?",
        default="quickstart",
        help="a TOML file, or the name of one that ships (in configs/); %(default)s by default",
    )
    line.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. train.epochs=30")
    add_data(line)
    line.add_argument("--run", type=Path, metavar="DIR", help="the run's folder; runs/NAME by default")
    options = line.parse_args(arguments)

    from rich.console import Console

    from keras_sibeat.config import find_config, read_config
    from keras_sibeat.evaluate.printing import print_results
    from keras_sibeat.evaluate.runs import evaluate, result_name
    from keras_sibeat.train.training import train

    console = Console()
    log_to(console)
    config = read_config(find_config(options.config), options.set, options.data)
    folder = options.run or Path("runs") / config.name
    run = train(config, folder, ("python", "-m", "keras_sibeat.train", *arguments), console)
    if run is not None:
        print_results(console, {result_name(config): evaluate(run)})


if __name__ == "__main__":
    main()
