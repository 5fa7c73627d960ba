"""Plots over several results: the variants of an ablation, the sizes of a student."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from keras_sibeat.evaluate.plots import save_figure


def plot_parts(parts: Mapping[str, Sequence[float]], path: Path) -> None:
    """AUC of the variants of an ablation, each seed a dot and their mean a bar.

    Args:
        parts: mapping of a variant's title to the list of its AUCs.
        path: of the PNG.
    """
    figure, axis = plt.subplots(figsize=(9, 0.5 * len(parts) + 1))
    for row, values in enumerate(parts.values()):
        axis.barh(row, np.mean(values), color="0.8")
        axis.plot(values, [row] * len(values), "k.", alpha=0.7)
    lowest = min(min(values) for values in parts.values())
    axis.set(xlabel="AUC on the test beats", xlim=(lowest - 0.02, 1), yticks=range(len(parts)))
    axis.set_yticklabels(parts)
    axis.invert_yaxis()
    save_figure(figure, path)


def plot_frontier(points: Sequence[tuple[str, int, float, float]], path: Path) -> None:
    """What a student's size buys: AUC against its size in int8.

    Args:
        points: list of (name, bytes, AUC on validation beats, AUC on test beats), small to large.
        path: of the PNG.
    """
    names, sizes, validation, test = zip(*points, strict=True)
    figure, axis = plt.subplots(figsize=(7, 4))
    axis.plot(np.divide(sizes, 1000), validation, "o-", color="0.6", label="validation beats")
    axis.plot(np.divide(sizes, 1000), test, "ko", label="test beats")
    for name, size, auc in zip(names, sizes, test, strict=True):
        axis.annotate(name, (size / 1000, auc), textcoords="offset points", xytext=(4, -10), fontsize=8)
    axis.set(xlabel="size in int8, kB", ylabel="AUC")
    axis.legend()
    save_figure(figure, path)
