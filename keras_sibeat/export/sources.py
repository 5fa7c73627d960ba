"""What can be exported: the students of a run, or a preset, and the beats that an export needs."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.beats import BeatSet, extract_beats
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.data.timings import simulate_timings
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.export.firmware import GOLDEN_BEATS
from keras_sibeat.layers.timings import SimulatedRhythm
from keras_sibeat.models.inference import BATCH
from keras_sibeat.presets.loading import list_presets
from keras_sibeat.presets.making import open_preset
from keras_sibeat.train.contrastive import build_views
from keras_sibeat.train.fitting import load
from keras_sibeat.train.run import Run


@dataclass(frozen=True)
class Source:
    """What is exported: a float student and the fold that it was trained on."""

    name: str
    network: keras.Model
    config: Config
    fold: Fold


def open_sources(source, data=None, residuals=False):
    """The students of a run, one for each fold and seed, or of a preset, with the folder of their exports.

    Args:
        source: folder of a student's finished run, or the name of a preset.
        data: a local copy of the data it was trained on.
        residuals: the student with its second output, the residuals per tick; a run alone has it.

    Raises ``RunError`` for another kind of run, ``ConfigError`` for an unknown name, ``DataError`` for other
    data than the student was trained on.
    """
    if not Path(source).is_dir():
        if str(source) not in list_presets():
            known = ", ".join(list_presets()) or "none, as none ships"
            raise ConfigError(f"{source}: found no run and no preset of that name (they are: {known}).")
        if residuals:
            raise ConfigError(f"Preset {source}: found no residuals; expected a run, which has them.")
        network, config, fold = open_preset(str(source), data)
        return [(Source(str(source), network, config, fold), Path("exports") / str(source))]
    run = Run(source, data)
    if not run.config.student:
        raise RunError(f"{source}: found a run without a student; expected a student's.")
    if residuals and not run.config.has_residuals:
        raise RunError(f"{source}: found a student without residuals; expected one that rebuilds a beat.")
    folds = load_folds(run.config)
    run.check_data(folds)
    file = "residuals.keras" if residuals else "student.keras"
    return [
        (Source(run.config.name, load(part / file), run.config, folds[fold]), part / "export")
        for (fold, _), part in run.parts().items()
    ]


def learning_inputs(source, seed=0):
    """Training normals, a view and a shifted copy of each, shuffled: what an abnormal beat scores they show.

    A wearer's model gets simulated rhythms with them.

    Calibrated on normal beats alone, a score would end at the highest of theirs, and all abnormal beats share
    it.
    """
    train, wearer = source.fold.train, source.config.wearer
    windows = train.windows
    parts = np.array_split(windows, max(1, len(windows) // BATCH))
    drawn = [
        np.asarray(draw(part, training=True))
        for draw in build_views(source.config, seed)
        if draw
        for part in parts
    ]
    windows = np.concatenate([windows, *drawn])
    order = np.random.default_rng(seed).permutation(len(windows))
    if not wearer:
        return windows[order]
    timings = SimulatedRhythm(*simulate_timings(train, wearer.sequences, wearer.waits, seed), seed=seed)
    rhythm = np.tile(train.rhythm, (len(windows) // len(train), 1))
    return {"window": windows[order], "rhythm": np.asarray(timings(rhythm[order], training=True))}


def golden_beats(config):
    """The parts of 16 simulated beats, normal and not: recorded ones are not ours to pass on."""
    window, waits = config.window, config.wearer.waits if config.wearer else None
    recording = simulate_wearer(seed=0, seconds=120.0)
    leads = ["MLII"] if config.data.leads == "all" else list(config.data.leads)
    sides = (window.before, window.after)
    chosen = recording.leads[: len(leads)]
    beats = extract_beats(recording, chosen, *sides, window.band, window.order, waits)
    return golden(beats).parts


def golden(beats: BeatSet):
    """As many beats of each symbol as there are, in turn."""
    turn = np.zeros(len(beats), int)
    for symbol in np.unique(beats.symbols):
        same = beats.symbols == symbol
        turn[same] = np.arange(same.sum())
    return beats.take(np.argsort(turn, kind="stable")[:GOLDEN_BEATS])
