"""Anomalies planted into windows of a series: in one channel, for a while, at a place that is known."""

import numpy as np

SHARE = 0.25  # of a window's length: how long an anomaly lasts
SEEN = 0.2  # change of a window, scaled to [-1, 1], below which an anomaly is drawn again
DRAWS = 20
KINDS = ("bump", "held", "backwards", "pasted")


def plant_in_windows(
    windows: np.ndarray, kind: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The windows with an anomaly each; those are left out in which none could be seen.

    A ``bump`` is added; a channel is ``held`` where it was, runs ``backwards``, or does what it does in
    another window at another time (``pasted``).

    Args:
        windows: ``(windows, length, channels)``, scaled to [-1, 1].
        kind: one of ``KINDS``.
        rng: draws channel, place and size.

    Returns the changed windows, the mask of what was changed, both of one shape, and the numbers of the
    windows that they were made of.

    >>> made, truth, _ = plant_in_windows(np.zeros((3, 64, 4)), "bump", np.random.default_rng(0))
    >>> made.shape, truth.any(axis=1).sum(axis=1).tolist()  # one channel each
    ((3, 64, 4), [1, 1, 1])
    """
    if kind not in KINDS:
        raise ValueError(f"plant_in_windows: found the kind {kind!r}, expected one of {', '.join(KINDS)}.")
    count, length, channels = windows.shape
    lasts = round(SHARE * length)
    made, truth, kept = [], [], []
    for row, window in enumerate(windows):
        for _ in range(DRAWS):
            channel, first = rng.integers(channels), rng.integers(length - lasts + 1)
            part = np.s_[first : first + lasts]
            changed = window.copy()
            changed[part, channel] = _changed(window[part, channel], kind, rng, windows[:, :, channel])
            if np.abs(changed - window).max() >= SEEN:
                mask = np.zeros(window.shape, bool)
                mask[part, channel] = True
                made.append(changed)
                truth.append(mask)
                kept.append(row)
                break
    shape = (-1, length, channels)
    return np.reshape(made, shape), np.reshape(truth, shape).astype(bool), np.array(kept, np.int64)


def _changed(values, kind, rng, channel):
    """The values of a part of one channel, all windows' ``channel`` (windows, length) beside them."""
    if kind == "held":
        return np.full_like(values, values[0])
    if kind == "backwards":
        return values[::-1]
    if kind == "pasted":
        first = rng.integers(channel.shape[1] - len(values) + 1)
        return channel[rng.integers(len(channel)), first : first + len(values)]
    size = rng.choice([-1, 1]) * rng.uniform(0.3, 0.6)
    return values + size * np.hanning(len(values))
