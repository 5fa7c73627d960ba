"""Flags for the device's samples, before any filter: does the electrode touch, does the amplifier follow?"""

import math

import numpy as np

from sibeat_edge.signal.filters import bridgeable

FINE, BRIDGED, MISSING, FLAT, SATURATED = range(5)  # the worse, the higher
REASONS = ("", "", "missing", "flat", "saturated")
FLAT_SECONDS = 0.25  # no heart gives the same value for so long
RAIL_SECONDS = 0.025  # an amplifier that stays at the highest or lowest value so far is saturated


class Contact:
    """Flags each sample of a stream as fine, bridged, missing (not finite), flat or saturated.

    A gap of no more samples than ``bridgeable`` is bridged: ``FillMissing`` puts a line there. A
    gap before a lead's first sample is never bridged.

    The flags do not depend on how the stream is cut into blocks.

    Args:
        rate: of the device, Hz.

    >>> contact = Contact(rate=4)
    >>> flags = contact.push(np.array([[0.0], [0.2], [np.nan], [np.nan], [0.1]]))
    >>> [REASONS[flag] for flag in [*flags, *contact.finish()]]
    ['', '', 'missing', 'missing', '']
    """

    def __init__(self, rate: float) -> None:
        self.flat = max(3, math.ceil(FLAT_SECONDS * rate))
        self.rail = max(3, math.ceil(RAIL_SECONDS * rate))
        self.bridged = bridgeable(rate)
        self._held: np.ndarray | None = None  # samples whose flags are not final

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Flags ``(samples,)``, int8, that have become final: those of the worst lead.

        A flag is final within 0.25 s, as only then a value is known to have stayed.

        Args:
            samples: ``(samples, leads)``, in any unit.
        """
        samples = np.asarray(samples, np.float64)
        samples = np.where(
            np.isfinite(samples), samples, np.nan
        )  # infinity must not count as the highest value
        if self._held is None:
            self._held = samples[:0]
            self._run = np.zeros(samples.shape[1], np.int64)  # samples of the value before the held ones
            self._before = np.full(samples.shape[1], np.nan)
            self._low, self._high = np.full((2, samples.shape[1]), np.nan)
            # Missing samples in a row before the held ones; before the first sample no gap is short.
            self._gap = np.full(samples.shape[1], self.bridged + 1)
        self._held = np.concatenate([self._held, samples])
        return self._release(len(self._held) - self.flat)

    def finish(self) -> np.ndarray:
        """The flags that are left, once the stream has ended."""
        return np.zeros(0, np.int8) if self._held is None else self._release(len(self._held))

    def _release(self, count):
        if count <= 0:
            return np.zeros(0, np.int8)
        flags = np.zeros(count, np.int8)
        for lead in range(self._held.shape[1]):
            flags = np.maximum(flags, self._flags(self._held[:, lead], lead, count))
        self._held = self._held[count:]
        return flags

    def _flags(self, values, lead, count):
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
        lengths = np.diff(np.append(starts, len(values)))
        goes_on = values[0] == self._before[lead]
        if goes_on:
            lengths[0] += self._run[lead]
        part, flags = values[:count], np.zeros(count, np.int8)
        if lengths.max() >= self.rail:  # else nothing is flat, nor at a rail
            length = np.repeat(lengths, np.diff(np.append(starts, len(values))))[:count]
            low = np.fmin.accumulate(np.append(self._low[lead], part))[1:]
            high = np.fmax.accumulate(np.append(self._high[lead], part))[1:]
            flags[length >= self.flat] = FLAT
            flags[(length >= self.rail) & ((part == low) | (part == high)) & (high > low)] = SATURATED
        self._low[lead] = np.fmin(self._low[lead], np.fmin.reduce(part))
        self._high[lead] = np.fmax(self._high[lead], np.fmax.reduce(part))
        missing = ~np.isfinite(values)
        if missing.any():
            self._flag_missing(flags, missing, lead)
        else:
            self._gap[lead] = 0
        last = np.searchsorted(starts, count - 1, side="right") - 1
        within = count - starts[last]
        self._run[lead] = within + (self._run[lead] if goes_on and last == 0 else 0)
        self._before[lead] = part[-1]
        return flags

    def _flag_missing(self, flags, missing, lead):
        count = len(flags)
        begins = np.flatnonzero(np.diff(missing, prepend=False) & missing)
        ends = np.flatnonzero(np.diff(missing, append=False) & missing) + 1
        sizes = ends - begins
        if len(begins) and begins[0] == 0:
            sizes[0] += self._gap[lead]
        for begin, end, size in zip(begins, ends, sizes, strict=True):
            flags[begin : min(end, count)] = (
                BRIDGED if size <= self.bridged and end < len(missing) else MISSING
            )
        if missing[count - 1]:
            within = count - begins[np.searchsorted(begins, count - 1, side="right") - 1]
            self._gap[lead] = within + (self._gap[lead] if within == count else 0)
        else:
            self._gap[lead] = 0
