"""The sections of a report that say what was found: episodes, and kinds of beats."""

from html import escape

from sibeat_edge.report.figures import kinds_figure, strip_figure
from sibeat_edge.report.html import duration, image, table
from sibeat_edge.report.scored import Scored

LISTED = 12  # episodes of a sort in the table
NAMES = {"N": "normal", "S": "supraventricular", "V": "ventricular"}


def episodes_section(scored: Scored) -> str:
    """The episodes with their times, and how the first of each sort begins; nothing without a template."""
    if not scored.manifest["wearer"]:
        return ""
    episodes = scored.episodes
    if not episodes:
        return "<h2>Episodes</h2><p>None was found.</p>"
    rows = []
    for what in dict.fromkeys(episode.what for episode in episodes):
        spans = [(e.start, e.start if e.end is None else e.end) for e in episodes if e.what == what]
        times = ", ".join(f"{duration(start)}–{duration(end)}" for start, end in spans[:LISTED])
        more = f", and {len(spans) - LISTED} more" if len(spans) > LISTED else ""
        whole = duration(sum(end - start for start, end in spans))
        rows.append((escape(what), times + more, f"{len(spans):,}", whole))
    return (
        "<h2>Episodes</h2>"
        + table(["", "from–to", "number", "h:mm:ss"], rows, numbers=2)
        + '<p class="caption">A run has three beats or more. Ectopic beats are frequent from 6 of 60 on. A '
        "pause lasts 3 s or longer; the heart is slow below 40 and fast above 120 beats a minute.</p>"
        + "".join(_strip(scored, what) for what in dict.fromkeys(row[0] for row in rows))
    )


def _strip(scored, what):
    """How an episode of a sort begins: the first one, unless later beats have taught that there was none."""
    if what not in scored.strips:
        return ""
    excerpt = scored.strips[what]
    last = excerpt.time + len(excerpt.samples) / excerpt.rate
    if not any(e.what == what and excerpt.time <= e.start < last for e in scored.episodes):
        return ""
    beats = [beat for beat in scored.beats if excerpt.time <= beat.time < last]
    text = f"{what.capitalize()}: how it begins"
    figure = strip_figure(excerpt, beats, scored.leads)
    return image(figure, text) + f'<p class="caption">{escape(text)}.</p>'


def kinds_section(scored: Scored) -> str:
    """A gallery of the kinds of beats: how many, when, and each shape over the wearer's own."""
    if not scored.kinds:
        return ""
    rows = [
        (str(number), NAMES[kind.kind], f"{kind.beats:,}", duration(kind.first), duration(kind.last))
        for number, kind in enumerate(scored.kinds, 1)
    ]
    return (
        "<h2>Kinds of beats</h2>"
        + image(kinds_figure(scored.kinds), "the mean beat of each kind over the commonest one's")
        + '<p class="caption">Beats that look alike, the commonest first. Black: the mean of the last ones, '
        "without slow swings and of one size; grey: that of the commonest kind.</p>"
        + table(["kind", "most of them", "beats", "first", "last"], rows, numbers=3)
    )
