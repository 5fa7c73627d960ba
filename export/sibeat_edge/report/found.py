"""The sections of a report that say what was found: in a sentence, episodes, and kinds of beats."""

from html import escape

from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.figures import kind_figures, strip_figures
from sibeat_edge.report.html import duration, figure, jump, row, table
from sibeat_edge.report.scored import Scored

LISTED = 12  # episodes of a sort in the table
NAMES = {"N": "normal", "S": "supraventricular", "V": "ventricular"}


def found_section(scored: Scored) -> str:
    """What was found, and how much was not looked at, in two sentences."""
    found = [f"{burden.beats:,} {name}" for name, burden in scored.burdens.items() if burden.beats]
    if not scored.summary["scored"]:
        what = "No beat could be scored."
    elif found:
        what = f"{' and '.join(found)} beats among {scored.summary['scored']:,} that were scored."
    else:
        alarms = len(scored.alarms)
        number = f"{alarms:,} alarm" + "s" * (alarms != 1)
        what = f"{number} among {scored.summary['scored']:,} beats that were scored."
    lost = sum(scored.not_scored.values())
    rest = f"{duration(lost)} (h:mm:ss, {lost / scored.seconds:.1%}) could not be scored." if lost else ""
    sorts = list(dict.fromkeys(episode.what for episode in scored.episodes))
    episodes = f" Episodes: {escape(', '.join(sorts))}." if sorts else ""
    return f'<p class="found">{what}{episodes} {rest}</p>'


def episodes_section(scored: Scored) -> str:
    """The episodes with their times, and how the first of each sort begins; nothing without a template."""
    if not scored.manifest["wearer"]:
        return ""
    episodes = scored.episodes
    if not episodes:
        return "<h2>Episodes</h2><p>None was found.</p>"
    rows, sorts = [], list(dict.fromkeys(episode.what for episode in episodes))
    for number, what in enumerate(sorts):
        spans = [(e.start, e.start if e.end is None else e.end) for e in episodes if e.what == what]
        times = ", ".join(f"{_link(scored, start)}–{scored.clock(end)}" for start, end in spans[:LISTED])
        more = f", and {len(spans) - LISTED:,} more" if len(spans) > LISTED else ""
        whole = duration(sum(end - start for start, end in spans))
        name = escape(what)
        if _shown(scored, what):
            name = f'<a href="#strip-{number}">{name}</a>'
        rows.append((name, f"{len(spans):,}", whole, f"<span>{times}{more}</span>"))
    strips = "".join(
        _strip(scored, what, number) for number, what in enumerate(sorts) if _shown(scored, what)
    )
    return (
        "<h2>Episodes</h2>"
        + table(["", "number", "h:mm:ss", "from–to"], rows, kind="episodes")
        + '<p class="caption">A run has three beats or more. Ectopic beats are frequent from 6 of 60 on. A '
        "pause lasts 3 s or longer; the heart is slow below 40 and fast above 120 beats a minute.</p>"
        + strips
    )


def _link(scored, time):
    told = scored.clock(time)
    return jump(time, told) if scored.trace else escape(told)


def _shown(scored, what):
    """Whether a strip shows the first episode: later beats may have taught that there was none."""
    if what not in scored.strips:
        return False
    excerpt = scored.strips[what]
    last = excerpt.time + len(excerpt.samples) / excerpt.rate
    return any(e.what == what and excerpt.time <= e.start < last for e in scored.episodes)


def _strip(scored, what, number):
    text = f"{what.capitalize()}: the beginning"
    strip = strip_row(scored, scored.strips[what])
    return f'<div class="keep" id="strip-{number}"><h3>{escape(text)}</h3>{strip}</div>'


def strip_row(scored: Scored, excerpt: Excerpt) -> str:
    """The figures of an excerpt side by side, each with its time."""
    last = excerpt.time + len(excerpt.samples) / excerpt.rate
    beats = [beat for beat in scored.beats if excerpt.time - 1 <= beat.time < last + 1]
    figures = [
        figure(svg, f"electrocardiogram from {scored.clock(time)} on", _link(scored, time))
        for time, svg in strip_figures(excerpt, beats)
    ]
    return row(figures, "strip paper")


def kinds_section(scored: Scored) -> str:
    """A gallery of the kinds of beats: how many, when, and each shape over the wearer's own."""
    if not scored.kinds:
        return ""
    figures = [
        figure(
            svg,
            f"mean beat of kind {number}",
            f"{number}: {NAMES[kind.kind]}, {kind.beats:,}<br>"
            f"{_link(scored, kind.first)} to {_link(scored, kind.last)}",
        )
        for number, (kind, svg) in enumerate(zip(scored.kinds, kind_figures(scored.kinds), strict=True), 1)
    ]
    return (
        "<h2>Kinds of beats</h2>"
        + row(figures, "gallery kinds")
        + '<p class="caption">Beats that look alike, the commonest first: what most of them are, how many, '
        "the first and the last. The line is the mean of the last ones, without slow swings and of one size; "
        "grey: that of the commonest kind.</p>"
    )
