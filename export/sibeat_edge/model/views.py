"""What a model says of the views of beats, for many of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sibeat_edge.beats.form import Form, forms
from sibeat_edge.beats.rhythm import OF_A_BEAT
from sibeat_edge.model.runtime import Model


@dataclass(frozen=True, slots=True)
class Viewed:
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
    if not model.manifest["wearer"]:
        # One by one, as the interpreter keeps the residuals of the last one alone.
        return [Viewed(view, model.score(*view), model.residuals() if heat else None) for view in views]
    scores = model.scores(views)
    of_templates = model.scores([(_of_template(window), rhythm) for window, rhythm in views])
    judged = forms([window for window, _ in views], model.manifest["window"]["before"])
    residuals = [_difference(window) if heat else None for window, _ in views]
    return list(map(Viewed, views, scores, residuals, of_templates, judged))


def on_time(window: np.ndarray, rhythm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The view had the beat been on time, in the same rhythm."""
    return window, np.where(OF_A_BEAT, 0, rhythm).astype(rhythm.dtype)


def _of_template(window):
    """The template in place of the beat, too."""
    own = window[:, window.shape[1] // 2 :]
    return np.concatenate([own, own], axis=1)


def _difference(window):
    """The squared difference from the template."""
    beat, template = np.split(window, 2, axis=1)
    return np.square(beat - template).mean(axis=1)
