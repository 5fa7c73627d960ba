"""From the device's samples to the filtered lead: resampling to 360 Hz and the 3-45 Hz band-pass.

Every stage takes blocks of any size through ``push`` and the rest through ``finish``; the outputs, joined,
are the same bits whatever the blocks were. Offline processing is one ``push`` and one ``finish``.
"""

from fractions import Fraction

import numpy as np
from scipy import signal as sps

RATE = 360  # Hz; everything after the resampler runs at this rate
BAND = (3.0, 45.0)  # Hz
FIR_ORDER = 108
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


def _fir(taps, samples, state):
    # A trailing zero in the denominator keeps scipy on its sample-by-sample recursion, whose result does not
    # depend on how the samples were cut into blocks; its convolution path rounds differently at block edges.
    return sps.lfilter(taps, (1.0, 0.0), samples, axis=0, zi=state)


class BandPass:
    """Streaming FIR band-pass, 3-45 Hz by default, its delay (``order`` samples, 0.3 s) compensated.

    Input and output: ``(samples,)`` or ``(samples, leads)`` at 360 Hz, any unit; output sample *n* is in step
    with input sample *n*. The signal is continued by its first and last value beyond its ends.
    """

    def __init__(self, band=BAND, order=FIR_ORDER):
        self.taps = band_pass_taps(band, order)
        self.delay = (len(self.taps) - 1) // 2
        self._state = None
        self._to_skip = self.delay
        self._last = None

    def push(self, samples):
        """Filter a block; returns the samples that are final, ``self.delay`` behind the input."""
        samples = np.asarray(samples, np.float64)
        if not len(samples):
            return samples
        if self._state is None:
            steady = np.cumsum(self.taps[::-1])[::-1][1:]  # the state after an endless run of ones
            self._state = np.multiply.outer(steady, samples[0])
        self._last = samples[-1:]
        filtered, self._state = _fir(self.taps, samples, self._state)
        skipped = min(self._to_skip, len(filtered))
        self._to_skip -= skipped
        return filtered[skipped:]

    def finish(self):
        """The last samples, once the signal has ended."""
        if self._last is None:
            return np.zeros(0)
        return self.push(np.repeat(self._last, self.delay, axis=0))


class Resampler:
    """Streaming polyphase resampler from ``rate`` Hz to 360 Hz, ``(samples,)`` or ``(samples, leads)``.

    The anti-aliasing filter is scipy's ``resample_poly`` default (Kaiser window, beta 5, ten zero crossings a
    side), and so is the result, but for the ends: the signal is continued by its first and last value.

    Raises ``ValueError`` for a rate that is not between 1 and 10,000 Hz.
    """

    def __init__(self, rate):
        if not LOWEST_RATE <= rate <= HIGHEST_RATE:
            raise ValueError(f"Sampling rate: found {rate} Hz, expected {LOWEST_RATE} to {HIGHEST_RATE} Hz.")
        ratio = Fraction(RATE / rate).limit_denominator(10_000)  # exact for whole rates
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


def fill_missing(signal):
    """Hold the last value over missing (not finite) samples of ``(samples, leads)``.

    Returns the filled signal and the ``(samples,)`` mask of samples missing in any lead. A lead that starts
    with missing samples starts at zero.
    """
    missing = ~np.isfinite(signal)
    if not missing.any():
        return signal, np.zeros(len(signal), bool)
    last = np.maximum.accumulate(np.where(missing, -1, np.arange(len(signal))[:, None]), axis=0)
    filled = np.take_along_axis(signal, last.clip(0), axis=0)
    return np.where(last < 0, 0.0, filled).astype(signal.dtype), missing.any(axis=1)
