"""A result: metrics summarised over folds and seeds, and what they were measured on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.protocols import Fold
from keras_sibeat.train.run import current_commit, installed_versions

# Of a result. 2: hourly rates are over recorded hours, the equal error rate is interpolated, and the result
# names the commit that measured and the models' checksums. Results before have no format.
FORMAT = 2


def summarise(metrics: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Mean, sample standard deviation and values of every metric over several dictionaries of metrics.

    A metric that one of them lacks, or has as None, is left out.

    >>> summarise([{"auc": 0.5}, {"auc": 0.7}])["auc"]["values"]
    [0.5, 0.7]
    """
    names = [name for name in metrics[0] if all(found.get(name) is not None for found in metrics)]
    columns = {name: [found[name] for found in metrics] for name in names}
    return {
        name: {
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
            "values": values,
        }
        for name, values in columns.items()
    }


def not_measured(folds: Mapping[int, Fold]) -> str:
    """One sentence on what the test beats of these folds cannot measure; empty where they are of all kinds.

    >>> not_measured({})
    ''
    """
    without = [number for number, fold in folds.items() if not fold.is_abnormal(fold.test).any()]
    if not without:
        return ""
    where = "" if len(without) == len(folds) else f" in fold {', '.join(map(str, without))}"
    return (
        f"No test beat is abnormal{where}: false alarms were measured; AUC, average precision, equal error "
        "rate, F1 and sensitivity cannot be."
    )


def describe(
    config: Config,
    folds: Mapping[int, Fold],
    selection: str,
    metrics: Sequence[Mapping[str, float]],
    per_record: Sequence[Mapping[str, float]] = (),
    seconds: float = 0.0,
) -> dict[str, Any]:
    """A result without its name and command: metrics, and the configuration, data and versions behind them.

    Args:
        metrics: of each fold and seed.
        per_record: the AUC of each record, of each fold and seed, where wearers are kept apart.
        seconds: that training, or scoring, took.
    """
    commit = current_commit()
    result = {
        "format": FORMAT,
        "protocol": config.protocol.name,
        "folds": list(config.protocol.folds),
        "seeds": list(config.seeds),
        "selection": selection,
        "metrics": summarise(metrics),
        "config": config.describe(),
        "data_sha256": next(iter(folds.values())).train.sha256,
        "versions": installed_versions(),
        "commit": commit,
        "measured_commit": commit,
        "models_sha256": {},
        "seconds": round(seconds, 1),
    }
    if told := not_measured(folds):
        result["not_measured"] = told
    if per_record and config.protocol.is_of_wearers:
        names = sorted({name for found in per_record for name in found})
        of_records = {name: [{name: found[name]} for found in per_record if name in found] for name in names}
        result["auc_per_record"] = {name: summarise(found)[name] for name, found in of_records.items()}
    return result


def result_name(
    config: Config, selection: str | None = None, baseline: str | None = None, exported: bool = False
) -> str:
    """The result's name: the configuration's, with the baseline, another selection than its own, or int8."""
    name = config.name
    if baseline:
        variant = name.removeprefix("beatgan").removeprefix("-")
        name = f"baseline-{baseline}" + (f"-{variant}" if variant else "")
    elif variant := "int8" if exported else selection if selection != config.protocol.selection else None:
        stem = name.removesuffix("-inter")
        name = f"{stem}-{variant}{name[len(stem) :]}"
    return name
