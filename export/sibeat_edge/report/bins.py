"""A recording in bins of time: alarms, heart rate, and what was not scored in each."""

from typing import TypeAlias

import numpy as np

from sibeat_edge.report.scored import Scored, mean_heart_rate

LONG, SHORT = 4, 1 / 30  # hours, below which a recording is shown in minutes, and in seconds

# Begin and end in hours, alarms or None where no beat was scored, heart rate in beats a minute or None, and
# the share that was not scored.
Bin: TypeAlias = tuple[float, float, int | None, float | None, float]


def rate_bins(scored: Scored) -> list[Bin]:
    """The recording in bins of an hour, or of 5 minutes if it is shorter than 4 hours.

    A rest shorter than half a bin belongs to the last bin.
    """
    hours = scored.seconds / 3600
    step = 1.0 if hours >= LONG else 1 / 12
    count = max(1, round(hours / step))
    edges = [*(number * step for number in range(count)), hours]
    rows: list[Bin] = []
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        beats = [beat for beat in scored.beats if begin <= beat.time / 3600 < end]
        first = round(begin * 3600)
        seconds = scored.reasons[first : max(first + 1, round(end * 3600))]
        is_scored = any(beat.score is not None for beat in beats)
        alarms = sum(beat.alarm for beat in beats) if is_scored else None
        rows.append((begin, end, alarms, mean_heart_rate(beats), float(np.mean(seconds != ""))))
    return rows


def time_unit(hours: float) -> tuple[str, float]:
    """The unit that a recording of so many hours is shown in, and how many are in an hour.

    >>> time_unit(24), time_unit(0.5), time_unit(0.01)
    (('hours', 1), ('minutes', 60), ('s', 3600))
    """
    return ("hours", 1) if hours >= LONG else ("minutes", 60) if hours >= SHORT else ("s", 3600)
