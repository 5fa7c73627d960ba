"""A recording on a terminal: what was found at a glance, and an ECG strip of braille dots."""

from collections.abc import Iterator, Sequence

import numpy as np

from sibeat_edge.report.bins import rate_bins
from sibeat_edge.report.html import duration
from sibeat_edge.report.performance import describe_rates
from sibeat_edge.report.scored import Scored
from sibeat_edge.scorer import Beat

BARS = "▁▂▃▄▅▆▇█"
# The bits of a braille letter's dots: two columns of four rows.
DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
BLANK = 0x2800  # the letter without a dot
ACROSS = 20  # letters a second: a QRS complex takes two or three
TALL = 8  # letters of a strip


def sparkline(values: Sequence[float | None], most: float) -> str:
    """A bar a value, from nothing to ``most``; a dot for None.

    >>> sparkline([0, 1, None, 8], most=8)
    '▁▂·█'
    """
    top = len(BARS) - 1
    return "".join(
        "·" if value is None else BARS[min(top, round(top * value / most)) if most else 0] for value in values
    )


def glance(scored: Scored) -> dict[str, str]:
    """What was found, how sure that is, and what was not scored: a line each, by its heading."""
    lines = {"found": _found(scored)}
    if scored.episodes:
        spans: dict[str, list[float]] = {}
        for episode in scored.episodes:
            spans.setdefault(episode.what, []).append((episode.end or episode.start) - episode.start)
        lines["episodes"] = ", ".join(
            f"{len(those):,} × {what} ({duration(sum(those))})" for what, those in spans.items()
        )
    lines["how sure"] = _how_sure(scored)
    lines["not scored"] = _not_scored(scored)
    bins = rate_bins(scored)
    per_hour = [None if alarms is None else alarms / (end - begin) for begin, end, alarms, *_ in bins]
    known = [rate for rate in per_hour if rate is not None]
    if len(bins) > 1 and known:
        width = f"{round(60 * (bins[0][1] - bins[0][0]))} min"
        lines["over time"] = (
            f"{sparkline(per_hour, max(known))}  up to {max(known):.0f} alarms/h, a bar {width}"
        )
    return lines


def _found(scored):
    summary = scored.summary
    if not summary["scored"]:
        return "nothing is known: no beat was scored"
    found = [
        f"{burden.beats:,} {name} ({burden.percent:.2f} %)" for name, burden in scored.burdens.items()
    ] or [f"{summary['alarms']:,} alarms"]
    rate = "" if scored.heart_rate is None else f", {scored.heart_rate:.0f} beats a minute"
    return f"{', '.join(found)} among {summary['scored']:,} scored beats{rate}"


def _how_sure(scored):
    expected = scored.manifest["expected"]
    if scored.false_alarms_on_new_wearers is None:
        return "not measured for this model and threshold"
    before = " before the judgement" if scored.manifest["wearer"] else ""
    auc = "" if expected["auc"] is None else f"; AUC {expected['auc']:.3f}"
    return f"false alarms on new wearers{before}: {describe_rates(scored.false_alarms_on_new_wearers)}{auc}"


def _not_scored(scored):
    if not scored.not_scored:
        return "nothing: a scored beat is near every second"
    lost = sum(scored.not_scored.values())
    parts = sorted(scored.not_scored.items(), key=lambda part: -part[1])
    told = ", ".join(f"{reason} {duration(seconds)}" for reason, seconds in parts)
    return f"{duration(lost)} of {duration(scored.seconds)} ({lost / scored.seconds:.1%}): {told}"


def strip_text(scored: Scored, width: int) -> str:
    """The part of the strip with the most alarms as lines of at most ``width`` letters, its beats marked."""
    strip, seconds = scored.strip, max(2.0, (width - 2) / ACROSS)
    beats = [beat for beat in scored.beats if strip.time <= beat.time < strip.time + _length(strip)]
    starts = np.arange(0, max(_length(strip) - seconds, 0) + 0.5, 0.5)
    counts = [
        sum(beat.alarm for beat in _between(beats, strip.time + start + 0.3, seconds - 0.6))
        for start in starts
    ]
    begin = float(starts[int(np.argmax(counts))])
    first, last = round(begin * strip.rate), round((begin + seconds) * strip.rate)
    columns = round(seconds * ACROSS)
    marks = [" "] * columns
    for beat in _between(beats, strip.time + begin, seconds):
        marks[min(columns - 1, int((beat.time - strip.time - begin) * ACROSS))] = _mark(beat)
    signal = strip.samples[first:last, 0]
    known = signal[np.isfinite(signal)]
    tall = f"{np.ptp(known):.2g} mV from top to bottom" if len(known) else "no signal"
    head = f"{scored.clock(strip.time + begin)}, {seconds:.1f} s of lead {scored.leads[0]}, {tall}"
    return "\n".join([head, "".join(marks).rstrip(), *_lines(signal, columns)]) + "\n"


def _length(excerpt):
    return len(excerpt.samples) / excerpt.rate


def _between(beats, start, seconds):
    return [beat for beat in beats if start <= beat.time < start + seconds]


def _mark(beat: Beat) -> str:
    if beat.score is None:
        return "x"
    return (beat.kind or "!") if beat.alarm else "."


def _lines(signal: np.ndarray, columns: int) -> Iterator[str]:
    """The signal ``(samples,)`` as ``TALL`` lines of braille letters."""
    known = signal[np.isfinite(signal)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    rows, across = 4 * TALL, 2 * columns
    dots = np.zeros((rows, across), bool)
    levels = (high - signal) / ((high - low) or 1.0) * (rows - 1)
    places = np.linspace(0, len(signal), across + 1).round().astype(int)
    for column, (first, last) in enumerate(zip(places[:-1], places[1:], strict=True)):
        part = levels[first : last + 1]  # up to the next column's first, so that the line is joined
        part = part[np.isfinite(part)]
        if len(part):
            dots[round(part.min()) : round(part.max()) + 1, column] = True
    letters = (dots.reshape(TALL, 4, columns, 2) * DOTS[:, None, :]).sum(axis=(1, 3)) + BLANK
    for row in letters.tolist():
        yield "".join(map(chr, row)).rstrip(chr(BLANK))
