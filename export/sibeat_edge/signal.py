"""From the device's samples to the filtered lead: resampling to 360 Hz and the 3-45 Hz band-pass.

Every stage takes blocks of any size through ``push`` and the rest through ``finish``; the outputs, joined,
are the same bits whatever the blocks were. Offline processing is one ``push`` and one ``finish``.
"""

from fractions import Fraction

import numpy as np
from scipy import fft
from scipy import signal as sps

RATE = 360  # Hz; everything after the resampler runs at this rate
BAND = (3.0, 45.0)  # Hz
FIR_ORDER = 108
CHUNK = 180  # samples (0.5 s) that the band-pass filters at a time
LOWEST_RATE, HIGHEST_RATE = 1, 10_000  # Hz, that the resampler takes


def band_pass_taps(band=BAND, order=FIR_ORDER):
    """Taps ``(2 * order + 1,)`` of the linear-phase band-pass of ``band`` (low, high) in Hz.

    The published preprocessing runs its FIR forwards and backwards (zero phase), which no device can
    do; forwards and backwards is one pass of the filter convolved with itself, and that a device can run.
    """
    if not 0 < band[0] < band[1] < RATE / 2 or order % 2 or order < 2:
        raise ValueError(
            f"Band-pass: found {band} Hz of order {order}; "
            f"expected 0 < low < high < {RATE // 2} and an even order."
        )
    once = sps.firwin(order + 1, band, pass_zero=False, fs=RATE)
    return np.convolve(once, once)


class FillMissing:
    """Holds the last value over missing (not finite) samples; a lead that starts with them starts at zero."""

    def __init__(self):
        self._last = None

    def push(self, samples):
        """The block ``(samples,)`` or ``(samples, leads)``, filled."""
        samples = np.asarray(samples, np.float64)
        if not len(samples):
            return samples
        if self._last is None:
            self._last = np.zeros((1, *samples.shape[1:]))
        known = np.isfinite(samples)
        if not known.all():
            joined = np.concatenate([self._last, np.where(known, samples, 0.0)])
            places = np.arange(1, len(joined)).reshape(-1, *[1] * (samples.ndim - 1))
            newest = np.maximum.accumulate(np.where(known, places, 0), axis=0)
            samples = np.take_along_axis(joined, newest, axis=0)
        self._last = samples[-1:]
        return samples

    def finish(self):
        """Nothing: no sample is held back."""
        return np.zeros(0)


class BandPass:
    """Streaming FIR band-pass, 3-45 Hz by default, its delay (``order`` samples) compensated.

    Input and output: ``(samples,)`` or ``(samples, leads)`` at 360 Hz, any unit; output sample *n* is in step
    with input sample *n*. The signal is continued by its first and last value beyond its ends. It is filtered
    in chunks of ``CHUNK`` samples counted from the first one, by FFT: a long filter costs little, and the
    same chunks are computed whatever the blocks were.
    """

    def __init__(self, band=BAND, order=FIR_ORDER):
        self.taps = band_pass_taps(band, order)
        self.delay = (len(self.taps) - 1) // 2
        self._reach = len(self.taps) - 1
        self._size = fft.next_fast_len(self._reach + CHUNK, real=True)
        self._response = fft.rfft(self.taps, self._size)
        self._held = None
        self._to_skip = self.delay
        self._seen = self._made = 0

    def push(self, samples):
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
        for first in range(0, len(filtered), CHUNK):
            part = self._held[first : first + self._reach + CHUNK]
            filtered[first : first + CHUNK] = self._filter(part)
        self._held = self._held[len(filtered) :]
        skipped = min(self._to_skip, len(filtered))
        self._to_skip -= skipped
        self._made += len(filtered) - skipped
        return filtered[skipped:]

    def _filter(self, part):
        if part.ndim == 2:  # lead by lead: a transform of several at once may round differently
            return np.stack([self._filter(lead) for lead in part.T], axis=1)
        product = fft.rfft(part, self._size) * self._response
        return fft.irfft(product, self._size)[self._reach : self._reach + CHUNK]

    def finish(self):
        """The last samples, once the signal has ended."""
        if self._held is None:
            return np.zeros(0)
        missing = self._seen - self._made
        return self.push(np.repeat(self._held[-1:], self.delay + CHUNK, axis=0))[:missing]


FINEST = 10_000  # the largest number of a resampler's ratio


class Resampler:
    """Streaming polyphase resampler from ``rate`` Hz to 360 Hz, ``(samples,)`` or ``(samples, leads)``.

    The anti-aliasing filter is scipy's ``resample_poly`` default (Kaiser window, beta 5, ten zero crossings a
    side), and so is the result, but for the ends: the signal is continued by its first and last value.

    Raises ``ValueError`` for a rate that is not between 1 and 10,000 Hz.
    """

    def __init__(self, rate):
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"Sampling rate: found {rate} Hz, expected {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
        # Exact for whole rates. Of odd ones neither number is large, nor then the filter.
        ratio = Fraction(RATE / rate).limit_denominator(int(FINEST * min(1, rate / RATE)))
        self.up, self.down = ratio.numerator, ratio.denominator
        self._buffer = None
        if self.up == self.down:
            return
        half = 10 * max(self.up, self.down)
        taps = sps.firwin(2 * half + 1, 1 / max(self.up, self.down), window=("kaiser", 5.0)) * self.up
        self._reach = half // self.up + 1  # inputs that one output needs on either side of its own place
        self._offsets = np.arange(-self._reach, self._reach + 1)
        places = np.arange(self.up)[:, None] - self._offsets * self.up + half
        inside = (places >= 0) & (places < len(taps))
        self._bank = np.where(inside, taps[places.clip(0, len(taps) - 1)], 0.0)  # (phases, offsets)
        self._start = -self._reach  # input index of the buffer's first sample
        self._seen = 0
        self._made = 0

    def push(self, samples):
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

    def finish(self):
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
        for k, offset in enumerate(self._offsets):  # one by one: a fixed order of additions, the same bits
            out += (self._bank[phase, k] * self._buffer[centre + offset - self._start].T).T
        self._made += len(n)
        keep_from = self._made * self.down // self.up - self._reach - self._start
        if keep_from > 0:
            self._buffer = self._buffer[keep_from:]
            self._start += keep_from
        return out


def process(stage, samples):
    """A whole signal through one streaming stage."""
    parts = [part for part in (stage.push(samples), stage.finish()) if len(part)]
    return np.concatenate(parts) if parts else samples[:0]
