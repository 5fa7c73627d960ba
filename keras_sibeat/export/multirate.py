"""The band-passes as a microcontroller computes them: at a third of the rate.

A filter that ends at 45 Hz needs no 360 samples a second. A short low-pass takes every third sample, the
band-pass runs on those, and the same short low-pass puts the samples between back. The band-pass makes up for
what the low-pass takes away within its band, so that the whole has the response of the taps in the manifest,
to some 1e-6, for a fifth of the multiplications. All of them are symmetric: half of the taps are kept.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal as sps

from sibeat_edge.signal.filters import band_pass_taps
from sibeat_edge.signal.resampling import RATE

FACTOR = 3  # by which the rate is lowered
BANK = 45  # taps of the low-pass, odd
FLAT = 25.0  # Hz up to which the low-pass is flat; what it takes from there on, the band-pass puts back
ENDS = 52.0  # Hz above which the band-passes let nothing pass, and which what is folded back must not reach
NOTHING = 1e-5  # gain that lets nothing pass
MORE = 12  # taps on either side, beyond those of the band-pass, that make up for the low-pass
GRID = 2400  # frequencies at which the responses are fitted
STOP_WEIGHT = 1000.0  # of the low-pass's stop band


@dataclass(frozen=True)
class Multirate:
    """Filters of a lead at the lowered rate, each the half from its middle tap on.

    Attributes:
        factor: by which the rate is lowered; 1 where the band of the windows is too wide for it.
        bank: the low-pass ``(taps,)``, before every ``factor``-th sample is taken and after they are put
            apart.
        window, detector: the band-passes ``(taps,)`` of the windows and of the R-peak detector.
        error: largest difference of the responses from those of the taps in the manifest, what is folded
            back included.

    >>> multirate((0.67, 45.0), 540).factor
    3
    """

    factor: int
    bank: np.ndarray
    window: np.ndarray
    detector: np.ndarray
    error: float


def multirate(band: tuple[float, float], order: int) -> Multirate:
    """The filters for windows of a band-pass of ``band`` (low, high) in Hz and ``order``."""
    wanted = [band_pass_taps(band, order), band_pass_taps()]
    above = np.linspace(ENDS, RATE / 2, GRID)
    if np.abs(response(_half(wanted[0]), above, RATE)).max() > NOTHING:
        window, detector = (_half(taps).astype(np.float32) for taps in wanted)
        return Multirate(1, np.ones(1, np.float32), window, detector, 0.0)
    slow = RATE / FACTOR
    bank = _half(sps.remez(BANK, [0, FLAT, slow - ENDS, RATE / 2], [1, 0], weight=[1, STOP_WEIGHT], fs=RATE))
    bank = bank.astype(np.float32)
    window, detector = (_fit(taps, bank) for taps in wanted)
    error = max(_error(taps, bank, half) for taps, half in zip(wanted, (window, detector), strict=True))
    return Multirate(FACTOR, bank, window, detector, error)


def response(half: np.ndarray, frequencies: np.ndarray, rate: float) -> np.ndarray:
    """Gain ``(frequencies,)`` of a symmetric filter without its delay, of which ``half`` is given."""
    return _cosines(len(half), frequencies, rate) @ half.astype(np.float64)


def _half(taps):
    return taps[len(taps) // 2 :]


def _cosines(count, frequencies, rate):
    angles = 2 * np.pi * np.outer(frequencies, np.arange(count)) / rate
    return np.cos(angles) * np.where(np.arange(count) == 0, 1.0, 2.0)


def _fit(taps, bank):
    """The band-pass at the lowered rate that, between two low-passes, has the response of ``taps``."""
    slow = RATE / FACTOR
    frequencies = np.linspace(0, slow / 2, GRID)
    around = response(bank, frequencies, RATE) ** 2
    basis = _cosines(len(taps) // 2 // FACTOR + 1 + MORE, frequencies, slow) * around[:, None]
    half, *_ = np.linalg.lstsq(basis, response(_half(taps), frequencies, RATE), rcond=None)
    return half.astype(np.float32)


def _error(taps, bank, half):
    """Largest difference of the response, and gain of what is folded back or put apart wrongly."""
    slow = RATE / FACTOR
    low = np.linspace(0, slow / 2, GRID)
    core, around = response(half, low, slow), response(bank, low, RATE)
    straight = np.abs(core * around**2 - response(_half(taps), low, RATE))
    folded = [
        np.abs(core * around * response(bank, np.abs(turn - low), RATE)) for turn in (slow, -slow, 2 * slow)
    ]
    return float(max(straight.max(), *(part.max() for part in folded)))
