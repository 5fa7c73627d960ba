"""Is a filtered beat's window a heartbeat at all, or noise?"""

import functools

import numpy as np

from sibeat_edge.signal.resampling import RATE

QRS = RATE // 10  # samples on either side of the R-peak that the QRS takes
SMOOTH = 18  # samples (50 ms) of the moving average that noise does not survive
AVERAGE = np.full(SMOOTH, 1 / SMOOTH)
LEAST = 0.05  # mV that a beat spans at least
# Of the window's span. Of MIT-BIH's beats as recorded, 0.5 % of the normal ones lie above it, 0.2 % of the
# ventricular and 0.8 % of the supraventricular; with muscle noise at 6 dB, 60 %.
NOISY = 0.03


def noise_reason(window, centre):
    """Why a filtered window ``(length, leads)`` in mV cannot be scored, or an empty text.

    ``flat``: it spans less than 0.05 mV. ``noisy``: outside of the QRS, what a moving average of 50 ms takes
    away is mostly (in the median, which the QRS of a close neighbour does not move) more than 3 % of the
    window's span, or not a number. The worst lead counts.

    Electrode motion often passes: its swings are as slow as an ectopic beat's, and what tells one from the
    other in a single window tells many abnormal beats from normal ones, too.
    """
    places = _outside(len(window), centre)
    for lead in np.asarray(window, np.float64).T:
        span = np.ptp(lead)
        if span < LEAST:
            return "flat"
        if len(places) and not np.isfinite(span):
            return "noisy"
        if len(places):
            fast = np.abs(lead - np.convolve(lead, AVERAGE, "same"))
            if _median(fast[places]) > NOISY * span:
                return "noisy"
    return ""


@functools.cache
def _outside(length, centre):
    """The ticks of a window that lie outside of the QRS and have a whole moving average."""
    places = np.arange(SMOOTH, length - SMOOTH)
    return places[np.abs(places - centre) >= QRS]


def _median(values):
    """NumPy's own takes longer than all else that is done here."""
    last = len(values) // 2
    first = last if len(values) % 2 else last - 1
    ordered = np.partition(values, (first, last))
    return (ordered[first] + ordered[last]) / 2
