"""A whole recording scored: its beats, what could not be scored and why, and the pieces to look at."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sibeat_edge.errors import ModelError, RecordError
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.record import read_record
from sibeat_edge.report.coverage import REACH, Coverage
from sibeat_edge.report.excerpts import Excerpt, Excerpts
from sibeat_edge.scorer import Beat, BeatScorer

PRESET = Path(__file__).parents[1] / "presets" / "mitdb-wearer.tflite"
BLOCK = 60  # s read at a time


@dataclass(frozen=True)
class Scored:
    """What came of a recording.

    Attributes:
        name: of the record.
        rate, leads: of the signal that was scored; its rate in Hz.
        seconds: of the whole recording.
        manifest: the model's.
        threshold: score above which a beat was an alarm, at the end.
        threshold_from: ``model``, ``rate`` (as the false alarms asked for have it), ``option`` or ``wearer``.
        expected_false_alarms: per hour, that the threshold is meant for; None where it was given by hand.
        beats: all, scored or not, in order of time; without their residuals.
        reasons: why each second ``(seconds,)`` was not scored: a reason of a ``Beat``, or ``no beat found``
            further than 1.5 s from any; an empty text where it was scored.
        warnings: sentences that whoever sees the result should see, too.
        worst: ``Excerpt`` of each of the worst beats, the worst first, with residuals if the model has any.
        strip: ``Excerpt`` of the stretch with the most alarms.
        templates: of a wearer's model the wearer's own beats, one or two, ``(length, leads)``, filtered, mV,
            as they were at the end, the one in use last first.
    """

    name: str
    rate: float
    leads: tuple[str, ...]
    seconds: float
    manifest: dict = field(repr=False)
    threshold: float
    threshold_from: str
    expected_false_alarms: float | None
    beats: list[Beat] = field(repr=False)
    reasons: np.ndarray = field(repr=False)
    warnings: tuple[str, ...]
    worst: list[Excerpt] = field(repr=False)
    strip: Excerpt = field(repr=False)
    templates: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @property
    def alarms(self):
        """The beats that are alarms."""
        return [beat for beat in self.beats if beat.alarm]

    @property
    def unscored(self):
        """Number of beats without a score, by reason."""
        return dict(Counter(beat.reason for beat in self.beats if beat.score is None))

    @property
    def not_scored(self):
        """Seconds of the recording that were not scored, by reason."""
        lengths = np.ones(len(self.reasons))
        lengths[-1] = self.seconds - (len(self.reasons) - 1)
        found = sorted(set(self.reasons.tolist()) - {""})
        return {reason: float(lengths[self.reasons == reason].sum()) for reason in found}

    @property
    def heart_rate(self):
        """Mean of the scored beats, as ``mean_heart_rate`` says."""
        return mean_heart_rate(self.beats)

    @property
    def summary(self):
        """The figures that a report begins with, as numbers and texts."""
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
            "expected_false_alarms_per_hour": self.expected_false_alarms,
            "beats": len(self.beats),
            "scored": len(self.beats) - sum(self.unscored.values()),
            "alarms": alarms,
            "alarms_per_hour": 3600 * alarms / self.seconds,
            "alarms_per_scored_hour": 3600 * alarms / scored_seconds if scored_seconds > 0 else None,
            "heart_rate": self.heart_rate,
        }


def mean_heart_rate(beats):
    """Beats a minute of the scored beats, from their RR intervals up to 3 s; None where there are none."""
    rr = [
        beat.rr for beat in beats if beat.score is not None and beat.rr is not None and beat.rr <= 2 * REACH
    ]
    return 60 * len(rr) / sum(rr) if rr else None


def score_file(path, model=None, lead=None, rate=None, *, kernels="builtin", progress=None, **options):
    """Score the recording at ``path``; returns a ``Scored``.

    Args:
        path, lead, rate: as for ``read_record``.
        model: a ``Model``, or path or bytes of a ``.tflite`` file; the package's preset by default.
        kernels: as for ``Model``, where one is opened here.
        progress: called with (seconds done, seconds in all or None) after each minute of the recording.
        options: ``threshold``, ``personal`` and ``false_alarms_per_hour`` of ``BeatScorer``.

    However long the recording, memory grows by its beats alone. Raises ``RecordError`` and ``ModelError``,
    each one sentence of what was found and what was expected.
    """
    if not isinstance(model, Model):
        model = Model(_preset() if model is None else model, kernels)
    record = read_record(path, lead, rate, model.manifest["signal"]["leads"])
    return score_record(record, model, progress=progress, **options)


def _preset():
    if not PRESET.is_file():
        raise ModelError(f"{PRESET}: found no such file; expected the package's preset (or --model FILE).")
    return PRESET


def score_record(record, model, *, progress=None, **options):
    """Score an open ``Record`` with a ``Model``; the rest as for ``score_file``."""
    scorer = BeatScorer(model, record.rate, heat=True, **options)
    excerpts, coverage = Excerpts(record.rate), Coverage(record.rate)
    beats = []
    for time, samples in record.blocks(BLOCK):
        found = scorer.push(samples, time)
        excerpts.push(time, samples, found)
        coverage.push(time, samples)
        beats += [replace(beat, residuals=None) for beat in found]
        if progress is not None:
            progress(coverage.end, record.seconds)
    found = scorer.finish()
    excerpts.finish(found)
    beats += [replace(beat, residuals=None) for beat in found]
    if not coverage.any_finite:
        raise RecordError(f"{record.path}: found no finite sample; expected a signal.")
    by_hand, asked = options.get("threshold") is not None, options.get("false_alarms_per_hour")
    meant = None if by_hand else asked or model.manifest["threshold"]["false_alarms_per_hour"]
    origin = "option" if by_hand else "rate" if asked else "model"
    warnings = [*record.warnings, *_warnings(record, model.manifest), *_of_template(record, scorer.wearer)]
    if scorer.personal:
        scored = sum(beat.score is not None for beat in beats)
        if scored >= scorer.personal:
            origin = "wearer"
        else:
            warnings.append(
                f"{record.path}: found {scored} scored beats; expected {scorer.personal} for the "
                "wearer's own threshold: the one of before holds."
            )
    return Scored(
        name=record.name,
        rate=record.rate,
        leads=record.leads,
        seconds=coverage.end,
        manifest=model.manifest,
        threshold=scorer.threshold,
        threshold_from=origin,
        expected_false_alarms=meant,
        beats=beats,
        reasons=coverage.reasons(beats),
        warnings=tuple(warnings),
        worst=excerpts.worst,
        strip=excerpts.strip,
        templates=scorer.wearer.template.beats if scorer.wearer else (),
    )


def _of_template(record, wearer):
    """What the wearer's template went through."""
    template = wearer and wearer.template
    if template and template.beat is None:
        why = template.trouble or "too few beats"
        yield f"{record.path}: found no beat of the wearer's own ({why}); expected one: nothing is scored."
    elif template and template.trouble_before:
        yield (
            f"{record.path}: found a warm-up with {template.trouble_before}; expected beats of one kind: "
            "it went on until there were enough."
        )
    if template and template.added:
        yield (
            f"{record.path}: found {template.added} more kinds of frequent beats, expected one: they count "
            "as the wearer's own, as of a lead turned over or a heart that at times conducts otherwise."
        )


def _warnings(record, manifest):
    high = manifest["signal"]["band"][1]
    if record.rate < 2 * high:
        yield (
            f"{record.path}: found a rate of {record.rate:g} Hz; expected {2 * high:g} Hz or more, as the "
            f"model was trained on signals up to {high:g} Hz: its scores may not hold."
        )
