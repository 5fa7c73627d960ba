"""Clocks that come with samples or with packets of them: their rate, and where samples are lost."""

from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError

JUMP = 0.05  # s off an even clock, from which samples are lost
LATE = 8  # packets in a row that must be late: a single one has come late, and no sample is lost


def stretches_of(
    path: Path, times: np.ndarray, counts: np.ndarray
) -> tuple[float, list[tuple[float, int, int]]]:
    """The rate in Hz and the ``(time, first, end)`` of the stretches between gaps.

    Packets may come late by their way through the air; samples are lost where all that follow are late, too.

    Args:
        path: of the file, for errors.
        times: of each packet's first sample, s from any start; of each sample, if ``counts`` are 1.
        counts: samples of each packet.

    Raises ``RecordError`` for a clock that goes back, does not go on, or has fewer than two times.

    >>> stretches_of(Path("a"), np.array([0, 0.5, 1.0, 3.0]), np.array([50, 50, 50, 50]))
    (100.0, [(0.0, 0, 150), (3.0, 150, 200)])
    """
    if len(times) < 2 or not np.isfinite(times).all():
        what = "fewer than 2 times" if len(times) < 2 else "times that are no numbers"
        raise RecordError(f"{path}: found {what}; expected a clock, or the rate (--rate HZ).")
    times = times - times[0]
    steps = np.diff(times)
    if (steps < 0).any():
        raise RecordError(
            f"{path}: found {times[1:][steps < 0][0]:g} s after a later time; expected a clock that does not "
            "go back."
        )
    firsts = np.flatnonzero(np.concatenate(([True], steps > 0)))  # samples of one time are a packet
    times, counts = times[firsts], np.add.reduceat(counts, firsts)
    rate = _rate(path, times, counts)
    ends = np.cumsum(counts)
    late = times - (ends - counts) / rate
    # What a packet is late by at least, together with those after it.
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(late, (0, LATE - 1), mode="edge"), LATE)
    after = windows.min(axis=1)
    stretches: list[tuple[float, int, int]] = []
    begin, start, lag = 0, 0.0, 0.0
    while begin < len(times):
        off = np.abs(after[begin:] - lag) > JUMP
        end = begin + max(1, int(np.argmax(off)) if off.any() else len(off))
        first, last = int(ends[begin] - counts[begin]), int(ends[end - 1])
        stretches.append((start, first, last))
        if len(stretches) > 3 + times[-1]:
            raise RecordError(
                f"{path}: found a clock that jumps more than once a second; expected an even one of "
                f"{rate:g} Hz."
            )
        if end < len(times):
            lag = float(after[end])
            start = max(start + (last - first) / rate, last / rate + lag)
        begin = end
    return rate, stretches


def _rate(path, times, counts):
    """The samples a second where the clock goes on evenly."""
    steps = np.diff(times)
    even = steps <= max(JUMP, 3 * float(np.median(steps))) if len(steps) else np.zeros(0, bool)
    seconds, samples = float(steps[even].sum()), int(counts[:-1][even].sum())
    if not seconds > 0:
        raise RecordError(f"{path}: found a clock that does not go on; expected an even one.")
    rate = samples / seconds
    # Times are rounded, so rates that differ by less than a sample over this time cannot be told apart.
    return float(round(rate)) if abs(rate - round(rate)) * seconds < 1 and round(rate) else rate
