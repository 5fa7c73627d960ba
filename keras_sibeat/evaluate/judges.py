"""What a trained part scores beats with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.models.inference import rebuild_scores, score_parts
from keras_sibeat.train.fitting import load
from keras_sibeat.train.student import as_scorer, load_scorer


@dataclass(frozen=True)
class Judge:
    """A trained model, and what it says of beats.

    Attributes:
        network: whose parameters and operations count.
        generator: what rebuilds a beat, or None.
        judge: from ``BeatSet.inputs`` to an array ``(beats,)`` of each score by name. The model's own is
            called ``score``.

    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> judge = Judge(network, None, lambda beats: {"score": beats.mean(axis=1)})
    >>> judge.judge(np.ones((3, 2)))["score"].tolist()
    [1.0, 1.0, 1.0]
    """

    network: keras.Model
    generator: keras.Model | None
    judge: Callable[[Any], dict[str, np.ndarray]]


def open_judge(config: Config, part: Path, selection: str) -> Judge:
    """What the trained ``part`` scores with; a plain BeatGAN's is that of the epoch of the ``selection``.

    Raises ``RunError`` where the model, or a student's teacher, is not there.
    """
    if config.student:
        return _student(config, part, load(part / "student.keras"))
    if config.contrastive:
        network = load(part / "scorer.keras")
        generator = None if config.wearer else network.get_layer("generator")
        return Judge(network, generator, partial(score_parts, network))
    rebuilds = load(part / f"{selection}.keras").generator
    return Judge(rebuilds, rebuilds, lambda windows: {"score": rebuild_scores(rebuilds, windows)})


def _student(config, part, network):
    """A student, and beside its score that of the teacher, if it has one."""
    scorer = as_scorer(network)
    if not config.student.distil:
        return Judge(network, None, partial(score_parts, scorer))
    teacher, generator = load_scorer(config, part), None
    if config.has_residuals:
        whole = load(part / "residuals.keras")
        generator = keras.Model(whole.input, whole.get_layer("rebuilt").output)

    def judge(inputs):
        return {**score_parts(scorer, inputs), "teacher": score_parts(teacher, inputs)["score"]}

    return Judge(network, generator, judge)
