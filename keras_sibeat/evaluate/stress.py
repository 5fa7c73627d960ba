"""Exported models on whole recordings, clean and disturbed."""

import time
from pathlib import Path

from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.protocols import split_records
from keras_sibeat.data.recording import read_recording
from keras_sibeat.data.sources import records_folder
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.evaluate.int8 import find_export
from keras_sibeat.evaluate.recordings import measure_robustness
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.evaluate.thresholds import measure_calibration
from keras_sibeat.train.run import current_commit, installed_versions
from sibeat_edge.model.runtime import Model


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
    folder = records_folder(config)
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
