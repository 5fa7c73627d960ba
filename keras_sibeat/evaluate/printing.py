"""Results as a table on the screen."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

WHOLE = ("selected_epoch", "flash_bytes", "arena_bytes")  # metrics that are whole numbers


def print_results(console: Console, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a table of results by name: mean, and standard deviation where there are several values.

    Below it stands what they could not measure.
    """
    names = list(dict.fromkeys(metric for result in results.values() for metric in result["metrics"]))
    table = Table("metric", *results)
    for name in names:
        metrics = [result["metrics"].get(name) for result in results.values()]
        table.add_row(name, *("" if metric is None else _cell(name, metric) for metric in metrics))
    console.print(table)
    for told in dict.fromkeys(result.get("not_measured") for result in results.values()):
        if told:
            console.print(told, highlight=False)


def _cell(name, metric):
    if name in WHOLE:
        return ", ".join(f"{value:.0f}" for value in dict.fromkeys(metric["values"]))
    spread = f" ± {metric['sd']:.4f}" if len(metric["values"]) > 1 else ""
    return f"{metric['mean']:.4f}{spread}"
