"""Clocks that come with samples or with packets of them: their rate, and where samples are lost."""

import math
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.limits import LONGEST
from sibeat_edge.reading.text.epochs import HUNDRED, is_of_hundreds
from sibeat_edge.signal.resampling import HIGHEST_RATE

JUMP = 0.05  # s off an even clock, from which samples are lost
LATE = 8  # packets in a row that must be late: a single one has come late, and no sample is lost
WAIT = 3.0  # s at least of such packets: where each sample has a stamp, those of a late packet all are late
SPAN = 10.0  # s in which the jitter shows
SMOOTHED = 0.5  # s of jitter, beyond which a clock is none
FINE = 0.99  # of the steps of an even clock are alike
LOWEST = 5  # Hz, below which the unit of a clock has been taken too long
PACKET, PART, FEW = 16, 65_536, 4096  # samples: of a packet, looked at together, that are few
WINDOW = 64  # packets, in most of which there is no gap
UNITS = {1.0: "s", 1e-3: "ms", 1e-6: "us", 1e-9: "ns"}
DAYS = 86_400.0  # s
ALIKE, SHARE = 0.05, 0.9  # by which steps differ at most, and how many of them, in an even clock
EARLY, MANY = 128, 100  # samples by which a stamp may be early, in a clock of so many that is not even


