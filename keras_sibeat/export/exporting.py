"""Exports a student: converts it, judges it by the gate, compares the runtimes, writes what leaves."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sibeat.config.chatter import held_back
from keras_sibeat.errors import ExportError
from keras_sibeat.export.alarm_rate import wanted_rate
from keras_sibeat.export.compare import compare_runtimes
from keras_sibeat.export.embedding import embed_manifest
from keras_sibeat.export.firmware import write_firmware
from keras_sibeat.export.gate import Verdict, judge
from keras_sibeat.export.kinds import compare_kinds
from keras_sibeat.export.manifest import ABOVE, make_manifest
from keras_sibeat.export.sources import Source, golden_beats, judging_inputs, learning_inputs
from keras_sibeat.export.tflm import measure_arena
from keras_sibeat.files import whole_file, write_json
from keras_sibeat.models.quantised import fine_tune
from keras_sibeat.models.tflite import convert, predict_tflite
from keras_sibeat.train.student import student_scores

FEWEST = 2 * ABOVE  # normal beats whose scores set a threshold
NO_ABNORMAL = (
    "No validation beat is abnormal: AUC and average precision are those of shifted normal beats, which say "
    "how much the format changes, not how well abnormal beats are found."
)


@dataclass(frozen=True)
class ExportSettings:
    """How a student is exported.

    Attributes:
        kind: one of ``FORMATS``. Only int8 has a manifest and a firmware bundle, as only int8 runs on the
            device; the files of another format are called ``NAME-KIND``.
        per_hour: false alarms that the threshold is set for; None for those of the configuration's
            ``false_alarm_rate``.
        fine_tunes: whether an int8 model that the gate refuses may be fine-tuned and judged again.
        firmware: folder of the firmware bundle; None for ``firmware`` inside the export's folder.
        generated_only: whether the bundle leaves out the files that are the same for every model.
        python: interpreter of an environment whose tflite-runtime is compared, too.

    >>> ExportSettings(kind="float32").suffix
    '-float32'
    """

    kind: str = "int8"
    per_hour: float | None = None
    fine_tunes: bool = True
    firmware: Path | None = None
    generated_only: bool = False
    python: str | None = None

    @property
    def suffix(self) -> str:
        """Of the file names: nothing for int8."""
        return "" if self.kind == "int8" else f"-{self.kind}"


@dataclass(frozen=True)
class _Candidate:
    """A converted model, its and the float student's scores of the validation beats, the gate's verdict."""

    content: bytes
    scores: np.ndarray
    float_scores: np.ndarray
    verdict: Verdict


def export(source: Source, folder: str | Path, settings: ExportSettings | None = None) -> dict[str, Any]:
    """Convert a student for the device; it leaves only where the gate finds its scores intact.

    Training normals, as they are, augmented and shifted, calibrate the quantisation and fine-tune. The
    validation fold judges; where none of its beats is abnormal, shifted normal ones stand for them. The test
    fold is not scored: its figures in the manifest are those of the float student.

    Args:
        folder: gets ``NAME.tflite``, ``NAME.json`` (the manifest) and ``NAME-report.json``. A refused model
            leaves only ``NAME-refused.json``, and an earlier export stays as it is.

    Returns the report.

    Raises ``ExportError`` where the gate refuses the model, or the validation beats cannot judge it.
    """
    settings, folder = settings or ExportSettings(), Path(folder)
    _check_validation(source)
    rate = wanted_rate(source, settings.per_hour)
    candidate, refused = _best_candidate(source, settings, rate.share)
    report: dict[str, Any] = {
        "name": source.name,
        "format": settings.kind,
        "fine_tuned": refused is not None,
        "before_fine_tuning": refused and refused.verdict.as_dict(),
        "false_alarms_per_hour": rate.per_hour,
        "false_alarm_rate": rate.share,
    }
    manifest = None
    if settings.kind == "int8":
        manifest = make_manifest(source, candidate.content, candidate.scores, candidate.verdict, rate)
        content, manifest = embed_manifest(candidate.content, manifest)
        verdict, runtimes = compare_runtimes(
            content, source.fold.validation, candidate.verdict, settings.python
        )
        if source.config.wearer:
            kinds = compare_kinds(source, content, candidate.float_scores, verdict.threshold_float, rate)
            verdict = verdict.with_kinds(kinds.flipped, kinds.played)
        candidate = replace(candidate, content=content, verdict=verdict)
        report |= {"runtimes": runtimes, "arena_bytes": measure_arena(content)}
    report |= {"gate": candidate.verdict.as_dict(), "flash_bytes": len(candidate.content)}
    if candidate.verdict.stand_ins:
        report["not_measured"] = NO_ABNORMAL
    _let_leave(folder / f"{source.name}{settings.suffix}-refused.json", report)
    _write(source, folder, settings, candidate.content, manifest, report)
    return report


def _check_validation(source):
    if (normals := len(source.fold.validation_normals)) < FEWEST:
        raise ExportError(
            f"{source.name}: found {normals} normal validation beats; expected {FEWEST} or more, or no "
            "threshold can be set."
        )


def _best_candidate(source, settings, share):
    """The student converted and, where the gate refused that, the one before fine-tuning."""
    inputs, count = learning_inputs(source), len(source.fold.validation)
    judging, is_abnormal = judging_inputs(source)
    stand_ins = len(is_abnormal) - count
    float_scores = student_scores(source.network, judging)

    def candidate(network: keras.Model) -> _Candidate:
        with held_back():  # the converter's settings
            content = convert(network, inputs, settings.kind)
        scores = predict_tflite(content, judging)[:, 0]
        verdict = judge(float_scores, scores, is_abnormal, share, stand_ins=stand_ins)
        return _Candidate(content, scores[:count], float_scores[:count], verdict)

    converted = candidate(source.network)
    if not converted.verdict.failures or settings.kind != "int8" or not settings.fine_tunes:
        return converted, None
    return candidate(fine_tune(source.network, inputs)), converted


def _let_leave(refused, report):
    """Raise ``ExportError`` for a model with failures, once its report is written."""
    if failures := report["gate"]["failures"]:
        write_json(refused, report)
        raise ExportError(f"{report['name']}: refused by the gate ({'; '.join(failures)}).")
    refused.unlink(missing_ok=True)


def _write(source, folder, settings, content, manifest, report):
    """The files of an export. What may fail comes first, so that no new model lies beside an old bundle."""
    stem = f"{source.name}{settings.suffix}"
    if manifest:
        bundle, beats = settings.firmware or folder / "firmware", golden_beats(source.config)
        write_firmware(bundle, content, manifest, beats, report["arena_bytes"], settings.generated_only)
        write_json(folder / f"{stem}.json", manifest)
    write_json(folder / f"{stem}-report.json", report)
    with whole_file(folder / f"{stem}.tflite") as partial:
        partial.write_bytes(content)
