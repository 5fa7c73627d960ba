"""What can be exported: the students of a run, or a preset, and the beats that an export needs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.data.timings import simulate_timings
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.export.firmware import GOLDEN_BEATS
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.models.inference import BATCH
from keras_sibeat.presets.loading import describe_preset, list_presets
from keras_sibeat.presets.making import open_preset
from keras_sibeat.train.contrastive import build_shifts, build_views
from keras_sibeat.train.fitting import load
from keras_sibeat.train.run import Run
from keras_sibeat.train.student import build_noise


@dataclass(frozen=True)
class Source:
    """What is exported.

    Attributes:
        name: of the export's files, and in the manifest.
        network: the float student.
        config: that it was trained with.
        fold: that it was trained on.
        metrics: of the float student on the test fold; empty where it was not evaluated.

    >>> Source("small", keras.Sequential(), Config(), fold=None).metrics
    {}
    """

    name: str
    network: keras.Model
    config: Config
    fold: Fold
    metrics: Mapping[str, Any] = field(default_factory=dict)


def open_sources(
    source: str | Path, data: str | Path | None = None, residuals: bool = False
) -> list[tuple[Source, Path]]:
    """The students of a run, one for each fold and seed, or of a preset, each with the folder of its export.

    Args:
        source: folder of a student's finished run, or the name of a preset.
        data: a local copy of the data it was trained on.
        residuals: the student with its second output, the residuals per tick, which only a run has.

    Raises ``RunError`` for another kind of run, ``ConfigError`` for an unknown name, ``DataError`` for other
    data than the student was trained on.
    """
    if Path(source).is_dir():
        return _of_run(source, data, residuals)
    name = str(source)
    if name not in list_presets():
        known = ", ".join(list_presets()) or "none, as none ships"
        raise ConfigError(f"{name}: found no run and no preset of that name (they are: {known}).")
    if residuals:
        raise ConfigError(f"Preset {name}: found no residuals; expected a run, which has them.")
    network, config, fold = open_preset(name, data)
    metrics = describe_preset(name)["metrics"]
    return [(Source(name, network, config, fold, metrics), Path("exports") / name)]


def _of_run(folder, data, residuals):
    run = Run(folder, data)
    if not run.config.student:
        raise RunError(f"{folder}: found a run without a student; expected a student's.")
    if residuals and not run.config.has_residuals:
        raise RunError(f"{folder}: found a student without residuals; expected one that rebuilds a beat.")
    folds = load_folds(run.config)
    run.check_data(folds)
    file = "residuals.keras" if residuals else "student.keras"
    return [
        (
            Source(run.config.name, load(part / file), run.config, folds[fold], _metrics(part)),
            part / "export",
        )
        for (fold, _), part in run.parts().items()
    ]


def _metrics(part):
    file = part / "metrics.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def learning_inputs(source: Source, seed: int = 0) -> np.ndarray | dict[str, np.ndarray]:
    """Windows that set the ranges of the int8 activations, and that fine-tuning learns from; shuffled.

    They are the training normals, a view and a shifted copy of each and, of a student that learnt to see
    through noise, a noisy one. Abnormal beats score higher than any normal one, and the shifted copies stand
    for them: with normals alone, the range of the score would end at the highest of theirs.

    Returns windows ``(windows, length, channels)``. For a wearer's model they are ``window`` of a dictionary,
    with simulated rhythms as ``rhythm``.
    """
    train, noise = source.fold.train, build_noise(source.config, seed)
    layers = (*build_views(source.config, seed), noise)
    windows = np.concatenate([train.windows, _augmented(train.windows, layers)])
    order = np.random.default_rng(seed).permutation(len(windows))
    if not source.config.wearer:
        return windows[order]
    rhythm = np.tile(train.rhythm, (len(windows) // len(train), 1))
    return {"window": windows[order], "rhythm": _with_simulated(source, rhythm[order], seed)}


def judging_inputs(source: Source, seed: int = 0) -> tuple[np.ndarray | dict[str, np.ndarray], np.ndarray]:
    """The beats that an exported model is judged by, and which of them ``(beats,)`` are abnormal.

    They are the validation beats. Where none of these is abnormal, a shifted copy of each follows, in another
    order, and stands for the abnormal ones: the shifts are those that the student learnt from, and for a
    wearer's model half of the copies get simulated rhythms, too.
    """
    validation = source.fold.validation
    is_abnormal = source.fold.is_abnormal(validation)
    if is_abnormal.any():
        return validation.inputs, is_abnormal
    order = np.random.default_rng(seed).permutation(len(validation))  # beside a beat comes another wearer's
    shifted = _augmented(validation.windows[order], (build_shifts(source.config, seed),))
    windows = np.concatenate([validation.windows, shifted])
    is_abnormal = np.arange(len(windows)) >= len(validation)
    if not source.config.wearer:
        return windows, is_abnormal
    rhythm = np.concatenate([validation.rhythm, _with_simulated(source, validation.rhythm[order], seed)])
    return {"window": windows, "rhythm": rhythm}, is_abnormal


def _with_simulated(source, rhythm, seed):
    """The ``rhythm`` (beats, features), half of it that of simulated beats, timely or premature."""
    wearer = source.config.wearer
    simulated, is_premature = simulate_timings(source.fold.train, wearer.sequences, wearer.waits, seed)
    return np.asarray(SimulatedRhythm(simulated, is_premature, seed=seed)(rhythm, training=True))


def _augmented(windows, layers):
    """A copy of all the windows by each of the layers that there are."""
    batches = np.array_split(windows, max(1, len(windows) // BATCH))
    drawn = [np.asarray(layer(batch, training=True)) for layer in layers if layer for batch in batches]
    return np.concatenate(drawn)


def golden_beats(config: Config) -> tuple[np.ndarray, ...]:
    """The arrays of 16 simulated beats, normal and abnormal, as a model of this configuration takes them.

    They are simulated, as recorded ones are not ours to pass on.
    """
    recording = simulate_wearer(seed=0, seconds=120.0)
    wanted = Preprocessing.of(config)
    beats = extract_beats(recording, replace(wanted, leads=recording.leads[: config.data.lead_count or 1]))
    return beats.take(_in_turn(beats.symbols)[:GOLDEN_BEATS]).arrays


def _in_turn(symbols):
    """Rows of the beats, the first of each symbol first, then the second of each, and so on."""
    turn = np.zeros(len(symbols), int)
    for symbol in np.unique(symbols):
        same = symbols == symbol
        turn[same] = np.arange(same.sum())
    return np.argsort(turn, kind="stable")
