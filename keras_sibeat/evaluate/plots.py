"""Plots of a run: losses, ROC and precision-recall, scores by class, calibration, rebuilt windows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # runs have no screen; the choice must come before pyplot

import numpy as np  # noqa: E402
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: E402
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay  # noqa: E402

from keras_sibeat.evaluate.metrics import threshold_for  # noqa: E402
from keras_sibeat.files import whole_file  # noqa: E402

WIDTH = 7.5  # inches: 10 points are read when a page of 400 pixels shows it, too
COLOURS = plt.rcParams["axes.prop_cycle"].by_key()["color"]

NO_LOSSES = ("epoch", "seconds", "reinitialised", "learning_rate")  # of a history's columns


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG, whole or not at all, and close it."""
    with whole_file(path) as partial:
        figure.savefig(partial, dpi=110, bbox_inches="tight")
    plt.close(figure)


def plot_history(stages: Mapping[str, Sequence[Mapping[str, float]]], path: Path) -> None:
    """Losses, and measures such as the AUC, over the epochs of the history of each stage, a row a stage.

    Args:
        stages: the rows of each stage's history by its name. Every column is a loss but the counts, times
            and measures of ``is_loss``.
        path: of the PNG.
    """
    figure, axes = plt.subplots(
        len(stages), 2, figsize=(WIDTH, 4.4 * len(stages)), squeeze=False, layout="constrained"
    )
    for (left, right), (stage, rows) in zip(axes, stages.items(), strict=True):
        epochs, known = [row["epoch"] for row in rows], [name for name in rows[0] if name not in NO_LOSSES]
        for axis, names, what in (
            (left, [name for name in known if is_loss(name)], "loss"),
            (right, [name for name in known if not is_loss(name)], "AUC and other measures"),
        ):
            for number, name in enumerate(names):
                style = "-" if number < len(COLOURS) else "--"
                width = max(1.0, 3.2 - 0.5 * number)  # of two that are nearly equal both are seen
                values = [row[name] for row in rows]
                axis.plot(epochs, values, style, linewidth=width, label=name.replace("_", " "))
            axis.set(xlabel="epoch", ylabel=what)
            axis.grid(alpha=0.3)
            if names:
                axis.legend(
                    loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize=8, frameon=False
                )
            else:
                axis.text(0.5, 0.5, "none", ha="center", transform=axis.transAxes, color="0.5")
        lines = [np.asarray(line.get_ydata(), np.float64) for line in left.lines]
        if lines and min(np.nanmin(line) for line in lines) > 0:
            left.set_yscale("log")
        left.set_title(stage, loc="left")
    save_figure(figure, path)


def is_loss(column: str) -> bool:
    """Whether a history's column is a loss. A new loss needs no entry here.

    >>> [name for name in ("epoch", "loss", "nt_xent", "validation_ap", "embedding") if is_loss(name)]
    ['loss', 'nt_xent', 'embedding']
    """
    return column not in NO_LOSSES and not column.endswith(("auc", "ap", "correlation", "accuracy"))


