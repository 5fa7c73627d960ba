"""The table of docs/reproducing.md: the command behind each result, its minutes, and what to expect."""

from collections.abc import Mapping
from typing import Any

from keras_sibeat.results.markdown import MISSING, cell, table

Result = Mapping[str, Any]

RENAMED = {  # commands as results before the present layout have them
    "keras_sibeat.ablate": "keras_sibeat.results.ablate",
    "keras_sibeat.probe": "keras_sibeat.evaluate.probe",
    "keras_sibeat.robustness": "keras_sibeat.evaluate.robustness",
}
FIGURES = {  # metric -> its name, and digits; the first that a result has stands in the table
    "auc": ("AUC", 4),
    "f1": ("F1", 3),
    "f1_macro": ("macro F1", 3),
}


def reproducing(results: Mapping[str, Result]) -> str:
    """A row for each command that wrote a result."""
    by_command: dict[str, list[Result]] = {}
    for result in results.values():
        by_command.setdefault(_here(result["command"]), []).append(result)
    rows = []
    for command, group in sorted(by_command.items(), key=lambda pair: pair[1][0]["name"]):
        minutes = sum(result.get("seconds") or 0 for result in group) / 60
        names = "<br>".join(f"`{result['name']}`: {_expected(result)}" for result in group)
        rows.append([names, f"{minutes:.1f}" if minutes else MISSING, f"`{command}`"])
    return table(["result and figure to expect", "minutes", "command"], rows)


def _here(command):
    """The command with today's names, on data in ``data``."""
    words = command.replace("../shared/nstdb_noise", "data/noise").replace("../shared", "data").split(" ")
    return " ".join(RENAMED.get(word, word) for word in words)


def _expected(result):
    metrics = result.get("metrics", {})
    for name, (title, digits) in FIGURES.items():
        if name in metrics:
            return f"{title} {cell(metrics[name], digits)}"
    rows = result.get("conditions") or result.get("worn") or {}
    for name, row in rows.items():
        key, title, digits = ("auc", "AUC", 4) if "auc" in row else ("alarms_per_hour", "alarms an hour", 1)
        return f"{title} {cell(row[key], digits)} ({name})"
    if "sensitivity" in result.get("all", {}):
        return f"sensitivity {100 * result['all']['sensitivity']:.2f} %"
    return "its table"
