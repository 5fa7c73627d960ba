"""The tables of RESULTS.md about BeatGAN's epochs: one by one, and over the five folds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.results.markdown import MISSING, cell, metric_cells, table, tables
from keras_sibeat.results.tables import PUBLISHED

FOLDS = 5
EPOCHS = 40  # that folds 1 to 4 are trained for
LATE = 20  # epoch from which on the choice of an epoch is looked at

Rows = Sequence[Mapping[str, float]]  # a history's, an epoch each


def epochs(part: str, rows: Rows, theirs: Rows) -> str:
    """Test AUC and AP after each epoch, ours beside the peer's."""
    both = list(zip(rows, theirs, strict=False))
    gaps = [row["test_auc"] - other["test_auc"] for row, other in both]
    ours, peers = (
        np.mean(np.abs(np.diff([row["test_auc"] for row in history]))) for history in zip(*both, strict=True)
    )
    heads = ["epoch", "validation rebuild loss", "validation AUC", "AUC", "AP", "peer AUC", "peer AP", "gap"]
    lines = []
    for number, row in enumerate(rows):
        other = [MISSING] * 3
        if number < len(both):
            peer = theirs[number]
            other = [f"{peer['test_auc']:.4f}", f"{peer['test_ap']:.4f}", f"{gaps[number]:+.4f}"]
        found = [f"{row[name]:.4f}" for name in ("validation_auc", "test_auc", "test_ap")]
        lines.append([f"{row['epoch']:.0f}", f"{row['validation_rebuild_loss']:.5f}", *found, *other])
    return (
        f"## BeatGAN epoch by epoch ({part})\n\n"
        "The test beats were scored after each epoch, for this table alone: `beatgan` beside `peer-torch`. "
        f"Over the epochs that both ran, the gap in AUC is {np.mean(gaps):+.4f} on average, {min(gaps):+.4f} "
        f"to {max(gaps):+.4f}. From one epoch to the next the AUC moves by {ours:.4f} on average in ours and "
        f"by {peers:.4f} in the peer.\n\n**Test figures after each epoch**\n\n" + table(heads, lines)
    )


def beatgan_folds(results: Mapping[str, Mapping[str, Any]]) -> str:
    """BeatGAN over the folds that ended; empty without one besides fold 0.

    Every fold is read from its recorded history, up to epoch 40. So fold 0, which was trained for longer,
    counts like the others.
    """
    histories = _histories(results)
    if len(histories) < 2:
        return ""
    selections = {"label-free": _label_free, "labelled": _labelled}
    chosen = {
        name: {fold: select(rows[:EPOCHS]) for fold, rows in histories.items()}
        for name, select in selections.items()
    }
    lines = []
    for fold, rows in histories.items():
        late = [row["test_auc"] for row in rows[LATE - 1 : EPOCHS]]
        cells = [text for rows_of in chosen.values() for text in _epoch_cells(rows_of[fold])]
        gain = chosen["labelled"][fold]["test_auc"] - chosen["label-free"][fold]["test_auc"]
        spread = f"{np.std(late, ddof=1):.4f} ({min(late):.4f} to {max(late):.4f})"
        lines.append([f"fold {fold}", *cells, f"{gain:+.4f}", spread])
    means = {
        name: summarise([{key: row[f"test_{key}"] for key in ("auc", "ap")} for row in rows.values()])
        for name, rows in chosen.items()
    }
    total = ["**mean ± sd**"]
    for summary in means.values():
        total += ["", *metric_cells(summary, ("auc", "ap"))]
    gains = [float(row[-2]) for row in lines]
    lines.append([*total, cell(summarise([{"gain": gain} for gain in gains])["gain"], 4), ""])
    if len(histories[0]) > EPOCHS:
        whole = [text for select in selections.values() for text in _epoch_cells(select(histories[0]))]
        lines.append([f"fold 0, {len(histories[0])} epochs", *whole, "", ""])
    _, auc, ap, where = PUBLISHED[0]
    lines.append([f"published ({where})", "", MISSING, MISSING, "", auc, ap, "", ""])
    chosen_heads = ["label-free: epoch", "AUC", "AP", "labelled: epoch", "AUC", "AP"]
    groups = {
        "The epoch that is selected, and its test figures": chosen_heads,
        "What the choice of the epoch is worth": [
            "labelled − label-free",
            f"AUC over the epochs {LATE}–{EPOCHS}: sd (range)",
        ],
    }
    return (
        f"{len(histories)} of the {FOLDS} folds ended, one seed each, {EPOCHS} epochs. The epoch is selected "
        "by the least rebuild error on validation normals (label-free), or by the best AUC on labelled "
        "validation beats, as the published code does. The last column is the spread of the test AUC over "
        "the later epochs.\n\n" + tables("", groups, lines)
    )


def _histories(results):
    """Of each fold that was trained for 40 epochs or more, its history."""
    found = {}
    for fold in range(FOLDS):
        stem = f"beatgan-fold{fold}" if fold else "beatgan"
        result = results.get(stem) or results.get(f"{stem}-labelled")
        if result:
            rows = result.get("history", {}).get(f"fold{fold}-seed0", ())
            if len(rows) >= EPOCHS:
                found[fold] = rows
    return found if 0 in found else {}


def _label_free(rows):
    return min(rows, key=lambda row: row["validation_rebuild_loss"])


def _labelled(rows):
    return max(rows, key=lambda row: row["validation_auc"])


def _epoch_cells(row):
    return [f"{row['epoch']:.0f}", f"{row['test_auc']:.4f}", f"{row['test_ap']:.4f}"]
