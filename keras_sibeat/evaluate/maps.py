"""Maps of where in a beat a model finds it abnormal: a number a tick, larger = more abnormal.

A map says what in the beat raises the score above that of the wearer's ``usual`` beat: the template of a
model that has one, the median of the wearer's normal beats for another. What lies outside the window, as the
rhythm does, is in no map.
"""

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np

from keras_sibeat.evaluate.map_metrics import replaced
from keras_sibeat.layers.backend import tf
from keras_sibeat.models.inference import BATCH
from keras_sibeat.models.inference import residuals as squared_error
from sibeat_edge.report.heat import WIDTH

STEP = 8  # ticks from one occluded place to the next
PATH = 16  # beats on the way from the usual one, over which gradients are averaged

# From a model's arrays, as ``BeatSet.arrays`` gives them, to the scores (beats,).
Score: TypeAlias = Callable[..., np.ndarray]


def occlusion(
    score: Score,
    windows: np.ndarray,
    *rest: np.ndarray,
    usual: np.ndarray,
    width: int = WIDTH,
    step: int = STEP,
) -> np.ndarray:
    """By how much the score falls where a part of the beat is as usual ``(beats, length)``.

    The part moves over the beat; its edges are smooth, as the beats that a model has learnt know no steps.
    It needs no gradient, so it explains an int8 model as well as a float one.

    Args:
        score: from arrays of beats to their scores, e.g. ``sibeat_edge.Model.scores``.
        windows: ``(beats, length, channels)``.
        rest: the model's other arrays, as the rhythm; they stay as they are.
        usual: ``(beats, length, leads)``, what each beat is compared with; the windows' first channels.
        width, step: of the part, in ticks, and from one place to the next.

    Raises ``ValueError`` for another shape of ``usual``, and a part or a step of no ticks.
    """
    _check(windows, usual)
    if width < 1 or step < 1:
        raise ValueError(f"occlusion: found width {width} and step {step}, expected 1 or more.")
    length = windows.shape[1]
    ticks = np.arange(length)
    centres = np.arange(step // 2, length, step)
    whole, falls = np.asarray(score(windows, *rest)), []
    for centre in centres:
        near = np.clip(np.abs(ticks - centre) / (width / 2), 0, 1)
        kept = np.square(np.sin(near * np.pi / 2))[None, :, None]
        falls.append(whole - score(replaced(windows, usual, kept), *rest))
    columns = np.array(falls).T
    return np.stack([np.interp(ticks, centres, row) for row in columns])


def gradients(model: keras.Model, windows: np.ndarray, *rest: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Integrated gradients (Sundararajan et al. 2017) from the usual beat to the beat ``(beats, length)``.

    The sum of a map over its ticks is the score less that of the usual beat, but for the path's steps.

    Args:
        model: a Keras model of the arrays that returns the score ``(beats, 1)``, alone or as ``score``.
        windows, rest, usual: as for ``occlusion``.
    """
    _check(windows, usual)
    return np.concatenate(
        [
            _gradients(model, usual[rows], windows[rows], *(part[rows] for part in rest))
            for rows in (slice(first, first + BATCH) for first in range(0, len(windows), BATCH))
        ]
    )


def _gradients(model, usual, windows, *rest):
    leads = usual.shape[2]
    total = np.zeros(usual.shape, np.float64)
    for share in (np.arange(PATH) + 0.5) / PATH:
        there = tf.constant(replaced(windows, usual, np.float32(share)))
        with tf.GradientTape() as tape:
            tape.watch(there)
            inputs = {"window": there, "rhythm": tf.constant(rest[0])} if rest else there
            found = model(inputs, training=False)
            score = found["score"] if isinstance(found, dict) else found
        total += tape.gradient(score, there)[:, :, :leads].numpy()
    return np.sum((windows[:, :, :leads] - usual) * total / PATH, axis=2)


def rebuild_error(windows: np.ndarray, rebuilt: np.ndarray, leads: int | None = None) -> np.ndarray:
    """The squared error of the beat's own ``leads``, all channels where None ``(beats, length)``."""
    return squared_error(windows[:, :, :leads], rebuilt[:, :, :leads])


def difference(windows: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The squared difference from the usual beat ``(beats, length)``, the mean over leads. No model."""
    _check(windows, usual)
    return squared_error(windows[:, :, : usual.shape[2]], usual)


def squared_slope(windows: np.ndarray, leads: int | None = None) -> np.ndarray:
    """The square of the slope, per tick, ``(beats, length)``, the mean over leads: where the QRS is."""
    return np.mean(np.square(np.gradient(windows[:, :, :leads], axis=1)), axis=2)


def chance(count: int, length: int, rng: np.random.Generator, width: int = STEP) -> np.ndarray:
    """Maps ``(count, length)`` that know nothing: smooth noise, on which every place is as likely."""
    ticks = np.fft.fftfreq(length)
    spectrum = np.fft.fft(rng.standard_normal((count, length)), axis=1)
    # On a circle, so that no place differs from another.
    return np.fft.ifft(spectrum * np.exp(-2 * np.square(np.pi * width * ticks)), axis=1).real


def _check(windows, usual):
    if usual.shape[:2] != windows.shape[:2] or usual.shape[2] > windows.shape[2]:
        raise ValueError(
            f"Expected a usual beat for each window, of no more channels; found {usual.shape} and "
            f"windows {windows.shape}."
        )
