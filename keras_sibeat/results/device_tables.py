"""RESULTS.md's tables of what leaves for the device: int8, whole recordings, R-peaks, benchmarks."""

from collections.abc import Mapping
from typing import Any

from keras_sibeat.results.markdown import HOURLY, HOURLY_HEADS, metric_cells, table, tables

CONDITIONS = {
    "auc": "AUC",
    "ap": "AP",
    "auc_record": "AUC per record",
    "auc_record_scored": "of scored beats",
    "auc_record_lowest": "refused lowest",
    "coverage_normal": "coverage: normal",
    "coverage_abnormal": "abnormal",
    "sensitivity": "sensitivity",
    "sensitivity_V": "of V",
    **dict(zip(HOURLY, HOURLY_HEADS, strict=True)),
    "missed_abnormal": "abnormal: missed",
    "unscored_abnormal": "abnormal: not scored",
    "unscored": "not scored",
    "false_detections": "false detections",
}
CONDITION_GROUPS = {  # caption -> number of columns
    "How beats rank, and how many are scored": 7,
    "At the threshold": 5,
    "Beats without a score": 4,
}
PERIODS = ("The first 10 minutes", "The rest of the recordings")
COUNTS = ("missed_abnormal", "unscored_abnormal", "unscored", "false_detections")
OLD_MEDIAN = "false_alarms_median"  # as results before format 2 call it
UNREPORTED = (
    "name",
    "command",
    "commit",
    "measured_commit",
    "models_sha256",
    "versions",
    "rounds",
    "by_record",
)  # of a benchmark


