"""Windows of a filtered lead around its R-peaks, or sliding along any series, and their normalisation."""

import numpy as np
import numpy.typing as npt

BEFORE, AFTER = 140, 180  # samples at 360 Hz before the R-peak, and from it on: a window of 320
HIGHEST = 3.0  # limit of a beat scaled by its wearer's template, which int8 has to represent


def beat_windows(
    signal: np.ndarray, rpeaks: npt.ArrayLike, before: int = BEFORE, after: int = AFTER
) -> tuple[np.ndarray, np.ndarray]:
    """Cut the window of each R-peak that fits inside the signal.

    Args:
        signal: ``(samples, channels)``.
        rpeaks: ``(beats,)`` sample numbers.
        before, after: samples of the window before the R-peak, and from it on.

    Returns:
        ``(kept, before + after, channels)`` float32 windows and the ``(beats,)`` mask of the R-peaks kept.
    """
    rpeaks = np.asarray(rpeaks, np.int64)
    kept = (rpeaks >= before) & (rpeaks + after <= len(signal))
    places = rpeaks[kept, None] + np.arange(-before, after)
    return np.asarray(signal[places], np.float32), kept


def sliding_windows(signal: np.ndarray, length: int, stride: int) -> np.ndarray:
    """All whole windows ``(windows, length, channels)`` that start at multiples of ``stride`` samples.

    Args:
        signal: ``(samples, channels)``.
        length, stride: in samples.
    """
    starts = np.arange(0, len(signal) - length + 1, stride)
    return np.asarray(signal[starts[:, None] + np.arange(length)], np.float32)


def normalise(windows: np.ndarray) -> np.ndarray:
    """Scale every channel of each window ``(..., length, channels)`` to [-1, 1] by its own extremes.

    A flat channel has no scale and becomes zero.
    """
    low, high = windows.min(axis=-2, keepdims=True), windows.max(axis=-2, keepdims=True)
    span = high - low
    scaled = 2 * (windows - low) / np.where(span > 0, span, 1) - 1
    return np.where(span > 0, scaled, 0).astype(np.float32)


def beside(window: np.ndarray, template: np.ndarray) -> np.ndarray:
    """A beat and its wearer's template, ``(length, leads)`` in mV, as one window ``(length, 2 · leads)``.

    Both are scaled so that each lead of the template goes from -1 to 1. So a beat that is higher than the
    template stays higher, up to ``HIGHEST``.
    """
    return besides(window[None], template[None])[0]


def besides(windows: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """As ``beside``, of many beats ``(beats, length, leads)``: ``(beats, length, 2 · leads)``."""
    low = np.minimum.reduce(templates, axis=1, keepdims=True)
    high = np.maximum.reduce(templates, axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1)
    leads, kind = windows.shape[2], np.result_type(windows, templates)
    both = np.empty((*windows.shape[:2], 2 * leads), np.float32)
    for part, place in ((windows, both[..., :leads]), (templates, both[..., leads:])):
        scaled = np.subtract(part, low, dtype=kind)  # one part after the other, as that keeps rows long
        scaled *= 2
        scaled /= span
        scaled -= 1
        np.maximum(scaled, -HIGHEST, out=scaled)
        np.minimum(scaled, HIGHEST, out=place, casting="same_kind")
    return both
