"""From evenly sampled leads to filtered ones: missing samples and the band-pass.

Every stage takes blocks of any size through ``push`` and gives the rest through ``finish``. The joined
outputs are the same bits, however the signal was cut. Offline processing is one ``push`` and one ``finish``.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft
from scipy import signal as sps

from sibeat_edge.signal.resampling import RATE

BAND = (3.0, 45.0)  # Hz
FIR_ORDER = 108
BRIDGED_SECONDS = 0.04  # the longest gap that is bridged
CHUNK = 180  # samples (0.5 s) that the band-pass filters at a time
TOGETHER = 32  # chunks that are transformed in one call, so that a long block needs no more memory


def bridgeable(rate: float) -> int:
    """Samples of the longest gap that is bridged at ``rate`` Hz: 40 ms, and at least one sample.

    >>> bridgeable(360), bridgeable(20)
    (14, 1)
    """
    return max(1, int(BRIDGED_SECONDS * rate + 1e-9))


class Stage(Protocol):
    """What every streaming stage has; ``process`` runs a whole signal through one.

    >>> process(FillMissing(), np.array([1.0, np.nan]))
    array([1., 1.])
    """

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take a block; return the samples that have become final."""
        ...

    def finish(self) -> np.ndarray:
        """The samples that are left, once the signal has ended."""
        ...


def band_pass_taps(band: tuple[float, float] = BAND, order: int = FIR_ORDER) -> np.ndarray:
    """Taps ``(2 * order + 1,)`` of the linear-phase band-pass of ``band`` (low, high) in Hz.

    The published preprocessing runs its FIR filter forwards and backwards (zero phase), which no device can
    do with a stream. The result equals one pass of the filter convolved with itself, which a device can run.

    Raises ``ValueError`` for a band outside of 0 to 180 Hz or an order that is odd or below 2.
    """
    if not 0 < band[0] < band[1] < RATE / 2 or order % 2 or order < 2:
        raise ValueError(
            f"Band-pass: found {band} Hz of order {order}; "
            f"expected 0 < low < high < {RATE // 2} and an even order."
        )
    once = sps.firwin(order + 1, band, pass_zero=False, fs=RATE)
    return np.convolve(once, once)


def _known(held):
    """Which samples are known, their places, and for each the place of the newest known one, or 0."""
    known = np.isfinite(held)
    places = np.arange(len(held)).reshape(-1, *[1] * (held.ndim - 1))
    return known, places, np.maximum.accumulate(np.where(known, places, 0), axis=0)


class FillMissing:
    """Fills missing (not finite) samples: short gaps by a straight line, longer ones by the last value.

    Before a lead's first sample it is zero. A gap counts as short up to ``longest`` samples; those at the end
    of a block are held back until it is known whether they are.

    Args:
        longest: samples of the longest gap that is bridged; 0 bridges none.

    >>> FillMissing().push([np.nan, 1.0, np.nan, 3.0])
    array([0., 1., 1., 3.])
    >>> process(FillMissing(longest=1), np.array([1.0, np.nan, 3.0, np.nan, np.nan, 0.0]))
    array([1., 2., 3., 3., 3., 0.])
    """

    def __init__(self, longest: int = 0) -> None:
        self._longest = longest
        # The last sample released, then those that wait, NaN in a gap that may still be short.
        self._held: np.ndarray | None = None

    def push(self, samples: npt.ArrayLike) -> np.ndarray:
        """The samples ``(samples,)`` or ``(samples, leads)`` that are final, filled."""
        samples = np.asarray(samples, np.float64)
        if not len(samples):
            return samples
        if self._held is None:
            self._held = np.zeros((1, *samples.shape[1:]))
            self._is_long = np.ones(samples.shape[1:], bool)  # whether the last sample is of a long gap
        last = len(self._held) - 1
        if not last and np.isfinite(samples).all():
            self._held, self._is_long = samples[-1:].copy(), np.zeros(samples.shape[1:], bool)
            return samples
        held = np.concatenate([self._held, samples])
        known, places, before = _known(held)
        after = np.minimum.accumulate(np.where(known, places, len(held))[::-1], axis=0)[::-1]
        is_short = (after - before - 1 <= self._longest) & ~(self._is_long & (before == last))
        filled = np.take_along_axis(np.where(known, held, 0.0), before, axis=0)
        end = np.take_along_axis(filled, np.minimum(after, len(held) - 1), axis=0)
        line = filled + (end - filled) * (places - before) / np.maximum(after - before, 1)
        filled = np.where(~known & is_short & (after < len(held)), line, filled)
        is_open = ~known & is_short & (after == len(held))
        self._is_long = ~known[-1] & ~is_open[-1]
        count = len(held) - 1 - int(is_open.sum(axis=0).max())
        self._held = np.where(is_open, np.nan, filled)[count:]
        return filled[1 : count + 1]

    def finish(self) -> np.ndarray:
        """The samples that are left, once the stream has ended: a gap at its end holds the last value."""
        if self._held is None or len(self._held) == 1:
            return np.zeros(0)
        known, _, newest = _known(self._held)
        return np.take_along_axis(np.where(known, self._held, 0.0), newest, axis=0)[1:]


