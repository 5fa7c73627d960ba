"""``python -m keras_sibeat.export RUN | PRESET [--format int8] [--data DIR] …``: a student for the device."""

from pathlib import Path

import numpy as np

from keras_sibeat.errors import ExportError
from keras_sibeat.export.compare import compare_runtimes
from keras_sibeat.export.embedding import embed_manifest
from keras_sibeat.export.firmware import write_firmware
from keras_sibeat.export.gate import judge
from keras_sibeat.export.manifest import ABOVE, make_manifest
from keras_sibeat.export.sources import golden_beats, learning_inputs
from keras_sibeat.export.tflm import measure_arena
from keras_sibeat.files import whole_file, write_json
from keras_sibeat.models.inference import predict
from keras_sibeat.models.quantised import fine_tune
from keras_sibeat.models.tflite import convert, predict_tflite
from keras_sibeat.train.student import first_output

FEWEST = 2 * ABOVE  # normal beats whose scores tell a threshold


def export(source, folder, kind="int8", per_hour=None, tunes=True, firmware=None, python=None):
    """Convert a student for the device, and let it leave only if the gate finds its scores intact.

    Quantised after training; where that loses too much in int8, fine-tuned with fake quantisation and judged
    again. Of the data, training normals calibrate and fine-tune, as they are and shifted; the validation fold
    judges; the test fold is not looked at.

    Args:
        source: a ``Source``.
        folder: gets ``NAME.tflite``, ``NAME.json`` (the manifest) and ``NAME-report.json``, or
            ``NAME-refused.json`` alone: an earlier export stays as it is.
        kind: one of ``FORMATS``. Only int8 has a manifest, as only that is scored on the device; the files of
            the others are called ``NAME-KIND``.
        per_hour: false alarms that the threshold is set for; those of the configuration's
            ``false_alarm_rate`` by default.
        tunes: whether fine-tuning may be tried.
        firmware: folder of the firmware bundle; inside ``folder`` by default.
        python: interpreter of an environment with tflite-runtime, that it is compared with, too.

    Returns the report, a dictionary.

    Raises ``ExportError`` where the gate refuses the model, or the validation beats cannot judge it.
    """
    fold, stem = source.fold, source.name if kind == "int8" else f"{source.name}-{kind}"
    is_abnormal = fold.is_abnormal(fold.validation)
    if is_abnormal.all() or not is_abnormal.any():
        raise ExportError(
            f"{source.name}: found {is_abnormal.sum()} abnormal among {len(is_abnormal)} validation beats; "
            "expected both kinds, or the gate cannot judge."
        )
    if (normals := int(np.sum(~is_abnormal))) < FEWEST:
        raise ExportError(
            f"{source.name}: found {normals} normal validation beats; expected {FEWEST} or more, or no "
            "threshold can be set."
        )
    rr = float(np.nanmean(fold.validation_normals.rr_before))
    per_hour = per_hour or source.config.evaluate.false_alarm_rate * 3600 / rr
    rate = per_hour * rr / 3600
    if not 0 < rate < 1:
        raise ExportError(
            f"{source.name}: found {per_hour:g} false alarms an hour asked for; expected less than the "
            f"{3600 / rr:.0f} normal beats of an hour."
        )
    inputs = learning_inputs(source)
    float_scores = first_output(predict(source.network, fold.validation.inputs))

    def attempt(network):
        content = convert(network, inputs, kind)
        scores = predict_tflite(content, fold.validation.inputs)[:, 0]
        verdict = judge(float_scores, scores, is_abnormal, rate)
        return content, scores, verdict

    content, scores, verdict = attempt(source.network)
    before = None
    if kind == "int8" and tunes and verdict.failures:
        before = verdict.as_dict()
        content, scores, verdict = attempt(fine_tune(source.network, inputs))
    report = {"name": source.name, "format": kind, "fine_tuned": before is not None}
    report |= {"before_fine_tuning": before, "false_alarms_per_hour": per_hour}
    if kind == "int8":
        manifest = make_manifest(source, content, scores, verdict, per_hour, rate)
        content, manifest = embed_manifest(content, manifest)
        verdict, report["runtimes"] = compare_runtimes(content, fold.validation, verdict, python)
        report["arena_bytes"] = measure_arena(content)
    report |= {"gate": verdict.as_dict(), "flash_bytes": len(content)}
    folder = Path(folder)
    refused = folder / f"{stem}-refused.json"
    if verdict.failures:
        write_json(refused, report)
        raise ExportError(f"{source.name}: refused by the gate ({'; '.join(verdict.failures)}).")
    refused.unlink(missing_ok=True)
    if kind == "int8":  # first what may fail, so that no new model lies beside an old bundle
        bundle = firmware or folder / "firmware"
        write_firmware(bundle, content, manifest, golden_beats(source.config), report["arena_bytes"])
        write_json(folder / f"{stem}.json", manifest)
    write_json(folder / f"{stem}-report.json", report)
    with whole_file(folder / f"{stem}.tflite") as partial:
        partial.write_bytes(content)
    return report
