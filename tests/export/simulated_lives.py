"""Streams of simulated beats with their scores: what a judge may meet, one thing after the other."""

import numpy as np
from scipy import signal as sps

from sibeat_edge.beats.evidence import Seen
from sibeat_edge.beats.judge import Scores
from sibeat_edge.beats.windows import AFTER, BEFORE, beside

TICKS = np.arange(-BEFORE, AFTER)


def limited(windows):
    """Windows ``(length, leads)`` with what a band-pass leaves of them, below 45 Hz."""
    return np.ascontiguousarray(sps.sosfiltfilt(sps.butter(6, 35, fs=360, output="sos"), windows, axis=0))


def wave(place, width, height):
    return height * np.exp(-np.square((TICKS - place) / width) / 2)


OWN = wave(0, 5, 1.0) + wave(10, 4, -0.3) + wave(90, 18, 0.25)
ECTOPIC = wave(8, 14, -1.5) + wave(100, 25, 0.5)
OTHER = wave(-12, 9, 0.9) + wave(25, 12, -1.2)
TURNED = OWN + 0.9 * OTHER  # neither the own QRS nor far from it
BUNDLE = wave(4, 9, 0.9) + wave(24, 9, -0.5) + wave(95, 20, -0.2)
SHAPES = (OWN, ECTOPIC, OTHER, TURNED, BUNDLE, 1.5 * OWN)
N, V, W, T, B, L = range(6)
ODD, UNFIT, GAP, LATE = range(6, 10)  # a shape of its own; no window; no window, and a window, behind a gap


def sinus(draws, rr, before):
    return N, rr + 0.01 * draws.normal()


def extrasystoles(draws, rr, before):
    kind = draws.choice([N, V, W], p=[0.85, 0.1, 0.05])
    return kind, rr * (0.6 if kind else 1.0) * (1 + 0.01 * draws.normal())


def premature(draws, rr, before):
    return N, rr * draws.choice([1.0, 0.65, 0.5], p=[0.8, 0.12, 0.08]) * (1 + 0.01 * draws.normal())


def junctional(draws, rr, before):
    kind = draws.choice([N, L], p=[0.8, 0.2])
    return kind, rr * (0.65 if kind else 1.0) * (1 + 0.01 * draws.normal())


def bigeminy(draws, rr, before):
    kind = N if before == V else V
    return kind, rr * (0.6 if kind else 1.4) * (1 + 0.01 * draws.normal())


def fibrillation(draws, rr, before):
    kind = draws.choice([N, W, T], p=[0.9, 0.06, 0.04])
    return kind, rr * draws.lognormal(0, 0.22)


def tachycardia(draws, rr, before):
    return draws.choice([N, B], p=[0.3, 0.7]), 0.36 + 0.003 * draws.normal()


def sick_sinus(draws, rr, before):
    return N, draws.choice([0.8, 1.45], p=[0.65, 0.35]) * (1 + 0.01 * draws.normal())


def bundle_branch(draws, rr, before):
    return draws.choice([N, B], p=[0.2, 0.8]), rr * (1 + 0.01 * draws.normal())


def noise(draws, rr, before):
    return draws.choice([N, V, ODD, UNFIT], p=[0.4, 0.1, 0.4, 0.1]), rr * draws.uniform(0.3, 1.2)


def many_kinds(draws, rr, before):
    return draws.choice([N, ODD, V], p=[0.6, 0.3, 0.1]), rr * draws.choice([1, 0.6], p=[0.7, 0.3])


def gaps(draws, rr, before):
    kinds = [N, V, UNFIT, GAP, LATE]
    return draws.choice(kinds, p=[0.5, 0.1, 0.2, 0.1, 0.1]), rr * (1 + 0.02 * draws.normal())


def loose(draws, rr, before):
    return draws.choice([N, UNFIT], p=[0.05, 0.95]), rr


LIVES = (
    sinus,
    extrasystoles,
    premature,
    junctional,
    bigeminy,
    fibrillation,
    tachycardia,
    sick_sinus,
    bundle_branch,
    noise,
    many_kinds,
    gaps,
    loose,
)
# Of each shape: the score of the beat, and of the beat had it been on time.
SCORES = {
    N: (0.2, 0.15),
    V: (1.6, 1.2),
    W: (0.35, 0.8),
    T: (0.9, 0.6),
    B: (1.05, 0.75),
    L: (0.9, 0.3),
    ODD: (1.1, 0.8),
    LATE: (0.2, 0.1),
}


def shaped(draws, kind, level):
    """A beat's lead: noise of some level makes every beat different."""
    rough = np.convolve(draws.normal(size=len(TICKS) + 24), np.hanning(25) / 3, "valid")
    lead = OWN if kind == LATE else SHAPES[kind] if kind < ODD else odd(draws)
    return np.roll(lead, draws.integers(-3, 4)) + level * rough


def odd(draws):
    return sum(wave(*draws.uniform((-30, 4, -1.5), (40, 15, 1.5))) for _ in range(3))


def beat_of(draws, kind, time, rr, usual, limit, level):
    """The beat, and its scores; None for one without."""
    likeness = np.float32(np.clip(draws.normal(20 - 25 * min(level, 0.4), 4), -20, 40))
    likeness = likeness if draws.random() > 0.02 else None
    rr = None if kind in (GAP, LATE) else float(rr)
    if kind in (UNFIT, GAP):
        return Seen(time, rr, likeness, None, False), None
    view = beside(np.float32(shaped(draws, kind, level))[:, None], np.float32(OWN)[:, None])
    early = 0.0 if rr is None else 1 - rr / usual
    by_time = 0.05 + 1.2 * max(0.0, early) + 0.03 * draws.normal()
    whole, on_time = (value + 0.15 * draws.normal() for value in SCORES[kind])
    values = (float(np.float32(value)) for value in (whole + by_time, by_time, on_time, limit))
    whole, by_time, on_time, limit = values
    return Seen(time, rr, likeness, view, whole > limit), Scores(whole, by_time, limit, lambda: on_time)


def live(seed, count):
    """``count`` beats of a wearer whose life changes every now and then."""
    draws, beats, time, kind = np.random.default_rng(seed), [], 0.0, N
    while len(beats) < count:
        life = LIVES[draws.integers(len(LIVES))]
        usual, limit = draws.uniform(0.6, 1.1), draws.choice([1.0, 1.0, 0.85, 1.2])
        level = draws.choice([0.3, 0.8] if life is noise else [0.02, 0.05, 0.15])
        for _ in range(draws.integers(40, 500)):
            kind, rr = life(draws, usual, kind)
            rr = np.float32(round(max(rr, 0.2) * 360) / 360)  # as of samples
            time += 30.0 if kind in (GAP, LATE) else float(rr)
            beats.append(beat_of(draws, kind, time, rr, usual, limit, level))
    return beats[:count]