class BandPass:
    """Streaming FIR band-pass whose delay (``order`` samples) is compensated.

    Input and output are ``(samples,)`` or ``(samples, leads)`` at 360 Hz, in any unit; output sample *n*
    belongs to input sample *n*. Beyond its ends the signal is continued by its first and last value.

    The signal is filtered by FFT in chunks of ``CHUNK`` samples, counted from the first one. So a long filter
    costs little, and the result does not depend on the blocks.

    Args:
        band: low and high in Hz.
        order: of the filter that ``band_pass_taps`` convolves with itself, even.

    >>> hum = 0.2 * np.sin(2 * np.pi * 80 * np.arange(720) / 360)
    >>> filtered = process(BandPass(), hum)
    >>> filtered.shape, bool(abs(filtered[200:-200]).max() < 1e-3)
    ((720,), True)
    """

    def __init__(self, band: tuple[float, float] = BAND, order: int = FIR_ORDER) -> None:
        self.taps = band_pass_taps(band, order)
        self.delay = (len(self.taps) - 1) // 2
        self._reach = len(self.taps) - 1
        self._size = fft.next_fast_len(self._reach + CHUNK, real=True)
        self._response = np.fft.rfft(self.taps, self._size)
        self._held: np.ndarray | None = None
        self._to_skip = self.delay
        self._seen = self._made = 0

    def push(self, samples: npt.ArrayLike) -> np.ndarray:
        """Filter a block; returns the samples that are final, at most ``delay + CHUNK`` behind the input."""
        samples = np.asarray(samples, np.float64)
        if not len(samples):
            return samples
        if self._held is None:
            self._held = np.repeat(samples[:1], self._reach, axis=0)
        self._held = np.concatenate([self._held, samples])
        self._seen += len(samples)
        chunks = (len(self._held) - self._reach) // CHUNK
        filtered = np.empty((chunks * CHUNK, *samples.shape[1:]))
        for first in range(0, len(filtered), CHUNK * TOGETHER):
            last = min(first + CHUNK * TOGETHER, len(filtered))
            part = self._held[first : last + self._reach]
            filtered[first:last] = self._filter(part).reshape(-1, *samples.shape[1:])
        self._held = self._held[len(filtered) :]
        skipped = min(self._to_skip, len(filtered))
        self._to_skip -= skipped
        self._made += len(filtered) - skipped
        return filtered[skipped:]

    def _filter(self, part):
        """The chunks ``(chunks, CHUNK)``, or with a third axis of leads, that a part of the signal makes.

        NumPy transforms row by row. SciPy takes some rows together, which may round differently, and then the
        result would depend on the blocks.
        """
        rows = sliding_window_view(part, self._reach + CHUNK, axis=0)[::CHUNK]
        product = np.fft.rfft(rows, self._size)
        product *= self._response
        made = np.fft.irfft(product, self._size)[..., self._reach : self._reach + CHUNK]
        return np.moveaxis(made, -1, 1)

    def finish(self) -> np.ndarray:
        """The last samples, once the signal has ended."""
        if self._held is None:
            return np.zeros(0)
        missing = self._seen - self._made
        return self.push(np.repeat(self._held[-1:], self.delay + CHUNK, axis=0))[:missing]


def process(stage: Stage, samples: np.ndarray) -> np.ndarray:
    """A whole signal through one streaming stage."""
    parts = [part for part in (stage.push(samples), stage.finish()) if len(part)]
    return np.concatenate(parts) if parts else samples[:0]
