"""The tables of RESULTS.md with a row for each result of a protocol."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_sibeat.evaluate.wearers import ALARMS_PER_HOUR
from keras_sibeat.results.markdown import (
    HOURLY,
    HOURLY_HEADS,
    MISSING,
    comparable,
    metric_cells,
    table,
    tables,
)
from sibeat_edge.model.threshold import PERSONAL_BEATS

PUBLISHED = (
    ("BeatGAN", "0.9447", "0.9108", "Zhou et al. 2019, mean of 5 folds"),
    ("BeatGAN + time warping", "0.9475", "0.9143", "Zhou et al. 2019"),
    ("SI-BeatGAN (its teacher)", "0.9474 (0.9458)", "0.9148 (0.9108)", "its project page, fold 0"),
    ("SIA-GAN", "0.9588", "0.9325", "one fold"),
    ("AnoBeat", "0.960", "–", "abstract; 0.894 inter-patient"),
)
CAUTION = """The random split has beats of every wearer in training and in test. It rewards memory: the
distance to the nearest normal training beat (`baseline-knn`) gives a higher AUC than the published BeatGAN.
"""

Result = Mapping[str, Any]  # as ``results/`` holds it
Results = Mapping[str, Result]  # by name


def is_simulated(result: Result) -> bool:
    """Whether a result is of simulated wearers.

    >>> is_simulated({"config": {"data": {"source": "simulator"}}})
    True
    """
    return result.get("config", {}).get("data", {}).get("source") == "simulator"


def standings(results: Sequence[Result], protocol: str) -> str:
    """The table of all results of a protocol, the best AUC first, those without one last."""
    classes = [f"auc_{name}" for name in "SVFQ"] if protocol != "series" else ["auc_run", "auc_jump"]
    names = ["auc", "ap", "auc_record", "eer", *classes, "sensitivity", "false_alarm_rate", *HOURLY]
    groups = {
        "How beats rank": ["folds × seeds", "selection", "AUC", "AP", "AUC within a record", "EER"],
        "AUC of each class against the normal beats": [c.removeprefix("auc_") for c in classes],
        "At the threshold": ["sensitivity", "false alarms, share", *HOURLY_HEADS],
    }
    rows = []
    for result in sorted(results, key=_by_auc):
        count = f"{len(result['folds'])} × {len(result['seeds'])}"
        cells = metric_cells(comparable(result), names)
        rows.append([f"`{result['name']}`", count, result["selection"], *cells])
    text = tables("result", groups, rows)
    if protocol == "beatgan":
        published = table(["model", "AUC", "AP", "where"], PUBLISHED)
        text = f"{CAUTION}\n{text}\n**Published**\n\n{published}"
    return text


def _by_auc(result):
    auc = result["metrics"].get("auc")
    return -auc["mean"] if auc else 0.0


def wearers(results: Results) -> str:
    """How sure the figures on new wearers are, and what they are at few alarms; empty without a result."""
    names = [
        *("auc_without_232", "ap_without_232"),
        *(f"auc_{name}" for name in "SVF"),
        *(f"sensitivity_{count}" for count in ALARMS_PER_HOUR),
    ]
    ranks = ["AUC", "AP", "AUC within a record", "its spread", "AUC without 232", "AP without 232"]
    groups = {
        "Ranks, with 95 % intervals by a bootstrap over wearers": ranks,
        "AUC of each class, and sensitivity at so many false alarms an hour over all wearers": [
            *"SVF",
            *(f"{count}/h" for count in ALARMS_PER_HOUR),
        ],
    }
    rows = []
    for name, result in results.items():
        metrics = comparable(result, "all_wearers" if "all_wearers" in result else "metrics")
        if "auc_low" in metrics and not is_simulated(result):
            spread = metrics.get("auc_record_sd")
            rows.append(
                [
                    f"`{name}`",
                    *(_with_interval(metrics, key) for key in ("auc", "ap", "auc_record")),
                    f"{spread['mean']:.4f}" if spread else MISSING,
                    *metric_cells(metrics, names),
                ]
            )
    text = (
        "The spread is that over records of the AUC within a record. Of several folds the scores of their "
        "models are pooled.\n\n"
    )
    return text + tables("result", groups, rows) if rows else ""


def databases(results: Results) -> str:
    """What runs on several databases separate within each; empty without a result."""
    names, rows = ("auc", "ap", "auc_record", "auc_S", "auc_V", "auc_F"), []
    for name, result in results.items():
        config = result.get("config")  # of a benchmark it may be the file's name alone
        data = config.get("data", {}) if isinstance(config, dict) else {}
        for database in data.get("sources", {}):
            metrics = {key: result.get("metrics", {}).get(f"{database}_{key}") for key in names}
            if metrics["auc"]:
                rows.append([f"`{name}`", database, *metric_cells(metrics, names)])
    caption = "Ranks at annotated R-peaks, on the records of each database that test"
    heads = ["database", "AUC", "AP", "AUC within a record", *"SVF"]
    return tables("result", {caption: heads}, rows)


def own_thresholds(results: Results) -> str:
    """What a threshold of each wearer's own is worth beside the one for all; empty without a result."""
    each = (*HOURLY, "false_alarm_rate", "sensitivity", "sensitivity_record")
    names = [*each, *(f"own_{name}" for name in each)]
    heads = [*HOURLY_HEADS, "false alarms, share", "sensitivity", "within a record"]
    rows = [
        [f"`{name}`", *metric_cells(comparable(result), names)]
        for name, result in results.items()
        if "own_sensitivity" in result.get("metrics", {}) and not is_simulated(result)
    ]
    text = (
        "At annotated R-peaks. Sensitivity is that to all abnormal beats together; within a record, its mean "
        "over records.\n\n"
    )
    groups = {
        "The threshold that validation normals set": heads,
        f"Each wearer's own threshold, after the first {PERSONAL_BEATS} beats": heads,
    }
    return text + tables("result", groups, rows) if rows else ""


def probes(results: Results) -> str:
    """The linear probes' table, of results by the embedding's name."""
    of_classes = [f"{kind}_{name}" for kind in ("f1", "auc") for name in "NSVF"]
    names = ["balanced_accuracy", "f1_macro", *of_classes]
    rows = [[f"`{name}`", *metric_cells(row["metrics"], names)] for name, row in results.items()]
    groups = {
        "Logistic regression of N, S, V and F: accuracy and F1": names[:6],
        "Logistic regression of N, S, V and F: AUC of each class against the others": names[6:],
    }
    named = {caption: [name.replace("_", " ") for name in group] for caption, group in groups.items()}
    return (
        "On the frozen embedding. The regression learns from the labels of DS1 and is tested on DS2. Beside "
        "it: the same network with random weights.\n\n"
    ) + tables("embedding", named, rows)


def _with_interval(metrics, name):
    """The mean and, where it has one, its interval."""
    ends = [metrics.get(f"{name}_{end}") for end in ("low", "high")]
    interval = " ({:.3f} to {:.3f})".format(*(end["mean"] for end in ends)) if all(ends) else ""
    return metric_cells(metrics, [name])[0] + interval
