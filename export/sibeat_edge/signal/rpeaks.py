"""Streaming R-peak detector on the filtered lead at 360 Hz.

The rules are Hamilton's ("Open source ECG analysis", Computers in Cardiology 2002), after Pan and Tompkins
(IEEE TBME 1985): rectified slope, moving average, a threshold between the levels of recent QRS complexes and
of recent noise, a refractory time, T-wave rejection by slope, and a search back after a missed beat. After
eight seconds without a beat, the levels are learnt anew. The R-peak is the highest sample within 50 ms of the
energy peak, as the published preprocessing places it.

A beat that is passed over is never judged. So the detector of a model that knows its wearer is *sensitive*:
its threshold is lower, above all for candidates about as steep as the beats before (docs/judgement.md).
"""

from collections import deque
from statistics import median  # for eight numbers ten times as fast as NumPy's
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from sibeat_edge.signal.resampling import RATE

AVERAGE = 36  # samples (100 ms) of the moving average
REFRACTORY = 72  # samples (200 ms): of two energy peaks closer than this, the larger is the candidate
T_WAVE = 130  # samples (360 ms) within which a second peak of less than half the slope is a T wave
SEARCH = 18  # samples (50 ms) around the energy peak in which the R-peak is sought
LEARNING = 4  # seconds from which the first levels are learnt
LEVELS = 8  # recent peaks that make a level
THRESHOLD = 0.45  # share of the way from the noise level to the QRS level
SENSITIVE = 0.42  # the same for a sensitive detector
STEEP = 0.65  # share of the slope of the recent beats, above which a sensitive detector lowers the threshold
LOWERED = 0.9  # share of the threshold that is left then
LOUDEST = 0.35  # share of the QRS level that noise has at most: else small beats would be lost in it
SKIPPED = 64  # newest rejected candidates, from which a search back chooses
SEARCH_BACK = 1.5  # mean RR intervals without a beat before the search back
LOST = 8  # seconds without a beat after which the levels are learnt anew: the QRS may have become smaller
USUAL = 256  # newest beats that define what is usual: so many that an artefact does not change it
FEW = 30  # beats without which nothing is known to be usual
SHARP = 0.75  # share of the usual ratio of steepest to mean slope: P waves and noise mostly have less
FAINT = 1 / 16  # share of a beat's usual energy, below which a candidate is noise rather than a small QRS
FLAT = 1e-9  # mean slope a sample, below which there is only a flat lead's rounding error, in mV or in V


class _Candidate(NamedTuple):
    peak: int  # R-peak, in samples
    energy: float
    slope: float


