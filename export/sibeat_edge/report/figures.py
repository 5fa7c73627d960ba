"""Figures of a report, as SVG texts: strips on ECG paper, worst beats with heat strips, rates over time."""

import functools
import io
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeAlias

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sibeat_edge.beats.form import KIND, STEP
from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.findings import KindFound
from sibeat_edge.report.paper import (
    draw_paper,
    level,
    millimetres,
    room_for,
    scale,
    strip_square,
    template_square,
    worst_square,
)
from sibeat_edge.scorer import Beat
from sibeat_edge.signal.resampling import RATE

ROW = 10.0  # s of a strip's row: 250 mm at 25 mm/s
MM = 1 / 25.4  # inches
RED = "#c00000"
LEADS = "k", "tab:blue", "tab:green", "tab:purple"  # first to fourth
QRS = 0.12, 0.28  # s before and after an alarm's R-peak that are drawn in red
WARM = 22  # mm between rows of worst beats that have heat strips
LONG, SHORT = 4, 1 / 30  # hours, below which a recording is shown in minutes, and in seconds
WIDTH, GAP = 262, 7  # mm: width of a figure, and distance between the rows of a strip
KINDS_A_ROW = 8
SETTINGS: Any = {"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "svg.hashsalt": "sibeat"}


# Begin and end in hours, alarms or None where no beat was scored, heart rate in beats a minute or None, and
# the share that was not scored.
Bin: TypeAlias = tuple[float, float, int | None, float | None, float]
Arguments = ParamSpec("Arguments")


def _svg(draw: Callable[Arguments, Figure]) -> Callable[Arguments, str]:
    """Make ``draw``, which returns a figure, return the figure's SVG text."""

    @functools.wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        text = io.StringIO()
        with matplotlib.rc_context(SETTINGS):
            draw(*args, **kwargs).savefig(text, format="svg", metadata={"Date": None})
        return text.getvalue()

    return drawn


@_svg
def strip_figure(excerpt: Excerpt, beats: Sequence[Beat], leads: Sequence[str]) -> Figure:
    """The excerpt on ECG paper, 10 s a row, its ``beats`` marked: alarm, no alarm, not scored."""
    signal, square = level(excerpt.samples), strip_square(excerpt, beats)
    time = np.arange(len(signal)) / excerpt.rate
    volts = room_for(signal, square)
    tall = millimetres(volts, square)
    known = np.flatnonzero(np.isfinite(signal).any(axis=1))
    end = time[known[-1]] if len(known) else time[-1]  # an excerpt may be longer than its recording
    rows = [(first, lead) for first in np.arange(0, max(end, ROW), ROW) for lead in range(len(leads))]
    height = len(rows) * (tall + GAP)
    figure = Figure(figsize=(WIDTH * MM, height * MM))
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    figure.subplots_adjust(6 / WIDTH, 2 / height, 1 - 6 / WIDTH, 1 - (GAP - 2) / height, hspace=GAP / tall)
    for axis, (first, lead) in zip(axes, rows, strict=True):
        draw_paper(axis, (first, first + ROW), volts, square)
        part = (time >= first) & (time < first + ROW)
        axis.plot(time[part], signal[part, lead], color="k", linewidth=0.8)
        title = filter(None, (_clock(excerpt.time + first), leads[lead], scale(square)))
        axis.set_title("   ".join(title), loc="left", pad=2)
        for beat in beats:
            place = beat.time - excerpt.time
            if first <= place < first + ROW:
                _mark(axis, beat, place, volts[1] - square / 4)
                near = part & (time > place - QRS[0]) & (time < place + QRS[1])
                axis.plot(time[near], signal[near, lead], color=RED, linewidth=beat.alarm)
    return figure


def _mark(axis, beat, place, height):
    if beat.score is None:
        axis.plot(place, height, "x", color="k", markersize=4)
        axis.text(place + 0.07, height, beat.reason, fontsize=7, va="center")
    elif beat.alarm:
        axis.plot(place, height, "v", color=RED, markersize=6)
    else:
        axis.plot(place, height, "o", color="0.45", markersize=2.5)


@_svg
def worst_figure(excerpts: Sequence[Excerpt], window: tuple[int, int]) -> Figure:
    """The worst beats, each 2 s on ECG paper, with its residuals below if it has any.

    Args:
        excerpts: at most 8, each with its beat.
        window: samples at 360 Hz that the model was shown, before the R-peak and from it on.
    """
    signals, square = [level(excerpt.samples) for excerpt in excerpts], worst_square(excerpts)
    volts = room_for(np.concatenate(signals), square)
    beats = [excerpt.beat for excerpt in excerpts if excerpt.beat is not None]
    residuals = [beat.residuals for beat in beats if beat.residuals is not None]
    hottest = max((values.max() for values in residuals), default=0) or 1.0
    tall = millimetres(volts, square)
    step = tall + (WARM if residuals else GAP)
    width, height = WIDTH / 4, step * -(-len(excerpts) // 4)
    figure = Figure(figsize=(WIDTH * MM, height * MM))

    def axis_at(left: float, top: float, tall: float) -> Axes:
        return figure.add_axes((left / WIDTH, 1 - (top + tall) / height, (width - 5) / WIDTH, tall / height))

    for number, (excerpt, beat, signal) in enumerate(zip(excerpts, beats, signals, strict=True)):
        left, top = 2.5 + number % 4 * width, GAP - 2 + number // 4 * step
        axis = axis_at(left, top, tall)
        _beat(axis, excerpt, signal, window, volts, square)
        if beat.residuals is not None:
            _heat(axis_at(left, top + tall + 1, 5), beat.residuals, hottest, window, axis.get_xlim())
    return figure


def _beat(axis, excerpt, signal, window, volts, square):
    around = len(signal) / excerpt.rate / 2
    draw_paper(axis, (-around, around), volts, square)
    axis.axvspan(-window[0] / RATE, window[1] / RATE, color="0.5", alpha=0.12, linewidth=0)
    axis.set_prop_cycle(color=LEADS)
    axis.plot(np.arange(len(signal)) / excerpt.rate - around, signal, linewidth=0.9)
    mark = "alarm" if excerpt.beat.alarm else "doubted" if excerpt.beat.doubted else "no alarm"
    why = f": {excerpt.beat.why}" if excerpt.beat.why else ""
    title = f"{_clock(excerpt.beat.time)}   score {excerpt.beat.score:.4g}   {mark}{why}"
    axis.set_title(title, color=RED if excerpt.beat.alarm else "k", pad=2)


def _heat(axis, residuals, hottest, window, times):
    axis.imshow(
        residuals[None],
        aspect="auto",
        cmap="inferno",
        vmin=0,
        vmax=hottest,
        extent=(-window[0] / RATE, window[1] / RATE, 0, 1),
        interpolation="nearest",
    )
    axis.set(xlim=times, yticks=[], xticks=[-0.5, 0, 0.5], xlabel="s from the R-peak")
    axis.spines[:].set_visible(False)


@_svg
def template_figure(templates: Sequence[np.ndarray], window: tuple[int, int], leads: Sequence[str]) -> Figure:
    """The wearer's templates on ECG paper, the second one thin.

    Args:
        templates: ``(length, leads)`` each, mV.
        window: as for ``worst_figure``.
        leads: their names.
    """
    square = template_square(templates)
    volts = room_for(np.concatenate(templates), square)
    tall = millimetres(volts, square)
    width, height = WIDTH / 4 * len(leads), tall + GAP
    figure = Figure(figsize=(width * MM, height * MM))
    time = np.arange(-window[0], window[1]) / RATE
    for lead, name in enumerate(leads):
        left = (2.5 + lead * WIDTH / 4) / width
        axis = figure.add_axes((left, 2 / height, (WIDTH / 4 - 5) / width, tall / height))
        draw_paper(axis, (time[0], time[-1]), volts, square)
        for template, width_of_line in zip(templates, (1.2, 0.6), strict=False):
            axis.plot(time, template[:, lead], color=LEADS[lead % len(LEADS)], linewidth=width_of_line)
        axis.set_title(name, loc="left", pad=2)
    return figure


@_svg
def kinds_figure(kinds: Sequence[KindFound]) -> Figure:
    """The shape of each kind over that of the first one, eight a row."""
    rows = -(-len(kinds) // KINDS_A_ROW)
    figure = Figure(figsize=(WIDTH * MM, 30 * rows * MM))
    axes = figure.subplots(rows, KINDS_A_ROW, squeeze=False).ravel()
    figure.subplots_adjust(0.01, 0.02, 0.99, 1 - 6 / (30 * rows), hspace=0.35, wspace=0.08)
    low, high = (limit([limit(kind.shape) for kind in kinds]) for limit in (min, max))
    for axis in axes:
        axis.set_axis_off()
    for number, (axis, kind) in enumerate(zip(axes, kinds, strict=False), 1):
        time = (STEP * np.arange(len(kind.shape)) - KIND[0] + KIND[0] % STEP) / RATE
        axis.plot(time, kinds[0].shape, color="0.65", linewidth=0.8)
        axis.plot(time, kind.shape, color="k", linewidth=1.0)
        axis.set(ylim=(low, high))
        colour = "k" if kind.kind == "N" else RED
        axis.set_title(f"{number}: {kind.kind}, {kind.beats:,} beats", color=colour, pad=2)
    return figure


@_svg
def rates_figure(bins: Sequence[Bin], set_for: float | None) -> Figure:
    """Alarms per hour, heart rate and what was not scored, over the recording.

    Args:
        bins: the parts of the recording, in order.
        set_for: false alarms per hour that the threshold was set for, or None.
    """
    figure = Figure(figsize=(WIDTH * MM, 95 * MM))
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(4, 3, 2))
    figure.subplots_adjust(14 / WIDTH, 10 / 95, 1 - 3 / WIDTH, 1 - 6 / 95, hspace=0.2)
    figure.align_ylabels()
    begin, end, alarms, pulse, lost = (np.array(part, np.float64) for part in zip(*bins, strict=True))
    per_hour = alarms / (end - begin)
    unit, factor = ("hours", 1) if end[-1] >= LONG else ("minutes", 60) if end[-1] >= SHORT else ("s", 3600)
    begin, end = begin * factor, end * factor
    upper.bar(begin, per_hour, end - begin, align="edge", color=RED, alpha=0.75, edgecolor="white")
    if set_for is not None:
        upper.axhline(set_for, color="k", linestyle="--", linewidth=0.8)
        title = f"dashed: the {set_for:.3g} false alarms per hour that the threshold was set for"
        upper.set_title(title, loc="right")
    upper.set(ylabel="alarms per hour", ylim=(0, None if np.nansum(per_hour) or set_for else 1))
    middle.plot((begin + end) / 2, pulse, "k.-", linewidth=0.8)
    low, high = (np.nanmin(pulse), np.nanmax(pulse)) if np.isfinite(pulse).any() else (60, 60)
    middle.set(ylabel="heart rate, 1/min", ylim=(10 * (low // 10 - 1), 10 * (high // 10 + 2)))
    lower.bar(begin, 100 * lost, end - begin, align="edge", color="0.6", edgecolor="white")
    lower.set(ylabel="not scored, %", ylim=(0, 100), xlabel=f"{unit} of the recording", xlim=(0, end[-1]))
    for axis in (upper, middle, lower):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def _clock(seconds):
    """h:mm:ss.s"""
    tenths = round(seconds * 10)
    return f"{tenths // 36000}:{tenths // 600 % 60:02d}:{tenths % 600 / 10:04.1f}"
