"""Exported models on whole recordings: clean, disturbed, and worn by people who move."""

import os
import shlex
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.mitbih import DS2
from keras_sibeat.data.noise import held_back_noise
from keras_sibeat.data.recording import Recording, read_recording
from keras_sibeat.data.sources import (
    database_roles,
    find_record,
    load_folds,
    record_wearers,
)
from keras_sibeat.data.splits import split_records
from keras_sibeat.errors import ConfigError
from keras_sibeat.evaluate.conditions import measure_robustness
from keras_sibeat.evaluate.decision_figures import decision_tables
from keras_sibeat.evaluate.decisions import decide_all
from keras_sibeat.evaluate.int8 import find_export, find_refusals
from keras_sibeat.evaluate.summary import FORMAT, summarise
from keras_sibeat.evaluate.thresholds import measure_calibration
from keras_sibeat.evaluate.wearables import measure_wearables
from keras_sibeat.files import sha256
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run, current_commit, installed_versions
from sibeat_edge.model.runtime import Model


def robustness(run: Run, noise: Path | None = None) -> dict[str, Any]:
    """Score the whole test recordings of a run of wearers kept apart by the int8 model of each of its seeds.

    Args:
        run: under the protocol ``inter_patient`` or ``databases``, exported. Of several databases each has
            its conditions, named ``DATABASE: CONDITION``; the noise is added to the first one's recordings.
        noise: folder of WFDB records of noise alone (PhysioNet's bw, em and ma); without it, no noise is
            added. Of each the second half of its first lead is used, which training never saw.

    Returns a result without a name. Raises ``ConfigError`` for another protocol: under ``beatgan`` the beats
    around a test beat were trained on. Raises ``DataError`` for a recording without the lead.
    """
    config, started = run.config, time.perf_counter()
    if config.protocol.name not in ("inter_patient", "databases"):
        raise ConfigError(
            f"{run.folder}: found the protocol {config.protocol.name}; expected inter_patient or databases, "
            "whose test recordings are whole."
        )
    noises = held_back_noise(noise) if noise is not None else {}
    recordings, models = _test_recordings(config), _models(run)
    names = [recording.name for those in recordings.values() for recording in those]
    measured: dict[str, Any] = {}
    for number, (database, those) in enumerate(recordings.items()):
        rows = _on_each(measure_robustness, models, those, {} if number else noises)
        prefix = f"{database}: " if len(recordings) > 1 else ""
        measured |= {f"{prefix}{name}": summarise([found[name] for found in rows]) for name in rows[0]}
    calibrated = _on_each(measure_calibration, models, next(iter(recordings.values())))
    return {
        "format": FORMAT,
        "conditions": measured,
        "calibration": {
            name: {period: summarise([found[name][period] for found in calibrated]) for period in periods}
            for name, periods in calibrated[0].items()
        },
        "records": names,
        "false_alarms_per_hour": Model(models[0]).manifest["threshold"]["false_alarms_per_hour"],
        **_provenance(run, models, started),
    }


def measure_worn(run: Run, motion: Path | None = None, rhythms: Path | None = None) -> dict[str, Any]:
    """What ``measure_wearables`` counts, by the int8 model of each seed of an exported ``run``.

    Returns a result without a name. Raises ``ConfigError`` where neither folder is given, or the run has no
    template to be learnt.
    """
    started = time.perf_counter()
    if not run.config.wearer or (motion is None and rhythms is None):
        raise ConfigError(f"{run.folder}: expected a wearer's student, and --motion or --rhythms.")
    models = _models(run)
    rows = _on_each(measure_wearables, models, motion, rhythms, _trained(run.config, rhythms))
    return {
        "format": FORMAT,
        "worn": {name: summarise([found[name] for found in rows]) for name in rows[0]},
        **_provenance(run, models, started),
    }


def decide_run(run: Run) -> dict[str, dict[str, Any]]:
    """The tables of EC57 over the test recordings of a run, by the int8 model of each seed.

    Under ``leave_out`` the model of each fold decides about the fold's own recordings, and a seed's table is
    of all folds together. A fold whose model the gate refused decides about nobody.

    Returns a result without a name for each database; that of MIT-BIH's inter-patient test is ``ds2``, and
    that of several folds ``folds``, which names the ``refused`` ones. Raises ``ConfigError`` for a run whose
    models have no template of the wearer's: they name no kinds.
    """
    started = time.perf_counter()
    if not run.config.wearer or not run.config.protocol.is_of_wearers:
        raise ConfigError(
            f"{run.folder}: expected a wearer's student under inter_patient, leave_out or databases, whose "
            "test recordings are whole."
        )
    refused = find_refusals(run) if run.config.protocol.name == "leave_out" else {}
    parts = {key: part for key, part in run.parts().items() if part.name not in refused}
    models = [find_export(run, part)[0] for part in parts.values()]
    results = {}
    for database, recordings in _recordings_of_parts(run, parts).items():
        decided = _in_processes(decide_all, models, recordings)
        names = list(dict.fromkeys(each.record for part in decided for each in part))
        measured = [decision_tables(part) for part in _of_seeds(parts, decided)]
        results["ds2" if set(names) == set(DS2) else database] = {
            "format": FORMAT,
            "metrics": summarise([found["metrics"] for found in measured]),
            "records": {name: summarise([found["records"][name] for found in measured]) for name in names},
            "matrices": [found["matrices"] for found in measured],
            **({"refused": refused} if refused else {}),
            **_provenance(run, models, started),
        }
    return results