def plot_curves(scores: np.ndarray, is_abnormal: np.ndarray, threshold: float, path: Path) -> None:
    """ROC and precision-recall curves of the test windows, with the point that the ``threshold`` chooses."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 4), layout="constrained")
    RocCurveDisplay.from_predictions(is_abnormal, scores, ax=left, name="test windows")
    PrecisionRecallDisplay.from_predictions(is_abnormal, scores, ax=right, name="test windows")
    is_alarm, share = scores > threshold, float(np.mean(is_abnormal))
    recall, false = np.mean(is_alarm[is_abnormal]), np.mean(is_alarm[~is_abnormal])
    precision = np.mean(is_abnormal[is_alarm]) if is_alarm.any() else 1.0
    left.plot([0, 1], [0, 1], color="0.6", linestyle=":", label="chance")
    left.plot(
        false,
        recall,
        "o",
        color="tab:red",
        label=f"threshold: {recall:.0%} of abnormal,\n{false:.2%} of normal",
    )
    left.set(xlabel="alarms among normal windows", ylabel="alarms among abnormal windows", title="ROC")
    right.axhline(share, color="0.6", linestyle=":", label=f"chance: {share:.2f}")
    right.plot(recall, precision, "o", color="tab:red", label=f"threshold: precision {precision:.2f}")
    right.set(xlabel="recall", ylabel="precision", title="precision and recall", ylim=(-0.02, 1.02))
    for axis, place in ((left, "lower right"), (right, "lower left")):
        axis.legend(loc=place, fontsize=8)
        axis.grid(alpha=0.3)
    save_figure(figure, path)


def plot_scores(scores: np.ndarray, classes: np.ndarray, threshold: float, path: Path) -> None:
    """Histogram of the score of each class, a row a class, each as tall as its fullest bin; the threshold.

    So the shape of each class can be read, whatever the number of its windows, which stands beside it.
    Scores that are all above 0 stand on a logarithmic axis.
    """
    names = np.unique(classes)
    figure, axes = plt.subplots(
        len(names), 1, figsize=(WIDTH, 1 + 0.9 * len(names)), sharex=True, squeeze=False, layout="constrained"
    )
    is_log = bool(scores.min() > 0)
    low, high = min(scores.min(), threshold), max(scores.max(), threshold)
    if low == high or (is_log and low <= 0):
        is_log, high = False, high + 1
    bins = np.geomspace(low, high, 81) if is_log else np.linspace(low, high, 81)
    for number, (axis, name) in enumerate(zip(axes[:, 0], names, strict=True)):
        own = scores[classes == name]
        counts, edges = np.histogram(own, bins)
        axis.stairs(
            counts / max(1, counts.max()), edges, fill=True, color=COLOURS[number % len(COLOURS)], alpha=0.8
        )
        axis.axvline(threshold, color="k", linestyle="--", linewidth=1)
        told = f"{len(own):,}\n{np.mean(own > threshold):.1%} above"
        axis.text(1.01, 0.5, told, transform=axis.transAxes, va="center", fontsize=8)
        axis.set(yticks=[], ylim=(0, 1.1))
        axis.set_ylabel(str(name), rotation=0, ha="right", va="center")
        axis.spines[["top", "right", "left"]].set_visible(False)
    axes[0, 0].set_title(
        "each class as tall as its fullest bin; dashed: the threshold", fontsize=9, loc="left"
    )
    axes[-1, 0].set(xlabel="score", **({"xscale": "log"} if is_log else {}))
    save_figure(figure, path)


def plot_calibration(validation: np.ndarray, test: np.ndarray, chosen: float, path: Path) -> None:
    """What share of normal windows become alarms, over the share that the threshold was set for.

    Args:
        validation: scores ``(windows,)`` of the normal windows that thresholds are set on.
        test: of the normal test windows.
        chosen: the share that the run's threshold was set for.
        path: of the PNG.
    """
    shares = np.geomspace(1 / max(2, len(validation)), 0.5, 60)
    found = [np.mean(test > threshold_for(validation, share)) for share in shares]
    own = float(np.mean(test > threshold_for(validation, chosen)))
    least = 0.5 / max(1, len(test))  # a logarithmic axis has no 0
    figure, axis = plt.subplots(figsize=(5.5, 4.6), layout="constrained")
    axis.plot(shares, np.maximum(found, least), color="tab:blue", label=f"{len(test):,} normal test windows")
    axis.plot([shares[0], 0.5], [shares[0], 0.5], color="0.6", linestyle=":", label="as asked")
    axis.plot(
        chosen,
        max(own, least),
        "o",
        color="tab:red",
        label=f"the threshold: asked {chosen:.2%}, got {own:.2%}",
    )
    axis.set(
        xscale="log",
        yscale="log",
        xlabel="false alarms asked for, of normal windows",
        ylabel="false alarms got",
    )
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        one.set_minor_formatter(NullFormatter())
    axis.legend(fontsize=8, loc="upper left")
    axis.grid(alpha=0.3)
    save_figure(figure, path)


def plot_rebuilt(
    examples: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray]],
    path: Path,
    milliseconds: tuple[int, float] | None = None,
) -> None:
    """Windows, their rebuilding, and the residual as a heat strip below, three a row.

    Args:
        examples: list of (title, window ``(length, channels)``, rebuilt, residual ``(length,)``).
        path: of the PNG.
        milliseconds: tick of the R-peak and length of a tick in ms, for beats; None for other series, whose
            ticks are numbered.
    """
    columns = min(3, len(examples))
    rows = -(-len(examples) // columns)
    figure = plt.figure(figsize=(WIDTH, 0.7 + 2.7 * rows), layout="constrained")
    grid = figure.subplots(2 * rows, columns, height_ratios=(7, 1) * rows, sharex=True, squeeze=False)
    uppers, lowers = grid[::2].ravel(), grid[1::2].ravel()
    hottest = max(residual.max() for *_, residual in examples)
    origin, step = milliseconds or (0, 1.0)
    for axis in (*uppers[len(examples) :], *lowers[len(examples) :]):
        axis.set_axis_off()
    for upper, lower, (title, window, rebuilt, residual) in zip(uppers, lowers, examples, strict=False):
        time = (np.arange(len(window)) - origin) * step
        upper.plot(time, window, color="k", linewidth=1)
        upper.plot(time, rebuilt, color="tab:blue", linewidth=1.2, linestyle="--")
        upper.set(title=str(title), ylim=(-1.1, 1.1))
        upper.tick_params(labelbottom=False)
        extent = (time[0], time[-1], 0, 1)
        heat = lower.imshow(
            residual[None], aspect="auto", cmap="inferno", vmin=0, vmax=hottest, extent=extent
        )
        lower.set(yticks=[])
        lower.tick_params(labelbottom=True)
    lines = uppers[0].lines
    channels = examples[0][1].shape[1]
    figure.legend(
        [lines[0], lines[channels]], ["window", "rebuilt"], loc="outside upper left", ncols=2, frameon=False
    )
    figure.supylabel("amplitude, from the window's least (−1) to its most (1)", fontsize=9)
    figure.supxlabel("ms from the R-peak" if milliseconds else "tick", fontsize=9)
    figure.colorbar(heat, ax=grid, label="squared residual", shrink=0.6, aspect=30)
    save_figure(figure, path)


def plot_strip(title: str, series: np.ndarray, heat: np.ndarray, path: Path) -> None:
    """A whole series ``(steps, channels)`` with its residuals ``(steps,)`` as a heat strip below."""
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(WIDTH, 4), height_ratios=(6, 1), sharex=True, layout="constrained"
    )
    for number, channel in enumerate(series.T, 1):
        upper.plot(channel, linewidth=0.9, label=f"channel {number}")
    upper.set(title=title, ylabel="scaled amplitude")
    if series.shape[1] > 1:
        upper.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    lower.imshow(heat[None], aspect="auto", cmap="inferno", extent=(0, len(heat), 0, 1))
    lower.set(yticks=[], xlabel="step")
    lower.set_ylabel("residual", rotation=0, ha="right", va="center", fontsize=8)
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
