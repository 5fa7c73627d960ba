"""Exported models on whole recordings, clean and disturbed."""

import time
from pathlib import Path
from typing import Any

from keras_sibeat.config import Config
from keras_sibeat.data.noise import held_back_noise
from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.protocols import split_records
from keras_sibeat.data.recording import Recording, read_recording
from keras_sibeat.data.sources import records_folder
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.evaluate.conditions import measure_robustness
from keras_sibeat.evaluate.int8 import find_export
from keras_sibeat.evaluate.summary import FORMAT, summarise
from keras_sibeat.evaluate.thresholds import measure_calibration
from keras_sibeat.files import sha256
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run, current_commit, installed_versions
from sibeat_edge.model.runtime import Model


def robustness(run: Run, noise: Path | None = None) -> dict[str, Any]:
    """Score the whole test recordings of a run of wearers kept apart by the int8 model of each of its seeds.

    Args:
        run: under the protocol ``inter_patient``, exported.
        noise: folder of WFDB records of noise alone (PhysioNet's bw, em and ma); without it, no noise is
            added. Of each the second half of its first lead is used, which training never saw.

    Returns a result without a name. Raises ``ConfigError`` for another protocol: under ``beatgan`` the beats
    around a test beat were trained on. Raises ``DataError`` for a recording without the lead.
    """
    config, started = run.config, time.perf_counter()
    if config.protocol.name != "inter_patient":
        raise ConfigError(
            f"{run.folder}: found the protocol {config.protocol.name}; expected inter_patient, whose test "
            "recordings are whole."
        )
    recordings, lead = _test_recordings(config), config.data.leads[0]
    noises = held_back_noise(noise) if noise is not None else {}
    files = {
        f"{part.name}/export/{file.name}": file
        for part in run.parts().values()
        for file in [find_export(run, part)[0]]
    }
    models = [Model(file) for file in files.values()]
    measured = [measure_robustness(model, recordings, noises, lead) for model in models]
    calibrated = [measure_calibration(model, recordings, lead) for model in models]
    return {
        "format": FORMAT,
        "conditions": {name: summarise([found[name] for found in measured]) for name in measured[0]},
        "calibration": {
            name: {period: summarise([found[name][period] for found in calibrated]) for period in periods}
            for name, periods in calibrated[0].items()
        },
        "seeds": list(config.seeds),
        "records": [recording.name for recording in recordings],
        "false_alarms_per_hour": models[0].manifest["threshold"]["false_alarms_per_hour"],
        "models_sha256": {
            **depends_on(run),
            **{name: sha256(file) for name, file in files.items()},
        },
        "config": config.describe(),
        "data_sha256": run.about["data_sha256"],
        "versions": installed_versions(),
        "commit": run.about["commit"],
        "measured_commit": current_commit(),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _test_recordings(config: Config) -> list[Recording]:
    folder, lead = records_folder(config), config.data.leads[0]
    protocol = config.protocol
    _, tested = split_records(list_records(folder), protocol.train_records, protocol.test_records)
    recordings = [read_recording(Path(folder) / name, config.data.annotator) for name in tested]
    for recording in recordings:
        if lead not in recording.leads:
            found = ", ".join(recording.leads)
            raise DataError(f"Record {recording.name}: lead {lead} is missing; found {found}.")
    return recordings
