"""Anomalies planted into the normal beats of a recording, at places that are known.

What ``keras_sibeat.layers.shifts`` does to windows in training happens here to the recording itself, in mV
and before any filter, so that every model meets it through its own preprocessing. Times are in s, relative to
the R-peak.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from keras_sibeat.data.protocols import AAMI
from keras_sibeat.data.recording import Recording

AROUND = (0.45, 0.6)  # s before and after an R-peak within which a beat is changed
CALM = 0.6  # s: least RR interval before and after a beat that is changed
SETTLED = 70  # beats of a recording that stay as they are, so that a wearer's template is learnt
APART = 4  # beats from one that is changed to the next, at least
SEEN = 0.05  # mV: an anomaly that changes the wearer's usual beat by less is drawn again
DRAWS = 20  # attempts, after which a wearer gets no anomaly of this kind
P, T = (-0.24, -0.06), (0.16, 0.44)  # s: where the P and the T wave are looked for
BY_CLASS = {"V": (-0.1, 0.12), "S": P}  # s: where a beat of a class is abnormal
FADE = 0.02  # s: a seam, as a recorded signal knows few steps

Signal: TypeAlias = np.ndarray
Change: TypeAlias = Callable[[Signal, np.ndarray], Signal]  # of a beat (samples, leads), given its times
Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where a beat of a recording is abnormal.

    Attributes:
        kind: one of ``KINDS`` or, of beats that were recorded so, of ``BY_CLASS``.
        sample: of the beat's annotation, at the recording's own rate.
        first, last: where it begins and ends, s from the recording's start.

    >>> Place("bump", 360, 0.9, 1.1).last
    1.1
    """

    kind: str
    sample: int
    first: float
    last: float


def _ramp(time, span):
    """1 within the span, 0 outside, with seams of ``FADE`` beyond its ends."""
    inside = np.minimum(time - span[0], span[1] - time) / FADE + 1
    return np.clip(inside, 0.0, 1.0)[:, None]


def _line(beat, time, span):
    """The straight line between a span's ends, each the mean of ``FADE``."""
    ends = [beat[np.abs(time - end) <= FADE / 2 + 1e-9].mean(axis=0) for end in span]
    share = np.clip((time - span[0]) / (span[1] - span[0]), 0.0, 1.0)[:, None]
    return ends[0] + share * (ends[1] - ends[0])


def _read(beat, time, places):
    """The beat as it is at other ``places``, s."""
    return np.stack([np.interp(places, time, lead) for lead in beat.T], axis=1)


def _bell(beat, time, place, width, height):
    return beat + height * np.exp(-np.square((time - place) / width) / 2)[:, None]


