"""What a model says of the views of beats, for many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sibeat_edge.beats.beat import Beat
from sibeat_edge.beats.cut import CutBeat
from sibeat_edge.beats.form import Form, forms
from sibeat_edge.beats.judge import Verdict
from sibeat_edge.beats.rhythm import OF_A_BEAT
from sibeat_edge.model.runtime import Model

NONE = Verdict()


class Viewed(NamedTuple):
    """A view and what is known of it.

    Attributes:
        inputs: of the model: the window and, for a wearer's model, the rhythm.
        score: of the model.
        residuals: where the beat is abnormal, ``(length,)``, if asked for and known.
        of_template: for a wearer's model the score of the template at the beat's time.
        form: for a wearer's model the ``Form``.

    >>> Viewed((np.zeros((320, 1)),), 0.5).form is None
    True
    """

    inputs: tuple[np.ndarray, ...]
    score: float
    residuals: np.ndarray | None = None
    of_template: float | None = None
    form: Form | None = None


@dataclass(slots=True)
class Scored:
    """A beat that waits for a verdict, with its scores.

    Attributes:
        cut: the beat as it was cut.
        view: what is known of its view, or None without one.
        is_over: whether its score lies above the threshold.
        shape, timing: as a ``Beat`` has them.

    >>> Scored(CutBeat(1.5, None, "flat", rr=0.8), None, False).beat(is_alarm=False).reason
    'flat'
    """

    cut: CutBeat
    view: Viewed | None
    is_over: bool
    shape: float | None = None
    timing: float | None = None

    def beat(self, is_alarm: bool, verdict: Verdict = NONE) -> Beat:
        """The beat, with what the verdict says of it."""
        cut, view = self.cut, self.view
        return Beat(
            time=cut.time,
            score=view.score if view else None,
            alarm=is_alarm,
            reason="" if view else cut.reason or "warm-up",
            rr=cut.rr,
            residuals=view.residuals if view else None,
            why=verdict.why,
            snr=cut.snr,
            above=self.is_over,
            bridged=cut.bridged,
            kind=verdict.kind,
            irregular=verdict.is_irregular,
            group=verdict.group,
            shape=self.shape,
            timing=self.timing,
        )


def viewed(model: Model, views: Sequence[tuple[np.ndarray, ...]], heat: bool = False) -> list[Viewed]:
    """What ``model`` says of each of the ``views``.

    Args:
        views: as ``Wearer`` gives them or, for a model without a wearer, ``(normalise(window),)``.
        heat: whether residuals are wanted.

    >>> from sibeat_edge.report.recording import PRESET
    >>> template = np.hanning(320)[:, None].astype(np.float32)
    >>> model, on_time = Model(PRESET), np.zeros(8, np.float32)
    >>> own, odd = viewed(model, [(np.hstack([sign * template, template]), on_time) for sign in (1, -1)])
    >>> own.score < odd.score, own.of_template == odd.of_template == own.score
    (True, True)
    """
    if not views:
        return []
    if not model.manifest["wearer"]:
        if not heat:
            return list(map(Viewed, views, model.scores(*map(np.stack, zip(*views, strict=True)))))
        # One by one, as the interpreter keeps the residuals of the last one alone.
        return [Viewed(view, model.score(*view), model.residuals()) for view in views]
    windows, rhythms = (np.stack(part) for part in zip(*views, strict=True))
    beats, templates = np.split(windows, 2, axis=2)
    judged = forms(windows, model.manifest["window"]["before"])
    scores = model.scores(windows, rhythms)
    of_templates = of_template(model, windows, rhythms)
    residuals = np.square(beats - templates).mean(axis=2) if heat else [None] * len(views)
    return list(map(Viewed, views, scores, residuals, of_templates, judged))


def of_template(model: Model, windows: np.ndarray, rhythms: np.ndarray) -> list[float]:
    """Scores of the templates at the beats' times.

    Args:
        windows: ``(beats, length, 2 · leads)``.
        rhythms: ``(beats, features)``.
    """
    templates = windows[:, :, windows.shape[2] // 2 :]
    return model.scores(np.concatenate([templates, templates], axis=2), rhythms)


def on_time(model: Model, window: np.ndarray, rhythm: np.ndarray) -> float:
    """The score had a beat been on time, in the same rhythm. It costs a run of the model of its own."""
    return model.score(window, np.where(OF_A_BEAT, 0, rhythm).astype(rhythm.dtype))
