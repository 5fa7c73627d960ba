"""The section of a report that shows how alarms, heart rate and quality go over the recording."""

from sibeat_edge.report.bins import rate_bins
from sibeat_edge.report.figures import BROAD, NARROW, rates_figure
from sibeat_edge.report.html import image
from sibeat_edge.report.scored import Scored


def rates_section(scored: Scored) -> str:
    """The figure of the rates, for a page and for a phone."""
    bins, begin = rate_bins(scored), scored.start.clock / 3600 if scored.start else 0.0
    text = "alarms per hour, heart rate and what was not scored, over the recording"
    figures = (
        f'<div class="{kind}">{image(rates_figure(bins, scored.threshold_set_for, width, begin), text)}</div>'
        for kind, width in (("broad", BROAD), ("narrow", NARROW))
    )
    return f'<div class="keep"><h2>Alarms per hour</h2>{"".join(figures)}</div>'
