"""One model under several conditions: why its figures differ; and a preset beside the mean over seeds."""

import json
from collections.abc import Mapping
from typing import Any

from keras_sibeat.presets.loading import FOLDER
from keras_sibeat.results.markdown import MISSING, cell, table

Results = Mapping[str, Mapping[str, Any]]  # by name, as ``results/`` holds them

ONE = "worn-student-inter"  # the run whose first model ships as ``mitdb-wearer``
WHOLE = f"end-to-end-{ONE}"
# Title of a row -> result, its part, prefix of the metrics' names, and why its figures differ.
CONDITIONS = {
    "float, annotated R-peaks, both databases": (ONE, "metrics", "", "all test wearers together"),
    "the same, MIT-BIH DS2": (
        ONE,
        "metrics",
        "mitdb_",
        "DS2 alone; most of its supraventricular beats are of record 232",
    ),
    "the same, SVDB": (ONE, "metrics", "svdb_", "eight other wearers, whose abnormal beats are plainer"),
    "int8, MIT-BIH DS2": ("worn-student-int8-inter", "metrics", "mitdb_", "what quantisation costs"),
    "int8, whole recordings of DS2, annotated R-peaks": (
        WHOLE,
        "mitdb: annotated R-peaks",
        "",
        "beats that the device refuses count as never found, or as false alarms",
    ),
    "int8, whole recordings of DS2, detected R-peaks": (
        WHOLE,
        "mitdb: detected R-peaks",
        "",
        "R-peaks are missed, found twice, or beside their place: what a device meets",
    ),
    "int8, whole recordings of SVDB, detected R-peaks": (
        WHOLE,
        "svdb: detected R-peaks",
        "",
        "the same on the other database",
    ),
}


def one_model(results: Results) -> str:
    """The wearer's student that ships, under each condition that was measured; empty without a result."""
    rows = []
    for title, (name, part, prefix, why) in CONDITIONS.items():
        result = results.get(name, {})
        metrics = result.get("metrics" if part == "metrics" else "conditions", {})
        found = metrics if part == "metrics" else metrics.get(part, {})
        cells = [cell(found.get(f"{prefix}{key}"), 4) for key in ("auc", "ap", "auc_record")]
        if cells[0] != MISSING:
            rows.append([title, *cells, why])
    if not rows:
        return ""
    heads = ["condition", "AUC", "AP", "AUC within a record", "why it differs"]
    return (
        "Each of these figures stands in a table below. They are of the same three models.\n\n"
        f"**`{ONE}` under its conditions**\n\n{table(heads, rows)}"
    )


def presets(results: Results) -> str:
    """Each preset beside the mean over the seeds of its run; empty where no such run has a result."""
    rows = []
    for file in sorted(FOLDER.glob("*.json")):
        preset = json.loads(file.read_text(encoding="utf-8"))
        name = preset["config"]["name"]
        if name not in results:
            continue
        cells = []
        for key in ("auc", "ap", "auc_record"):
            one = preset["metrics"].get(key)
            cells += [MISSING if one is None else f"{one:.4f}", cell(results[name]["metrics"].get(key), 4)]
        rows.append([f"`{preset['name']}`", f"`{name}`, {preset['part']}", *cells])
    if not rows:
        return ""
    pairs = [
        f"{metric}: {whose}" for metric in ("AUC", "AP", "within a record") for whose in ("preset", "seeds")
    ]
    return (
        "A preset is one model, that of the first seed; it was not chosen by its figures. So its figures are "
        "one draw of those beside them. Last digits also differ where the R-peak detector was changed "
        "between the two measurements.\n\n"
        "**The preset, and mean ± standard deviation over the seeds of its run**\n\n"
        f"{table(['preset', 'part of', *pairs], rows)}"
    )
