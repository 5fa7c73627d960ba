"""ECG paper: squares of 0.2 s and 0.5 mV, or of another height where beats would not fit on those."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.scorer import Beat

if TYPE_CHECKING:  # as what is drawn on the screen in letters needs no matplotlib
    from matplotlib.axes import Axes

SQUARE = 0.5  # mV of a large square: 10 mm a mV, the usual scale
SECONDS = (0.04, 0.2)  # s of a small and of a large square
SMALL = 0.2  # of a large square's height
TALL = 5  # mm of a large square
HEIGHTS = (0.05, 5.0)  # mV of beats that the usual scale shows; on the skin others are rare
FEWEST, MOST = 2, 8  # large squares that a beat takes on another scale
LEAST_ROOM, MOST_ROOM = 4, 12  # large squares that a figure has
COLOURS = "#f3c6c6", "#e59a9a"  # small and large squares
QRS = 0.12  # s around an R-peak in which a beat is highest


def square_for(heights: Iterable[float]) -> float:
    """The mV of a large square on which beats of these ``heights`` in mV can be read.

    It is 0.5. For beats that are too large or too small for that it is 1, 2 or 5 times a power of 10.

    >>> square_for([1.2, 1.4, 90]), square_for([220.0]), square_for([0.001]), square_for([])
    (0.5, 50.0, 0.0005, 0.5)
    """
    known = [height for height in heights if np.isfinite(height) and height > 0]
    height = float(np.median(known)) if known else 1.0
    if HEIGHTS[0] <= height <= HEIGHTS[1]:
        return SQUARE
    powers = [float(f"{step}e{power}") for power in range(-12, 13) for step in (1, 2, 5)]
    if height > HEIGHTS[1]:
        return next((square for square in powers if height <= MOST * square), powers[-1])
    return next((square for square in reversed(powers) if height >= FEWEST * square), powers[0])


def strip_square(excerpt: Excerpt, beats: Sequence[Beat]) -> float:
    """The mV of a large square of a strip with these ``beats``; without any its signal counts."""
    times = [beat.time - excerpt.time for beat in beats]
    heights = [_height(_around(excerpt, time)) for time in times]
    return square_for(heights or [_spread(excerpt.samples)])


def worst_square(excerpts: Iterable[Excerpt]) -> float:
    """The mV of a large square on which excerpts of a beat each are drawn."""
    return square_for(_height(_around(one, len(one.samples) / one.rate / 2)) for one in excerpts)


def template_square(templates: Iterable[np.ndarray]) -> float:
    """The mV of a large square on which templates ``(length, leads)`` are drawn."""
    return square_for(_height(template) for template in templates)


def _around(excerpt, time):
    first, last = (round((time + side) * excerpt.rate) for side in (-QRS, QRS))
    return excerpt.samples[max(first, 0) : max(last, 0)]


def _height(samples):
    """The largest height of a lead's samples, mV; NaN without samples."""
    known = samples[:, np.isfinite(samples).any(axis=0)] if len(samples) else np.zeros((0, 0))
    return float(np.max(np.nanmax(known, axis=0) - np.nanmin(known, axis=0))) if known.size else np.nan


def _spread(samples):
    """What 98 % of a signal's samples span, mV, of the lead where that is largest; NaN without samples."""
    known = samples[:, np.isfinite(samples).any(axis=0)]
    return (
        float(np.max(np.diff(np.nanquantile(known, [0.01, 0.99], axis=0), axis=0))) if known.size else np.nan
    )


def level(samples: np.ndarray) -> np.ndarray:
    """The signal ``(samples, leads)`` about its median."""
    known = np.isfinite(samples).any(axis=0)
    middle = np.zeros(samples.shape[1])
    middle[known] = np.nanmedian(samples[:, known], axis=0)
    return samples - middle


def room_for(signal: np.ndarray, square: float) -> tuple[float, float]:
    """Lowest and highest mV to show: whole large squares that hold nearly all of a signal about 0."""
    values = signal[np.isfinite(signal)] / square
    if not len(values):
        return -LEAST_ROOM / 2 * square, LEAST_ROOM / 2 * square
    low, high = np.quantile(values, [0.001, 0.999])
    low, high = np.floor(low), np.ceil(high) + 1  # room for the marks
    middle, span = (low + high) / 2, np.clip(high - low, LEAST_ROOM, MOST_ROOM)
    return (middle - span / 2) * square, (middle + span / 2) * square


def millimetres(volts: tuple[float, float], square: float) -> float:
    """The height of paper from the first to the second of these mV."""
    return TALL * (volts[1] - volts[0]) / square


def draw_paper(
    axis: "Axes", times: tuple[float, float], volts: tuple[float, float], square: float, size: float = 1.0
) -> None:
    """Draw the squares, and show these times, s, and voltages, mV, on paper ``size`` times the usual."""
    steps = zip(SECONDS, (SMALL * square, square), strict=True)
    for (across, up), colour, width in zip(steps, COLOURS, (0.3, 0.5), strict=True):
        x, y = (
            np.arange(np.ceil(low / step - 1e-6), high / step + 1e-6) * step
            for (low, high), step in ((times, across), (volts, up))
        )
        # All lines one way are one path, as the file would hold hundreds.
        for lines, ends, is_upright in ((x, volts, True), (y, times, False)):
            along, places = np.tile([*ends, np.nan], len(lines)), np.repeat(lines, 3)
            path = (places, along) if is_upright else (along, places)
            axis.plot(*path, color=colour, linewidth=width * size, zorder=0)
    axis.set(xlim=times, ylim=volts, xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def scale_told(square: float, size: float = 1.0) -> str:
    """The speed and the gain of paper ``size`` times the usual, and its squares.

    >>> scale_told(0.5)
    '25 mm/s and 10 mm/mV; a small square is 0.04 s by 0.1 mV, a large one 0.2 s by 0.5 mV'
    """
    (short, long), speed = SECONDS, size * TALL / SECONDS[1]
    return (
        f"{speed:g} mm/s and {size * TALL / square:g} mm/mV; a small square is {short:g} s by "
        f"{SMALL * square:g} mV, a large one {long:g} s by {square:g} mV"
    )


def scale(square: float) -> str:
    """What is said of a scale that is not the usual one; nothing of that.

    >>> scale(50), scale(0.5)
    ('large squares 50 mV', '')
    """
    return "" if square == SQUARE else f"large squares {square:g} mV"
