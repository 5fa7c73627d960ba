"""Results as a table on the screen."""

from rich.table import Table


def print_results(console, results):
    """Print a table of results by name: mean, and standard deviation where there are several values."""
    names = list(dict.fromkeys(metric for result in results.values() for metric in result["metrics"]))
    table = Table("metric", *results)
    for name in names:
        metrics = [result["metrics"].get(name) for result in results.values()]
        table.add_row(name, *("" if metric is None else _cell(metric) for metric in metrics))
    console.print(table)


def _cell(metric):
    spread = f" ± {metric['sd']:.4f}" if len(metric["values"]) > 1 else ""
    return f"{metric['mean']:.4f}{spread}"
