"""What a device decides about whole annotated recordings: kinds of beats, episodes, and what it tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from keras_sibeat.data.recording import Recording
from keras_sibeat.evaluate.ec57_tables import (
    LEARNING,
    Marks,
)
from keras_sibeat.evaluate.recordings import annotated_beats
from sibeat_edge.beats.episodes import (
    AlarmPolicy,
    Episode,
    Episodes,
)
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.leads import find_lead
from sibeat_edge.scorer import BLOCK, Beat, BeatScorer, revise
from sibeat_edge.signal.resampling import RATE


@dataclass(frozen=True)
class Decided:
    """What was decided about one recording.

    Attributes:
        record, wearer: its name, and that of who wore it.
        hours: behind the learning period.
        rate: Hz.
        experts: their beats, by AAMI's classes.
        judged: the beats found, by judgement: ``first``, as they were told, and ``last``, as revised.
        told: episodes that were told, as the stream went on.

    >>> nothing = Marks(np.zeros(0), np.zeros(0, "U1"))
    >>> Decided("100", 0.4, 360.0, nothing, {"last": nothing}, []).record
    '100'
    """

    record: str
    hours: float
    rate: float
    experts: Marks
    judged: dict[str, Marks]
    told: list[Episode]
    wearer: str = ""


class Scorer(Protocol):
    """What ``decide`` needs of a ``BeatScorer``."""

    revisions: list[tuple[int, Beat]]

    def push(self, samples: np.ndarray) -> list[Beat]:
        """Beats that these samples make certain."""
        ...

    def finish(self) -> list[Beat]:
        """Beats that the stream's end makes certain."""
        ...


def decide(model: Model, recording: Recording, scorer: Scorer | None = None) -> Decided:
    """Play an annotated recording through the device's way, at its defaults.

    The lead is the model's, or the first one if the recording has no such lead. ``scorer`` takes the place of
    a ``BeatScorer`` of the model, such as the firmware's.

    Ventricular flutter and fibrillation, between the marks ``[`` and ``]``, are left out, as EC57 does.
    Raises ``DataError`` for a recording without annotations.
    """
    scorer, episodes, policy = scorer or BeatScorer(model, recording.rate), Episodes(), AlarmPolicy()
    size, samples = max(1, round(BLOCK * recording.rate)), lead_of(model, recording)
    first: list[Beat] = []
    last: list[Beat] = []
    told: list[Episode] = []
    for begin in range(0, len(samples) + size, size):
        found = scorer.push(samples[begin : begin + size]) if begin < len(samples) else scorer.finish()
        first += found
        last += found
        revise(last, scorer.revisions)
        told += [e for beat in found for e in policy.push(episodes.push(beat), beat.time)]
    peaks, classes = annotated_beats(recording)
    flutter = _flutter(recording)
    return Decided(
        recording.name,
        _hours(len(samples) / recording.rate, flutter),
        recording.rate,
        _outside(Marks(peaks / RATE, classes), flutter),
        {"first": _outside(_marks(first), flutter), "last": _outside(_marks(last), flutter)},
        [e for e in told if not any(begin <= e.start <= end for begin, end in flutter)],
        recording.person,
    )


def lead_of(model: Model, recording: Recording) -> np.ndarray:
    """The lead ``(samples,)`` of a recording that ``decide`` plays, mV."""
    places = [find_lead(lead, recording.leads) for lead in model.manifest["signal"]["leads"]]
    column = next((place for place in places if place is not None), 0)
    return recording.signal[:, column].astype(np.float64)


def _hours(seconds, flutter):
    """Hours behind the learning period, without flutter."""
    spans = ((max(begin, LEARNING), min(end, seconds)) for begin, end in flutter)
    lost = sum(max(0.0, end - begin) for begin, end in spans)
    return max(0.0, seconds - LEARNING - lost) / 3600


def _marks(beats: Sequence[Beat]) -> Marks:
    labels = np.array([beat.kind for beat in beats], "U1")
    return Marks(np.array([beat.time for beat in beats], float), labels)


def _flutter(recording: Recording) -> list[tuple[float, float]]:
    """Begin and end of each ventricular flutter or fibrillation, s."""
    marks = recording.annotations
    assert marks is not None  # as the beats were read from them
    times = marks.samples / recording.rate
    begins, ends = (times[marks.symbols == symbol] for symbol in "[]")
    return [(begin, min([end for end in ends if end > begin], default=np.inf)) for begin in begins]


def _outside(marks: Marks, spans: Sequence[tuple[float, float]]) -> Marks:
    kept = np.ones(len(marks.times), bool)
    for begin, end in spans:
        kept &= (marks.times < begin) | (marks.times > end)
    return Marks(marks.times[kept], marks.labels[kept])


def decide_all(model: Model, recordings: Sequence[Recording]) -> list[Decided]:
    """What ``decide`` returns for each of the recordings."""
    return [decide(model, recording) for recording in recordings]
