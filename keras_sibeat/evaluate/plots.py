"""Plots of a run: losses, ROC and precision-recall, scores per class, rebuilt windows and residuals."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # runs have no screen; the choice must come before pyplot

import numpy as np  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay  # noqa: E402

from keras_sibeat.files import whole_file

NO_LOSSES = ("epoch", "seconds", "reinitialised", "learning_rate")  # of a history's columns


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG, whole or not at all, and close it."""
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110, bbox_inches="tight")
    plt.close(figure)


def plot_history(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Losses and validation (and watched test) AUC over the epochs of a history.

    Args:
        rows: of the history. Every column is a loss but the counts, times and measures of ``is_loss``.
        path: of the PNG.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    epochs = [row["epoch"] for row in rows]
    columns = {
        left: [name for name in rows[0] if is_loss(name)],
        right: [name for name in rows[0] if name.endswith("auc")],
    }
    for axis, names in columns.items():
        for name in names:
            axis.plot(epochs, [row[name] for row in rows], label=name.replace("_", " "))
        if names:
            axis.legend()
    left.set(xlabel="epoch", title="losses")
    if any(np.max(line.get_ydata()) > 0 for line in left.lines):
        left.set_yscale("log")
    right.set(xlabel="epoch", title="AUC")
    save_figure(figure, path)


def is_loss(column: str) -> bool:
    """Whether a history's column is a loss. A new loss needs no entry here.

    >>> [name for name in ("epoch", "loss", "nt_xent", "validation_ap", "embedding") if is_loss(name)]
    ['loss', 'nt_xent', 'embedding']
    """
    return column not in NO_LOSSES and not column.endswith(("auc", "ap", "correlation", "accuracy"))


def plot_curves(scores: np.ndarray, is_abnormal: np.ndarray, path: Path) -> None:
    """ROC and precision-recall curves of the test windows."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6))
    RocCurveDisplay.from_predictions(is_abnormal, scores, ax=left, name="abnormal")
    PrecisionRecallDisplay.from_predictions(is_abnormal, scores, ax=right, name="abnormal")
    save_figure(figure, path)


def plot_scores(scores: np.ndarray, classes: np.ndarray, threshold: float, path: Path) -> None:
    """Histogram of the (logarithmic) score of each class, with the threshold."""
    figure, axis = plt.subplots(figsize=(8, 4))
    logs = np.log10(np.maximum(scores, 1e-12))
    bins = np.linspace(logs.min(), logs.max(), 80).tolist()
    for name in np.unique(classes):
        axis.hist(logs[classes == name], bins, density=True, histtype="step", label=name)
    axis.axvline(np.log10(max(threshold, 1e-12)), color="k", linestyle="--", label="threshold")
    axis.set(xlabel="log10 of the score", ylabel="density")
    axis.legend()
    save_figure(figure, path)


def plot_rebuilt(examples: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]], path: Path) -> None:
    """Windows, their rebuilding, and the residual as a heat strip below.

    Args:
        examples: list of (title, window ``(length, channels)``, rebuilt, residual ``(length,)``).
        path: of the PNG.
    """
    figure, axes = plt.subplots(
        2, len(examples), figsize=(3.2 * len(examples), 3.4), height_ratios=(8, 1), sharex=True, squeeze=False
    )
    hottest = max(residual.max() for *_, residual in examples)
    for (upper, lower), (title, window, rebuilt, residual) in zip(axes.T, examples, strict=True):
        upper.plot(window, color="k", linewidth=1)
        upper.plot(rebuilt, color="tab:blue", linewidth=1, linestyle="--")
        upper.set(title=title, ylim=(-1.1, 1.1))
        lower.imshow(residual[None], aspect="auto", cmap="inferno", vmin=0, vmax=hottest)
        lower.set(yticks=[], xlabel="tick")
    axes[0, 0].set_ylabel("scaled amplitude")
    save_figure(figure, path)


def plot_strip(title: str, series: np.ndarray, heat: np.ndarray, path: Path) -> None:
    """A whole series ``(steps, channels)`` with its residuals ``(steps,)`` as a heat strip below."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(11, 4), height_ratios=(6, 1), sharex=True)
    upper.plot(series, linewidth=0.8)
    upper.set(title=title, ylabel="scaled amplitude")
    lower.imshow(heat[None], aspect="auto", cmap="inferno", extent=(0, len(heat), 0, 1))
    lower.set(yticks=[], xlabel="step")
    save_figure(figure, path)


def plot_augmentations(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray]], path: Path, centre: int, columns: int
) -> None:
    """Beats (grey) and what each augmentation made of them (coloured), side by side.

    Args:
        panels: list of (title, beat ``(length,)``, draws ``(draws, length)``).
        path: of the PNG.
        centre: tick of the R-peak, the origin of the time axis.
        columns: panels in a row.
    """
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(10, 2 * rows), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, beat, draws) in zip(axes.flat, panels, strict=False):
        ticks = np.arange(len(beat)) - centre
        axis.plot(ticks, beat, color="0.75", linewidth=3)
        axis.plot(ticks, np.transpose(draws), linewidth=0.9)
        axis.set_title(title, fontsize=10)
    figure.supxlabel("ticks after the R-peak (360 a second)", fontsize=10)
    figure.supylabel("scaled amplitude", fontsize=10)
    save_figure(figure, path)
