"""The models whose maps are measured: how each scores a beat, and by which maps it can be explained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.int8 import find_export, find_refusals
from keras_sibeat.evaluate.maps import Score, gradients, occlusion, rebuild_error
from keras_sibeat.models.inference import predict, rebuild, rebuild_scores
from keras_sibeat.models.outputs import student_outputs
from keras_sibeat.train.fitting import load
from keras_sibeat.train.run import Run
from sibeat_edge.model.runtime import Model

INT8 = "-int8"  # ends the name of an exported model


@dataclass(frozen=True)
class Beats:
    """Beats and what each is compared with.

    Attributes:
        arrays: as ``BeatSet.arrays``: the windows ``(beats, length, channels)`` and, for a wearer's model,
            the rhythm.
        usual: the wearer's usual beats ``(beats, length, leads)``.

    >>> Beats((np.zeros((2, 320, 1)),), np.zeros((2, 320, 1))).usual.shape
    (2, 320, 1)
    """

    arrays: tuple[np.ndarray, ...]
    usual: np.ndarray

    def take(self, rows: np.ndarray) -> "Beats":
        """The beats of a mask or of row numbers."""
        return Beats(tuple(part[rows] for part in self.arrays), self.usual[rows])


Map = Callable[[Beats], np.ndarray]  # (beats, length)


@dataclass(frozen=True)
class Explained:
    """A model with its maps.

    Attributes:
        score: of arrays of beats.
        maps: by name.

    >>> mean = Explained(lambda windows: windows.mean((1, 2)), {})
    >>> mean.score(np.ones((2, 320, 1))).tolist()
    [1.0, 1.0]
    """

    score: Score
    maps: Mapping[str, Map]


def explained_models(run: Run, part: Path) -> dict[str, Explained]:
    """The model of a run's ``part``, by the run's name, and that of its export, if it is a student's.

    A BeatGAN's own map is its rebuild error, and that of a student its residuals, if it gives them. What
    rebuilds nothing, or is scored by more, is explained by gradients; students by occlusion, too.

    Raises ``RunError`` for a model that is missing; a student may lack an export only where the gate refused
    it.
    """
    config, name = run.config, run.config.name
    if config.student:
        network = load(part / "student.keras")
        maps = {"gradients": _gradients(network)}
        if config.has_residuals:
            whole = load(part / "residuals.keras")
            maps["residuals"] = lambda beats: student_outputs(predict(whole, _inputs(*beats.arrays)))[
                "residuals"
            ]
        score = _score_of(network)
        models = {name: Explained(score, {**maps, "occlusion": _occlusion(score)})}
        if part.name not in find_refusals(run):
            models[name + INT8] = explained_export(Model(find_export(run, part)[0]))
        return models
    if config.contrastive:
        scorer = load(part / "scorer.keras")
        generator = scorer.get_layer("generator")
        maps = {"rebuild error": _rebuild_error(generator), "gradients": _gradients(scorer)}
        return {name: Explained(_score_of(scorer), maps)}
    if config.protocol.name == "series":
        raise RunError(f"{run.folder}: found a run on series; expected one on beats.")
    generator = load(part / f"{config.protocol.selection}.keras").generator

    return {name: Explained(partial(rebuild_scores, generator), {"rebuild error": _rebuild_error(generator)})}


def explained_export(model: Model) -> Explained:
    """An int8 model: by occlusion and, where it gives them, by its residuals."""
    maps: dict[str, Map] = {}
    if model.manifest["residuals"]:
        maps["residuals"] = lambda beats: np.array(
            [_residuals(model, *beat) for beat in zip(*beats.arrays, strict=True)]
        )

    def score(*arrays):
        return np.array(model.scores(*arrays))

    return Explained(score, {**maps, "occlusion": _occlusion(score)})


def _residuals(model, *beat):
    model.score(*beat)
    return model.residuals()


def _occlusion(score: Score) -> Map:
    return lambda beats: occlusion(score, *beats.arrays, usual=beats.usual)


def _gradients(network):
    return lambda beats: gradients(network, *beats.arrays, usual=beats.usual)


def _rebuild_error(generator: keras.Model) -> Map:
    def of(beats):
        windows = beats.arrays[0]
        return rebuild_error(windows, rebuild(generator, windows), beats.usual.shape[2])

    return of


def _score_of(network):
    """The score ``(beats,)`` that a Keras model gives, alone, first in a list, or by name."""

    def score(*arrays):
        found = predict(network, _inputs(*arrays))
        found = found["score"] if isinstance(found, dict) else student_outputs(found)["score"]
        return found[:, 0]

    return score


def _inputs(windows, rhythm=None):
    return windows if rhythm is None else {"window": windows, "rhythm": rhythm}
