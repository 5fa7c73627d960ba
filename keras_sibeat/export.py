"""``python -m keras_sibeat.export RUN | PRESET [--format int8] [--data DIR] …``: a student for the device."""

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from keras_sibeat.data.beats import checksum
from keras_sibeat.errors import ConfigError, ExportError, command
from keras_sibeat.exportable import golden_beats, learning_inputs, open_sources
from keras_sibeat.files import whole_file, write_json
from keras_sibeat.firmware import write_firmware
from keras_sibeat.gate import judge
from keras_sibeat.models.quantised import fine_tune
from keras_sibeat.runtimes import score_litert, score_tflm, score_with
from keras_sibeat.scoring import predict, threshold_for, usual_score
from keras_sibeat.stages.student import first_output
from keras_sibeat.tflite import FORMATS, convert, embed_manifest, predict_tflite, quantisations
from keras_sibeat.tflm import measure_arena
from sibeat_edge.manifest import BESIDE, FORMAT, MIN_MAX, WEARER, taps_digest
from sibeat_edge.runtime import Model
from sibeat_edge.signal import RATE
from sibeat_edge.threshold import between_levels

COMPARED = 1000  # beats that all runtimes score
SHARES = (0.1, 0.5, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995)  # of normal beats, in the manifest
ABOVE = 5  # normal beats that score higher, or a share's score is too uncertain to be told
FEWEST = 2 * ABOVE  # normal beats whose scores tell a threshold
NOTICE = "Not a medical device. For research only."
LICENCE = "MIT; trained on the MIT-BIH Arrhythmia Database, Open Data Commons Attribution License 1.0"


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


def make_manifest(source, content, scores, verdict, per_hour, rate):
    """All that a scorer needs to know of an int8 model, but its checksum: a dictionary of the ``SCHEMA``."""
    config, fold, numbers = source.config, source.fold, quantisations(content)
    window, shape = config.window, fold.train.windows.shape[1:]
    is_normal = ~fold.is_abnormal(fold.validation)
    normals = scores[is_normal]
    judged = scores, fold.validation, is_normal
    usual = usual_score(*judged, verdict.threshold, rate)
    shares = [share for share in SHARES if (1 - share) * len(normals) >= ABOVE]
    quantiles = [threshold_for(normals, 1 - share) for share in shares]
    band = list(window.band)
    leads = [f"lead {n + 1}" for n in range(shape[1])] if config.data.leads == "all" else config.data.leads
    return {
        "format": FORMAT,
        "name": source.name,
        "signal": {
            "rate": RATE,
            "leads": list(leads),
            "band": band,
            "order": window.order,
            "taps_sha256": taps_digest(band, window.order),
        },
        "window": {"before": window.before, "after": window.after},
        "normalisation": BESIDE if config.wearer else MIN_MAX,
        "wearer": config.wearer
        and {**WEARER, "waits": config.wearer.waits, "rhythm": numbers[1, fold.train.rhythm.shape[1]]},
        "input": numbers[(1, *shape)],
        "score": numbers[1, 1],
        "residuals": numbers.get((1, shape[0])),
        "threshold": {
            "score": _short(between_levels(verdict.threshold, numbers[1, 1])),
            "usual": _short(usual),
            "false_alarms_per_hour": _short(per_hour),
        },
        "calibration": {
            "shares": shares,
            "scores": [_short(between_levels(score, numbers[1, 1])) for score in quantiles],
            "usual": [
                _short(usual_score(*judged, score, 1 - share))
                for share, score in zip(shares, quantiles, strict=True)
            ],
            "beats_per_hour": _short(per_hour / rate),
        },
        "expected": {"auc": _short(verdict.auc), "ap": _short(verdict.ap)},
        "data_sha256": fold.train.sha256,
        "config_sha256": checksum(config.describe()),
        "licence": LICENCE if config.data.source == "wfdb" else "MIT",
        "notice": NOTICE,
    }


