"""Is a filtered beat's window a heartbeat at all, or noise?"""

import functools

import numpy as np

from sibeat_edge.signal.resampling import RATE

QRS = RATE // 10  # samples on either side of the R-peak that belong to the QRS
SMOOTH = 18  # samples (50 ms) of the moving average that removes noise
AVERAGE = np.full(SMOOTH, 1 / SMOOTH)
LEAST = 0.05  # mV that a beat spans at least
# Share of the window's span. As recorded, 0.2 % of DS1's normal beats lie above it and 0.1 % of the
# ventricular ones; with muscle noise at 6 dB, 31 % and 26 % do.
NOISY = 0.04


def noise_reason(window: np.ndarray, centre: int) -> str:
    """Why a filtered window cannot be scored: ``flat``, ``noisy`` or, where it can, an empty text.

    A window is flat if it spans less than 0.05 mV. It is noisy if it holds what is not a number, or if its
    ``fast_share`` exceeds 4 %. The worst lead decides.

    Electrode motion passes. Its swings are as slow as an ectopic beat's, and a rule on one window that
    refused them would refuse many abnormal beats as well: ``Stretch`` judges several beats together.

    Args:
        window: ``(length, leads)``, mV.
        centre: place of the R-peak in it.
    """
    spans = np.ptp(np.asarray(window, np.float64), axis=0)
    if (spans < LEAST).any():
        return "flat"
    return "noisy" if fast_share(window, centre) > NOISY else ""


def fast_share(window: np.ndarray, centre: int) -> float:
    """The fast part of a window outside of the QRS, as a share of its span; infinite if that is no number.

    The fast part is what a moving average of 50 ms removes. Its median counts, which the QRS of a close
    neighbour does not move. The largest of the leads is returned.

    Args:
        window, centre: as for ``noise_reason``.
    """
    places, shares = _outside(len(window), centre), [0.0]
    for lead in np.asarray(window, np.float64).T:
        span = np.ptp(lead)
        if len(places) and not np.isfinite(span):
            return np.inf
        if len(places) and span > 0:
            fast = np.abs(lead - np.convolve(lead, AVERAGE, "same"))
            shares.append(float(_median(fast[places]) / span))
    return max(shares)


@functools.cache
def _outside(length, centre):
    """The places of a window outside of the QRS that the moving average covers in full."""
    places = np.arange(SMOOTH, length - SMOOTH)
    return places[np.abs(places - centre) >= QRS]


def _median(values):
    """As ``np.median``, which takes longer than everything else here."""
    last = len(values) // 2
    first = last if len(values) % 2 else last - 1
    ordered = np.partition(values, (first, last))
    return (ordered[first] + ordered[last]) / 2
