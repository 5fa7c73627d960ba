"""Windows of a filtered lead around its R-peaks, or sliding along any series, and their normalisation."""

import numpy as np

BEFORE, AFTER = 140, 180  # samples at 360 Hz before the R-peak, and from it on: a beat of 320
HIGHEST = 3.0  # of a beat scaled by its wearer's template: int8 has to hold it


def beat_windows(signal, rpeaks, before=BEFORE, after=AFTER):
    """Cut the window of each R-peak that fits inside the signal.

    Args:
        signal: ``(samples, channels)``.
        rpeaks: ``(beats,)`` sample numbers.

    Returns:
        ``(kept, before + after, channels)`` float32 windows and the ``(beats,)`` mask of the R-peaks kept.
    """
    rpeaks = np.asarray(rpeaks, np.int64)
    kept = (rpeaks >= before) & (rpeaks + after <= len(signal))
    places = rpeaks[kept, None] + np.arange(-before, after)
    return np.asarray(signal[places], np.float32), kept


def sliding_windows(signal, length, stride):
    """All whole windows ``(windows, length, channels)`` that start at multiples of ``stride`` samples."""
    starts = np.arange(0, len(signal) - length + 1, stride)
    return np.asarray(signal[starts[:, None] + np.arange(length)], np.float32)


def normalise(windows):
    """Scale every channel of each window ``(..., length, channels)`` to [-1, 1] by its own extremes.

    A flat channel has no scale and becomes zero.
    """
    low, high = windows.min(axis=-2, keepdims=True), windows.max(axis=-2, keepdims=True)
    span = high - low
    scaled = 2 * (windows - low) / np.where(span > 0, span, 1) - 1
    return np.where(span > 0, scaled, 0).astype(np.float32)


def beside(window, template):
    """A beat and the wearer's template ``(length, leads)``, in mV, as one window ``(length, 2 · leads)``.

    Both are scaled so that the template's leads go from -1 to 1: what a beat has too much of stays visible,
    up to ``HIGHEST`` times as much.
    """
    low, high = template.min(axis=0), template.max(axis=0)
    span = np.where(high > low, high - low, 1)
    both = np.concatenate([2 * (beat - low) / span - 1 for beat in (window, template)], axis=1)
    return np.clip(both, -HIGHEST, HIGHEST).astype(np.float32)
