"""An export's report as a table on the screen."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the figures of an export, and what could not be measured."""
    table = Table("", report["name"])
    rows = {key: value for key, value in report["gate"].items() if key != "failures"}
    rows |= {key: report[key] for key in ("flash_bytes", "arena_bytes") if key in report}
    for name, value in rows.items():
        told = "not compared" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
        table.add_row(name, told)
    for name, row in report.get("runtimes", {}).items():
        table.add_row(name, f"at most {row['largest_difference']} LSB, {row['equal']:.1%} equal")
    name = "normal beats above the threshold, an hour"  # a device may judge them further
    table.add_row(name, f"{report['false_alarms_per_hour']:.1f}")
    console.print(table)
    if "not_measured" in report:
        console.print(report["not_measured"], highlight=False)
