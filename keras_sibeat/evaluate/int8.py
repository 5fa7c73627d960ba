"""What the exported int8 models of a run are worth on its test folds, beside the float ones."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_sibeat.data.beatset import recorded_hours
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.beat_files import join_tables, tabulate, write_beats
from keras_sibeat.evaluate.folds import measure
from keras_sibeat.evaluate.metrics import auc_per_record, threshold_for
from keras_sibeat.evaluate.summary import describe
from keras_sibeat.files import sha256
from keras_sibeat.models.inference import score_parts
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.train.fitting import load
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run
from keras_sibeat.train.separation import separation
from keras_sibeat.train.student import as_scorer
from sibeat_edge.model.runtime import Model


def find_export(run: Run, part: Path) -> tuple[Path, dict[str, Any]]:
    """The ``.tflite`` file and the report of a part's export; raises ``RunError`` where there is none."""
    file = part / "export" / f"{run.config.name}.tflite"
    if not file.exists():
        raise RunError(f"{file}: no such file; expected python -m keras_sibeat.export {run.folder} before.")
    report = json.loads(file.with_name(f"{run.config.name}-report.json").read_text(encoding="utf-8"))
    return file, report


def find_refusals(run: Run) -> dict[str, list[str]]:
    """Why the gate refused the models of a run's parts, by the part's name; nothing for those exported."""
    refused = {}
    for part in run.parts().values():
        file = part / "export" / f"{run.config.name}-refused.json"
        if file.exists() and not file.with_name(f"{run.config.name}.tflite").exists():
            refused[part.name] = json.loads(file.read_text(encoding="utf-8"))["gate"]["failures"]
    return refused


def evaluate_exported(
    run: Run, folds: Mapping[int, Fold] | None = None, beats_file: Path | None = None
) -> dict[str, Any]:
    """Score the test windows of every fold and seed by its int8 model, as the device does.

    Args:
        run: a student's, exported.
        folds: its folds, where they are loaded already.
        beats_file: gets the table of the test beats' scores, as ``write_beats`` writes it.

    Returns the result as ``results/`` holds it, without a name: the metrics of an evaluation, ``auc_float``,
    ``ap_float`` and ``decisions_flipped`` (each model at its own threshold), and the model's flash and arena.

    Raises ``RunError`` for a part that has not been exported.
    """
    folds, started = folds or load_folds(run.config), time.perf_counter()
    metrics, per_record, exported, tables = [], [], {}, []
    for (number, seed), part in run.parts().items():
        file, report = find_export(run, part)
        fold, model, network = folds[number], Model(file), load(part / "student.keras")
        exported[f"{part.name}/export/{file.name}"] = sha256(file)
        scores = np.array([model.score(*beat) for beat in zip(*fold.test.arrays, strict=True)])
        threshold, usual = (model.manifest["threshold"][name] for name in ("score", "usual"))
        tables.append(tabulate(fold.test, scores, scores > threshold, fold.normal, number, seed))
        per_record.append(auc_per_record(scores, fold.test, fold.normal))
        floats, limit = _float_scores(network, fold, report["false_alarms_per_hour"])
        before = separation(floats, fold.is_abnormal(fold.test))
        metrics.append(
            {
                **measure(run.config, scores, fold, threshold, usual),
                **{f"{name}_float": value for name, value in before.items()},
                "decisions_flipped": float(np.mean((scores > threshold) != (floats > limit))),
                "flash_bytes": report["flash_bytes"],
                "arena_bytes": report["arena_bytes"],
            }
        )
    if beats_file:
        write_beats(join_tables(tables), beats_file)
    result = describe(run.config, folds, "label_free", metrics, per_record, time.perf_counter() - started)
    result |= {key: run.about[key] for key in ("versions", "commit")}  # those that trained
    result["models_sha256"] = {**depends_on(run), **exported}
    result["model"] = {
        "parameters": count_parameters(network),
        "multiply_adds": count_multiply_adds(network),
        "flash_bytes": metrics[-1]["flash_bytes"],
        "arena_bytes": metrics[-1]["arena_bytes"],
    }
    return result


def _float_scores(network, fold, per_hour):
    """The float student's scores of the test beats, and its threshold for as many false alarms an hour."""
    scorer = as_scorer(network)
    normals = score_parts(scorer, fold.validation_normals.inputs)["score"]
    rate = per_hour * recorded_hours(fold.validation) / len(normals)  # as the export sets the threshold
    return score_parts(scorer, fold.test.inputs)["score"], threshold_for(normals, rate)
