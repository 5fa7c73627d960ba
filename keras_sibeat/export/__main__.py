"""``python -m keras_sibeat.export RUN | PRESET [--format int8] [--data DIR] …``: a student for the device."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_data, parser
from keras_sibeat.errors import ConfigError, ExportError, command
from keras_sibeat.layers.names import FORMATS, ONNX


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, export, print."""
    line = parser("keras_sibeat.export", "Export a student for the device.", "mitdb-wearer --data mitdb")
    line.add_argument("source", help="the folder of a student's finished run, or a preset's name")
    line.add_argument("--format", choices=(*FORMATS, ONNX), default="int8", dest="kind")
    add_data(line)
    line.add_argument("--out", type=Path, metavar="DIR", help="of the export; by default inside the run")
    line.add_argument("--firmware", type=Path, metavar="DIR", help="of the bundle; OUT/firmware by default")
    line.add_argument(
        "--generated-only",
        action="store_true",
        help="leave out the bundle's files that are the same for every model: sibeat_edge/firmware has them",
    )
    line.add_argument("--residuals", action="store_true", help="with the residuals of each sample")
    line.add_argument("--false-alarms-per-hour", type=float, metavar="N", help="sets the threshold")
    line.add_argument("--no-fine-tuning", action="store_true", help="refuse what the gate refuses at first")
    line.add_argument("--tflite-runtime", metavar="PYTHON", help="of an environment to compare with")
    options = line.parse_args(sys.argv[1:] if arguments is None else arguments)
    if options.false_alarms_per_hour is not None and not options.false_alarms_per_hour > 0:
        raise ConfigError(
            f"--false-alarms-per-hour: found {options.false_alarms_per_hour}; expected more than 0."
        )

    from rich.console import Console

    from keras_sibeat.export.exporting import ExportSettings, export
    from keras_sibeat.export.printing import print_report
    from keras_sibeat.export.sources import open_sources
    from keras_sibeat.models.onnx_graph import need_onnx

    if options.kind == ONNX:
        need_onnx()
    settings = ExportSettings(
        options.kind,
        options.false_alarms_per_hour,
        not options.no_fine_tuning,
        options.firmware,
        options.generated_only,
        options.tflite_runtime,
    )
    sources = open_sources(options.source, options.data, options.residuals)
    for name in ("out", "firmware"):
        if getattr(options, name) and len(sources) > 1:
            raise ConfigError(
                f"--{name}: found {len(sources)} folds and seeds; expected one, or no --{name}."
            )
    refused = []  # one of several folds or seeds keeps no other from being exported
    for source, folder in sources:
        try:
            print_report(Console(), export(source, options.out or folder, settings))
        except ExportError as error:
            refused.append(f"{folder.parent.name}: {error}" if len(sources) > 1 else str(error))
    if refused:
        raise ExportError("\n".join(refused))


if __name__ == "__main__":
    main()
