"""``python -m keras_sibeat.presets make RUN NAME | measure NAME --data DIR``: what ships with the package."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, parser
from keras_sibeat.errors import command

VERBS = ("make", "measure")


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, make or measure the preset, say what was made."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments and arguments[0] not in VERBS and not arguments[0].startswith("-"):
        # The form of the release before, which goes with the next one.
        print("A preset is now made by python -m keras_sibeat.presets make RUN NAME.", file=sys.stderr)
        arguments = ["make", *arguments]
    line = parser(
        "keras_sibeat.presets", "Make a preset of a run, or measure one anew.", "make runs/student mitdb-beat"
    )
    verbs = line.add_subparsers(dest="verb", required=True, metavar="make | measure")
    makes = verbs.add_parser("make", help="make a preset of a student's finished run")
    makes.add_argument("run", type=Path, help="the run's folder")
    measures = verbs.add_parser(
        "measure", help="measure a preset on its test fold; renew its figures and card"
    )
    add_data(measures)
    for verb in (makes, measures):
        verb.add_argument("name", help="of the preset")
        verb.add_argument("--folder", type=Path, help="the package's presets by default")
    options = line.parse_args(arguments)

    from keras_sibeat.evaluate.presets import measure_preset
    from keras_sibeat.presets.loading import FOLDER
    from keras_sibeat.presets.making import make_preset, write_about
    from keras_sibeat.train.run import Run

    folder = options.folder or FOLDER
    if options.verb == "make":
        about = make_preset(Run(options.run), options.name, folder)
    else:
        about = measure_preset(options.name, options.data, folder)
        write_about(about, folder)
    size, auc = about["model"]["bytes"], about["metrics"].get("auc")
    told = "no AUC, as no test beat is abnormal" if auc is None else f"AUC {auc:.4f}"
    print(f"{folder / options.name}.keras: {size} bytes, {told}")


if __name__ == "__main__":
    main()
