"""A scored recording as one HTML file, with nothing from the network; its one script pages through it."""

from collections import Counter
from datetime import date
from html import escape
from pathlib import Path

from sibeat_edge.files import whole_file
from sibeat_edge.marks import PAGE
from sibeat_edge.report.day import day_section, script_hash
from sibeat_edge.report.excerpts import STRIP
from sibeat_edge.report.figures import LARGER, template_figure, worst_figures
from sibeat_edge.report.findings import as_text
from sibeat_edge.report.found import episodes_section, found_section, kinds_section, strip_row
from sibeat_edge.report.heading import guide_section, head_section
from sibeat_edge.report.html import duration, figure, jump, row, table
from sibeat_edge.report.paper import SQUARE, scale_told, strip_square, template_square, worst_square
from sibeat_edge.report.performance import measured_figures, on_new_wearers, set_for
from sibeat_edge.report.rates import rates_section
from sibeat_edge.report.scored import Scored

STYLE = Path(__file__).with_name("page.css")
ORIGINS = {
    "model": "the model's",
    "rate": "for the false alarms asked for",
    "option": "given by hand",
    "wearer": "adapted to this wearer",
}
MEANINGS = {
    "missing": "samples are missing",
    "flat": "the lead is flat: no contact",
    "saturated": "the amplifier has reached its limit",
    "noisy": "too noisy to judge",
    "motion": "the electrodes moved",
    "edge": "the recording begins or ends too near",
    "warm-up": "the wearer's own beat is not known yet",
    "no beat found": "a signal without an R-peak within 1.5 s",
}


