"""Is a filtered beat's window a heartbeat at all, or noise?"""

import functools

import numpy as np

from sibeat_edge.signal.averages import moving_average
from sibeat_edge.signal.resampling import RATE

QRS = RATE // 10  # samples on either side of the R-peak that belong to the QRS
SMOOTH = 18  # samples (50 ms) of the moving average that removes noise
LEAST = 0.05  # mV that a beat spans at least
NOISY = 0.07  # share of the window's span, above which it is not scored
# The same share, up to which a wearer's template may learn from the window. As recorded, 0.2 % of DS1's
# normal beats lie above it and 0.1 % of the ventricular ones; with muscle noise at 6 dB, 26 % and 33 % do.
CLEAN = 0.05


def noise_reason(window: np.ndarray, centre: int) -> str:
    """Why a filtered window cannot be scored: ``flat``, ``noisy`` or, where it can, an empty text.

    A window is flat if it spans less than 0.05 mV. It is noisy if it holds what is not a number, or if its
    ``fast_share`` exceeds 7 %. The worst lead decides.

    Electrode motion passes. Its swings are as slow as an ectopic beat's, and a rule on one window that
    refused them would refuse many abnormal beats as well: ``Stretch`` judges several beats together.

    Args:
        window: ``(length, leads)``, mV.
        centre: place of the R-peak in it.
    """
    return noise_reasons(np.asarray(window)[None], centre)[0][0]


def noise_reasons(windows: np.ndarray, centre: int) -> tuple[list[str], np.ndarray]:
    """The ``noise_reason`` and the fast share ``(beats,)`` of each of the windows ``(beats, length, leads)``.

    The fast share is the fast part of a window outside of the QRS, as a share of its span; infinite if that
    is no number. The fast part is what a moving average of 50 ms removes. Its median counts, which the QRS of
    a close neighbour does not move. The largest of the leads counts.
    """
    leads = np.ascontiguousarray(np.moveaxis(np.asarray(windows, np.float64), 1, 2))
    spans, places = np.ptp(leads, axis=2), _outside(leads.shape[2], centre)
    shares = np.zeros(spans.shape)
    if len(places):
        average = moving_average(leads, SMOOTH)
        fast = np.abs(leads[:, :, places] - average[:, :, places - SMOOTH // 2])
        shares = np.where(spans > 0, _median(fast) / np.where(spans > 0, spans, 1), 0.0)
        shares = np.where(np.isfinite(spans), shares, np.inf)
    shares = shares.max(axis=1, initial=0.0)
    is_flat = (spans < LEAST).any(axis=1)
    reasons = np.where(is_flat, "flat", np.where(shares > NOISY, "noisy", "")).tolist()
    return reasons, shares


@functools.cache
def _outside(length, centre):
    """The places of a window outside of the QRS that the moving average covers in full."""
    places = np.arange(SMOOTH, length - SMOOTH)
    return places[np.abs(places - centre) >= QRS]


def _median(values):
    """As ``np.median`` along the last axis, which takes longer than everything else here."""
    last = values.shape[-1] // 2
    first = last if values.shape[-1] % 2 else last - 1
    ordered = np.partition(values, (first, last), axis=-1)
    return (ordered[..., first] + ordered[..., last]) / 2
