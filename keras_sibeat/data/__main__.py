"""``python -m keras_sibeat.data fetch|simulate|rpeaks``."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import add_report, parser
from keras_sibeat.errors import command


def _fetch(options, console):
    from keras_sibeat.data import physionet

    folder = options.out or Path("data") / options.database
    count = physionet.fetch(options.database, folder, options.version, options.annotator, options.server)
    console.print(f"{folder}: {count} files fetched, all checksums right.")


def _simulate(options, console):
    from keras_sibeat.data.sources import default_folder, write_simulated
    from keras_sibeat.files import whole_folder

    out = options.out or default_folder()
    with whole_folder(out) as partial:
        write_simulated(partial, options.wearers, options.seconds, options.seed)
    console.print(f"{out}: {options.wearers} wearers of {options.seconds:g} s.")


def _rpeaks(options, console):
    from keras_sibeat.data import physionet
    from keras_sibeat.data.beats import checksum
    from keras_sibeat.data.detection import measure_detector, measured_name
    from keras_sibeat.data.recording import read_recording
    from keras_sibeat.results.writing import write_result
    from keras_sibeat.train.run import current_commit, installed_versions

    names = physionet.list_records(options.folder)
    digests = physionet.check_files(options.folder, names, options.annotator)
    recordings = (read_recording(options.folder / name, options.annotator) for name in names)
    rows = measure_detector(recordings, options.lead, options.sensitive)
    total = rows.pop("all")
    result = {
        "records": rows,
        "all": total,
        "command": shlex.join(("python", "-m", "keras_sibeat.data", *options.arguments)),
        "data_sha256": checksum(digests),
        "versions": installed_versions(),
        "commit": current_commit(),
    }
    for name, row in [*rows.items(), ("all", total)]:
        console.print(
            f"{name}: {row['beats']} beats, {row['missed']} missed, {row['false']} false, "
            f"sensitivity {row['sensitivity']:.2%}, positive predictivity {row['positive_predictivity']:.2%}",
            highlight=False,
        )
    if options.report:
        write_result(options.report, measured_name(options.folder, options.sensitive), result)


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the command."""
    arguments = sys.argv[1:] if arguments is None else arguments
    line = parser("keras_sibeat.data", "Recordings of heartbeats.", "fetch mitdb --out mitdb")
    commands = line.add_subparsers(required=True)

    fetch = commands.add_parser("fetch", help="download a PhysioNet database with beat annotations")
    fetch.add_argument("database", help="PhysioNet's short name, e.g. mitdb")
    fetch.add_argument("--out", type=Path, help="data/DATABASE by default")
    fetch.add_argument("--version", default="1.0.0")
    fetch.add_argument("--annotator", default="atr")
    fetch.add_argument("--server", default="https://physionet.org/files")
    fetch.set_defaults(run=_fetch)

    simulate = commands.add_parser("simulate", help="write simulated wearers as WFDB records")
    simulate.add_argument("--out", type=Path, help="in the cache by default")
    simulate.add_argument("--wearers", type=int, default=24)
    simulate.add_argument("--seconds", type=float, default=300.0)
    simulate.add_argument("--seed", type=int, default=0)
    simulate.set_defaults(run=_simulate)

    rpeaks = commands.add_parser("rpeaks", help="measure the R-peak detector against the annotations")
    rpeaks.add_argument("folder", type=Path, help="a copy of a WFDB database")
    rpeaks.add_argument("--lead", default="MLII")
    rpeaks.add_argument("--annotator", default="atr")
    rpeaks.add_argument("--sensitive", action="store_true", help="the one of models that know their wearer")
    add_report(rpeaks)
    rpeaks.set_defaults(run=_rpeaks)

    options = line.parse_args(arguments)
    options.arguments = arguments

    from rich.console import Console

    options.run(options, Console())


if __name__ == "__main__":
    main()