def _short(value):
    return float(f"{value:.6g}")


def compare_runtimes(content, beats, verdict, python=None):
    """The verdict, with what the runtimes differ by, and a table of each one's scores beside LiteRT's.

    TFLM, and tflite-runtime where its ``python`` is given, must agree with LiteRT's builtin kernels to a unit
    of the last place. What XNNPACK does is told, and decides nothing: the scorer uses it only on request.
    """
    model = Model(content)
    rows = np.linspace(0, len(beats) - 1, min(COMPARED, len(beats))).astype(int)
    chosen = zip(*(part[rows] for part in beats.parts), strict=True)
    parts = [np.stack(part) for part in zip(*(model.quantise(*beat) for beat in chosen), strict=True)]
    runtimes = {
        "litert-xnnpack": lambda: score_litert(content, parts, "xnnpack"),
        "tflm": lambda: score_tflm(content, parts),
    }
    if python:
        runtimes["tflite-runtime"] = lambda: score_with(python, content, parts)
    reference = score_litert(content, parts).astype(int)
    scale, zero = (model.manifest["score"][key] for key in ("scale", "zero_point"))
    limit = model.manifest["threshold"]["score"] / scale + zero
    table = {}
    for name, run in runtimes.items():
        scores = run().astype(int)
        table[name] = {
            "beats": len(rows),
            "largest_difference": int(np.abs(scores - reference).max()),
            "equal": float(np.mean(scores == reference)),
            "decisions_flipped": float(np.mean((scores > limit) != (reference > limit))),
        }
    judged = [row["largest_difference"] for name, row in table.items() if name != "litert-xnnpack"]
    return verdict.with_runtimes(max(judged)), table


def print_report(console, report):
    """Print what an export was measured to be."""
    table = Table("", report["name"])
    rows = {key: value for key, value in report["gate"].items() if key != "failures"}
    rows |= {key: report[key] for key in ("flash_bytes", "arena_bytes") if key in report}
    for name, value in rows.items():
        told = "not compared" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
        table.add_row(name, told)
    for name, row in report.get("runtimes", {}).items():
        table.add_row(name, f"at most {row['largest_difference']} LSB, {row['equal']:.1%} equal")
    console.print(table)


@command
def main(arguments=None):
    """Parse the command line, export, print."""
    parser = argparse.ArgumentParser(prog="python -m keras_sibeat.export", description="Export a student.")
    parser.add_argument("source", help="the folder of a student's finished run, or a preset's name")
    parser.add_argument("--format", choices=FORMATS, default="int8", dest="kind")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--out", type=Path, metavar="DIR", help="of the export; by default inside the run")
    parser.add_argument("--firmware", type=Path, metavar="DIR", help="of the bundle; OUT/firmware by default")
    parser.add_argument("--residuals", action="store_true", help="the student that also says where")
    parser.add_argument("--false-alarms-per-hour", type=float, metavar="N", help="sets the threshold")
    parser.add_argument("--no-fine-tuning", action="store_true", help="refuse what quantisation has spoilt")
    parser.add_argument("--tflite-runtime", metavar="PYTHON", help="of an environment to compare with")
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    if options.false_alarms_per_hour is not None and not options.false_alarms_per_hour > 0:
        raise ConfigError(
            f"--false-alarms-per-hour: found {options.false_alarms_per_hour}; expected more than 0."
        )
    sources = open_sources(options.source, options.data, options.residuals)
    for name in ("out", "firmware"):
        if getattr(options, name) and len(sources) > 1:
            raise ConfigError(
                f"--{name}: found {len(sources)} folds and seeds; expected one, or no --{name}."
            )
    for source, folder in sources:
        report = export(
            source,
            options.out or folder,
            options.kind,
            options.false_alarms_per_hour,
            not options.no_fine_tuning,
            options.firmware,
            options.tflite_runtime,
        )
        print_report(Console(), report)


if __name__ == "__main__":
    main()
