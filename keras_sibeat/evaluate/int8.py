"""What the exported int8 models of a run are worth on its test folds, beside the float ones."""

import json
import time

import numpy as np

from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.metrics import auc_per_record, threshold_for
from keras_sibeat.evaluate.runs import describe, measure
from keras_sibeat.models.inference import predict
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.train.fitting import load
from keras_sibeat.train.separation import separation
from sibeat_edge.model.runtime import Model


def find_export(run, part):
    """The ``.tflite`` file and the report of a part's export; raises ``RunError`` where there is none."""
    file = part / "export" / f"{run.config.name}.tflite"
    if not file.exists():
        raise RunError(f"{file}: no such file; expected python -m keras_sibeat.export {run.folder} before.")
    report = json.loads(file.with_name(f"{run.config.name}-report.json").read_text(encoding="utf-8"))
    return file, report


def evaluate_exported(run, folds=None):
    """Score the test windows of every fold and seed by its int8 model, as the device does.

    Returns the result as ``results/`` holds it, without a name: the metrics of an evaluation, ``auc_float``,
    ``ap_float`` and ``decisions_flipped`` (each model at its own threshold), and the model's flash and arena.

    Raises ``RunError`` for a part that has not been exported.
    """
    folds, started = folds or load_folds(run.config), time.perf_counter()
    metrics, per_record = [], []
    for (number, _), part in run.parts().items():
        file, report = find_export(run, part)
        fold, model, network = folds[number], Model(file), load(part / "student.keras")
        scores = np.array([model.score(*beat) for beat in zip(*fold.test.arrays, strict=True)])
        floats = predict(network, fold.test.inputs)[:, 0]
        normals = predict(network, fold.validation_normals.inputs)[:, 0]
        rr = float(np.nanmean(fold.validation_normals.rr_before))
        limit = threshold_for(normals, report["false_alarms_per_hour"] * rr / 3600)
        threshold, usual = (model.manifest["threshold"][name] for name in ("score", "usual"))
        per_record.append(auc_per_record(scores, fold.test, fold.normal))
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
    result = describe(run.config, folds, "label_free", metrics, per_record, time.perf_counter() - started)
    result["model"] = {
        "parameters": count_parameters(network),
        "multiply_adds": count_multiply_adds(network),
        "flash_bytes": metrics[-1]["flash_bytes"],
        "arena_bytes": metrics[-1]["arena_bytes"],
    }
    return {**result, "versions": run.about["versions"], "commit": run.about["commit"]}
