"""Pictures of maps: simulated beats with planted anomalies, and below each what several maps say of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_sibeat.data.planted import BY_CLASS, KINDS
from keras_sibeat.evaluate import plots  # chooses the backend before pyplot
from keras_sibeat.evaluate.explained import explained_models
from keras_sibeat.evaluate.explaining import variants
from keras_sibeat.evaluate.known_places import Known, simulated_recordings, with_known_places
from keras_sibeat.evaluate.maps import difference
from keras_sibeat.train.run import Run
from sibeat_edge.beats.windows import BEFORE
from sibeat_edge.report.heat import smoothed
from sibeat_edge.signal.resampling import RATE

COLUMNS = 5
# Of a model, the first that it has.
SHOWN = ("residuals, smoothed", "rebuild error, smoothed", "gradients, smoothed", "occlusion")


def plot_examples(runs: Sequence[Run], path: Path) -> None:
    """Draw a simulated beat of each kind of anomaly, and the maps of the runs' first part.

    Args:
        runs: as ``explain`` takes them.
        path: of the PNG.
    """
    part = next(iter(runs[0].parts()))
    recordings = simulated_recordings(runs[0].config.data.lead_count)
    cut = with_known_places(recordings, [run.config for run in runs], each=1)
    found = cut[0].kinds.tolist()
    rows = np.array([found.index(kind) for kind in (*KINDS, *BY_CLASS) if kind in found])
    cut = [Known(known.kinds[rows], known.truth[rows], known.beats.take(rows)) for known in cut]
    first = cut[0].beats
    maps = {"difference, smoothed": smoothed(difference(first.arrays[0], first.usual))}
    for run, known in zip(runs, cut, strict=True):
        for name, model in explained_models(run, run.parts()[part]).items():
            made: dict[str, np.ndarray] = {}
            for kind, draw in model.maps.items():
                made |= variants(kind, draw(known.beats))
            kind = next(kind for kind in SHOWN if kind in made)
            maps[f"{name}: {kind}"] = made[kind]
    plot_maps(cut[0], maps, path)


def plot_maps(known: Known, maps: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw beats beside the usual one, the truth shaded, and below each beat a strip for every map.

    Args:
        known: a beat for each panel; the first lead is drawn.
        maps: ``(beats, length)`` each, by name.
        path: of the PNG.
    """
    rows = -(-len(known.kinds) // COLUMNS)
    heights = [*([6] + [1] * len(maps) + [3]) * rows][:-1]
    figure, axes = plots.plt.subplots(
        len(heights), COLUMNS, figsize=(13, 0.3 * sum(heights)), height_ratios=heights, squeeze=False
    )
    figure.subplots_adjust(0.22, 0.06, 0.99, 0.95, wspace=0.08, hspace=0.15)
    for axis in axes.flat:
        axis.set_axis_off()
    for number in range(len(known.kinds)):
        top = number // COLUMNS * (len(maps) + 2)
        upper, *strips = axes[top : top + len(maps) + 1, number % COLUMNS]
        _draw_beat(upper, known, number)
        for axis, (name, values) in zip(strips, maps.items(), strict=True):
            _draw_strip(axis, values[number], last=axis is strips[-1])
            if number % COLUMNS == 0:
                axis.text(-0.04, 0.5, name, transform=axis.transAxes, ha="right", va="center", fontsize=9)
    plots.save_figure(figure, path)


def _draw_beat(axis, known, number):
    times = (np.arange(known.truth.shape[1]) - BEFORE) / RATE
    axis.axis("on")
    axis.plot(times, known.beats.usual[number, :, 0], color="0.6", linewidth=1.2)
    axis.plot(times, known.beats.arrays[0][number, :, 0], color="k", linewidth=1)
    inside = times[known.truth[number]]
    axis.axvspan(inside[0], inside[-1], color="tab:orange", alpha=0.25, linewidth=0)
    axis.set(xlim=(times[0], times[-1]), xticks=[], yticks=[])
    axis.set_title(known.kinds[number], fontsize=10)


def _draw_strip(axis, values, last):
    axis.axis("on")
    # Each strip has a scale of its own, as maps are in different units.
    axis.imshow(values[None], aspect="auto", cmap="inferno", vmin=0, extent=(-BEFORE / RATE, 0.5, 0, 1))
    axis.set(yticks=[], xticks=[-0.25, 0, 0.25] if last else [])
    axis.tick_params(labelsize=8)
    if last:
        axis.set_xlabel("s from the R-peak", fontsize=8)
