"""``python -m keras_sibeat.robustness RUN --data DIR --noise DIR``: exported models on whole recordings."""

import argparse
import shlex
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from keras_sibeat.calibration import measure_calibration
from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.protocols import split_records
from keras_sibeat.data.recording import read_recording
from keras_sibeat.data.sources import simulated_folder
from keras_sibeat.end_to_end import measure_robustness
from keras_sibeat.errors import ConfigError, DataError, command
from keras_sibeat.exported import find_export
from keras_sibeat.results import summarise, write_result
from keras_sibeat.run import Run, current_commit, installed_versions
from keras_sibeat.tables import cell
from sibeat_edge.runtime import Model

SHOWN = ("auc", "ap", "auc_record", "sensitivity", "false_alarms_per_hour", "missed_abnormal", "unscored")


def robustness(run, noise=None):
    """Score the whole test recordings of a run of wearers kept apart by the int8 model of each of its seeds.

    Args:
        run: a ``Run`` under the protocol ``inter_patient``, exported.
        noise: folder of WFDB records of noise alone (PhysioNet's bw, em and ma); without it, no noise is
            added. Of each its first lead is used.

    Returns a result without a name. Raises ``ConfigError`` for another protocol: under ``beatgan`` the beats
    around a test beat were trained on.
    """
    config, started = run.config, time.perf_counter()
    if config.protocol.name != "inter_patient":
        raise ConfigError(
            f"{run.folder}: found the protocol {config.protocol.name}; expected inter_patient, whose test "
            "recordings are whole."
        )
    data = config.data
    folder = data.folder if data.source == "wfdb" else simulated_folder(data.wearers, data.seconds)
    names = list_records(folder)
    _, tested = split_records(names, config.protocol.train_records, config.protocol.test_records)
    recordings = [read_recording(Path(folder) / name, data.annotator) for name in tested]
    lead = data.leads[0]
    for recording in recordings:
        if lead not in recording.leads:
            found = ", ".join(recording.leads)
            raise DataError(f"Record {recording.name}: lead {lead} is missing; found {found}.")
    noises = {}
    if noise is not None:
        for name in list_records(noise):
            noises[name] = read_recording(Path(noise) / name, annotator=None).signal[:, 0]
    models = [Model(find_export(run, part)[0]) for part in run.parts().values()]
    measured = [measure_robustness(model, recordings, noises, lead) for model in models]
    calibrated = [measure_calibration(model, recordings, lead) for model in models]
    return {
        "conditions": {name: summarise([part[name] for part in measured]) for name in measured[0]},
        "calibration": {
            name: {period: summarise([part[name][period] for part in calibrated]) for period in periods}
            for name, periods in calibrated[0].items()
        },
        "seeds": list(config.seeds),
        "records": list(tested),
        "false_alarms_per_hour": models[0].manifest["threshold"]["false_alarms_per_hour"],
        "model_sha256": [model.manifest["model_sha256"] for model in models],
        "config": config.describe(),
        "data_sha256": run.about["data_sha256"],
        "versions": installed_versions(),
        "commit": current_commit(),
        "seconds": round(time.perf_counter() - started, 1),
    }


@command
def main(arguments=None):
    """Parse the command line, measure, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m keras_sibeat.robustness", description="An exported model on whole recordings."
    )
    parser.add_argument("run", type=Path, help="a student's run under inter_patient, exported")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--noise", type=Path, metavar="DIR", help="records of noise alone: bw, em, ma")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write JSON here and RESULTS.md beside it")
    options = parser.parse_args(arguments)
    run = Run(options.run, options.data)
    result = robustness(run, options.noise)
    table = Table("", *SHOWN)
    for name, row in result["conditions"].items():
        table.add_row(name, *(cell(row.get(metric), 4) for metric in SHOWN))
    Console().print(table)
    if options.report:
        command_line = shlex.join(("python", "-m", "keras_sibeat.robustness", *arguments))
        write_result(options.report, f"end-to-end-{run.config.name}", {"command": command_line, **result})


if __name__ == "__main__":
    main()
