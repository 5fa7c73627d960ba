"""The unit of samples that state none, guessed by the size of beats: mV, or what cannot be mV."""

from dataclasses import dataclass

import numpy as np

SECONDS = 60  # of the signal that are looked at
WINDOW = 2.0  # s in which at least one beat is
SLOPE = 0.04  # s in which an R-peak rises
MOST, LEAST = 20.0, 0.1  # mV that a beat's rise has at most, and at least if its unit is not mV
# Times the usual step, from which the largest is of a beat: in a wearer's it is 10 or more, in noise 5.
PEAKED = 8.0


@dataclass(frozen=True)
class Guess:
    """The likely unit of samples, as ``millivolts`` takes it, and what is told of it; empty for usual mV."""

    unit: str = "mV"
    told: str = ""


def guess_unit(samples: np.ndarray, rate: float) -> Guess:
    """The likely unit of ``samples`` ``(samples, leads)`` of an unknown one at ``rate`` Hz.

    Values in which beats are too large for mV are µV, or whole numbers above 0 of an amplifier: counts, of
    which the usual beat is taken for 1 mV. Values in which beats are too small for mV are V; where they may
    be noise as well, they stay mV, which is told.

    >>> lead = np.where(np.arange(2500) % 250 == 0, 1.0, 0.0)[:, None]
    >>> sizes = (1, 0), (900, 0), (300, 512), (1e-3, 0)
    >>> [guess_unit(lead * size + offset, 250).unit for size, offset in sizes]
    ['mV', 'uV', '300/mV', 'V']
    """
    beat, is_peaked = max(
        (_beat(lead, rate) for lead in np.asarray(samples, np.float64).T), default=(0.0, False)
    )
    if beat > MOST:
        values = samples[np.isfinite(samples)]
        is_counts = bool(
            (values == np.round(values)).all() and values.min() >= 0 and np.median(values) > beat
        )
        if is_counts or beat * 1e-3 > MOST:
            return Guess(
                f"{beat:.4g}/mV",
                f"beats of {beat:.4g}, which cannot be mV; took them for counts, {beat:.4g} a mV",
            )
        return Guess("uV", f"beats of {beat:.4g}, which cannot be mV; took them for uV")
    if LEAST <= 1e3 * beat <= MOST / 2:
        if is_peaked:
            return Guess("V", f"beats of {beat:.4g}, which cannot be mV; took them for V")
        return Guess(told=f"rises of {beat:.4g} at most, too small for beats in mV; took them for mV")
    return Guess()


def _beat(lead, rate):
    """The usual rise of a beat, and whether it stands out."""
    reach, window = max(1, round(SLOPE * rate)), max(2, round(WINDOW * rate))
    rises = np.abs(lead[reach:] - lead[:-reach])
    count = max(1, len(rises) // window)
    parts = [part[np.isfinite(part)] for part in np.array_split(rises[: SECONDS * round(rate)], count)]
    parts = [part for part in parts if len(part)]
    if not parts:
        return 0.0, False
    most, usual = (np.median([function(part) for part in parts]) for function in (np.max, np.median))
    return float(most), bool(most > PEAKED * usual)
