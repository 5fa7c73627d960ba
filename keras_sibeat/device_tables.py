"""RESULTS.md's tables of what leaves for the device: int8 beside float, and whole recordings."""

from keras_sibeat.tables import cell

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
    """What an exported model makes of whole recordings under each condition."""
    first = next(iter(result["conditions"].values()))
    lines = [
        f"## Whole recordings: `{result['name']}`\n",
        f"{len(result['records'])} recordings of wearers never seen, {first['beats']:,} annotated beats, "
        f"{first['abnormal']:,} of them abnormal; the threshold was set for "
        f"{result['threshold']['false_alarms_per_hour']:.0f} false alarms an hour on validation normals. A "
        "missed abnormal beat, or one that the device gives no score, ranks lowest; a false detection with "
        "a score counts as a normal beat.\n",
        "| | " + " | ".join(CONDITIONS.values()) + " |",
        "|" + "---|" * (len(CONDITIONS) + 1),
    ]
    for name, row in result["conditions"].items():
        cells = [_number(row.get(key), 1 if key.endswith("hour") else 4) for key in CONDITIONS]
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
            cells += [", ".join(_number(period[rate], 1) for rate in rates)]
            cells += [_number(period["sensitivity"], 4)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _number(value, digits):
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else f"{value:,}"
