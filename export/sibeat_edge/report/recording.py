"""Scores a whole recording, a minute after the other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.episodes import Episodes
from sibeat_edge.errors import ModelError, RecordError
from sibeat_edge.model.presets import ALONE, FOLDER, WEARER
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.listing import is_folder
from sibeat_edge.reading.record import Record, read_record
from sibeat_edge.report.cautions import about_length, about_rate, about_template, is_too_short
from sibeat_edge.report.coverage import Coverage
from sibeat_edge.report.excerpts import Excerpts
from sibeat_edge.report.findings import kinds_found
from sibeat_edge.report.scored import Scored
from sibeat_edge.report.trace import Trace
from sibeat_edge.scorer import BeatScorer, revise

PRESET = FOLDER / f"{WEARER}.tflite"
BLOCK = 60  # s read at a time


def score_file(
    path: str | Path,
    model: Model | str | Path | bytes | None = None,
    lead: str | Sequence[str] | None = None,
    rate: float | None = None,
    *,
    unit: str | None = None,
    kernels: str = "builtin",
    progress: Callable[[float, float | None], object] | None = None,
    trace: bool = False,
    **options: Any,
) -> Scored:
    """Score the recording at ``path``. Memory grows with its beats alone.

    The default model, ``mitdb-wearer``, learns a template of the wearer's own beats from the recording. Where
    a recording of a minute or less has too few beats for it, ``mitdb-beat`` judges each beat alone instead,
    and a warning says so. This holds where neither a model nor a threshold was chosen.

    Args:
        path, lead, rate, unit: as for ``read_record``.
        model: a ``Model``, or its ``source``: the name of a preset, or path or bytes of a ``.tflite`` file.
        kernels: as for ``Model``; not used if ``model`` is one.
        progress: called with (seconds done, seconds in all or None) after each minute of the recording.
        trace: whether to keep a thinned signal as well, for a report to page through: 31 MB a day.
        options: ``threshold``, ``personal`` and ``false_alarms_per_hour`` of ``BeatScorer``.

    Raises ``RecordError`` and ``ModelError``, each one sentence of what was found and what was expected.
    """
    if is_folder(Path(path)):
        raise RecordError(f"{path}: found a folder; expected one recording.")
    may_choose = model is None and not {"threshold", "false_alarms_per_hour"} & _given(options)
    if not isinstance(model, Model):
        model = Model(_preset() if model is None else model, kernels)
    record = read_record(path, lead, rate, model.manifest["signal"]["leads"], unit)
    scored = score_record(record, model, progress=progress, trace=trace, **options)
    if not (may_choose and is_too_short(scored)):
        return scored
    told = about_length(record, scored)
    scored = score_record(record, Model(ALONE, kernels), progress=progress, trace=trace, **options)
    return replace(scored, warnings=(told, *scored.warnings))


def _given(options):
    return {name for name, value in options.items() if value is not None}


def _preset():
    if not PRESET.is_file():
        raise ModelError(f"{PRESET}: found no such file; expected the package's preset (or --model FILE).")
    return PRESET


def score_record(
    record: Record,
    model: Model,
    *,
    progress: Callable[[float, float | None], object] | None = None,
    trace: bool = False,
    **options: Any,
) -> Scored:
    """Score an open ``Record`` with a ``Model``; the other arguments are as for ``score_file``."""
    scorer = BeatScorer(model, record.rate, heat=True, **options)
    excerpts, coverage, episodes = Excerpts(record.rate), Coverage(record.rate), Episodes()
    thinned = Trace(record.rate) if trace else None
    beats: list[Beat] = []
    for time, samples in record.blocks(BLOCK):
        found = scorer.push(samples, time)
        excerpts.push(time, samples, found)
        if scorer.wearer:
            excerpts.keep([(e.what, e.start) for beat in found for e in episodes.push(beat)])
        coverage.push(time, samples)
        if thinned:
            thinned.push(time, samples)
        beats += [replace(beat, residuals=None) for beat in found]
        revise(beats, scorer.revisions)
        if progress is not None:
            progress(coverage.end, record.seconds)
    found = scorer.finish()
    if scorer.wearer:
        excerpts.keep([(e.what, e.start) for beat in found for e in episodes.push(beat)])
    excerpts.finish(found)
    beats += [replace(beat, residuals=None) for beat in found]
    revise(beats, scorer.revisions)
    if not coverage.any_finite:
        raise RecordError(record.cut or f"{record.path}: found no finite sample; expected a signal.")
    assert excerpts.strip is not None  # as there was a block
    by_hand, asked = options.get("threshold") is not None, options.get("false_alarms_per_hour")
    set_for = None if by_hand else asked or model.manifest["threshold"]["false_alarms_per_hour"]
    origin = "option" if by_hand else "rate" if asked else "model"
    known = None if _given(options) else model.manifest["expected"]["false_alarms_per_hour"]
    warnings = [*record.warnings, *([record.cut] if record.cut else [])]
    warnings += [*about_rate(record, model.manifest), *about_template(record, scorer.wearer, beats)]
    if scorer.personal:
        scored = sum(beat.score is not None for beat in beats)
        if scored >= scorer.personal:
            origin = "wearer"
        elif scored:
            warnings.append(
                f"{record.path}: found {scored} scored beats; expected {scorer.personal} to adapt the "
                "threshold to the wearer, so it stays as it was."
            )
    return Scored(
        name=record.name,
        rate=record.rate,
        leads=record.leads,
        seconds=coverage.end,
        manifest=model.manifest,
        threshold=scorer.threshold,
        threshold_from=origin,
        threshold_set_for=set_for,
        beats=beats,
        reasons=coverage.reasons(beats),
        warnings=tuple(warnings),
        worst=_as_judged_last(excerpts.worst, beats),
        strip=excerpts.strip,
        templates=scorer.wearer.template.beats if scorer.wearer else (),
        false_alarms_on_new_wearers=known,
        kinds=tuple(kinds_found(beats, scorer.shapes)),
        strips=excerpts.strips,
        cut=record.cut,
        assumed_unit=_assumed_unit(record),
        start=record.start,
        trace=thinned,
    )


def _assumed_unit(record):
    """The unit that was taken for a lead of which the file states none; an empty text if it states all."""
    units = dict(zip(record.source.leads, record.source.units, strict=True))
    return "" if all(units[lead] for lead in record.leads) else record.unit


def _as_judged_last(excerpts, beats):
    """The excerpts with their beats as they were judged last, one of a kind, in the same order as before."""
    last, found = {beat.time: beat for beat in beats}, {}
    for e in excerpts:
        beat = last[e.beat.time]
        key = beat.time if beat.group is None else (beat.group, beat.kind)
        found.setdefault(key, replace(e, beat=replace(beat, residuals=e.beat.residuals)))
    return sorted(found.values(), key=lambda e: (e.beat.alarm, e.beat.score), reverse=True)
