"""A scored recording as one HTML file, without scripts and without anything from the network."""

from collections import Counter
from html import escape
from pathlib import Path

import numpy as np

from sibeat_edge.files import whole_file
from sibeat_edge.marks import PAGE
from sibeat_edge.report.excerpts import STRIP
from sibeat_edge.report.figures import LONG, Bin, rates_figure, strip_figure, template_figure, worst_figure
from sibeat_edge.report.findings import as_text
from sibeat_edge.report.found import episodes_section, kinds_section
from sibeat_edge.report.html import duration, image, table
from sibeat_edge.report.paper import scale, strip_square, template_square, worst_square
from sibeat_edge.report.performance import measured_figures, on_new_wearers, set_for
from sibeat_edge.report.scored import Scored, mean_heart_rate

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1040px; margin: 2em auto; padding: 0 1em }
h1 { margin-bottom: 0 } h2 { margin-top: 1.6em; border-bottom: 1px solid #ccc }
table { border-collapse: collapse }
td, th { padding: .2em 1.2em .2em 0; text-align: left; vertical-align: top }
th { font-weight: 600 } td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
img { width: 100%; display: block } .caption { color: #555; font-size: 13px }
.notice { border-left: 4px solid #888; padding-left: .8em } .warning { border-left: 4px solid #c00000;
padding-left: .8em } code { font-size: 12px; overflow-wrap: anywhere }
@media print { h2, img { break-inside: avoid; break-after: avoid } }
"""
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


def report(scored: Scored) -> str:
    """The HTML text of the report."""
    name = escape(scored.name)
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in scored.warnings)
    parts = [
        f"<h1>Record {name}</h1>",
        f"<p>{duration(scored.seconds)} (h:mm:ss) of lead {escape(', '.join(scored.leads))} "
        f"at {scored.rate:g} Hz, scored by the model <b>{escape(scored.manifest['name'])}</b></p>",
        f'<p class="notice">{escape(scored.manifest["notice"])}</p>',
        warnings,
        _summary(scored),
        episodes_section(scored),
        kinds_section(scored),
        _rates(scored),
        _strip(scored),
        _wearer(scored),
        _worst(scored),
        _not_scored(scored),
        _model(scored),
    ]
    return (
        f"{PAGE}<title>Record {name}</title>"
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body></html>\n"
    )


def write_report(scored: Scored, path: str | Path) -> None:
    """Write the report to ``path``, whole or not at all."""
    text = report(scored)
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
        rows["Unit"] = f"{scored.assumed_unit}, as it was taken: the file states none"
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


def _rates(scored):
    figure = rates_figure(rate_bins(scored), scored.threshold_set_for)
    return "<h2>Alarms per hour</h2>" + image(
        figure, "alarms per hour, heart rate and what was not scored, over the recording"
    )


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


def _strip(scored):
    strip = scored.strip
    last = strip.time + len(strip.samples) / strip.rate
    beats = [beat for beat in scored.beats if strip.time <= beat.time < last]
    title = "30 s with many alarms" if scored.alarms else "The 30 s with the highest score"
    title = title if scored.summary["scored"] else "The first 30 s"
    alarms = sum(beat.alarm for beat in beats)
    return (
        f"<h2>{title}</h2>"
        + image(strip_figure(strip, beats, scored.leads), "electrocardiogram strip with marked beats")
        + f'<p class="caption">{alarms} alarms in these {STRIP:g} s. As recorded, with its median at 0; '
        f"large squares 0.2 s and {strip_square(strip, beats):g} mV. Found while the signal was read, by the "
        "first judgement, and marked by the last. Red: alarm; dot: scored, no alarm; cross: not scored.</p>"
    )


def _wearer(scored):
    if not scored.templates:
        return ""
    window = scored.manifest["window"]
    figure = template_figure(scored.templates, (window["before"], window["after"]), scored.leads)
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
        "<h2>The wearer's own beat</h2>"
        + image(figure, "the template of the wearer's own beat")
        + '<p class="caption">Running mean of similar beats, filtered, as it was at the end. Thin: a second '
        "normal shape. Every beat was compared with the one that it is more like."
        + f"{_squares(template_square(scored.templates))}</p>"
        + table(["alarm raised by", "", "alarms"], rows, numbers=1)
    )


def _worst(scored):
    if not scored.worst:
        return ""
    window = scored.manifest["window"]
    figure = worst_figure(scored.worst, (window["before"], window["after"]))
    heat = "" if len(scored.leads) == 1 else f" Black: {escape(scored.leads[0])}, the first lead."
    if scored.worst[0].beat.residuals is not None:
        told = (
            "the beat differs from the wearer's own"
            if scored.manifest["wearer"]
            else "the model rebuilt it badly"
        )
        heat += f" Below: where {told}, bright is worse, one scale for all."
    return (
        "<h2>The worst beats</h2>"
        + image(figure, "the beats with the highest scores")
        + '<p class="caption">Alarms first, then by score, one of a kind; grey: what the model was shown.'
        + f"{heat}{_squares(worst_square(scored.worst))}</p>"
    )


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
    body.append(("SHA-256", f"<code>{escape(manifest['model_sha256'])}</code>"))
    return (
        "<h2>Model</h2>"
        + table([], body)
        + '<p class="caption">An alarm is a beat that differs from the wearer\'s own or, for a model without '
        "a template, from the normal beats that it was trained on. An alarm names no disease, and no alarm "
        "does not mean that there is no disease.</p>"
    )


def _squares(square):
    told = scale(square)
    return told and f" Here, {told}: beats of this size are rare, so the unit may be another one."


def _number(value, form, unit=""):
    return "unknown" if value is None else format(value, form) + unit
