"""``python -m keras_sibeat.presets RUN NAME``: makes a preset of a finished run."""

import sys
from pathlib import Path

from keras_sibeat.config.command_line import parser
from keras_sibeat.errors import command


@command
def main(arguments=None):
    """Parse the command line, make the preset, say what was made."""
    line = parser("keras_sibeat.presets", "Make a preset.", "runs/student mitdb-beat")
    line.add_argument("run", type=Path, help="the folder of a student's finished run")
    line.add_argument("name", help="of the preset")
    line.add_argument("--folder", type=Path, help="the package's presets by default")
    options = line.parse_args(sys.argv[1:] if arguments is None else arguments)

    from keras_sibeat.presets.loading import FOLDER
    from keras_sibeat.presets.making import make_preset
    from keras_sibeat.train.run import Run

    folder = options.folder or FOLDER
    about = make_preset(Run(options.run), options.name, folder)
    size, auc = about["model"]["bytes"], about["metrics"]["auc"]
    print(f"{folder / options.name}.keras: {size} bytes, AUC {auc:.4f}")


if __name__ == "__main__":
    main()
