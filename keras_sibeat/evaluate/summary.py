"""Metrics over folds and seeds."""

import numpy as np


def summarise(parts):
    """Mean, sample standard deviation and values of every metric over a list of metric dictionaries.

    A metric that one of them lacks, or has as None, is left out.
    """
    names = [name for name in parts[0] if all(part.get(name) is not None for part in parts)]
    columns = {name: [part[name] for part in parts] for name in names}
    return {
        name: {
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
            "values": values,
        }
        for name, values in columns.items()
    }
