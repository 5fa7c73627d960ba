"""What a map of a window is worth, beside the truth of where the anomaly lies.

Maps are ``(windows, places)``, larger = more abnormal; the truth is a mask of the same shape. Places are the
ticks of a beat, or the ticks and channels of a series, flattened.
"""

from collections.abc import Callable, Sequence

import numpy as np

# Of the places, at which a deletion curve is measured.
SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)


def pointing(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The pointing game (Zhang et al. 2018): whether a map's highest place lies in the truth ``(windows,)``.

    >>> pointing(np.array([[0.0, 2.0, 1.0]]), np.array([[False, True, False]])).tolist()
    [True]
    """
    return truth[np.arange(len(maps)), np.argmax(maps, axis=1)]


def hottest(maps: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The mask of the highest places of each map: as many as ``counts`` (windows,) says.

    >>> hottest(np.array([[3.0, 1.0, 2.0]]), np.array([2])).tolist()
    [[True, False, True]]
    """
    order = np.argsort(-maps, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(maps.shape[1])[None], axis=1)
    return ranks < np.asarray(counts)[:, None]


def overlap(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Intersection over union ``(windows,)`` of the truth and as many of a map's highest places.

    >>> overlap(np.array([[9.0, 8.0, 1.0, 0.0]]), np.array([[False, True, True, False]])).round(4).tolist()
    [0.3333]
    """
    found = hottest(maps, truth.sum(axis=1))
    return (found & truth).sum(axis=1) / np.maximum((found | truth).sum(axis=1), 1)


def deletion(
    score: Callable[[np.ndarray], np.ndarray],
    windows: np.ndarray,
    usual: np.ndarray,
    maps: np.ndarray,
    shares: Sequence[float] = SHARES,
) -> np.ndarray:
    """Scores ``(shares, windows)`` while a map's highest places become what is usual (Petsiuk et al. 2018).

    Args:
        score: from windows to their scores ``(windows,)``.
        windows, usual: ``(windows, length, channels)``; ``usual`` has the channels, from the first, that are
            to be replaced.
        maps: ``(windows, length)``, for all channels alike, or ``(windows, length · channels)``.
        shares: of the places that have become usual.
    """
    count, length, channels = usual.shape
    rows = []
    for share in shares:
        kept = ~hottest(maps, np.full(count, round(share * maps.shape[1])))
        rows.append(score(replaced(windows, usual, kept.reshape(count, length, -1))))
    return np.array(rows)


def replaced(windows: np.ndarray, usual: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Windows of which the share ``kept``, to be broadcast, is left and the rest ``usual``.

    >>> replaced(np.full((1, 1, 2), 3.0), np.ones((1, 1, 1)), np.zeros((1, 1, 1))).tolist()
    [[[1.0, 3.0]]]
    """
    made = windows.copy()
    channels = usual.shape[-1]
    made[..., :channels] = usual + kept * (windows[..., :channels] - usual)
    return made


def deletion_area(curves: np.ndarray, shares: Sequence[float] = SHARES) -> float:
    """The area under the mean of deletion ``curves`` (shares, windows), from 1 at its begin to 0 at its end.

    Small where a few of the highest places hold what raised the score; 0.5 where all places bring the same.
    NaN where the score of what is usual is as high, so that there is nothing to be explained.

    >>> deletion_area(np.array([[8.0], [4.0], [0.0]]), shares=(0, 0.5, 1))
    0.5
    """
    curve = curves.mean(axis=1)
    height = curve[0] - curve[-1]
    if height <= 0:
        return float("nan")
    left = (curve - curve[-1]) / height
    return float(np.sum(np.diff(shares) * (left[1:] + left[:-1])) / 2)


def agreement(maps: np.ndarray, others: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How alike two maps of the same windows are.

    Returns ``correlation``, the mean of Pearson's over windows; ``same_place``, the share of windows whose
    highest places are at most 8 ticks apart; and ``overlap``, the mean intersection over union of the
    highest places, as many as each window's truth has.
    """
    centred = [part - part.mean(axis=1, keepdims=True) for part in (maps, others)]
    norms = np.sqrt(np.prod([np.square(part).sum(axis=1) for part in centred], axis=0))
    products = (centred[0] * centred[1]).sum(axis=1)
    alike = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    apart = np.abs(np.argmax(maps, axis=1) - np.argmax(others, axis=1))
    return {
        "correlation": float(alike.mean()),
        "same_place": float(np.mean(apart <= 8)),
        "overlap": float(overlap(others, hottest(maps, truth.sum(axis=1))).mean()),
    }
