"""``python -m keras_sibeat`` lists the commands; ``python -m keras_sibeat COMMAND …`` runs one."""

import importlib
import sys
from collections.abc import Sequence

import keras_sibeat
from keras_sibeat.config.wording import did_you_mean

COMMANDS = {
    "data": ("keras_sibeat.data.__main__", "fetch or simulate recordings, measure the R-peak detector"),
    "train": ("keras_sibeat.train.__main__", "train the folds and seeds of a configuration"),
    "ablate": ("keras_sibeat.results.ablate", "train variants, and report them beside each other"),
    "evaluate": ("keras_sibeat.evaluate.__main__", "measure a run, its int8 models, baselines or a preset"),
    "probe": ("keras_sibeat.evaluate.probe", "what a frozen embedding knows of the classes"),
    "robustness": ("keras_sibeat.evaluate.robustness", "an exported model on whole recordings, with noise"),
    "worn": ("keras_sibeat.evaluate.worn", "an exported model's alarms on what people wear"),
    "explain": ("keras_sibeat.evaluate.explain", "whether maps find where in the beat an anomaly is"),
    "export": ("keras_sibeat.export.__main__", "quantise a student for the device"),
    "presets": ("keras_sibeat.presets.__main__", "make a preset of a finished run"),
    "results": ("keras_sibeat.results.__main__", "make the tables of RESULTS.md anew"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the first argument names, or list them."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    first = arguments[0] if arguments else "--help"
    if first in COMMANDS:
        importlib.import_module(COMMANDS[first][0]).main(arguments[1:])
    elif first == "--version":
        print(f"keras_sibeat {keras_sibeat.__version__}")
    elif first in ("--help", "-h"):
        print("usage: keras-sibeat COMMAND …, or python -m keras_sibeat COMMAND …\n\ncommands:")
        print("".join(f"  {name:<12}{what}\n" for name, (_, what) in COMMANDS.items()))
        print("keras-sibeat COMMAND --help tells more, with an example.")
    else:
        known = f"{', '.join(COMMANDS)}{did_you_mean(first, COMMANDS)}"
        print(f"error: found the command {first!r}; expected one of {known}.", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
