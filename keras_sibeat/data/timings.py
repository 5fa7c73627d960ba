"""Simulated rhythms: a wearer's own normal RR intervals, with premature beats put in between.

A rhythm model learns from them to tell premature beats from timely ones, without any abnormal beat of a
recording. The intervals between normal beats are the wearer's own, made more or less variable. Premature
beats are put in as extrasystoles come: more or less early, rare or frequent, alone or in runs, with or
without a compensatory pause. Some simulated wearers have so many that their median interval is one of
premature beats.

An irregular interval alone does not make a beat premature. So fibrillating atria and dropped or missed beats
are simulated, too, and count as timely.
"""

import numpy as np

from keras_sibeat.data.beatset import BeatSet
from sibeat_edge.beats.rhythm import HISTORY, rhythm
from sibeat_edge.signal.resampling import RATE

LENGTH = 600  # beats of a simulated sequence
FEWEST = 100  # normal RR intervals that a wearer must have
BURDEN = (0.005, 0.5)  # a sequence's share of beats that may be premature; its logarithm is uniform
HEAVY = 0.25  # share of the sequences with a heavy burden instead:
HEAVY_BURDEN = (0.2, 0.9)  # uniform; for wearers most of whose beats are premature
RUNS = (0.0, 0.1, 0.5)  # probability that a premature beat is followed by another; one of these a sequence
LONGEST_RUN = 12
EARLY = (0.5, 0.92)  # share of the interval after which a sequence's premature beats come, ± 0.05
LATEST = 0.97  # of the interval: what comes later is not premature
PAUSE = (1.0, 1.25)  # of the intervals, after a premature beat that resets the sinus node
VARIABILITY = 0.5  # standard deviation of the logarithm of the factor by which a sequence is more variable
FIBRILLATION = 0.35  # share of the sequences
IRREGULAR = (0.08, 0.4)  # in fibrillation, the standard deviation of the intervals' logarithm
DROPPED = (0.0005, 0.02)  # a sequence's share of beats with a pause behind; its logarithm is uniform
LENGTHENED = (1.3, 4.0)  # an interval's factor, by a pause or a missed beat


def simulate_timings(
    beats: BeatSet, sequences: int = 24, waits: bool = True, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rhythm features of simulated beats, and which of them are premature; some always are.

    Args:
        beats: a ``BeatSet`` whose beats of each record are in order of time; all of them count as normal.
        sequences: of 600 beats, for each wearer with at least 100 RR intervals between normal beats. As many
            again are drawn while all beats are timely.
        waits: whether the RR interval after a beat is known, as ``Wearer`` takes it.
        seed: of all that is drawn.

    Returns ``(simulated, 8)`` float32 and ``(simulated,)`` bool.

    Raises ``ValueError`` where no wearer has enough normal beats.
    """
    generator, learnable = np.random.default_rng(seed), learnable_intervals(beats)
    features: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    while not any(is_premature.any() for is_premature in labels):  # few sequences may have none
        for intervals in learnable:
            for _ in range(sequences):
                start = generator.integers(0, max(1, len(intervals) - LENGTH))
                drawn, is_premature = simulate_rhythm(intervals[start : start + LENGTH], generator)
                features.append(rhythms(drawn, waits))
                labels.append(is_premature)
    return np.concatenate(features), np.concatenate(labels)


def learnable_intervals(beats: BeatSet) -> list[np.ndarray]:
    """Normal RR intervals (intervals,), s, of each recording that has enough of them to learn a rhythm from.

    Raises ``ValueError`` where none has.
    """
    found = [normal_intervals(beats.take(beats.records == record)) for record in np.unique(beats.records)]
    enough = [intervals for intervals in found if len(intervals) >= FEWEST]
    if not enough:
        most = max(map(len, found), default=0)
        raise ValueError(
            f"Rhythm: found at most {most} normal RR intervals of a wearer; expected {FEWEST} or more of "
            "one, in a recording of some minutes, of which the template takes the first."
        )
    return enough


def normal_intervals(beats: BeatSet) -> np.ndarray:
    """RR intervals (intervals,), s, between those of one wearer's ``beats`` that follow each other."""
    order = np.argsort(beats.samples)
    apart = np.diff(beats.samples[order]) / RATE
    before = beats.rr_before[order][1:]
    return before[np.abs(apart - before) < 1 / RATE]


def simulate_rhythm(intervals: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Simulated intervals (intervals,) from a wearer's normal ones, and which end in a premature beat.

    In fibrillation each interval is drawn anew, and no beat is premature.
    """
    middle = np.median(intervals)
    found = middle * (intervals / middle) ** np.exp(generator.normal(0, VARIABILITY))
    if generator.random() < FIBRILLATION:
        spread = generator.uniform(*IRREGULAR)
        return middle * np.exp(generator.normal(0, spread, len(found))), np.zeros(len(found), bool)
    found, is_premature = with_premature(found, generator)
    dropped = np.exp(generator.uniform(*np.log(DROPPED)))
    paused = ~is_premature & (generator.random(len(found)) < dropped)
    found[paused] *= generator.uniform(*LENGTHENED, paused.sum())
    return found, is_premature


def with_premature(intervals: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The ``intervals`` with some beats premature, and which of them (intervals,) end in a premature beat.

    A premature beat takes the place of a normal one, earlier. The pause behind it either compensates for
    that, as after most ventricular ones, or the sinus rhythm begins anew.
    """
    is_heavy = generator.random() < HEAVY
    burden = generator.uniform(*HEAVY_BURDEN) if is_heavy else np.exp(generator.uniform(*np.log(BURDEN)))
    goes_on, makes_up = generator.choice(RUNS), generator.random() < 0.5
    early = generator.uniform(*EARLY)
    found, is_premature = intervals.copy(), np.zeros(len(intervals), bool)
    beat = 0
    while beat < len(found) - 1:
        if generator.random() >= burden:
            beat += 1
            continue
        run = 1
        while run < LONGEST_RUN and generator.random() < goes_on:
            run += 1
        share = np.clip(early + generator.normal(0, 0.05), 0.4, LATEST)
        last = min(beat + run, len(found) - 1)
        found[beat:last] *= np.minimum(share * (1 + generator.normal(0, 0.03, last - beat)), LATEST)
        is_premature[beat:last] = True
        found[last] *= 2 - share if makes_up else generator.uniform(*PAUSE)
        beat = last + 1
    return found, is_premature


def rhythms(intervals: np.ndarray, waits: bool = True) -> np.ndarray:
    """Rhythm features (intervals, 8) of the beats behind each interval, in order of time."""
    padded = np.concatenate([np.full(2, np.nan), intervals, [np.nan]])
    after = padded[3:] if waits else np.full(len(intervals), np.nan)
    starts = np.maximum(np.arange(len(intervals)) - 2 - HISTORY, 0)
    return np.stack(
        [
            rhythm(intervals[start : start + HISTORY], padded[number : number + 3], after[number])
            for number, start in enumerate(starts)
        ]
    )
