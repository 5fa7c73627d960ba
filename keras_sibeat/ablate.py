"""``python -m keras_sibeat.ablate CONFIG.toml [--data DIR] [--report DIR]``: what each part brings."""

import argparse
import logging
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler

from keras_sibeat.config import make_config, read_toml
from keras_sibeat.errors import ConfigError, command
from keras_sibeat.evaluate import print_results
from keras_sibeat.results import write_result
from keras_sibeat.train import train


def read_variants(file, data=None):
    """The configurations of an ablation's file, by name: ``base``, each of the ``variants`` merged into it.

    Raises ``ConfigError`` where the file has other keys, no variants, or a configuration that does not hold.
    """
    values = read_toml(file)
    unknown = sorted(set(values) - {"base", "variants"})
    if unknown or not isinstance(values.get("variants"), dict) or not values["variants"]:
        found = f"the unknown key {unknown[0]}" if unknown else "no variants"
        raise ConfigError(f"{file}: found {found}; expected [base] and [variants.NAME].")
    stem = Path(file).stem
    return {
        name: make_config(
            {"name": f"{stem}-{name}", **_merge(values.get("base", {}), variant)},
            f"{file}: {name}",
            data=data,
        )
        for name, variant in values["variants"].items()
    }


def _merge(base, variant):
    merged = dict(base)
    for key, value in variant.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


@command
def main(arguments=None):
    """Parse the command line, train every variant, print and report them beside each other."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m keras_sibeat.ablate", description="Train variants.")
    parser.add_argument("config", type=Path, help="TOML file with [base] and [variants.NAME]")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these variants alone")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="the runs' folder; runs/STEM by default")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write JSON here and RESULTS.md beside it")
    options = parser.parse_args(arguments)
    console = Console()
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=console)])
    variants = read_variants(options.config, options.data)
    absent = sorted(set(options.only or ()) - set(variants))
    if absent:
        raise ConfigError(f"--only: found {absent[0]}; expected some of {', '.join(variants)}.")
    command_line = ("python", "-m", "keras_sibeat.ablate", *arguments)
    results = {}
    for name in options.only or variants:
        config = variants[name]
        folder = (options.runs or Path("runs") / options.config.stem) / name
        results[config.name] = train(config, folder, command_line, console)
        if options.report:
            write_result(
                options.report, config.name, {"command": shlex.join(command_line), **results[config.name]}
            )
    print_results(console, results)


if __name__ == "__main__":
    main()