def report(scored: Scored, written: date | None = None) -> str:
    """The HTML text of the report; ``written`` is the day that it names, if any."""
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in scored.warnings)
    parts = [
        head_section(scored, written),
        f'<p class="notice">{escape(scored.manifest["notice"])}</p>',
        found_section(scored),
        guide_section(scored),
        warnings,
        _summary(scored),
        episodes_section(scored),
        day_section(scored),
        rates_section(scored),
        kinds_section(scored),
        _strip(scored),
        _wearer(scored),
        _worst(scored),
        _not_scored(scored),
        _model(scored),
    ]
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{script_hash()}'"
    return (
        f'{PAGE}<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>Record {escape(scored.name)}</title>"
        f"<style>{STYLE.read_text(encoding='utf-8')}</style></head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )


def write_report(scored: Scored, path: str | Path) -> None:
    """Write the report to ``path``, whole or not at all."""
    text = report(scored, date.today())
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _summary(scored):
    summary = scored.summary
    rows = {
        "Beats found": f"{summary['beats']:,}",
        "Beats scored": f"{summary['scored']:,}",
        "Alarms": f"{summary['alarms']:,}",
        "Doubted": f"{summary['doubted']:,} beats above the threshold that noise, or their kind, explains",
        **{f"{name.capitalize()} beats": as_text(burden) for name, burden in scored.burdens.items()},
        "Alarms per hour": _number(summary["alarms_per_hour"], ".1f"),
        "Alarms per scored hour": _number(summary["alarms_per_scored_hour"], ".1f"),
        "False alarms on new wearers": on_new_wearers(scored),
        "False alarms that the threshold was set for": set_for(scored),
        "Threshold": f"{scored.threshold:.4g} ({ORIGINS[scored.threshold_from]})",
        "Mean heart rate": _number(scored.heart_rate, ".0f", " beats a minute"),
    }
    if scored.assumed_unit:
        rows["Unit"] = f"{scored.assumed_unit}, given by hand or guessed: the file states none"
    return "<h2>Summary</h2>" + table([], [(escape(key), escape(value)) for key, value in rows.items()])


def _not_scored(scored):
    beats, seconds = scored.unscored, scored.not_scored
    reasons = sorted(beats.keys() | seconds.keys())
    if not reasons:
        return "<h2>Not scored</h2><p>Nothing: a scored beat is near every second.</p>"
    rows = [
        (
            escape(reason),
            escape(MEANINGS.get(reason, "")),
            f"{beats.get(reason, 0):,}",
            duration(seconds.get(reason, 0)),
        )
        for reason in reasons
    ]
    whole = sum(seconds.values())
    rows.append(("<b>all</b>", "", f"<b>{sum(beats.values()):,}</b>", f"<b>{duration(whole)}</b>"))
    return (
        "<h2>Not scored</h2>"
        + table(["reason", "", "beats", "h:mm:ss"], rows, numbers=2)
        + f'<p class="caption">{whole / scored.seconds:.1%} of the recording. '
        "Each second has the reason of the beat nearest to it, if one is within 1.5 s.</p>"
    )


def _strip(scored):
    strip = scored.strip
    last = strip.time + len(strip.samples) / strip.rate
    beats = [beat for beat in scored.beats if strip.time <= beat.time < last]
    title = "30 s with many alarms" if scored.alarms else "The 30 s with the highest score"
    title = title if scored.summary["scored"] else "The first 30 s"
    alarms = sum(beat.alarm for beat in beats)
    mark = "V, S" if scored.manifest["wearer"] else "▼"
    stacked = (
        f" Leads {escape(', '.join(scored.leads))}, from top to bottom." if len(scored.leads) > 1 else ""
    )
    return (
        f"<h2>{title}</h2>"
        + strip_row(scored, strip)
        + f'<p class="caption">{alarms} alarms in these {STRIP:g} s. As recorded, with its median at 0.'
        f"{stacked} In full size: {_scale(strip_square(strip, beats))} Chosen by the first judgement, "
        f"marked by the last. {mark}: alarm; dot: no alarm; ×: not scored.</p>"
    )


def _wearer(scored):
    if not scored.templates:
        return ""
    window = scored.manifest["window"]
    shown = (window["before"], window["after"])
    figures = [
        figure(template_figure(scored.templates, lead, shown), f"template of lead {name}", escape(name))
        for lead, name in enumerate(scored.leads)
    ]
    counts = Counter(beat.why for beat in scored.alarms)
    rows = [
        ("shape", "it looks unlike the wearer's own beat", f"{counts['shape']:,}"),
        (
            "timing",
            "it comes too early, or a pause follows, for the wearer's own rhythm",
            f"{counts['timing']:,}",
        ),
        ("both", "the two together", f"{counts['both']:,}"),
    ]
    return (
        '<div class="keep"><h2>The wearer\'s own beat</h2>'
        + row(figures, "gallery paper")
        + '<p class="caption">Running mean of similar beats, filtered, as it was at the end. '
        + ("Thin: a second normal shape. " if len(scored.templates) > 1 else "")
        + "Every beat was compared with the one that it is more like. In full size: "
        + f"{_scale(template_square(scored.templates), LARGER)}</p></div>"
        + table(["alarm raised by", "", "alarms"], rows, numbers=1)
    )


def _worst(scored):
    if not scored.worst:
        return ""
    window = scored.manifest["window"]
    svgs = worst_figures(scored.worst, (window["before"], window["after"]))
    figures = [
        figure(svg, "a beat with a high score", _score_told(scored, excerpt.beat))
        for excerpt, svg in zip(scored.worst, svgs, strict=True)
    ]
    heat = "" if len(scored.leads) == 1 else f" Black: {escape(scored.leads[0])}, the first lead."
    if scored.worst[0].beat.residuals is not None:
        told = (
            "the beat differs from the wearer's own"
            if scored.manifest["wearer"]
            else "the model rebuilt it badly"
        )
        heat += f" Below: where {told}, bright is worse, one scale for all; R is the R-peak."
    return (
        "<h2>The worst beats</h2>"
        + row(figures, "gallery beats paper")
        + '<p class="caption">Alarms first, then by score, one of a kind; shaded: what the model was shown.'
        + f"{heat} In full size: {_scale(worst_square(scored.worst))}</p>"
    )


def _score_told(scored, beat):
    """When a beat was, its score, and what became of it, as HTML."""
    time = scored.clock(beat.time, tenths=True)
    mark = "alarm" if beat.alarm else "doubted" if beat.doubted else "no alarm"
    why = f", by {beat.why}" if beat.why else ""
    kind = f" {beat.kind}" if beat.kind else ""
    colour = ' class="alarm"' if beat.alarm else ""
    told = jump(beat.time, time) if scored.trace else time
    return f"{told} <span{colour}>{mark}{kind}</span><br>score {beat.score:.4g}{why}"


def _model(scored):
    manifest = scored.manifest
    signal = manifest["signal"]
    rows = {
        "Model": manifest["name"],
        "Trained on": f"lead {', '.join(signal['leads'])}, {signal['band'][0]:g} to {signal['band'][1]:g} Hz",
        **{
            f"{heading[0].upper()}{heading[1:]}": words
            for heading, words in measured_figures(manifest).items()
        },
        "Licence": manifest["licence"],
    }
    body = [(escape(key), escape(value)) for key, value in rows.items()]
    body.append(("SHA-256 without the manifest", f"<code>{escape(manifest['model_sha256'])}</code>"))
    return (
        "<h2>Model</h2>"
        + table([], body)
        + '<p class="caption">An alarm is a beat that differs from the wearer\'s own or, for a model without '
        "a template, from the normal beats that it was trained on. An alarm names no disease, and no alarm "
        "does not mean that there is no disease.</p>"
    )


def _scale(square, size=1.0):
    rare = "" if square == SQUARE else " Beats of this size are rare, so the unit may be another one."
    return f"{scale_told(square, size)}.{rare}"


def _number(value, form, unit=""):
    return "unknown" if value is None else format(value, form) + unit
