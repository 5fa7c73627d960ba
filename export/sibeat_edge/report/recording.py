"""A whole recording scored: its beats, what could not be scored and why, and the parts to look at."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.beats.episodes import Episode, Episodes, episodes_of
from sibeat_edge.errors import ModelError, RecordError
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.record import Record, read_record
from sibeat_edge.report.coverage import REACH, Coverage
from sibeat_edge.report.excerpts import Excerpt, Excerpts
from sibeat_edge.report.findings import Burden, KindFound, burdens, kinds_found
from sibeat_edge.scorer import Beat, BeatScorer, revise

PRESET = Path(__file__).parents[1] / "presets" / "mitdb-wearer.tflite"
BLOCK = 60  # s read at a time


@dataclass(frozen=True)
class Scored:
    """The result of scoring a recording.

    Attributes:
        name: of the record.
        rate, leads: of the signal that was scored; the rate in Hz.
        seconds: of the whole recording.
        manifest: the model's.
        threshold: score above which a beat was ``above``, at the end.
        threshold_from: where it comes from: ``model``, ``rate`` (the false alarms asked for), ``option``
            (given by hand) or ``wearer`` (the wearer's own).
        threshold_set_for: false alarms per hour on normal validation beats that it was set for, or None if
            it was given by hand.
        false_alarms_on_new_wearers: their measured ``mean``, ``median`` and ``worst`` per hour, for a
            threshold as the model has it by default; None if not measured, or for another threshold.
        beats: all, scored or not, in order of time, as they were judged last; without their residuals.
        reasons: why each second ``(seconds,)`` was not scored: a reason of a ``Beat``, or ``no beat found``
            further than 1.5 s from any; an empty text where it was scored.
        warnings: sentences that are to be shown with the result.
        worst: ``Excerpt`` of each of the worst beats, one of a kind, the worst first, with residuals if the
            model has any.
        strip: ``Excerpt`` of the 30 s with the most alarms.
        templates: for a wearer's model the wearer's one or two templates at the end, ``(length, leads)``,
            filtered, mV; the one in use last comes first.
        kinds: for a wearer's model the kinds of beats that were found, the commonest first.
        strips: ``Excerpt`` of the beginning of the first episode of each sort, by its name.

    >>> beats = [Beat(0.5, 1.2, False, "", rr=None), Beat(1.3, 5.0, True, "", rr=0.8)]
    >>> signal = Excerpt(0.0, np.zeros((720, 1)), rate=360)
    >>> scored = Scored(
    ...     name="a", rate=360.0, leads=("MLII",), seconds=2.0,
    ...     manifest={"name": "m", "model_sha256": "0", "wearer": None}, threshold=4.5,
    ...     threshold_from="model", threshold_set_for=44.0, beats=beats,
    ...     reasons=np.array(["", ""]), warnings=(), worst=[], strip=signal,
    ... )
    >>> len(scored.alarms), scored.heart_rate, scored.summary["alarms_per_hour"]
    (1, 75.0, 1800.0)
    """

    name: str
    rate: float
    leads: tuple[str, ...]
    seconds: float
    manifest: dict = field(repr=False)
    threshold: float
    threshold_from: str
    threshold_set_for: float | None
    beats: list[Beat] = field(repr=False)
    reasons: np.ndarray = field(repr=False)
    warnings: tuple[str, ...]
    worst: list[Excerpt] = field(repr=False)
    strip: Excerpt = field(repr=False)
    templates: tuple[np.ndarray, ...] = field(default=(), repr=False)
    false_alarms_on_new_wearers: dict[str, float] | None = None
    kinds: tuple[KindFound, ...] = ()
    strips: dict[str, Excerpt] = field(default_factory=dict, repr=False)

    @property
    def episodes(self) -> list[Episode]:
        """For a wearer's model all episodes, by their start."""
        return episodes_of(self.beats) if self.manifest["wearer"] else []

    @property
    def burdens(self) -> dict[str, Burden]:
        """For a wearer's model the ``Burden`` of ventricular and of supraventricular beats."""
        return burdens(self.beats, self.seconds - sum(self.not_scored.values()))

    @property
    def alarms(self) -> list[Beat]:
        """The beats that are alarms."""
        return [beat for beat in self.beats if beat.alarm]

    @property
    def unscored(self) -> dict[str, int]:
        """Number of beats without a score, by reason."""
        return dict(Counter(beat.reason for beat in self.beats if beat.score is None))

    @property
    def not_scored(self) -> dict[str, float]:
        """Seconds of the recording that were not scored, by reason."""
        lengths = np.ones(len(self.reasons))
        lengths[-1] = self.seconds - (len(self.reasons) - 1)
        found = sorted(set(self.reasons.tolist()) - {""})
        return {reason: float(lengths[self.reasons == reason].sum()) for reason in found}

    @property
    def heart_rate(self) -> float | None:
        """The ``mean_heart_rate`` of the beats."""
        return mean_heart_rate(self.beats)

    @property
    def summary(self) -> dict[str, Any]:
        """The figures that a report begins with, by name."""
        scored_seconds = self.seconds - sum(self.not_scored.values())
        alarms = len(self.alarms)
        return {
            "record": self.name,
            "leads": list(self.leads),
            "rate": self.rate,
            "seconds": self.seconds,
            "scored_seconds": scored_seconds,
            "model": self.manifest["name"],
            "model_sha256": self.manifest["model_sha256"],
            "threshold": self.threshold,
            "threshold_from": self.threshold_from,
            "threshold_set_for_false_alarms_per_hour": self.threshold_set_for,
            "false_alarms_per_hour_on_new_wearers": self.false_alarms_on_new_wearers,
            "beats": len(self.beats),
            "scored": len(self.beats) - sum(self.unscored.values()),
            "alarms": alarms,
            "doubted": sum(beat.doubted for beat in self.beats),
            **{f"{name}_beats": burden.beats for name, burden in self.burdens.items()},
            **{f"{name}_percent": burden.percent for name, burden in self.burdens.items()},
            "alarms_per_hour": 3600 * alarms / self.seconds,
            "alarms_per_scored_hour": 3600 * alarms / scored_seconds if scored_seconds > 0 else None,
            "heart_rate": self.heart_rate,
        }


def mean_heart_rate(beats: Sequence[Beat]) -> float | None:
    """Beats a minute, from the scored beats' RR intervals up to 3 s; None if there are none."""
    rr = [
        beat.rr for beat in beats if beat.score is not None and beat.rr is not None and beat.rr <= 2 * REACH
    ]
    return 60 * len(rr) / sum(rr) if rr else None


def score_file(
    path: str | Path,
    model: Model | str | Path | bytes | None = None,
    lead: str | Sequence[str] | None = None,
    rate: float | None = None,
    *,
    kernels: str = "builtin",
    progress: Callable[[float, float | None], object] | None = None,
    **options: Any,
) -> Scored:
    """Score the recording at ``path``. Memory grows with its beats alone.

    Args:
        path, lead, rate: as for ``read_record``.
        model: a ``Model``, or path or bytes of a ``.tflite`` file; the package's preset by default.
        kernels: as for ``Model``; not used if ``model`` is one.
        progress: called with (seconds done, seconds in all or None) after each minute of the recording.
        options: ``threshold``, ``personal`` and ``false_alarms_per_hour`` of ``BeatScorer``.

    Raises ``RecordError`` and ``ModelError``, each one sentence of what was found and what was expected.
    """
    if not isinstance(model, Model):
        model = Model(_preset() if model is None else model, kernels)
    record = read_record(path, lead, rate, model.manifest["signal"]["leads"])
    return score_record(record, model, progress=progress, **options)


def _preset():
    if not PRESET.is_file():
        raise ModelError(f"{PRESET}: found no such file; expected the package's preset (or --model FILE).")
    return PRESET


def score_record(
    record: Record,
    model: Model,
    *,
    progress: Callable[[float, float | None], object] | None = None,
    **options: Any,
) -> Scored:
    """Score an open ``Record`` with a ``Model``; the other arguments are as for ``score_file``."""
    scorer = BeatScorer(model, record.rate, heat=True, **options)
    excerpts, coverage, episodes = Excerpts(record.rate), Coverage(record.rate), Episodes()
    beats: list[Beat] = []
    for time, samples in record.blocks(BLOCK):
        found = scorer.push(samples, time)
        excerpts.push(time, samples, found)
        if scorer.wearer:
            excerpts.keep([(e.what, e.start) for beat in found for e in episodes.push(beat)])
        coverage.push(time, samples)
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
        raise RecordError(f"{record.path}: found no finite sample; expected a signal.")
    assert excerpts.strip is not None  # as there was a block
    by_hand, asked = options.get("threshold") is not None, options.get("false_alarms_per_hour")
    set_for = None if by_hand else asked or model.manifest["threshold"]["false_alarms_per_hour"]
    origin = "option" if by_hand else "rate" if asked else "model"
    is_default = all(value is None for value in options.values())
    known = model.manifest["expected"]["false_alarms_per_hour"] if is_default else None
    warnings = [*record.warnings, *_warnings(record, model.manifest)]
    warnings += _of_template(record, scorer.wearer, beats)
    if scorer.personal:
        scored = sum(beat.score is not None for beat in beats)
        if scored >= scorer.personal:
            origin = "wearer"
        else:
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
    )


