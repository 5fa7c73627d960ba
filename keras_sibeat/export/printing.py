"""An export's report as a table on the screen."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def print_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the figures of an export."""
    table = Table("", report["name"])
    rows = {key: value for key, value in report["gate"].items() if key != "failures"}
    rows |= {key: report[key] for key in ("flash_bytes", "arena_bytes", "bytes") if key in report}
    for name, value in rows.items():
        told = "not compared" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
        table.add_row(name, told)
    if "difference" in report:
        table.add_row("largest difference from Keras", f"{report['difference']:.1e}")
    for name, row in report.get("runtimes", {}).items():
        table.add_row(name, f"at most {row['largest_difference']} LSB, {row['equal']:.1%} equal")
    console.print(table)
