"""From the device's samples to scored beats, in blocks of any size."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.cut import CutBeat, Pause
from sibeat_edge.beats.evidence import Seen
from sibeat_edge.beats.judge import Judge, Scores, Verdict
from sibeat_edge.beats.stream import PAUSE, BeatStream
from sibeat_edge.beats.wearer import Wearer, views_of
from sibeat_edge.beats.windows import normalise
from sibeat_edge.errors import ModelError
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import Threshold
from sibeat_edge.model.views import Scored, on_time, viewed
from sibeat_edge.signal.resampling import RATE

BLOCK = 60  # s of a recording that are pushed at once
TOGETHER = 128  # views for which the model runs before any of them is judged, so that memory is bounded
ALARMS = ("S", "V")  # kinds of beats that are alarms, for a wearer's model
GAP = 0.05  # s between the end of a block and the next block's time, from which the clock has jumped


class BeatScorer:
    """Scores the beats in a stream of ECG samples.

    ``push`` returns the beats that have become certain, in order of time, and ``finish`` the rest. The beats
    do not depend on how the samples are cut into blocks.

    Args:
        model: a ``Model``, or its ``source``, e.g. the name of a preset, ``"mitdb-wearer"``.
        rate: of the device, 1 to 10,000 Hz.
        threshold, false_alarms_per_hour, personal: set the threshold, as ``score``, ``per_hour`` and
            ``personal`` of ``Threshold``. For a model with a template it decides about shapes alone.
        heat: whether beats carry their residuals.
        parts: whether a wearer's model's beats carry the scores of their shape and timing: one more run each.

    Attributes:
        model: the ``Model``.
        wearer: for a wearer's model, the ``Wearer`` with the template; it is kept across gaps in the signal.
        revisions: what the latest ``push`` or ``finish`` has overturned, with what has been learnt since: the
            number of each such beat, counted from 0 over all beats of this scorer, and the beat as it is
            judged now. A beat is revised once at most, ``LATER`` beats later or at the stream's end.

    Raises ``ModelError`` as ``Model`` and ``Threshold`` do, and for a wearer's model whose threshold is not
    above 0, ``ValueError`` for a rate out of range.

    >>> time = np.arange(100 * 360) / 360
    >>> lead = np.exp(-np.square((time % 1 - 0.5) / 0.02)) + 0.1 * np.sin(2 * np.pi * time)
    >>> scorer = BeatScorer("mitdb-wearer", rate=360)
    >>> beats = scorer.push(lead) + scorer.finish()
    >>> len(beats), beats[1].time, beats[1].rr, beats[1].alarm
    (100, 1.5, 1.0, False)
    """

    def __init__(
        self,
        model: Model | str | Path | bytes,
        rate: float,
        threshold: float | None = None,
        personal: int | None = None,
        heat: bool = False,
        *,
        false_alarms_per_hour: float | None = None,
        parts: bool = False,
    ) -> None:
        self.model = model if isinstance(model, Model) else Model(model)
        manifest = self.model.manifest
        self.rate, self.heat, self.parts = rate, heat, parts
        self._threshold = Threshold(manifest, threshold, false_alarms_per_hour, personal)
        settings, centre = manifest["wearer"], manifest["window"]["before"]
        self.wearer = Wearer(settings["waits"], centre) if settings else None
        # Both are kept across gaps: the wearer's beats look the same behind them.
        self._aligner, self._judge = Aligner(), Judge(centre)
        self._unit = manifest["threshold"]["score"]  # in which the judge takes scores
        if settings and self._unit <= 0:
            raise ModelError(
                f"{manifest['name']}: found the threshold {self._unit:g}; expected one above 0, in whose "
                "units a wearer's beats are judged."
            )
        self._pending: deque[CutBeat] = deque()  # the beats that wait for their view
        self._scored: deque[Scored] = deque()  # those that wait for a verdict
        self._told: deque[Beat] = deque()  # those that wait for their last verdict
        self._settled = 0  # beats with a last verdict
        self.revisions: list[tuple[int, Beat]] = []
        self._start(0.0)

    @property
    def threshold(self) -> float:
        """Score above which a beat is ``above`` from now on; without a template such a beat is an alarm."""
        return self._threshold.score

    @property
    def personal(self) -> int:
        """Number of the wearer's first scored beats that set the threshold; 0 for none."""
        return self._threshold.personal

    @property
    def shapes(self) -> dict[int, np.ndarray]:
        """The mean shape ``(40,)``, 120 Hz, without swings, of each kind that is known now, by its number."""
        return {kind.number: kind.mean for kind in self._judge.kinds} if self.wearer else {}

    @property
    def latency(self) -> float:
        """Seconds after its R-peak by which a beat is out, if its window is fit to be scored.

        This is ``BeatStream.latency``, with the same exceptions. A wearer's model also waits for the next
        beat, and for the one behind that if its view needs the next one, each at most as long as for a pause;
        the beats of a warm-up wait for its end. ``revisions`` come later.
        """
        if not self.wearer:
            return self._stream.latency
        waits = self.model.manifest["wearer"]["waits"]
        return self._stream.latency + (PAUSE / RATE + 1) * (2 if waits else 1)

    def _start(self, time):
        """Begin a new stream at ``time``: nothing from before a gap affects what follows it."""
        signal, window = self.model.manifest["signal"], self.model.manifest["window"]
        self._stream = BeatStream(
            self.rate,
            self.model.leads,
            tuple(signal["band"]),
            signal["order"],
            (window["before"], window["after"]),
            start=time,
            tells_pauses=self.wearer is not None,
            knows_wearer=self.wearer is not None,
            aligner=self._aligner,
        )
        self._expected = time  # of the next sample, on the device's clock

    def push(self, samples: npt.ArrayLike, time: float | None = None) -> list[Beat]:
        """Beats that these samples make certain.

        Args:
            samples: ``(samples,)`` or ``(samples, leads)``, mV; NaN and infinity are missing samples.
            time: of the first of them on the device's clock, s. A new stream begins where it differs by more
                than 50 ms from the end of the block before. A clock that drifts slowly is not followed.

        Raises ``ValueError`` for samples of another number of leads than the model's, or a time that is not
        finite.
        """
        self.revisions = []
        samples = np.asarray(samples, np.float64)
        samples = samples[:, None] if samples.ndim == 1 else samples
        if samples.ndim != 2 or samples.shape[1] != self.model.leads:
            raise ValueError(
                f"BeatScorer: found samples {samples.shape}, expected (samples, {self.model.leads})."
            )
        beats = []
        if time is not None:
            if not np.isfinite(time):
                raise ValueError(f"BeatScorer: found the time {time}, expected seconds.")
            if self._stream.seen and abs(time - self._expected) > GAP:
                beats = self._end(goes_on=True)
            if not self._stream.seen:
                self._start(float(time))
            self._expected = float(time)
        if not len(samples):
            return beats
        self._expected += len(samples) / self.rate
        return beats + self._take(self._stream.push(samples))

    def finish(self) -> list[Beat]:
        """Beats that the stream's end makes certain. Samples pushed afterwards begin a new stream."""
        self.revisions = []
        beats = self._end()
        if self.wearer:
            self._revise(self._judge.settled(at_end=True))
        return beats

    def _end(self, goes_on=False):
        """End the stream; a wearer's warm-up goes on if the signal ``goes_on`` at another time."""
        if not self._stream.seen and (goes_on or not self._pending):
            return []
        beats = self._take(self._stream.finish()) if self._stream.seen else []
        if self.wearer:
            beats += self._score([self.wearer.interrupt() if goes_on else self.wearer.finish()])
            beats += self._decide(self._judge.finish())
        self._start(self._stream.end)
        return beats

    def _take(self, cut):
        """The beats that become certain: those that were cut or, for a wearer's model, those before them."""
        beats, groups, count = [], [], 0
        for found in cut:
            if isinstance(found, Pause):
                groups.append(self.wearer.pause(found.follows))
                beats += self._score(groups) + self._decide(self._judge.finish())
                groups, count = [], 0
                continue
            self._pending.append(found)
            if self.wearer is None:
                groups.append([None if found.window is None else (normalise(found.window),)])
            else:
                follows = found.rr is not None
                groups.append(self.wearer.push(found.time, found.window, follows, found.is_clean))
            count += len(groups[-1])
            if count >= TOGETHER:
                beats += self._score(groups)
                groups, count = [], 0
        return beats + self._score(groups)

    def _score(self, groups):
        """A ``Beat`` for each of the beats that have been pending longest; None is one without a view.

        The model runs on all of them before any is judged. The threshold learns from all views of a group
        before the first of them can be an alarm. This matters at the end of a warm-up, where many become
        certain together.
        """
        given = [view for group in groups for view in group if view]
        found = iter(viewed(self.model, views_of(given) if self.wearer else given, self.heat))
        beats = []
        for group in groups:
            known = [next(found) if view else None for view in group]
            self._threshold.learn([view.score for view in known if view])
            limit = self._threshold.score
            for view in known:
                scored = Scored(self._pending.popleft(), view, view is not None and view.score > limit)
                beats += self._give(scored) if self.wearer else [scored.beat(scored.is_over)]
        return beats

    def _give(self, scored):
        """The beats on which the next one makes a verdict certain."""
        self._scored.append(scored)
        cut, view, unit = scored.cut, scored.view, self._unit
        if view is None:
            return self._decide(self._judge.push(Seen(cut.time, cut.rr, cut.likeness, None, False), None))
        # As it is, at another time, and of another shape.
        known = (view.score / unit, view.of_template / unit, self._threshold.score / unit)
        scores = Scores(*known, shape=lambda: on_time(self.model, *view.inputs) / unit)
        if self.parts:
            scored.shape, scored.timing = scores.shape() * unit, scores.timing * unit
        seen = Seen(cut.time, cut.rr, cut.likeness, view.inputs[0], scored.is_over, view.form)
        return self._decide(self._judge.push(seen, scores))

    def _decide(self, verdicts):
        """The beats on which these are the first verdicts."""
        beats = [self._scored.popleft().beat(verdict.kind in ALARMS, verdict) for verdict in verdicts]
        self._told += [replace(beat, residuals=None) for beat in beats] if self.heat else beats
        self._revise(self._judge.settled())
        return beats

    def _revise(self, verdicts):
        """Compare the last verdicts on the oldest beats with the first ones."""
        for verdict in verdicts:
            beat = self._told.popleft()
            if verdict.kind != beat.kind:
                self.revisions.append((self._settled, _again(beat, verdict)))
            self._settled += 1


