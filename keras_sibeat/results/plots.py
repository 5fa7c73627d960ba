"""Plots over several results: the variants of an ablation, the sizes of a student."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from keras_sibeat.evaluate.plots import WIDTH, save_figure

# Where a name stands beside its point: points of distance, and which of its sides is near.
PLACES = (
    *(((7, 0), "left", "center"), ((-7, 0), "right", "center"), ((0, 6), "center", "bottom")),
    *(((0, -6), "center", "top"), ((7, 8), "left", "bottom"), ((7, -8), "left", "top")),
)


def plot_parts(parts: Mapping[str, Sequence[float]], path: Path) -> None:
    """AUC of the variants of an ablation: each seed a dot, their mean a line.

    There are no bars, as the axis does not begin at 0.

    Args:
        parts: mapping of a variant's title to the list of its AUCs.
        path: of the PNG.
    """
    figure, axis = plt.subplots(figsize=(WIDTH, 0.55 * len(parts) + 1.2), layout="constrained")
    for row, values in enumerate(parts.values()):
        axis.plot([np.mean(values)] * 2, [row - 0.32, row + 0.32], color="tab:red", linewidth=2)
        axis.plot(values, [row] * len(values), "o", color="k", alpha=0.6, markersize=5)
        told = f"{np.mean(values):.4f}"
        axis.text(1.01, row, told, transform=axis.get_yaxis_transform(), va="center", fontsize=9)
    first = float(np.mean(next(iter(parts.values()))))
    axis.axvline(first, color="0.6", linestyle=":", linewidth=1, zorder=0)
    axis.set(xlabel="AUC on the test beats (dot: a seed, red: their mean)", yticks=range(len(parts)))
    axis.set_yticklabels([fill(title.replace("`", ""), 34) for title in parts])
    axis.margins(x=0.08)
    axis.grid(axis="x", alpha=0.3)
    axis.invert_yaxis()
    save_figure(figure, path)


def plot_frontier(points: Sequence[tuple[str, int, float, float]], path: Path) -> None:
    """What a student's size buys: AUC against its size in int8.

    Args:
        points: list of (name, bytes, AUC on validation beats, AUC on test beats), small to large.
        path: of the PNG.
    """
    names, sizes, *aucs = zip(*points, strict=True)
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 6), sharex=True, layout="constrained")
    for axis, values, what in zip(axes, aucs, ("validation", "test"), strict=True):
        axis.plot(np.divide(sizes, 1000), values, "ko", markersize=5)
        axis.set(ylabel=f"AUC, {what} beats", xscale="log")
        axis.margins(x=0.1, y=0.22)
        axis.grid(alpha=0.3)
        _label(figure, axis, names, np.divide(sizes, 1000), values)
    axes[0].set_title("the student's size was chosen on the validation beats alone", fontsize=9, loc="left")
    axes[1].set_xlabel("size in int8, kB")
    axes[1].xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 8)))
    axes[1].xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:g}"))
    axes[1].xaxis.set_minor_locator(NullLocator())
    save_figure(figure, path)


def _label(figure, axis, names, across, up):
    """Write each name beside its point, where it covers neither another point nor another name."""
    figure.draw_without_rendering()
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in axis.transData.transform(np.c_[across, up])]
    for name, *point in zip(names, across, up, strict=True):
        text = axis.annotate(name, point, xytext=(0, 0), textcoords="offset points", fontsize=8)
        for place, ha, va in PLACES:
            text.set(position=place, ha=ha, va=va)
            box = text.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
