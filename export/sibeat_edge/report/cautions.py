"""What is to be said of a recording's scores beside the scores."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.wearer import FEWEST, Wearer
from sibeat_edge.model.manifest import Manifest
from sibeat_edge.model.presets import ALONE
from sibeat_edge.reading.record import Record
from sibeat_edge.report.scored import Scored

SHORT = 60.0  # s up to which a recording is too short, rather than too bad, if it has too few beats


def is_too_short(scored: Scored) -> bool:
    """Whether beats are fit to be scored, but too few for a wearer's template, in a short recording."""
    waiting = scored.unscored.get("warm-up", 0)
    has_none = scored.manifest["wearer"] is not None and not scored.templates
    return has_none and scored.seconds <= SHORT and 0 < waiting < FEWEST


def about_length(record: Record, scored: Scored) -> str:
    """What is told where another preset takes the place of a wearer's model."""
    count, name = scored.unscored["warm-up"], scored.manifest["name"]
    beats = "1 beat" if count == 1 else f"{count} beats"
    return (
        f"{record.path}: found {beats} fit to be scored in {scored.seconds:.3g} s; expected {FEWEST} or more "
        f"for {name}, so {ALONE} judged each beat alone: it knows neither the wearer's own beat nor the "
        "rhythm."
    )


def about_template(record: Record, wearer: Wearer | None, beats: Sequence[Beat]) -> Iterator[str]:
    """Warnings about how the wearer's template came about."""
    template = wearer and wearer.template
    if template and template.beat is None:
        reason, count = Counter(beat.reason for beat in beats).most_common(1)[0] if beats else ("", 0)
        is_unfit = 2 * count > len(beats) and reason not in ("warm-up", "edge")
        few = not is_unfit and not template.trouble and any(beat.reason == "warm-up" for beat in beats)
        why = f"most beats are not scored: {reason}" if is_unfit else template.trouble or "too few beats"
        hint = f" (--model {ALONE} judges each beat alone)" if few else ""
        yield (
            f"{record.path}: found no template of the wearer's own beats ({why}); "
            f"expected one, so no beat is scored{hint}."
        )
    elif template and template.trouble_before:
        yield (
            f"{record.path}: found a warm-up in which {template.trouble_before}; "
            "expected mostly beats of one kind, so the warm-up was prolonged."
        )
    if template and template.added:
        kinds = "1 more kind" if template.added == 1 else f"{template.added} more kinds"
        yield (
            f"{record.path}: found {kinds} of frequent beats (a lead turned over, or a heart that conducts "
            "differently at times); expected one kind, so each of them counts as normal for this wearer."
        )


def about_rate(record: Record, manifest: Manifest) -> Iterator[str]:
    """A warning about a rate too low for the model's band."""
    high = manifest["signal"]["band"][1]
    if record.rate < 2 * high:
        yield (
            f"{record.path}: found a rate of {record.rate:g} Hz; expected {2 * high:g} Hz or more for a "
            f"model of signals up to {high:g} Hz, so its scores are unreliable."
        )
