"""The beats of one or several recordings as columns, and the recorded time that they stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from sibeat_edge.signal.resampling import RATE


@dataclass(frozen=True)
class BeatSet:
    """Beats or other windows, one row each, in the order of the recordings.

    Attributes:
        windows: ``(beats, length, channels)`` float32, each channel scaled to [-1, 1].
        rhythm: ``(beats, features)`` of the RR intervals around each beat (``sibeat_edge.beats.rhythm``);
            without features unless the beats are relative to their wearer.
        samples: ``(beats,)`` R-peak (or first sample of the window) at 360 Hz (or the series' own rate).
        rr_before, rr_after: ``(beats,)`` seconds to the beats before and after; NaN where there is none.
        seconds: ``(beats,)`` float64, the recorded time in s that each beat stands for: the length of its
            recording over the number of that recording's usable beats; NaN for series, whose rate is unknown.
        records: ``(beats,)`` name of the recording.
        symbols: ``(beats,)`` WFDB symbol, or the class of a series.
        classes: ``(beats,)`` class; the symbol until a protocol maps it.
        detected: ``(beats,)`` whether the detector found an R-peak at the annotation
            (``keras_sibeat.data.beats.NEAR``).
        notes: what was resampled or skipped, and why, one sentence each.
        sha256: checksum of the data.
        worn_by: the wearer of each recording, by name; one that is not among them has a wearer of its own.

    >>> from keras_sibeat.data.beats import extract_beats
    >>> from keras_sibeat.data.synthetic import simulate_wearer
    >>> beats = extract_beats(simulate_wearer(seed=0, seconds=30.0))
    >>> beats.windows.shape == (len(beats), 320, 1)
    True
    >>> float(beats.seconds.sum().round(6))
    30.0
    """

    windows: np.ndarray
    rhythm: np.ndarray
    samples: np.ndarray
    rr_before: np.ndarray
    rr_after: np.ndarray
    seconds: np.ndarray
    records: np.ndarray
    symbols: np.ndarray
    classes: np.ndarray
    detected: np.ndarray
    notes: tuple[str, ...] = ()
    sha256: str = ""
    worn_by: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def wearers(self) -> np.ndarray:
        """``(beats,)`` int32, a whole number for each record, in the order of their names.

        Two recordings of one wearer have two: their electrodes, and so their templates, may differ.
        """
        return np.unique(self.records, return_inverse=True)[1].astype(np.int32)

    @property
    def persons(self) -> np.ndarray:
        """``(beats,)`` name of who wore the recording."""
        names, places = np.unique(self.records, return_inverse=True)
        return np.array([self.worn_by.get(name, name) for name in names.tolist()], dtype=str)[places]

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What a model of these beats takes: the windows and, where there is one, the rhythm."""
        return (self.windows, self.rhythm) if self.rhythm.shape[1] else (self.windows,)

    @property
    def inputs(self) -> np.ndarray | dict[str, np.ndarray]:
        """The same as Keras takes it: the windows alone or, with a rhythm, both by name."""
        return {"window": self.windows, "rhythm": self.rhythm} if self.rhythm.shape[1] else self.windows

    @property
    def times(self) -> np.ndarray:
        """``(beats,)`` s from the recording's start to the R-peak; of series, whose rate is unknown, NaN."""
        return np.where(np.isnan(self.seconds), np.nan, self.samples / RATE)

    def take(self, rows: np.ndarray) -> "BeatSet":
        """The beats of a mask or of row numbers, each standing for as much time as before."""
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def keep(self, usable: np.ndarray) -> "BeatSet":
        """The beats of a mask, which from now on stand for the whole of their recordings.

        The time of a beat that is left out goes to the others of its recording. A recording without a usable
        beat is no part of the set any more, nor is its time.
        """
        kept, wearers = self.take(usable), self.wearers
        lengths, counts = np.bincount(wearers, self.seconds), np.bincount(wearers[usable], minlength=1)
        wearers = wearers[usable]
        return replace(kept, seconds=lengths[wearers] / counts[wearers])

    @staticmethod
    def join(sets: Sequence["BeatSet"], sha256: str) -> "BeatSet":
        """One set from several."""
        columns = {name: np.concatenate([getattr(beats, name) for beats in sets]) for name in COLUMNS}
        notes = dict.fromkeys(note for beats in sets for note in beats.notes)
        worn_by = {name: wearer for beats in sets for name, wearer in beats.worn_by.items()}
        return BeatSet(**columns, notes=tuple(notes), sha256=sha256, worn_by=worn_by)


COLUMNS = tuple(each.name for each in fields(BeatSet) if each.name not in ("notes", "sha256", "worn_by"))


def recorded_hours(beats: BeatSet) -> float:
    """The hours of recording that the ``beats`` stand for; NaN for series.

    All usable beats of a record stand for its whole length: MIT-BIH's DS2, 22 records of 30:06, for 11.03 h.
    A part of them, such as a fold of shuffled beats, stands for its share.
    """
    return float(beats.seconds.sum() / 3600)