def exported(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The int8 models beside the float ones, or an empty text where none was measured."""
    names = ("auc_float", "auc", "ap_float", "ap", "decisions_flipped")
    rows = []
    for row in results.values():
        metrics = row.get("metrics", {})
        if "decisions_flipped" in metrics:
            sizes = [f"{max(metrics[name]['values']):,}" for name in ("flash_bytes", "arena_bytes")]
            rows.append([f"`{row['name']}`", row["protocol"], *metric_cells(metrics, names), *sizes])
    groups = {
        "Ranks on the test fold": ["protocol", "AUC float", "AUC int8", "AP float", "AP int8"],
        "Decisions, each model at its own threshold, and memory": [
            "decisions flipped",
            "flash, bytes",
            "arena, bytes",
        ],
    }
    return tables("result", groups, rows)


def end_to_end(result: Mapping[str, Any]) -> str:
    """What the exported models of a run make of whole recordings under each condition."""
    seeds = len(result["seeds"])
    # Of several databases each has a row of clean recordings.
    rows = result["conditions"]
    clean = [row for name, row in rows.items() if name.endswith("annotated R-peaks")] or [*rows.values()][:1]
    beats, abnormal = (f"{sum(row[key]['mean'] for row in clean):,.0f}" for key in ("beats", "abnormal"))
    threshold = (
        f"In all rows a wearer is judged by an own threshold: the model's, set for "
        f"{result['false_alarms_per_hour']:.0f} false alarms an hour on validation normals, moved by the "
        "median of the wearer's scores."
        if result["config"]["wearer"]
        else "In all rows the threshold is the model's, set for "
        f"{result['false_alarms_per_hour']:.0f} false alarms an hour on validation normals."
    )
    if result.get("format", 1) >= 2:
        ranks = (
            "Coverage is the share of the annotated beats that got a score. An abnormal beat without one "
            "counts as never found, and a normal one ranks highest, so refusing beats gains nothing."
        )
    else:
        ranks = (
            "A beat without a score, abnormal or normal, ranks lowest: this was measured before refused "
            "normal beats ranked highest."
        )
    lines = []
    for name, row in rows.items():
        cells = dict(zip(CONDITIONS, metric_cells(row, list(CONDITIONS)), strict=True))
        cells |= {key: _count(row[key]) for key in COUNTS}
        lines.append([name, *cells.values()])
    return (
        f"## Whole recordings: `{result['name']}`\n\n"
        f"{len(result['records'])} recordings of new wearers, {beats} annotated beats, "
        f"{abnormal} of them abnormal; {seeds} model{'s' * (seeds > 1)}. {threshold} "
        f"{ranks} A false detection with a score counts as a normal beat.\n\n"
        f"{tables('', _condition_groups(), lines)}\n{_quality(rows)}{_calibration(result['calibration'])}"
    )


def _condition_groups():
    heads = iter(CONDITIONS.values())
    return {caption: [next(heads) for _ in range(count)] for caption, count in CONDITION_GROUPS.items()}


def _quality(rows):
    """The curve of the signal-quality index, where it was measured."""
    limits = sorted(int(name[6:]) for name in next(iter(rows.values())) if name.startswith("saved_"))
    if not limits:
        return ""
    pairs = [(f"saved_{limit}", f"lost_{limit}") for limit in limits] + [("saved", "lost")]
    lines = [
        [name, *(" / ".join(_percent(row.get(key)) for key in pair) for pair in pairs)]
        for name, row in rows.items()
        if name.endswith((" dB", "detected R-peaks"))
    ]
    groups = {
        "What a limit of the signal-quality index would do by itself": [f"{limit} dB" for limit in limits],
        "What the device does instead, above a limit of 2 dB": ["judged"],
    }
    return (
        "A limit: the share of the false alarms that it spares / of the scored abnormal beats that it "
        "refuses, %. The device: the share that it doubts of the normal / of the abnormal beats above the "
        f"threshold, %.\n\n{tables('', groups, lines)}\n"
    )


def _percent(metric):
    return "–" if metric is None else f"{100 * metric['mean']:.1f}"


NOISE = {
    "coverage_normal": "normal beats scored",
    "coverage_abnormal": "abnormal beats scored",
    "sensitivity": "sensitivity",
    "sensitivity_V": "of V",
    "false_alarms_per_hour": "false alarms/h",
}
SHIPS = "worn-student-inter"  # the run whose first model ships as ``mitdb-wearer``


def noise(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of the shipped recipe under recorded noise, or an empty text without its result."""
    result = results.get(f"end-to-end-{SHIPS}")
    if result is None:
        return ""
    rows = []
    for name, row in result["conditions"].items():
        database, _, condition = name.rpartition(": ")
        if condition.endswith(" dB") or condition == "detected R-peaks":
            title = condition if condition.endswith(" dB") else f"{database}: no noise added"
            rows.append([title, *metric_cells(row, list(NOISE))])
    return table(["", *NOISE.values()], rows)


def on_people(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of alarms on what people wear, or an empty text without its result."""
    result = results.get(f"alarms-{SHIPS}")
    return _worn_table(result) if result else ""


WORN = {
    "alarms_per_hour": "alarms an hour",
    "coverage": "beats scored",
    "with_an_alarm": "recordings with an alarm",
    "recordings": "recordings",
    "hours": "hours",
    "beats": "beats found",
}


def worn(result: Mapping[str, Any]) -> str:
    """Alarms of the exported models of a run on recordings without annotated beats."""
    seeds = len(result["seeds"])
    return (
        f"## On what people wear: `{result['name']}`\n\n{seeds} model{'s' * (seeds > 1)}, at the device's "
        "defaults. By activity: people whose beats are practically all normal, so that every alarm is false; "
        "each wore an electrode through the activities, one after another. By rhythm: short recordings of "
        "CinC 2017, each played three times, of which the last counts; their labels say nothing of single "
        f"extrasystoles.\n\n**Alarms by activity and by rhythm**\n\n{_worn_table(result)}"
    )


def _worn_table(result):
    rows = []
    for name, row in result["worn"].items():
        cells = metric_cells(row, ("alarms_per_hour", "coverage", "with_an_alarm"))
        hours = f"{row['hours']['mean']:.2f}"
        rows.append([name, *cells, _count(row["recordings"]), hours, _count(row["beats"])])
    return table(["", *WORN.values()], rows)


def _calibration(thresholds):
    """False alarms and sensitivity at the model's threshold and at the wearers' own, over time."""
    rows = []
    for name, periods in thresholds.items():
        cells = []
        for period in periods.values():
            known = {HOURLY[0]: period.get(OLD_MEDIAN), **period}
            cells += metric_cells(known, (*HOURLY, "sensitivity"))
        rows.append([name, *cells])
    heads = [*HOURLY_HEADS, "sensitivity"]
    return (
        "The threshold over time, at detected R-peaks. False alarms an hour are over the recorded hours of "
        "the period; median and worst are those of the wearers.\n\n"
    ) + tables("threshold", dict.fromkeys(PERIODS, heads), rows)


def _count(metric):
    """A summarised count as text; models differ in the scores, hardly in what they are given."""
    return f"{metric['mean']:,.0f}"


def rpeaks(result: Mapping[str, Any]) -> str:
    """The R-peak detector's table, record by record."""
    rows = []
    for name, row in [*result["records"].items(), ("all", result["all"])]:
        rates = [f"{100 * row[key]:.2f} %" for key in ("sensitivity", "positive_predictivity")]
        rows.append([name, *(str(row[key]) for key in ("beats", "missed", "false")), *rates])
    heads = ["beats", "missed", "false", "sensitivity", "positive predictivity"]
    return tables("record", {"R-peaks within 150 ms of the annotated beat": heads}, rows)


def benchmark(result: Mapping[str, Any]) -> str:
    """The figures of a benchmark."""
    rows = []
    for name, value in _flatten({key: value for key, value in result.items() if key not in UNREPORTED}):
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        rows.append([name.replace("_", " "), text])
    measured = f"`{result['command']}`" if "command" in result else "One run"
    return f"## Benchmark: `{result['name']}`\n\n**{measured}**\n\n{table(['figure', 'value'], rows)}"


def _flatten(value, name=""):
    if not isinstance(value, dict):
        return [(name, value)]
    if value.keys() == {"mean", "sd", "values"}:
        return [(name, f"{value['mean']:.4f} ± {value['sd']:.4f}")]
    return [row for key, part in value.items() for row in _flatten(part, f"{name}: {key}" if name else key)]
