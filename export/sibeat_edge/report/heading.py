"""How a report begins: what was recorded and scored, and what its words mean."""

from datetime import date
from html import escape

import sibeat_edge
from sibeat_edge.report.html import duration
from sibeat_edge.report.scored import Scored


def head_section(scored: Scored, written: date | None) -> str:
    """What was recorded, when, and by what it was scored."""
    began = f"Recorded from {escape(scored.start.told())} on. " if scored.start else ""
    today = f" on {written.day} {written:%B %Y}" if written else ""
    return (
        f"<h1>Record {escape(scored.name)}</h1><p>{began}"
        f"{duration(scored.seconds)} (h:mm:ss) of lead {escape(', '.join(scored.leads))} "
        f"at {scored.rate:g} Hz, scored by the model <b>{escape(scored.manifest['name'])}</b> "
        f"and sibeat {sibeat_edge.__version__}{today}.</p>"
    )


def guide_section(scored: Scored) -> str:
    """What score, kind and quality mean, in a few sentences."""
    if scored.manifest["wearer"]:
        judged = (
            "A beat's <b>score</b> says how unlike the wearer's own usual beat it is. Score, shape and time "
            "settle its <b>kind</b>: normal, supraventricular (S: early, of the usual shape, whatever the "
            "score) or ventricular (V: of another shape); S and V are alarms."
        )
    else:
        judged = (
            "A beat's <b>score</b> says how unlike the normal beats that the model knows it is; above the "
            "threshold it is an alarm, of whatever <b>kind</b>."
        )
    return (
        f"<p>{judged} <b>Quality</b> says whether the signal was fit to be judged: where it was noisy, flat, "
        "or the electrodes moved, there is no score, and nothing is known of the beats there.</p>"
    )
