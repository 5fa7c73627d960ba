"""The tables of RESULTS.md whose rows are the variants of one configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_sibeat.results.markdown import metric_cells, table, tables

FRONTIER = "frontier-"  # begins the names of the students of the sweep
SIBEATGAN = {  # variant -> what it is
    "teacher": "BeatGAN, the teacher",
    "longer": "the teacher, trained on for as long",
    "kd": "SI-BeatGAN: soft targets",
    "frskd": "BeatGAN with FRSKD",
    "both": "SI-BeatGAN: soft targets and FRSKD",
}
ABLATION = {  # variant -> what it is
    "beatgan": "BeatGAN",
    "time-warp": "BeatGAN + time warping",
    "nt-xent": "+ NT-Xent",
    "shifts": "+ shifts",
    "both": "+ both (scenario 2: joint)",
    "pretrained": "scenario 1: SimCLR, then BeatGAN's loss",
}
ALONE = ("rebuild", "shift", "mahalanobis", "prototypes")

Results = Mapping[str, Mapping[str, Any]]  # by name, as ``results/`` holds them
Point = tuple[str, int, float, float]  # a student's name, bytes in int8, AUC on validation beats, AUC


def ablation_rows(results: Results) -> dict[str, Mapping[str, Any]]:
    """The ablation's results by title, the full-width BeatGAN beside them; empty without a variant."""
    rows = {title: results.get(f"ablation-{name}") for name, title in ABLATION.items()}
    if any(rows.values()):
        rows["the whole recipe (`contrastive`)"] = results.get("contrastive")
        rows["BeatGAN at full width, 3–45 Hz, one seed"] = results.get("beatgan")
    return {title: row for title, row in rows.items() if row}


def ablation(results: Results) -> str:
    """The table of the ablation's variants, the full-width BeatGAN beside them."""
    groups = {
        "The combined score: AUC, AP, and AUC of each class": ["epochs", "combined", "AUC", "AP", *"SVF"],
        "AUC of each score alone": ALONE,
    }
    names = ["auc", "ap", "auc_S", "auc_V", "auc_F", *(f"{name}_auc" for name in ALONE)]
    rows = []
    for title, row in ablation_rows(results).items():
        config = row["config"]
        contrast = config.get("contrastive")
        combined = ", ".join(config["score"]["combine"] if contrast else ["rebuild"])
        epochs = str(config["train"]["epochs"])
        if contrast and contrast["pretrain"]["epochs"]:
            epochs = f"{contrast['pretrain']['epochs']} + {epochs}"
        rows.append([title, epochs, combined, *metric_cells(row["metrics"], names)])
    return tables("", groups, rows)


def sibeatgan(results: Results) -> str:
    """SI-BeatGAN's claim: its variants beside each other; empty without one."""
    rows = {title: results.get(f"sibeatgan-{name}") for name, title in SIBEATGAN.items()}
    names = ("auc", "ap", "auc_S", "auc_V", "auc_F")
    return tables(
        "",
        {"AUC, AP, and AUC of each class, at half the published width": ["AUC", "AP", *"SVF", "epochs"]},
        [
            [title, *metric_cells(row["metrics"], names), str(row["config"]["train"]["epochs"])]
            for title, row in rows.items()
            if row
        ],
    )


def frontier_points(results: Results) -> list[Point]:
    """The students of the sweep that have both AUCs, small to large."""
    return [
        (
            row["name"].removeprefix(FRONTIER),
            row["model"]["int8_bytes"],
            row["metrics"]["validation_auc"]["mean"],
            row["metrics"]["auc"]["mean"],
        )
        for row in _students(results)
        if {"validation_auc", "auc"} <= set(row["metrics"])
    ]


def _students(results):
    """Those of the sweep, small to large."""
    found = [row for name, row in results.items() if name.startswith(FRONTIER)]
    return sorted(found, key=lambda row: row["model"]["int8_bytes"])


def knee(points: Sequence[Point]) -> str:
    """Name of the student after which size buys least: furthest above the line from smallest to largest.

    Kneedle (Satopää et al., ICDCS workshops 2011) without its smoothing, on the logarithm of the size and the
    AUC on validation beats, each scaled to a range of 1.
    """
    names, sizes, validation, _ = zip(*points, strict=True)
    scaled = [(np.array(axis) - axis[0]) / (np.ptp(axis) or 1) for axis in (np.log(sizes), validation)]
    return names[int(np.argmax(scaled[1] - scaled[0]))]


def frontier(results: Results) -> str:
    """What a student's size buys; empty without a student of the sweep."""
    points, rows = frontier_points(results), []
    for row in _students(results):
        name = row["name"].removeprefix(FRONTIER)
        size = [f"{row['model'][key]:,}" for key in ("parameters", "multiply_adds", "int8_bytes")]
        rows.append([f"`{name}`", *size, *metric_cells(row["metrics"], ("validation_auc", "auc", "ap"))])
    heads = ["student", "parameters", "multiply-adds", "int8 bytes", "AUC, validation", "AUC", "AP"]
    text = f"**Size, and what it brings**\n\n{table(heads, rows)}" if rows else ""
    if len(points) > 2:
        bend = f"The knee of the AUC on validation beats over the logarithm of the bytes: `{knee(points)}`."
        text = f"{bend}\n\n{text}"
    return text