def thinned(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The times of samples as those of packets of at most 16, and their samples: a day has millions.

    A packet begins wherever the step before is longer than usual, goes back, or is no number. Where an even
    clock goes back, the sample before it is a packet, too, so that it shows.

    >>> times, counts = thinned(np.arange(100_000) / 250)
    >>> len(times), int(counts.sum())
    (6250, 100000)
    """
    if len(times) < FEW:
        return times, np.ones(len(times), np.int64)
    places = []
    for first in range(0, len(times), PART):
        steps = np.diff(times[first : first + PART])
        begins = np.zeros(len(steps) + 1, bool)
        begins[::PACKET] = True
        if len(steps):
            usual = np.median(steps)
            begins[1:] |= ~((steps >= 0) & (steps <= 1.5 * usual))
            if np.mean(np.abs(steps - usual) <= usual / 2) >= FINE:
                begins[:-1] |= steps < 0
        places.append(first + np.flatnonzero(begins))
    kept = np.concatenate(places)
    return times[kept], np.diff(np.append(kept, len(times)))


def told_unit(
    path: Path, times: np.ndarray, counts: np.ndarray, first: float = 0.0, known: float | None = None
) -> float:
    """How many s the unit of a clock is that does not state it: the longest with which the rate is an ECG's.

    Days have so short steps that they are told from s.

    Args:
        path: of the file, for errors.
        times, counts: as of ``stretches_of``, but in the unit, since the first.
        first: of the times as it is written: 100 ns since year 1 or 1601 are told by its size and the rate.
        known: the rate in Hz, if it is known.

    Raises ``RecordError`` as ``stretches_of``.

    >>> told_unit(Path("a"), np.array([0, 4, 8, 12]), np.ones(4, int))
    0.001
    """
    rate = _guessed_rate(*_packets(path, times, counts))
    if rate > HIGHEST_RATE:
        return DAYS
    if is_of_hundreds(first, rate / HUNDRED, known):
        return HUNDRED
    return next((unit for unit in UNITS if rate / unit >= LOWEST), 1.0)


def stretches_of(
    path: Path, times: np.ndarray, counts: np.ndarray
) -> tuple[float, list[tuple[float, int, int]]]:
    """The rate in Hz and the ``(time, first, end)`` of the stretches between gaps.

    Packets may come late by their way through the air; samples are lost where all that follow are late, too.

    Args:
        path: of the file, for errors.
        times: of each packet's first sample, s from any start; of each sample, if ``counts`` are 1.
        counts: samples of each packet.

    Raises ``RecordError`` for a clock that goes back, does not go on, has fewer than two times, or a rate or
    a length that no recording has.

    >>> stretches_of(Path("a"), np.array([0, 0.5, 1.0, 3.0]), np.array([50, 50, 50, 50]))
    (100.0, [(0.0, 0, 150), (3.0, 150, 200)])
    """
    times, counts = _packets(path, times, counts)
    # A first guess may drift, and cut where nothing is lost; but between the cuts it does not matter.
    guess = _guessed_rate(times, counts)
    if not (guess <= HIGHEST_RATE and times[-1] <= LONGEST):
        raise RecordError(
            f"{path}: found a clock of {guess:.4g} Hz and {times[-1] / 86_400:.4g} days; expected at most "
            f"{HIGHEST_RATE:g} Hz and {LONGEST / 86_400:.0f} days."
        )
    rate = _fitted_rate(times, counts, _stretches(times, counts, guess)) or guess
    stretches = []
    for start, first, last in _stretches(times, counts, rate):
        stretches.append((start, first, last))
        if len(stretches) > 3 + times[-1]:
            raise RecordError(
                f"{path}: found a clock that jumps more than once a second; expected an even one of "
                f"{rate:g} Hz."
            )
    return rate, stretches


def _stretches(times, counts, rate):
    """Yield the time of each stretch, and the numbers of its first sample and of the one behind its last."""
    ends = np.cumsum(counts)
    late = times - (ends - counts) / rate
    # What a packet is late by at least, together with those after it.
    wait = max(LATE, math.ceil(WAIT * rate / counts.mean()))
    after = np.minimum.accumulate(late[::-1])[::-1] if wait >= len(late) else _least(late, wait)
    begin, start, lag, jump = 0, 0.0, 0.0, _jump(late, counts, rate)
    while begin < len(times):
        end = _end(after, begin, lag, jump)
        first, last = int(ends[begin] - counts[begin]), int(ends[end - 1])
        yield start, first, last
        if end < len(times):
            lag = float(after[end])
            start = max(start + (last - first) / rate, last / rate + lag)
        begin = end


def _least(late, wait):
    """The least of each ``wait`` values in a row, by halves: there may be many."""
    least, size = np.pad(late, (0, wait - 1), mode="edge"), 1
    while size < wait:
        step = min(size, wait - size)
        least, size = np.minimum(least[:-step], least[step:]), size + step
    return least


def _jump(late, counts, rate):
    """How far off an even clock with this jitter samples are lost: the least of some packets varies, too.

    The jitter is by how much stamps become less late again, as none does behind a gap.
    """
    size = max(LATE, math.ceil(SPAN * rate / counts.mean()))
    parts = np.array_split(late, max(1, len(late) // size))
    jitter = float(np.median([(np.maximum.accumulate(part) - part).max() for part in parts]))
    return JUMP + jitter / 2 if JUMP < jitter <= SMOOTHED else JUMP


def _end(after, begin, lag, jump):
    """The number of the first packet behind ``begin`` with another lag."""
    place, size = begin + 1, 4096  # looked at by parts: there may be many stretches
    while place < len(after):
        off = np.abs(after[place : place + size] - lag) > jump
        if off.any():
            return place + int(np.argmax(off))
        place, size = place + size, 2 * size
    return len(after)


def _packets(path, times, counts):
    """The times, since the first, and the samples of packets; samples of one time are a packet."""
    if len(times) < 2 or not np.isfinite(times).all():
        what = "fewer than 2 times" if len(times) < 2 else "times that are no numbers"
        raise RecordError(f"{path}: found {what}; expected a clock, or the rate (--rate HZ).")
    times = times - times[0]
    early = np.maximum.accumulate(times) - times
    may_jitter = len(times) > MANY and _even_rate(times, counts) is None
    if may_jitter and 0 < early.max() * counts.sum() <= EARLY * np.ptp(times):
        times = times + early
    steps = np.diff(times)
    if (steps < 0).any():
        raise RecordError(
            f"{path}: found {times[1:][steps < 0][0]:g} s after a later time; expected a clock that does not "
            "go back, or the rate (--rate HZ)."
        )
    firsts = np.flatnonzero(np.concatenate(([True], steps > 0)))
    if len(firsts) < 2:
        raise RecordError(
            f"{path}: found a clock that does not go on; expected an even one, or the rate (--rate HZ)."
        )
    return times[firsts], np.add.reduceat(counts, firsts)


def _guessed_rate(times, counts):
    """The samples a second: of an even clock between most packets, else in most windows of some packets.

    Gaps are in few of them.
    """
    if (rate := _even_rate(times, counts)) is not None:
        return rate
    size = min(max(1, len(times) // 10), WINDOW)
    begins = np.cumsum(counts) - counts
    return float(np.median((begins[size:] - begins[:-size]) / (times[size:] - times[:-size])))


def _even_rate(times, counts):
    """The rate between those packets that follow one another evenly, if nearly all do; else None."""
    steps = np.diff(times)
    usual = np.median(steps / counts[:-1])
    is_alike = np.abs(steps - usual * counts[:-1]) <= ALIKE * usual * counts[:-1]
    if not usual > 0 or is_alike.mean() < SHARE:
        return None
    return float(counts[:-1][is_alike].sum() / steps[is_alike].sum())


def _fitted_rate(times, counts, stretches):
    """The rate that fits the packets' times best, by least squares within the stretches; 0 if none can."""
    begins = np.cumsum(counts) - counts
    product = square = seconds = 0.0
    for _, first, last in stretches:
        inside = slice(*np.searchsorted(begins, (first, last)))
        place, time = begins[inside] - begins[inside].mean(), times[inside] - times[inside].mean()
        product, square = product + float(place @ time), square + float(place @ place)
        seconds += float(times[inside][-1] - times[inside][0])
    if not product > 0:
        return 0.0
    rate = square / product
    # Times are rounded, so rates that differ by less than a sample over this time cannot be told apart.
    return float(round(rate)) if abs(rate - round(rate)) * seconds < 1 and round(rate) else rate
