"""Integers of 24 bits, which NumPy does not have."""

import numpy as np


def signed24(data: np.ndarray) -> np.ndarray:
    """The integers (n,) int32 in ``data`` (3 n,) uint8, least significant byte first.

    >>> signed24(np.frombuffer(b"\\x01\\x00\\x00\\xff\\xff\\xff", np.uint8)).tolist()
    [1, -1]
    """
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = data.reshape(-1, 3)
    return wide.view("<i4")[:, 0] >> 8
