"""The section of a report that shows how alarms, heart rate and quality go over the recording."""

import numpy as np

from sibeat_edge.report.figures import BROAD, LONG, NARROW, Bin, rates_figure
from sibeat_edge.report.html import image
from sibeat_edge.report.scored import Scored, mean_heart_rate


def rates_section(scored: Scored) -> str:
    """The figure of the rates, for a page and for a phone."""
    bins, begin = rate_bins(scored), scored.start.clock / 3600 if scored.start else 0.0
    text = "alarms per hour, heart rate and what was not scored, over the recording"
    figures = (
        f'<div class="{kind}">{image(rates_figure(bins, scored.threshold_set_for, width, begin), text)}</div>'
        for kind, width in (("broad", BROAD), ("narrow", NARROW))
    )
    return f'<div class="keep"><h2>Alarms per hour</h2>{"".join(figures)}</div>'


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
