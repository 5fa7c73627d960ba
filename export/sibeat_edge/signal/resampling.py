"""From the device's sampling rate to 360 Hz, in blocks of any size."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy import signal as sps

RATE = 360  # Hz; everything after the resampler runs at this rate
LOWEST_RATE, HIGHEST_RATE = 1, 10_000  # Hz that the resampler accepts
FINEST = 10_000  # the largest number in a resampler's ratio


class Resampler:
    """Streaming polyphase resampler from ``rate`` Hz to 360 Hz, ``(samples,)`` or ``(samples, leads)``.

    The result equals that of scipy's ``resample_poly`` with its default anti-aliasing filter (Kaiser window,
    beta 5, ten zero crossings a side) to a thousandth of the signal's offset, except at the ends: the signal
    is continued by its first and last value.

    Raises ``ValueError`` for a rate that is not between 1 and 10,000 Hz.

    >>> resampler = Resampler(rate=180)
    >>> even = np.concatenate([resampler.push(np.ones(90)), resampler.finish()])
    >>> even.shape, bool(np.allclose(even, 1, atol=1e-3))
    ((180,), True)
    """

    def __init__(self, rate: float) -> None:
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"Sampling rate: found {rate} Hz, expected {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
        # The ratio of a whole rate is exact. Others are limited, as their numbers set the filter's size.
        ratio = Fraction(RATE / rate).limit_denominator(int(FINEST * min(1, rate / RATE)))
        self.up, self.down = ratio.numerator, ratio.denominator
        self._buffer: np.ndarray | None = None
        if self.up == self.down:
            return
        half = 10 * max(self.up, self.down)
        taps = sps.firwin(2 * half + 1, 1 / max(self.up, self.down), window=("kaiser", 5.0)) * self.up
        self._reach = half // self.up + 1  # inputs that one output needs on either side of its own place
        self._offsets = np.arange(-self._reach, self._reach + 1)
        places = np.arange(self.up)[:, None] - self._offsets * self.up + half
        inside = (places >= 0) & (places < len(taps))
        bank = np.where(inside, taps[places.clip(0, len(taps) - 1)], 0.0)  # (phases, offsets)
        # Each phase has a gain of 1 at 0 Hz: else a constant becomes a ripple, in which R-peaks are found.
        self._bank = bank / bank.sum(axis=1, keepdims=True)
        self._start = -self._reach  # input index of the buffer's first sample
        self._seen = 0
        self._made = 0

    def push(self, samples: npt.ArrayLike) -> np.ndarray:
        """Resample a block; returns the samples at 360 Hz that are final."""
        samples = np.asarray(samples, np.float64)
        if self.up == self.down or not len(samples):
            return samples
        if self._buffer is None:
            self._buffer = np.repeat(samples[:1], self._reach, axis=0)
        self._buffer = np.concatenate([self._buffer, samples])
        self._seen += len(samples)
        # Output n stands at input time n * down / up and needs inputs up to that time + reach.
        ready = max(0, (self._seen - self._reach) * self.up // self.down)
        return self._produce(ready)

    def finish(self) -> np.ndarray:
        """The last samples, once the signal has ended."""
        if self._buffer is None:
            return np.zeros(0)
        total = -(-self._seen * self.up // self.down)
        self._buffer = np.concatenate([self._buffer, np.repeat(self._buffer[-1:], self._reach + 1, axis=0)])
        return self._produce(total)

    def _produce(self, total):
        n = np.arange(self._made, max(self._made, total))
        centre, phase = np.divmod(n * self.down, self.up)
        out = np.zeros((len(n), *self._buffer.shape[1:]))
        for k, offset in enumerate(
            self._offsets
        ):  # one by one, as a fixed order of additions gives the same bits
            out += (self._bank[phase, k] * self._buffer[centre + offset - self._start].T).T
        self._made += len(n)
        keep_from = self._made * self.down // self.up - self._reach - self._start
        if keep_from > 0:
            self._buffer = self._buffer[keep_from:]
            self._start += keep_from
        return out
