"""Where in a beat it is abnormal, drawn as wide as a wave is, not as a tick."""

import numpy as np

WIDTH = 40  # samples at 360 Hz (111 ms)


def smoothed(maps: np.ndarray, width: int = WIDTH, axis: int = -1) -> np.ndarray:
    """The mean around each tick of maps, weighed by a Hann window.

    An anomaly is wider than a tick: of planted ones more are found so. Beyond a map's ends counts as nothing.

    Args:
        maps: of ticks along the ``axis``.
        width: of the window, in ticks; an even number.

    >>> smoothed(np.eye(1, 5, 2), width=4).round(2).tolist()
    [[0.0, 0.25, 0.5, 0.25, 0.0]]
    """
    weights = np.square(np.sin(np.arange(1, width) * np.pi / width))
    return np.apply_along_axis(np.convolve, axis, maps, weights / weights.sum(), "same")