class _Rules:
    """Hamilton's decision rules over the candidates, in order of time."""

    def __init__(self, is_sensitive: bool) -> None:
        self.is_sensitive = is_sensitive
        self.qrs: deque[float] = deque(maxlen=LEVELS)
        self.noise: deque[float] = deque(maxlen=LEVELS)
        self.usual: deque[_Candidate] = deque(maxlen=USUAL)
        self.slopes: deque[float] = deque(maxlen=LEVELS)
        self.rr: deque[int] = deque(maxlen=LEVELS)
        self.learning: list[_Candidate] = []
        self.skipped: deque[_Candidate] = deque(maxlen=SKIPPED)
        self.last: _Candidate | None = None
        self.known = 0  # sample from which on the levels hold: the last beat's, or where they were learnt

    @property
    def threshold(self):
        qrs = median(self.qrs)
        noise = min(median(self.noise), LOUDEST * qrs) if self.noise else 0.0
        return noise + (SENSITIVE if self.is_sensitive else THRESHOLD) * (qrs - noise)

    def judge(self, candidate):
        """The beats that have become certain with this candidate."""
        if self.qrs:
            return self._decide(candidate)
        if candidate.peak < LEARNING * RATE:
            self.learning.append(candidate)
            return []
        return self.learn() + self._decide(candidate)

    def learn(self):
        """Set the first levels from the strongest candidate of each second, then judge the first seconds."""
        held, self.learning = self.learning, []
        self.qrs.extend([candidate.energy for candidate in _strongest(held)] or [0.0])
        return [beat for candidate in held for beat in self._decide(candidate)]

    def _learn_anew(self, now):
        """Begin again with the candidates of the last seconds, if they may be beats.

        A heart that has stopped shows P waves and noise, which must not be taken for beats.
        """
        held = [candidate for candidate in self.skipped if now - candidate.peak <= LOST * RATE]
        strongest = _strongest(held)
        if len(strongest) < LOST:
            return []
        if len(self.usual) >= FEW:
            for ratio, of in ((SHARP, _sharpness), (FAINT, _energy)):
                if median(map(of, strongest)) < ratio * median(map(of, self.usual)):
                    return []
        for levels in (self.qrs, self.noise, self.rr, self.skipped):
            levels.clear()
        self.learning, self.last, self.known = held, None, now
        return self.learn()

    def _decide(self, candidate):
        beats = self._search_back(candidate.peak)
        least = self.threshold * (LOWERED if self._is_steep(candidate) else 1)
        if candidate.energy > least and not self._is_t_wave(candidate):
            beats.append(self._accept(candidate))
        else:
            self.noise.append(candidate.energy)
            self.skipped.append(candidate)
            if candidate.peak - self.known > LOST * RATE:
                beats += self._learn_anew(candidate.peak)
        return beats

    def _is_steep(self, candidate):
        """Whether a sensitive detector takes the candidate for a QRS sooner, by its slope."""
        if not self.is_sensitive or len(self.slopes) < LEVELS:
            return False
        return candidate.slope > STEEP * median(self.slopes)

    def _is_t_wave(self, candidate):
        if self.last is None or candidate.peak - self.last.peak > T_WAVE:
            return False
        return candidate.slope < self.last.slope / 2

    def _search_back(self, now):
        beats = []
        while self.rr and now - self.last.peak > SEARCH_BACK * (sum(self.rr) / len(self.rr)):
            least, first = self.threshold / 2, self.last.peak + T_WAVE
            missed = [c for c in self.skipped if c.energy > least and c.peak > first]
            if not missed:
                break
            found = max(missed, key=lambda c: c.energy)
            if found.energy in self.noise:  # a beat is no noise, or the threshold would rise to the beats
                self.noise.remove(found.energy)
            beats.append(self._accept(found))
        return beats

    def _accept(self, candidate):
        if self.last is not None:
            self.rr.append(candidate.peak - self.last.peak)
        self.qrs.append(candidate.energy)
        self.usual.append(candidate)
        self.slopes.append(candidate.slope)
        self.last, self.known = candidate, max(self.known, candidate.peak)
        while self.skipped and self.skipped[0].peak <= candidate.peak:
            self.skipped.popleft()
        return candidate.peak


def _energy(candidate):
    return candidate.energy


def _sharpness(candidate):
    return candidate.slope / candidate.energy


def _strongest(candidates):
    """The candidate of the largest energy in each second."""
    strongest = {}
    for candidate in candidates:
        second = candidate.peak // RATE
        if second not in strongest or candidate.energy > strongest[second].energy:
            strongest[second] = candidate
    return list(strongest.values())