def _recordings_of_parts(run, parts):
    """The recordings that test, of each database, as a list for each of these ``parts`` of the run."""
    config = run.config
    if config.protocol.name != "leave_out":
        return {name: [those] * len(parts) for name, those in _test_recordings(config).items()}
    _check_annotated(config)
    wearers = record_wearers(config)
    tested = {number: np.unique(fold.test.records).tolist() for number, fold in load_folds(config).items()}
    return {
        "folds": [[_of_lead(config, name, wearers[name]) for name in tested[number]] for number, _ in parts]
    }


def _of_seeds(parts, found):
    """Of each seed what was ``found`` of its folds, together."""
    joined: dict[int, list[Any]] = defaultdict(list)
    for (_, seed), those in zip(parts, found, strict=True):
        joined[seed] += those
    return joined.values()


def commands(run: Run, module: str, arguments: Sequence[str]) -> str:
    """The commands that trained, exported and measured a run, the last ``python -m MODULE ARGUMENTS``."""
    measured = shlex.join(("python", "-m", module, *arguments))
    return " && ".join((run.about["command"], f"python -m keras_sibeat.export {run.folder}", measured))


def _trained(config, rhythms):
    """By label, the names of a folder's records, or patterns of them, that a run has met; "" is any label."""
    trained: dict[str, list[str]] = defaultdict(list)
    of = rhythms and Path(os.path.abspath(rhythms)).name
    for name, source in config.data.sources.items():
        if Path(source.folder or name).name == of:
            trained[source.reference] += [*source.trains, *source.validates]
    cut = config.student and config.student.noise and config.student.noise.cut
    if cut and cut.folder.name == of:
        trained[cut.reference] += cut.records
    return dict(trained)


def _models(run):
    """The exported int8 model of each part of a run."""
    return [find_export(run, part)[0] for part in run.parts().values()]


def _on_each(measure, models, *arguments):
    """What ``measure`` returns for each model, in as many processes as there are cores."""
    return _in_processes(measure, models, *([each] * len(models) for each in arguments))


def _in_processes(measure, models, *columns):
    """The same with arguments of its own for each model."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(_on_model, measure), models, *columns))


def _on_model(measure, file, *arguments):
    return measure(Model(file), *arguments)


def _provenance(run, models, started):
    exported = {f"{file.parts[-3]}/export/{file.name}": sha256(file) for file in models}
    return {
        "seeds": list(run.config.seeds),
        "models_sha256": {**depends_on(run), **exported},
        "config": run.config.describe(),
        "data_sha256": run.about["data_sha256"],
        "versions": installed_versions(),
        "commit": run.about["commit"],
        "measured_commit": current_commit(),
        "seconds": round(time.perf_counter() - started, 1),
    }


def _test_recordings(config: Config) -> dict[str, list[Recording]]:
    """The recordings that test, of each database, each with the lead to score alone."""
    _check_annotated(config)
    wearers, protocol = record_wearers(config), config.protocol
    if not config.data.sources:
        _, tested = split_records(wearers, protocol.train_records, protocol.test_records)
        return {"": [_of_lead(config, name, wearers[name]) for name in tested]}
    recordings: dict[str, list[Recording]] = defaultdict(list)
    for name, role in database_roles(config).items():
        if role == "test":
            recordings[name.partition("/")[0]].append(_of_lead(config, name, wearers[name]))
    return dict(recordings)


def _check_annotated(config):
    if config.data.annotator == "none":
        raise ConfigError("data.annotator: found none; expected test recordings whose beats are annotated.")


def _of_lead(config, record, wearer):
    path, section = find_record(config, record)
    leads = "first" if isinstance(section.leads, str) else section.leads[:1]
    name = record.partition("/")[2] if config.data.sources else record
    return replace(read_recording(path, section.annotator, leads), name=name, wearer=wearer)
