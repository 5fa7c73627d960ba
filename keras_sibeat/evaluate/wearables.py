"""Alarms on recordings that nobody annotated beat by beat: wearers who move, and recordings by rhythm."""

import fnmatch
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from rich.progress import track

from keras_sibeat.data.physionet import labelled_records, list_records
from keras_sibeat.data.recording import Recording, read_recording
from keras_sibeat.errors import DataError
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import BLOCK, Beat, BeatScorer

ACTIVITIES = ("rest", "arms", "walk", "squats", "run")  # in the order in which they are worn through
RHYTHMS = {"N": "sinus rhythm", "A": "atrial fibrillation", "O": "another rhythm", "~": "too noisy"}
PAUSE = 5.0  # s without samples between two recordings of a wearer
PLAYS = 3  # times that a recording by rhythm is played; the last one counts

Row = dict[str, float]


def play(model: Model, recordings: Sequence[Recording]) -> list[list[Beat]]:
    """The beats of each of a wearer's ``recordings``, worn one after another with ``PAUSE`` between them.

    The first lead is scored, at the device's defaults.
    """
    rate, start, beats, ends = recordings[0].rate, 0.0, [], []
    if other := [recording for recording in recordings if recording.rate != rate]:
        raise DataError(
            f"Record {other[0].name}: found {other[0].rate:g} Hz, expected the session's {rate:g} Hz."
        )
    scorer, size = BeatScorer(model, rate), max(1, round(BLOCK * rate))
    for recording in recordings:
        for first in range(0, len(recording.signal), size):
            samples = recording.signal[first : first + size, 0].astype(np.float64)
            beats += scorer.push(samples, start + first / rate)
        start += len(recording.signal) / rate + PAUSE
        ends.append(start)
    beats += scorer.finish()
    places = np.searchsorted(ends, [beat.time for beat in beats], side="right")
    return [[beat for beat, at in zip(beats, places, strict=True) if at == n] for n in range(len(ends))]


def measure_motion(model: Model, folder: Path) -> dict[str, Row]:
    """False alarms of people with practically normal beats, and the share of beats scored, by activity.

    Args:
        folder: of WFDB records ``WEARER_ELECTRODE_ACTIVITY``. A wearer's records of one electrode are one
            session, in the order of ``ACTIVITIES``: the template is learnt at rest.

    Raises ``DataError`` for another name.
    """
    sessions: dict[str, dict[str, str]] = defaultdict(dict)
    for name in list_records(folder):
        session, _, activity = name.rpartition("_")
        if not session or activity not in ACTIVITIES:
            raise DataError(
                f"Record {name}: found no activity; expected a name that ends in _{', _'.join(ACTIVITIES)}."
            )
        sessions[session][activity] = name
    counted: dict[str, list[tuple[list[Beat], Recording]]] = defaultdict(list)
    for names in track(list(sessions.values()), "sessions"):
        worn = [activity for activity in ACTIVITIES if activity in names]
        recordings = [read_recording(Path(folder) / names[activity], None) for activity in worn]
        for activity, beats, recording in zip(worn, play(model, recordings), recordings, strict=True):
            counted[activity].append((beats, recording))
    return {activity: _row(counted[activity]) for activity in ACTIVITIES if activity in counted}


def measure_rhythms(
    model: Model, folder: Path, trained: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, Row]:
    """Alarms and the share of beats scored on short recordings, by the rhythm that an expert named.

    Each recording is played ``PLAYS`` times, and the last time counts: half a minute alone is too short to
    learn a wearer's template. An alarm in sinus rhythm need not be false: the label says nothing of single
    extrasystoles.

    Args:
        folder: of WFDB records, with their labels in REFERENCE.csv, as CinC 2017 has them.
        trained: of each label, names of records, or patterns of them, that are left out, as the model has
            met them in training; those of the label "" are left out whatever their label.
    """
    rows = {}
    for label, name in RHYTHMS.items():
        known = set(labelled_records(folder, label))
        met = [*trained.get(label, ()), *trained.get("", ())]
        known -= {name for pattern in met for name in fnmatch.filter(known, pattern)}
        records = [record for record in list_records(folder) if record in known]
        if not records:
            raise DataError(
                f"{folder}: found no record labelled {label} that trained nothing; expected those of "
                "REFERENCE.csv."
            )
        played = []
        for record in track(records, name):
            recording = read_recording(Path(folder) / record, None)
            played.append((play(model, [recording] * PLAYS)[-1], recording))
        rows[name] = _row(played)
    return rows


def _row(played: Sequence[tuple[Sequence[Beat], Recording]]) -> Row:
    """Alarms over the recorded hours, and the share of the beats found that got a score."""
    hours = sum(len(recording.signal) / recording.rate for _, recording in played) / 3600
    beats = [beat for found, _ in played for beat in found]
    alarms = [sum(beat.alarm for beat in found) for found, _ in played]
    scored = sum(beat.score is not None for beat in beats)
    return {
        "alarms_per_hour": sum(alarms) / hours,
        "coverage": scored / len(beats) if beats else 0.0,
        "with_an_alarm": float(np.mean(np.array(alarms) > 0)),
        "recordings": len(played),
        "hours": hours,
        "beats": len(beats),
    }


def measure_wearables(
    model: Model,
    motion: Path | None = None,
    rhythms: Path | None = None,
    trained: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Mapping[str, Row]:
    """The rows of ``measure_motion`` and of ``measure_rhythms``, for the folders that are given."""
    rows = {} if motion is None else measure_motion(model, motion)
    return rows if rhythms is None else rows | measure_rhythms(model, rhythms, trained)
