"""The plots that evaluation writes into the folder of a trained part."""

from pathlib import Path

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.protocols import Fold
from keras_sibeat.evaluate import plots
from keras_sibeat.models.inference import rebuild, residuals
from keras_sibeat.train.run import read_history
from sibeat_edge.signal.resampling import RATE


def plot_part(
    folder: Path,
    config: Config,
    rows: list[dict[str, float]],
    generator: keras.Model | None,
    fold: Fold,
    scores: np.ndarray,
    validation: np.ndarray,
    threshold: float,
) -> None:
    """Plot the history and the test ``scores`` (beats,); given a ``generator``, rebuilt windows as well.

    There are no curves without abnormal test beats.

    Args:
        folder: of the plots, within that of the trained part, where the other stages' histories lie.
        rows: the history of the part itself.
        validation: scores of the validation beats, which the ``threshold`` was set on.
    """
    plots.plot_history(_stages(folder.parent, rows), folder / "history.png")
    if (is_abnormal := fold.is_abnormal(fold.test)).any():
        plots.plot_curves(scores, is_abnormal, threshold, folder / "curves.png")
    plots.plot_scores(scores, fold.test.classes, threshold, folder / "scores.png")
    normal = validation[~fold.is_abnormal(fold.validation)], scores[~is_abnormal]
    if all(map(len, normal)):
        plots.plot_calibration(*normal, config.evaluate.false_alarm_rate, folder / "calibration.png")
    if generator is None:
        return
    _plot_rebuilt(folder, config, generator, fold, scores)
    if config.protocol.name == "series":
        _plot_strips(folder, generator, fold)


def _stages(part, rows):
    """The histories of a part's stages, by the names of their folders; the part's own comes last."""
    files = sorted(file for file in part.rglob("history.csv") if file.parent != part)
    return {file.parent.name: read_history(file) for file in files} | {part.name: rows}


def _plot_rebuilt(folder, config, generator, fold, scores):
    """Of each class the window with the median score: neither the best nor the worst."""
    medians = []
    for name in np.unique(fold.test.classes):
        rows = np.flatnonzero(fold.test.classes == name)
        medians.append(rows[np.argsort(scores[rows])[len(rows) // 2]])
    windows, titles = fold.test.windows[medians], fold.test.classes[medians]
    rebuilt = rebuild(generator, windows)
    examples = list(zip(titles, windows, rebuilt, residuals(windows, rebuilt), strict=True))
    is_beat = config.protocol.name != "series"
    milliseconds = (config.window.before, 1000 / RATE) if is_beat else None
    plots.plot_rebuilt(examples, folder / "rebuilt.png", milliseconds)


def _plot_strips(folder, generator, fold):
    """The first series of each class, every step with the mean residual of the windows that hold it."""
    for name in np.unique(fold.test.classes):
        record = fold.test.records[fold.test.classes == name][0]
        part = fold.test.take(fold.test.records == record)
        windows, length = part.windows, part.windows.shape[1]
        series = np.zeros((part.samples[-1] + length, windows.shape[2]))
        heat, count = np.zeros(len(series)), np.zeros(len(series))
        errors = residuals(windows, rebuild(generator, windows))
        for start, window, residual in zip(part.samples, windows, errors, strict=True):
            series[start : start + length] = window
            heat[start : start + length] += residual
            count[start : start + length] += 1
        plots.plot_strip(f"{name} {record}", series, heat / count, folder / f"strip-{name}.png")