def _bump(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    place, width = rng.uniform(-0.25, 0.38), rng.uniform(0.02, 0.05)
    size = rng.choice([-1, 1]) * rng.uniform(0.15, 0.35) * height
    change = partial(_bell, place=place, width=width, height=size)
    return change, (place - 2 * width, place + 2 * width)


def _notch(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    place, width = rng.choice([-1, 1]) * rng.uniform(0.01, 0.03), rng.uniform(0.008, 0.012)
    change = partial(_bell, place=place, width=width, height=-rng.uniform(0.25, 0.5) * height)
    return change, (place - 2 * width, place + 2 * width)


def _wide_qrs(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    stretch = rng.uniform(1.6, 2.4)
    edge = 0.045 * stretch

    def change(beat, time):
        stretched = _read(beat, time, time / stretch)
        return beat + (stretched - beat) * _ramp(time, (-edge, edge))

    return change, (-edge - FADE, edge + FADE)


def _missing_p(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    def change(beat, time):
        return beat + (_line(beat, time, P) - beat) * _ramp(time, P)

    return change, P


def _moved_p(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    earlier = rng.uniform(0.05, 0.1)

    def change(beat, time):
        wave = (beat - _line(beat, time, P)) * _ramp(time, P)
        return beat - wave + _read(wave, time, time + earlier)

    return change, (P[0] - earlier, P[1])


def _st_shift(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    span, size = (0.07, rng.uniform(0.18, 0.24)), rng.choice([-1, 1]) * rng.uniform(0.12, 0.25) * height

    def change(beat, time):
        return beat + size * _ramp(time, span)

    return change, (span[0] - FADE, span[1] + FADE)


def _t_inversion(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    def change(beat, time):
        return beat + 2 * (_line(beat, time, T) - beat) * _ramp(time, T)

    return change, T


def _cut(rng: np.random.Generator, height: float) -> tuple[Change, Span]:
    first, length = rng.uniform(-0.25, 0.3), rng.uniform(0.06, 0.15)
    span = (first, first + length)

    def change(beat, time):
        inside = (time >= span[0]) & (time < span[1])
        held = beat.copy()
        held[inside] = beat[np.argmax(inside)]
        return held

    return change, span


KINDS: Mapping[str, Callable[[np.random.Generator, float], tuple[Change, Span]]] = {
    "bump": _bump,
    "wide QRS": _wide_qrs,
    "notch": _notch,
    "missing P": _missing_p,
    "moved P": _moved_p,
    "ST shift": _st_shift,
    "T inversion": _t_inversion,
    "cut": _cut,
}


def plant(recording: Recording, rng: np.random.Generator, each: int) -> tuple[Recording, list[Place]]:
    """The recording with anomalies in some of its normal beats.

    A beat is changed where the beats around it are normal and at least ``CALM`` away. An anomaly is drawn
    until it changes the wearer's median beat by ``SEEN`` or more: nobody can lose a P wave that is not there.

    Args:
        recording: with annotated beats.
        rng: draws beats and anomalies.
        each: beats of each of ``KINDS``, at most; fewer where there are not enough calm ones.

    Returns the recording, its annotations as they were, and what was planted, in order of time.
    """
    marks, rate = recording.beats(), recording.rate
    before, after = (round(part * rate) for part in AROUND)
    time = np.arange(-before, after) / rate
    rows = rng.permutation(_calm_rows(recording))
    inside = [
        row for row in rows if before + rate <= marks.samples[row] < len(recording.signal) - after - rate
    ]
    if not inside:
        return recording, []

    def of(row, offset=0):
        peak = marks.samples[row] + offset
        return slice(peak - before, peak + after)

    usual = np.median([recording.signal[of(row)] for row in inside], axis=0)
    offset = _peak_offset(usual[:, 0], time, rate)  # annotations of some databases stand beside the R-peak
    usual = np.median([recording.signal[of(row, offset)] for row in inside], axis=0)
    height = float(np.ptp(usual[np.abs(time) < 0.1, 0]))
    signal, planted, taken = recording.signal.copy(), [], np.zeros(len(marks.samples), bool)
    kinds = [kind for kind in KINDS for _ in range(each)]
    wanted = [kinds[place] for place in rng.permutation(len(kinds))]
    for row in inside:
        if not wanted:
            break
        if taken[max(0, row - APART + 1) : row + APART].any():
            continue
        kind = wanted.pop()
        drawn = _draw(kind, rng, usual, time, height)
        if drawn is None:
            wanted = [other for other in wanted if other != kind]
            continue
        change, span = drawn
        signal[of(row, offset)] = change(recording.signal[of(row, offset)], time)
        peak, taken[row] = (marks.samples[row] + offset) / rate, True
        planted.append(Place(kind, int(marks.samples[row]), peak + span[0], peak + span[1]))
    return replace(recording, signal=signal), sorted(planted, key=lambda each: each.sample)


def _calm_rows(recording):
    """The numbers of the beats that are normal as both beats beside them are, and not too near to them."""
    marks = recording.beats()
    is_normal = np.isin(marks.symbols, list(AAMI["N"]))
    near = np.diff(marks.samples) / recording.rate < CALM
    rows = np.arange(SETTLED, len(marks.samples) - 1)
    alone = is_normal[rows - 1] & is_normal[rows] & is_normal[rows + 1] & ~near[rows - 1] & ~near[rows]
    return rows[alone]


def _peak_offset(lead, time, rate):
    """Samples from the annotation to the highest peak of a beat, up or down, within 80 ms."""
    near = np.abs(time) <= 0.08
    return round(time[near][np.argmax(np.abs(lead - np.median(lead))[near])] * rate)


def _draw(kind, rng, usual, time, height):
    """An anomaly that changes the usual beat, or None where none was drawn."""
    for _ in range(DRAWS):
        change, span = KINDS[kind](rng, height)
        if np.abs(change(usual, time) - usual).max() >= SEEN:
            return change, span
    return None


def known_by_class(recording: Recording, rng: np.random.Generator, each: int) -> list[Place]:
    """Beats that are abnormal where their class says: of V the QRS, of S the P wave before it.

    Args:
        recording: with annotated beats.
        rng: draws the beats.
        each: beats of each class, at most.
    """
    marks, places = recording.beats(), []
    inside = np.flatnonzero(marks.samples < len(recording.signal) - recording.rate)[SETTLED:]
    for kind, (first, last) in BY_CLASS.items():
        rows = inside[np.isin(marks.symbols[inside], list(AAMI[kind]))]
        for row in np.sort(rng.permutation(rows)[:each]):
            time = marks.samples[row] / recording.rate
            places.append(Place(kind, int(marks.samples[row]), time + first, time + last))
    return places
