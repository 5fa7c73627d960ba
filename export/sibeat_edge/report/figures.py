"""Figures of a report, as SVG texts: strips on ECG paper, worst beats with heat strips, rates over time.

They stand in the page itself, so that its style sheet gives their colours: light, dark, or printed.
"""

import functools
import io
import re
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from sibeat_edge.beats.form import KIND, STEP
from sibeat_edge.report.bins import Bin, time_unit
from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.findings import KindFound
from sibeat_edge.report.paper import (
    COLOURS,
    draw_paper,
    level,
    millimetres,
    room_for,
    strip_square,
    template_square,
    worst_square,
)
from sibeat_edge.report.performance import per_hour_told
from sibeat_edge.scorer import Beat
from sibeat_edge.signal.resampling import RATE

PIECE = 5.0  # s of a figure of a strip: 125 mm at 25 mm/s, which a phone has room for
MM = 1 / 25.4  # inches
SPEED = 25  # mm/s
LARGER = 3  # how many times the usual paper's size a template is drawn
ALARM, EARLY, FAINT = "#c00000", "#9a5b00", "#5c5c5c"
LEADS = "#000000", "#1f77b4", "#2ca02c", "#9467bd"  # first to fourth
NAMES = {  # of the style sheet's variables, by the colours that are drawn
    **dict(zip(COLOURS, ("grid-small", "grid"), strict=True)),
    **dict(zip(LEADS, ("ink", "second", "third", "fourth"), strict=True)),
    **{ALARM: "alarm", EARLY: "early", FAINT: "faint"},
}
QRS = 0.12, 0.28  # s before and after an alarm's R-peak that are drawn in its colour
AROUND = 1.0  # s on either side of a worst beat
BROAD, NARROW = 250, 98  # mm: widths of the rates, on a page and on a phone
SETTINGS: Any = {
    **{"font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "svg.fonttype": "none"},
    **{
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "axes.edgecolor": FAINT,
        "savefig.facecolor": "none",
    },
    **{"xtick.color": FAINT, "ytick.color": FAINT},
}
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

Arguments = ParamSpec("Arguments")


def _svg(draw: Callable[Arguments, Figure]) -> Callable[Arguments, str]:
    """Make ``draw``, which returns a figure, return the figure's SVG element."""

    @functools.wraps(draw)
    def drawn(*args: Arguments.args, **kwargs: Arguments.kwargs) -> str:
        text = io.StringIO()
        with matplotlib.rc_context(SETTINGS):
            figure = draw(*args, **kwargs)
            # Names are salted by the figure's size: of two widths one may be hidden, with what it defines.
            with matplotlib.rc_context({"svg.hashsalt": f"{figure.get_size_inches()}"}):
                figure.savefig(text, format="svg", metadata=NO_METADATA)
        svg = text.getvalue()
        return re.sub("|".join(NAMES), lambda found: f"var(--{NAMES[found[0]]})", svg[svg.index("<svg") :])

    return drawn


def strip_figures(excerpt: Excerpt, beats: Sequence[Beat]) -> list[tuple[float, str]]:
    """The excerpt on ECG paper, 5 s a figure: the time in s at which each begins, and the figure.

    Its ``beats`` are marked: V, S or a triangle for an alarm, a dot for none, a cross for not scored. Its
    leads stand one below the other.
    """
    signal, square = level(excerpt.samples), strip_square(excerpt, beats)
    volts = room_for(signal, square)
    known = np.flatnonzero(np.isfinite(signal).any(axis=1))
    # An excerpt may be longer than its recording.
    end = (known[-1] + 1 if len(known) else len(signal)) / excerpt.rate
    firsts = np.arange(0, max(end - 0.1, PIECE), PIECE)
    return [
        (float(excerpt.time + first), _piece(excerpt, signal, beats, float(first), volts, square))
        for first in firsts
    ]


@_svg
def _piece(excerpt, signal, beats, first, volts, square):
    tall, leads = millimetres(volts, square), signal.shape[1]
    figure = Figure(figsize=(SPEED * PIECE * MM, tall * leads * MM))
    time = np.arange(len(signal)) / excerpt.rate
    near = (time >= first - 0.05) & (time < first + PIECE + 0.05)
    places = [(beat, beat.time - excerpt.time) for beat in beats]
    for lead in range(leads):
        axis = figure.add_axes((0, 1 - (lead + 1) / leads, 1, 1 / leads))
        draw_paper(axis, (first, first + PIECE), volts, square)
        axis.plot(time[near], signal[near, lead], color=LEADS[0], linewidth=0.9)
        reason = ""
        for beat, place in places:
            if first - QRS[1] <= place < first + PIECE + QRS[0] and beat.alarm:
                own = near & (time > place - QRS[0]) & (time < place + QRS[1])
                axis.plot(time[own], signal[own, lead], color=_colour(beat), linewidth=1.1)
            if first <= place < first + PIECE:
                _mark(axis, beat, place, volts[1] - square / 2, reason)
                reason = beat.reason
    return figure


def _colour(beat):
    return EARLY if beat.kind == "S" else ALARM


def _mark(axis, beat, place, height, reason_before):
    if beat.score is None:
        axis.plot(place, height, "x", color=FAINT, markersize=4)
        if beat.reason != reason_before and place < axis.get_xlim()[1] - 0.6:  # there is room for the word
            axis.text(place + 0.07, height, beat.reason, fontsize=7, va="center", color=FAINT)
    elif beat.alarm and beat.kind:
        axis.text(place, height, beat.kind, ha="center", va="center", color=_colour(beat), weight="bold")
    elif beat.alarm:
        axis.plot(place, height, "v", color=ALARM, markersize=6)
    else:
        axis.plot(place, height, "o", color=FAINT, markersize=2.5)


def worst_figures(excerpts: Sequence[Excerpt], window: tuple[int, int]) -> list[str]:
    """The worst beats, each 2 s on ECG paper, with its residuals below if it has any.

    Args:
        excerpts: each with its beat.
        window: samples at 360 Hz that the model was shown, before the R-peak and from it on.
    """
    signals, square = [level(excerpt.samples) for excerpt in excerpts], worst_square(excerpts)
    volts = room_for(np.concatenate(signals), square)
    beats = [excerpt.beat for excerpt in excerpts if excerpt.beat is not None]
    residuals = [beat.residuals for beat in beats if beat.residuals is not None]
    hottest = max((values.max() for values in residuals), default=0) or 1.0
    return [
        _worst(excerpt, signal, window, volts, square, hottest)
        for excerpt, signal in zip(excerpts, signals, strict=True)
    ]


@_svg
def _worst(excerpt, signal, window, volts, square, hottest):
    residuals, tall = excerpt.beat.residuals, millimetres(volts, square)
    below = 12 if residuals is not None else 0  # mm for the heat strip and its axis
    figure = Figure(figsize=(2 * AROUND * SPEED * MM, (tall + below) * MM))
    axis = figure.add_axes((0, below / (tall + below), 1, tall / (tall + below)))
    draw_paper(axis, (-AROUND, AROUND), volts, square)
    axis.axvspan(-window[0] / RATE, window[1] / RATE, color=FAINT, alpha=0.14, linewidth=0)
    time = np.arange(len(signal)) / excerpt.rate - len(signal) / excerpt.rate / 2
    for lead in reversed(range(signal.shape[1])):
        axis.plot(time, signal[:, lead], color=LEADS[lead % len(LEADS)], linewidth=1.0)
    if residuals is not None:
        heat = figure.add_axes((0, 7 / (tall + below), 1, 4 / (tall + below)))
        extent = (-window[0] / RATE, window[1] / RATE, 0, 1)
        heat.imshow(
            residuals[None],
            aspect="auto",
            cmap="inferno",
            vmin=0,
            vmax=hottest,
            extent=extent,
            interpolation="nearest",
        )
        heat.set(xlim=axis.get_xlim(), yticks=[], xticks=[-0.5, 0, 0.5], xticklabels=["−0.5 s", "R", "0.5 s"])
        heat.tick_params(length=2, pad=1)
        heat.spines[:].set_visible(False)
    return figure


@_svg
def template_figure(templates: Sequence[np.ndarray], lead: int, window: tuple[int, int]) -> Figure:
    """A lead of the wearer's templates on ECG paper, three times the usual size, the second one thin.

    Args:
        templates: ``(length, leads)`` each, mV.
        lead: its number.
        window: as for ``worst_figures``.
    """
    square = template_square(templates)
    volts = room_for(np.concatenate(templates), square)
    time = np.arange(-window[0], window[1]) / RATE
    size = SPEED * (time[-1] - time[0]), millimetres(volts, square)
    figure = Figure(figsize=(LARGER * size[0] * MM, LARGER * size[1] * MM))
    axis = figure.add_axes((0, 0, 1, 1))
    draw_paper(axis, (time[0], time[-1]), volts, square, LARGER)
    for template, width_of_line in zip(templates, (2.0, 0.9), strict=False):
        axis.plot(time, template[:, lead], color=LEADS[lead % len(LEADS)], linewidth=width_of_line)
    return figure


def kind_figures(kinds: Sequence[KindFound]) -> list[str]:
    """The shape of each kind over that of the first one."""
    low, high = (limit([limit(kind.shape) for kind in kinds]) for limit in (min, max))
    return [_kind(kind, kinds[0], (low, high)) for kind in kinds]


@_svg
def _kind(kind, commonest, limits):
    figure = Figure(figsize=(34 * MM, 24 * MM))
    axis = figure.add_axes((0, 0.03, 1, 0.94))
    axis.set_axis_off()
    time = (STEP * np.arange(len(kind.shape)) - KIND[0] + KIND[0] % STEP) / RATE
    axis.plot(time, commonest.shape, color=FAINT, alpha=0.6, linewidth=0.9)
    colour = {"S": EARLY, "V": ALARM}.get(kind.kind, LEADS[0])
    axis.plot(time, kind.shape, color=colour, linewidth=1.4)
    axis.set(ylim=limits)
    return figure


@_svg
def rates_figure(
    bins: Sequence[Bin], set_for: float | None, width: float = BROAD, begin: float = 0.0
) -> Figure:
    """Alarms per hour, heart rate and what was not scored, over the recording.

    Args:
        bins: the parts of the recording, in order.
        set_for: false alarms per hour that the threshold was set for, or None.
        width: of the figure, mm.
        begin: the time of day of the recording's start in hours, or 0 to count from there.
    """
    tall = 95 if width >= BROAD else 80
    figure = Figure(figsize=(width * MM, tall * MM))
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(4, 3, 2))
    figure.subplots_adjust(19 / width, 10 / tall, 1 - 4 / width, 1 - 6 / tall, hspace=0.25)
    figure.align_ylabels()
    first, last, alarms, pulse, lost = (np.array(part, np.float64) for part in zip(*bins, strict=True))
    per_hour = alarms / (last - first)
    unit, factor = time_unit(last[-1])
    first, last = first * factor, last * factor
    share = 0.94 if len(bins) > 1 else 1.0
    edge: Any = {"align": "edge", "edgecolor": "none", "width": share * (last - first)}
    upper.bar(first, per_hour, color=ALARM, **edge)
    if set_for is not None:
        upper.axhline(set_for, color=LEADS[0], linestyle="--", linewidth=0.8)
        told = f"dashed: {per_hour_told(set_for)} false alarms per hour, which the threshold was set for"
        upper.set_title(told if width >= BROAD else told.partition(",")[0], loc="right")
    upper.set(ylabel="alarms/h", ylim=(0, None if np.nansum(per_hour) or set_for else 1))
    middle.plot((first + last) / 2, pulse, ".-", color=LEADS[0], linewidth=0.8)
    low, high = (np.nanmin(pulse), np.nanmax(pulse)) if np.isfinite(pulse).any() else (60, 60)
    middle.set(ylabel="beats/min", ylim=(10 * (low // 10 - 1), 10 * (high // 10 + 2)))
    lower.bar(first, 100 * lost, color=FAINT, **edge)
    lower.set(ylabel="not\nscored, %", ylim=(0, 100), xlabel=f"{unit} of the recording", xlim=(0, last[-1]))
    if begin and unit == "hours":
        step = next(step for step in (1, 2, 3, 6, 12, 24, 48, 168) if last[-1] / step <= width / 16)
        hours = np.arange(np.ceil(begin / step) * step, begin + last[-1], step)
        lower.set(
            xticks=hours - begin, xticklabels=[f"{hour % 24:.0f}:00" for hour in hours], xlabel="time of day"
        )
    for axis in (upper, middle, lower):
        axis.spines[["top", "right"]].set_visible(False)
    return figure
