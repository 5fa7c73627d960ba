"""Where a beat is, by its likeness to the beats before it, and how much noise it holds.

A detector puts the R-peak on the highest sample. Where a QRS has two peaks of nearly the same height, it
takes now the one, now the other, and a window that is cut 25 ms off looks like an abnormal beat. So each
R-peak is moved to where its beat is most like one of the kinds of beats that the wearer has had lately. What
remains of the beat beside that kind is noise, or the beat is the first of its kind.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# Samples at 360 Hz of the beat's core, before the R-peak and from it on: QRS and T wave. The rest of a window
# holds the neighbouring beats at places that change with the heart rate.
CORE_BEFORE, CORE_AFTER = 70, 110
CORE = CORE_BEFORE + CORE_AFTER
REACH = 30  # samples (83 ms) by which an R-peak is moved at most
ROOM_BEFORE, ROOM_AFTER = CORE_BEFORE + REACH, CORE_AFTER + REACH  # that ``Aligner`` needs around an R-peak
KINDS = 4  # kept at most
NEAR = 0.7  # correlation with a kind from which an R-peak is moved to it
SAME = 0.8  # correlation from which a beat is of a kind
TIE = 0.1  # difference of correlation below which a beat is of both kinds
MEMORY = 8  # beats over which a kind's running mean forgets
STEP = 1 / 32  # samples by which a beat moves what is known of a kind's place
LASTING = 256  # beats over which a kind that does not come again is forgotten
ROUNDING = 1e-9  # share of a lead's largest value, below which a shape is its mean's rounding error
LEAST, MOST = -20.0, 40.0  # dB, between which a likeness lies


def core_ticks(centre: int) -> tuple[int, int]:
    """The first tick of the core, and the one behind its last, in a window whose R-peak is at ``centre``.

    >>> core_ticks(140)
    (70, 250)
    """
    return max(0, centre - CORE_BEFORE), centre + CORE_AFTER


class Placed(NamedTuple):
    """What the ``Aligner`` says of a beat.

    Attributes:
        offset: samples by which the R-peak is to be moved.
        snr: the beat's likeness to its kind as a signal-to-noise ratio in dB, or None if it is not known.

    >>> Placed(offset=-3, snr=12.5).offset
    -3
    """

    offset: int
    snr: float | None


class Aligner:
    """Places the beats of a stream, in order of time, by the kinds of beats before them.

    A kind is a running mean of beats that look alike. At most ``KINDS`` are kept; a new one takes the place
    of the one with the fewest recent beats, so that a burst of noise does not make the wearer's own
    forgotten.

    The likeness of a beat to a kind is the highest correlation *r* of their cores within ``REACH`` samples.
    A kind's beat with noise added has the signal-to-noise ratio *r*² / (1 - *r*²).

    A running mean of aligned beats would drift away from the R-peak, a sample in some minutes. So each kind
    keeps the median of the offsets that its beats were given, and moves by a sample, towards the R-peaks as
    they are found, where that median reaches one.

    >>> aligner, shape = Aligner(), np.exp(-np.square(np.arange(-100, 140) / 9.0))
    >>> aligner.push(shape)
    Placed(offset=0, snr=None)
    >>> aligner.push(np.roll(shape, 7)).offset
    7
    """

    def __init__(self) -> None:
        self._kinds = np.zeros((0, CORE))  # cores without their mean, of length 1
        self._counts: list[float] = []  # recent beats of each
        self._places: list[float] = []  # running median of the offsets of each, samples

    def push(self, around: np.ndarray) -> Placed:
        """Place the next beat.

        Args:
            around: the filtered lead ``(240,)`` at 360 Hz, ``ROOM_BEFORE`` samples before the R-peak and
                ``ROOM_AFTER`` from it on, mV.
        """
        return self.place(np.asarray(around)[None])[0]

    def place(self, arounds: np.ndarray) -> list[Placed]:
        """Place the next beats, ``(beats, 240)``, as ``push`` does one by one.

        What needs no kind is computed for all of them at once, row by row in the same bits as for one.
        """
        arounds = np.ascontiguousarray(arounds, np.float64)
        owns = _without_mean(arounds[:, REACH : REACH + CORE])
        lengths = np.sqrt(dot(owns, owns))
        is_flat = lengths <= ROUNDING * np.abs(arounds).max(axis=1)
        # A kind has no mean, so that those of the cores at other places do not count.
        centred = _without_mean(arounds)
        sums, squares = moving_sum(centred, CORE), moving_sum(np.square(centred), CORE)
        sizes = squares - np.square(sums) / CORE
        # Below this a core's size is the rounding error of the sums.
        sizes = np.sqrt(np.where(sizes > 1e-12 * dot(centred, centred)[:, None], sizes, np.inf))
        cores = sliding_window_view(centred, CORE, axis=1)
        placed = []
        for beat, around in enumerate(arounds):
            if is_flat[beat]:
                placed.append(Placed(0, None))
                continue
            self._counts = [count * (1 - 1 / LASTING) for count in self._counts]
            if self._counts:
                alike = dot(cores[beat], self._kinds[:, None])
                alike /= sizes[beat]
                placed.append(self._learn(around, alike))
            else:
                self._add(owns[beat] / lengths[beat])
                placed.append(Placed(0, None))
        return placed

    def _learn(self, around, alike):
        """Place a beat by the correlations ``(kinds, places)`` of its cores with the kinds, and learn it."""
        highest = np.maximum.reduce(alike, axis=1).tolist()
        kind = self._commonest(highest)
        place, best = int(alike[kind].argmax()), highest[kind]
        place = place if best >= NEAR else REACH
        core = around[place : place + CORE]
        core = _unit(core - np.add.reduce(core) / CORE)
        if best >= SAME:
            core -= self._kinds[kind]
            core /= MEMORY
            core += self._kinds[kind]
            self._kinds[kind] = _unit(core)
            self._counts[kind] += 1
            self._hold(kind, place - REACH)
        else:
            self._add(core)
        return Placed(place - REACH, _snr(max(highest)))

    def _commonest(self, alike):
        """The commonest kind that a beat is of, or the one it is most like.

        A noisy beat may have begun a kind at another place. Beats that are of the wearer's own kind as well
        must not move there.
        """
        highest = max(alike)
        least = max(SAME, highest - TIE)
        same = [kind for kind, value in enumerate(alike) if value >= least]
        if len(same) < 2:
            return alike.index(highest)
        return max(same, key=self._counts.__getitem__)

    def _hold(self, kind, offset):
        """Keep a kind at the place where most of its R-peaks are found."""
        away = offset - self._places[kind]
        self._places[kind] += STEP * ((away > 0) - (away < 0))
        if abs(self._places[kind]) >= 1:
            later = 1 if self._places[kind] > 0 else -1
            self._places[kind] -= later
            core = self._kinds[kind]
            core = np.append(core[:1], core[:-1]) if later > 0 else np.append(core[1:], core[-1:])
            core = core - core.mean()
            self._kinds[kind] = core / np.linalg.norm(core)

    def _add(self, core):
        if len(self._kinds) == KINDS:
            rarest = int(np.argmin(self._counts))
            self._kinds = np.delete(self._kinds, rarest, axis=0)
            del self._counts[rarest], self._places[rarest]
        self._kinds = np.concatenate([self._kinds, core[None]])
        self._counts.append(1.0)
        self._places.append(0.0)


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dot products along the last axis, in the bits of ``first @ second`` for each pair of vectors.

    A product of matrices may add in another order, which depends on how many vectors there are.

    >>> dot(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0])).tolist()
    [21.0, 43.0]
    """
    return np.matmul(first[..., None, :], second[..., None])[..., 0, 0]


def moving_sum(values: np.ndarray, width: int) -> np.ndarray:
    """Sums of ``width`` neighbours each along the last axis, ``(..., length - width + 1)``.

    >>> moving_sum(np.array([1.0, 2.0, 4.0]), 2).tolist()
    [3.0, 6.0]
    """
    return correlate(values, np.ones(width))


def correlate(values: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Dot products of ``part`` ``(..., width)`` with ``values`` at all places, ``(..., length - width + 1)``.

    >>> correlate(np.array([1.0, 2.0, 4.0]), np.array([1.0, -1.0])).tolist()
    [-1.0, -2.0]
    """
    return dot(sliding_window_view(values, part.shape[-1], axis=-1), part[..., None, :])


def _without_mean(values):
    return values - np.add.reduce(values, axis=-1, keepdims=True) / values.shape[-1]


def _unit(core):
    return core / math.sqrt(core.dot(core))


def _snr(correlation):
    """The signal-to-noise ratio in dB at which noise lowers a beat's correlation with its kind so far."""
    share = min(max(correlation, 0.0), 1.0) ** 2
    if share in (0.0, 1.0):
        return LEAST if share == 0.0 else MOST
    return min(max(10 * math.log10(share / (1 - share)), LEAST), MOST)
