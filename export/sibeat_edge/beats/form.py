"""The form of a beat beside the wearer's template: what the judges of beats look at, for many beats at once.

Each beat is computed by itself, in the same bits however many are computed together.
"""

import functools
from typing import NamedTuple

import numpy as np

from sibeat_edge.beats.alignment import correlate, dot
from sibeat_edge.beats.windows import BEFORE
from sibeat_edge.signal.averages import moving_average

# Samples at 360 Hz before the R-peak, and from it on.
QRS = (25, 35)
KIND = (40, 80)
STEP = 3  # of the samples of a kind's shape: 120 Hz, as the band-pass leaves nothing above 45 Hz
INSIDE = (30, 40)  # left out where the rest of a window is compared
SHIFT = 30  # samples by which a QRS may be displaced
SLOW, SLOWER = 54, 108  # samples (150 and 300 ms) of the moving averages that take swings away


class Form(NamedTuple):
    """What is judged of a beat's first lead.

    Attributes:
        likeness: of the QRS to the template's, as ``qrs_likeness`` has it.
        outside: distance from the template outside of the QRS, in half the template's height.
        shape: by which kinds are told apart, as ``shape_of`` has it.

    >>> view = np.tile(np.exp(-np.square(np.arange(-140, 180) / 8.0))[:, None], 2)
    >>> (form,) = forms(view[None])
    >>> round(form.likeness, 6), form.outside, form.shape.shape
    (1.0, 0.0, (40,))
    """

    likeness: float
    outside: float
    shape: np.ndarray


def forms(views: np.ndarray, centre: int = BEFORE) -> list[Form]:
    """The ``Form`` of each beat.

    Args:
        views: ``(beats, length, 2 · leads)``, ``beside(window, template)`` of each.
        centre: place of the R-peak in a window.
    """
    leads, templates = views[:, :, 0], views[:, :, views.shape[2] // 2]
    likeness = qrs_likeness(leads, templates, centre).tolist()
    outside = _distances(leads, templates, centre).tolist()
    return [Form(*one) for one in zip(likeness, outside, shape_of(leads, centre), strict=True)]


def qrs_likeness(leads: np.ndarray, templates: np.ndarray, centre: int = BEFORE) -> np.ndarray:
    """The highest correlation of a template's QRS with a lead, within ``SHIFT`` samples of its place.

    Both go without what a moving average of 150 ms keeps, so that an electrode's swing changes little. 0 if
    the template's QRS is flat.

    Args:
        leads, templates: one lead each, ``(..., length)``, on one scale.
        centre: place of the R-peak.

    Returns:
        ``(...)``, one for each pair.
    """
    qrs = without_swings(templates, SLOW, *_part(templates, centre, *QRS))
    around = without_swings(leads, SLOW, *_part(leads, centre, QRS[0] + SHIFT, QRS[1] + SHIFT))
    width = qrs.shape[-1]
    squares = np.maximum(moving_average(np.square(around), width), 0.0)
    sizes = np.sqrt(squares * (width * dot(qrs, qrs)[..., None]))
    return (correlate(around, qrs) / np.maximum(sizes, 1e-9)).max(axis=-1)


def shape_of(leads: np.ndarray, centre: int) -> np.ndarray:
    """The shape by which kinds are told apart: ``(..., 40)`` around the R-peak, without slow swings.

    It is sampled at 120 Hz. The R-peak is one of its samples.

    Args:
        leads: of beats' windows, ``(..., length)``.
        centre: place of the R-peak.
    """
    first, last = _part(leads, centre, *KIND)
    return without_swings(leads, SLOWER, first + (centre - first) % STEP, last, STEP)


def without_swings(
    leads: np.ndarray, width: int, first: int = 0, last: int | None = None, step: int = 1
) -> np.ndarray:
    """Leads ``(..., length)`` without their moving average; their ends go on as they are.

    Args:
        width: of the moving average, samples.
        first, last: the part that is wanted, from ``first`` to before ``last``; all of it by default.
        step: of its samples, of which others are left out.
    """
    last = leads.shape[-1] if last is None else last
    around = leads[..., _reached(leads.shape[-1], width, first, last)]
    return leads[..., first:last:step] - moving_average(around, width)[..., ::step]


@functools.cache
def _reached(length, width, first, last):
    """The places that the moving averages of a part take in, those beyond the ends being the ends."""
    return np.arange(first - width // 2, last + width - 1 - width // 2).clip(0, length - 1)


def _part(leads, centre, before, after):
    """The places from ``before`` the R-peak to ``after`` it, as far as they are there."""
    return max(0, centre - before), min(centre + after, leads.shape[-1])


def _distances(leads, templates, centre):
    """Standard deviation of each beat's difference from its template, outside of the QRS."""
    apart = (leads - templates).astype(np.float64)
    before, after = max(0, centre - INSIDE[0]), centre + INSIDE[1]
    outside = np.concatenate([apart[..., :before], apart[..., after:]], axis=-1)
    count = outside.shape[-1]
    if not count:
        return np.zeros(len(leads))
    mean = np.add.reduce(outside, axis=-1) / count
    return np.sqrt(np.maximum(dot(outside, outside) / count - mean * mean, 0.0))
