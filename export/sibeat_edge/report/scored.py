"""A scored recording: its beats, what could not be scored and why, and the parts to look at."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sibeat_edge.beats.episodes import Episode, episodes_of
from sibeat_edge.reading.start import Start
from sibeat_edge.report.coverage import REACH
from sibeat_edge.report.excerpts import Excerpt
from sibeat_edge.report.findings import Burden, KindFound, burdens
from sibeat_edge.report.html import duration
from sibeat_edge.report.trace import Trace
from sibeat_edge.scorer import Beat


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
        cut: a sentence on where the recording ended too early; empty if it was whole.
        assumed_unit: unit that the samples were taken for, as the file states none; empty if it states one.
        start: the time of day at which the recording begins, or None if its file states none.
        trace: of the whole recording, for a report to page through, or None if it was not asked for.

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
    cut: str = ""
    assumed_unit: str = ""
    start: Start | None = None
    trace: Trace | None = field(default=None, repr=False)

    def clock(self, seconds: float, tenths: bool = False) -> str:
        """The time of day ``seconds`` behind the start or, where that is not known, the time since then."""
        return self.start.at(seconds, tenths) if self.start else duration(seconds, tenths)

    @property
    def partial(self) -> bool:
        """Whether the recording ended too early, so that this is the result of a part of it."""
        return self.cut != ""

    @cached_property
    def episodes(self) -> list[Episode]:
        """For a wearer's model all episodes, by their start."""
        return episodes_of(self.beats) if self.manifest["wearer"] else []

    @property
    def burdens(self) -> dict[str, Burden]:
        """For a wearer's model the ``Burden`` of ventricular and of supraventricular beats."""
        return burdens(self.beats, self.seconds - sum(self.not_scored.values()))

    @cached_property
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
        """The figures that a report begins with, by name; rates are None where nothing was scored."""
        scored_seconds = self.seconds - sum(self.not_scored.values())
        alarms, scored = len(self.alarms), len(self.beats) - sum(self.unscored.values())
        return {
            "record": self.name,
            "leads": list(self.leads),
            "rate": self.rate,
            "seconds": self.seconds,
            "partial": self.partial,
            "assumed_unit": self.assumed_unit or None,
            "scored_seconds": scored_seconds,
            "model": self.manifest["name"],
            "model_sha256": self.manifest["model_sha256"],
            "threshold": self.threshold,
            "threshold_from": self.threshold_from,
            "threshold_set_for_false_alarms_per_hour": self.threshold_set_for,
            "false_alarms_per_hour_on_new_wearers": self.false_alarms_on_new_wearers,
            "beats": len(self.beats),
            "scored": scored,
            "alarms": alarms,
            "doubted": sum(beat.doubted for beat in self.beats),
            **{f"{name}_beats": burden.beats for name, burden in self.burdens.items()},
            **{f"{name}_percent": burden.percent for name, burden in self.burdens.items()},
            "alarms_per_hour": 3600 * alarms / self.seconds if scored else None,
            "alarms_per_scored_hour": 3600 * alarms / scored_seconds if scored_seconds > 0 else None,
            "heart_rate": self.heart_rate,
        }


def mean_heart_rate(beats: Sequence[Beat]) -> float | None:
    """Beats a minute, from the scored beats' RR intervals up to 3 s; None if there are none."""
    rr = [
        beat.rr for beat in beats if beat.score is not None and beat.rr is not None and beat.rr <= 2 * REACH
    ]
    return 60 * len(rr) / sum(rr) if rr else None
