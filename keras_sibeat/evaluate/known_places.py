"""Beats whose anomalies have known places, cut as each of several runs cuts them: simulated and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.data.beats import extract_beats, window_centres
from keras_sibeat.data.planted import Place, known_by_class, plant
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.protocols import map_classes
from keras_sibeat.data.recording import Recording, read_recording
from keras_sibeat.data.sources import find_record, learning_roles
from keras_sibeat.data.synthetic import simulate_wearers
from keras_sibeat.errors import DataError
from keras_sibeat.evaluate.explained import Beats
from sibeat_edge.signal.resampling import RATE

SIMULATED, RECORDED = "simulated", "recorded"
SEED = 10_000  # of the simulated wearers, and of what is planted
WEARERS, SECONDS = 8, 300.0  # simulated
EACH = 3  # beats of a kind in a recording, at most; twice as many of a class
LOOKED_AT = 600.0  # s of a recording that validates, from its begin


# Of one beat: the kind, the truth, the arrays, and the usual beat.
_Cut: TypeAlias = tuple[str, np.ndarray, list[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Known:
    """Abnormal beats of which the place is known.

    Attributes:
        kinds: ``(beats,)`` of anomaly.
        truth: ``(beats, length)`` mask of the ticks where it is.
        beats: as a model takes them.

    >>> windows, truth = np.zeros((1, 320, 1)), np.zeros((1, 320), bool)
    >>> len(Known(np.array(["bump"]), truth, Beats((windows,), windows)).kinds)
    1
    """

    kinds: np.ndarray
    truth: np.ndarray
    beats: Beats


def validation_recordings(config: Config) -> list[Recording]:
    """The beginnings of the recordings that validate, with the leads that are scored.

    No recording that tests is read.
    """
    recordings = []
    for name, role in learning_roles(config).items():
        if role == "validate":
            path, section = find_record(config, name)
            recording = read_recording(path, section.annotator, section.leads)
            recordings.append(replace(recording.until(LOOKED_AT), name=name))
    return recordings


def simulated_recordings(leads: int = 1) -> list[Recording]:
    """Recordings of simulated wearers, others than those of any training."""
    made = simulate_wearers(WEARERS, SEED, seconds=SECONDS)
    return [recording.of_leads(recording.leads[:leads]) for recording in made]


def with_known_places(
    recordings: Sequence[Recording], configs: Sequence[Config], each: int = EACH
) -> list[Known]:
    """Plant anomalies, and cut the beats as each of the ``configs`` does: the same beats for all of them.

    Args:
        recordings: with annotated beats and the leads that are scored.
        configs: of runs.
        each: beats of each planted kind in a recording, at most; of each abnormal class twice as many.

    Raises ``DataError`` where no beat is left.
    """
    rng = np.random.default_rng(SEED)
    cut: list[list[_Cut]] = [[] for _ in configs]
    for recording in recordings:
        by_class = known_by_class(recording, rng, 2 * each)
        recording, planted = plant(recording, rng, each)
        rows = [_cut(recording, config, [*planted, *by_class]) for config in configs]
        shared = set.intersection(*(set(found) for found in rows))
        for found, mine in zip(rows, cut, strict=True):
            mine += [found[place] for place in sorted(shared, key=lambda place: place.sample)]
    if not cut[0]:
        raise DataError("Found no beat of a known place that all runs can score; expected some.")
    return [_joined(found) for found in cut]


def _cut(recording: Recording, config: Config, places: Sequence[Place]) -> dict[Place, _Cut]:
    """By place the kind, the truth, the beat's arrays and the usual beat, where there is a window."""
    wanted = replace(Preprocessing.of(config), leads="all")
    beats = map_classes(extract_beats(recording, wanted), "aami")
    centres = window_centres(recording, wanted)
    rows = {sample: row for row, sample in enumerate(beats.samples.tolist())}
    at = {place: rows.get(round(place.sample * RATE / recording.rate)) for place in places}
    if wanted.waits is None:
        changed = [row for row in at.values() if row is not None]
        is_own = (beats.classes == "N") & ~np.isin(np.arange(len(beats)), changed)
        usual = np.broadcast_to(np.median(beats.windows[is_own], axis=0), beats.windows.shape)
    else:
        usual = beats.windows[:, :, beats.windows.shape[2] // 2 :]
    found: dict[Place, _Cut] = {}
    for place, row in at.items():
        if row is None:
            continue
        ticks = np.arange(wanted.length) - wanted.before + centres[int(beats.samples[row])]
        truth = (ticks >= place.first * RATE) & (ticks < place.last * RATE)
        if truth.any():
            found[place] = place.kind, truth, [part[row] for part in beats.arrays], usual[row]
    return found


def _joined(found):
    kinds, truth, arrays, usual = zip(*found, strict=True)
    stacked = tuple(np.stack(part) for part in zip(*arrays, strict=True))
    return Known(np.array(kinds), np.array(truth), Beats(stacked, np.stack(usual)))
