"""RESULTS.md's tables of what leaves for the device: int8 beside float, and whole recordings."""

from keras_sibeat.results.tables import cell, metric_cell

COUNTS = ("missed_abnormal", "unscored_abnormal", "unscored", "false_detections")
CONDITIONS = {
    "auc": "AUC",
    "ap": "AP",
    "auc_record": "AUC per record",
    "sensitivity": "sensitivity",
    "false_alarms_per_hour": "false alarms/h",
    "missed_abnormal": "abnormal: missed",
    "unscored_abnormal": "abnormal: not scored",
    "unscored": "not scored",
    "false_detections": "false detections",
}


def exported(results):
    """The int8 models beside the float ones, or an empty text where none was measured."""
    rows = [row for row in results.values() if "decisions_flipped" in row.get("metrics", {})]
    if not rows:
        return ""
    heads = ["result", "protocol", "AUC float", "AUC int8", "AP float", "AP int8", "decisions flipped"]
    lines = [
        "On the test fold, each model at its own threshold.\n",
        "| " + " | ".join([*heads, "flash, bytes", "arena, bytes"]) + " |",
        "|" + "---|" * (len(heads) + 2),
    ]
    for row in rows:
        metrics, pairs = row["metrics"], ("auc_float", "auc", "ap_float", "ap", "decisions_flipped")
        cells = [cell(metrics[name], 4) for name in pairs]
        sizes = [f"{max(metrics[name]['values']):,}" for name in ("flash_bytes", "arena_bytes")]
        lines.append("| " + " | ".join([f"`{row['name']}`", row["protocol"], *cells, *sizes]) + " |")
    return "\n".join(lines) + "\n"


def end_to_end(result):
    """What the exported models of a run make of whole recordings under each condition."""
    first, seeds = next(iter(result["conditions"].values())), len(result["seeds"])
    lines = [
        f"## Whole recordings: `{result['name']}`\n",
        f"{len(result['records'])} recordings of wearers never seen, {_count(first['beats'])} annotated "
        f"beats, {_count(first['abnormal'])} of them abnormal; {seeds} model{'s' * (seeds > 1)}; the "
        f"threshold was set for {result['false_alarms_per_hour']:.0f} false alarms an hour on validation "
        "normals. A missed abnormal beat, or one that the device gives no score, ranks lowest; a false "
        "detection with a score counts as a normal beat.\n",
        "| | " + " | ".join(CONDITIONS.values()) + " |",
        "|" + "---|" * (len(CONDITIONS) + 1),
    ]
    for name, row in result["conditions"].items():
        cells = [_count(row[key]) if key in COUNTS else metric_cell(row, key) for key in CONDITIONS]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n\n" + _calibration(result["calibration"])


def _calibration(thresholds):
    """False alarms and sensitivity at the model's threshold and at the wearers' own, over time."""
    lines = [
        "The threshold over time, R-peaks detected. False alarms per hour: mean, median and 90 % quantile "
        "over the wearers.\n",
        "| threshold | first 10 min: false alarms/h | sensitivity | the rest: false alarms/h | sensitivity |",
        "|" + "---|" * 5,
    ]
    rates = ("false_alarms_per_hour", "false_alarms_median", "false_alarms_90")
    for name, periods in thresholds.items():
        cells = [name]
        for period in periods.values():
            cells += [", ".join(cell(period.get(rate), 1) for rate in rates)]
            cells += [cell(period.get("sensitivity"), 4)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _count(metric):
    """A summarised count as text; models differ in the scores, hardly in what they are given."""
    return f"{metric['mean']:,.0f}"