class RPeakDetector:
    """R-peaks of a filtered lead. They do not depend on how the stream is cut into blocks.

    ``push`` and ``finish`` return the R-peaks that have become certain: int64, in samples at 360 Hz since the
    first push. This takes about 0.3 s, or 1.5 mean RR intervals for a beat that the search back finds. The
    levels are learnt from the first 4 s, whose R-peaks come with the first candidate after them.

    After 8 s without a beat, the levels are learnt anew from those seconds. This needs peaks that are about
    as sharp as the beats were, and at least a sixteenth of their energy.

    Args:
        is_sensitive: whether to miss fewer beats for some more false detections.

    >>> lead = np.zeros(10 * RATE)
    >>> lead[RATE // 2 :: RATE] = 1.0  # a beat a second
    >>> detector = RPeakDetector()
    >>> peaks = np.concatenate([detector.push(lead), detector.finish()])
    >>> [int(peak) for peak in peaks[:3]]
    [180, 540, 900]
    """

    def __init__(self, is_sensitive: bool = False) -> None:
        self._rules = _Rules(is_sensitive)
        self._shares = np.zeros(AVERAGE - 1)  # of the moving average, of the newest slopes
        self._lead = self._slope = self._energy = np.zeros(0)
        self._start = 0  # sample number of the first sample still held
        self._next = 0  # sample number from which energy peaks have still to be sought
        self._last = -REFRACTORY - 1  # sample number of the last energy peak
        self._previous: float | None = None

    def push(self, samples: npt.ArrayLike) -> np.ndarray:
        """R-peaks ``(peaks,)`` that these samples make certain.

        Args:
            samples: ``(samples,)``, filtered, at 360 Hz.
        """
        return np.array([peak for peak, _ in self.track(samples)], np.int64)

    def finish(self) -> np.ndarray:
        """R-peaks that the end of the signal makes certain."""
        return np.array([peak for peak, _ in self.track_end()], np.int64)

    def track(self, samples: npt.ArrayLike) -> list[tuple[int, int]]:
        """As ``push``, each R-peak with the number of the sample that has made it certain.

        So a caller knows when each was found, whatever the block that it came with.
        """
        samples = np.asarray(samples, np.float64)
        if not len(samples):
            return []
        before = samples[0] if self._previous is None else self._previous
        slope = np.abs(samples - np.concatenate([[before], samples[:-1]]))
        self._previous = samples[-1]
        # Added from the oldest to the newest for each sample, so that the bits do not depend on the blocks.
        shares = np.concatenate([self._shares, slope * (1 / AVERAGE)])
        self._shares = shares[-(AVERAGE - 1) :]
        energy = shares[: len(slope)].copy()
        for newer in range(1, AVERAGE):
            energy += shares[newer : newer + len(slope)]
        self._lead = np.concatenate([self._lead, samples])
        self._slope = np.concatenate([self._slope, slope])
        self._energy = np.concatenate([self._energy, energy])
        return self._judge(self._start + len(self._energy) - REFRACTORY)

    def track_end(self) -> list[tuple[int, int]]:
        """As ``finish``, each R-peak with the number of samples that there are."""
        end = self._start + len(self._energy)
        beats = [peak for peak, _ in self._judge(end)]
        if not self._rules.qrs:
            beats += self._rules.learn()
        return [(peak, end) for peak in beats]

    def _judge(self, end):
        if end <= self._next:
            return []
        highest = maximum_filter1d(self._energy, 2 * REFRACTORY + 1, mode="constant")
        first, last = self._next - self._start, end - self._start
        energy = self._energy[first:last]
        places = np.flatnonzero((energy == highest[first:last]) & (energy > FLAT)) + first
        beats = []
        for place, candidate in zip(places.tolist(), self._candidates(places), strict=True):
            number = self._start + place
            if number - self._last > REFRACTORY:  # else it is a plateau: as high as the last one
                self._last = number
                judged = self._rules.judge(candidate)
                beats += [(peak, number + REFRACTORY) for peak in judged]
        self._next = end
        surplus = end - self._start - 2 * REFRACTORY - AVERAGE - SEARCH
        if surplus > 0:
            self._lead, self._slope = self._lead[surplus:], self._slope[surplus:]
            self._energy = self._energy[surplus:]
            self._start += surplus
        return beats

    def _candidates(self, places):
        """The candidates whose energy peaks are at these places."""
        last = len(self._lead) - 1
        near = (places[:, None] - AVERAGE // 2 + np.arange(-SEARCH, SEARCH + 1)).clip(0, last)
        highest = self._lead[near].argmax(axis=1)[:, None]
        peaks = self._start + np.take_along_axis(near, highest, axis=1)[:, 0]
        before = (places[:, None] + np.arange(1 - AVERAGE, 1)).clip(0)
        slopes = np.maximum.reduce(self._slope[before], axis=1)
        return map(_Candidate, peaks.tolist(), self._energy[places].tolist(), slopes.tolist())