def _as_judged_last(excerpts, beats):
    """The excerpts with their beats as they were judged last, one of a kind, in the same order as before."""
    last, found = {beat.time: beat for beat in beats}, {}
    for e in excerpts:
        beat = last[e.beat.time]
        key = beat.time if beat.group is None else (beat.group, beat.kind)
        found.setdefault(key, replace(e, beat=replace(beat, residuals=e.beat.residuals)))
    return sorted(found.values(), key=lambda e: (e.beat.alarm, e.beat.score), reverse=True)


def _of_template(record, wearer, beats):
    """Warnings about how the wearer's template came about."""
    template = wearer and wearer.template
    if template and template.beat is None:
        reason, count = Counter(beat.reason for beat in beats).most_common(1)[0] if beats else ("", 0)
        is_unfit = 2 * count > len(beats) and reason not in ("warm-up", "edge")
        why = f"most beats are not scored: {reason}" if is_unfit else template.trouble or "too few beats"
        yield (
            f"{record.path}: found no template of the wearer's own beats ({why}); "
            "expected one, so no beat is scored."
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


def _warnings(record, manifest):
    high = manifest["signal"]["band"][1]
    if record.rate < 2 * high:
        yield (
            f"{record.path}: found a rate of {record.rate:g} Hz; expected {2 * high:g} Hz or more for a "
            f"model of signals up to {high:g} Hz, so its scores are unreliable."
        )