def _again(beat: Beat, verdict: Verdict) -> Beat:
    """A beat with what a later verdict says of it; the rest of a verdict stays as it was."""
    return replace(beat, alarm=verdict.kind in ALARMS, kind=verdict.kind, why=verdict.why)


def score_recording(
    model: Model | str | Path | bytes, signal: np.ndarray, rate: float, **options: Any
) -> list[Beat]:
    """All beats of a recording, in order of time, as they were judged last.

    Args:
        model, rate: as for ``BeatScorer``.
        signal: ``(samples,)`` or ``(samples, leads)``, mV.
        options: further ones of ``BeatScorer``.
    """
    return score_signal(BeatScorer(model, rate, **options), signal)


def score_signal(scorer: BeatScorer, signal: np.ndarray) -> list[Beat]:
    """As ``score_recording``, by a new ``scorer``, which then knows the threshold that was learnt."""
    size = max(1, round(BLOCK * scorer.rate))
    beats: list[Beat] = []
    for first in range(0, len(signal), size):
        beats += scorer.push(signal[first : first + size])
        revise(beats, scorer.revisions)
    beats += scorer.finish()
    revise(beats, scorer.revisions)
    return beats


def revise(beats: list[Beat], revisions: Sequence[tuple[int, Beat]]) -> None:
    """Put a scorer's ``revisions`` into the list of all its ``beats`` so far; residuals stay as they are."""
    for number, beat in revisions:
        beats[number] = replace(beat, residuals=beats[number].residuals)
