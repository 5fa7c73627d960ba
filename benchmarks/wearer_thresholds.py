"""Which rule should set a wearer's own threshold?

python benchmarks/wearer_thresholds.py DATA [--model MODEL.tflite]

DATA holds the folders mitdb and svdb. The records that configs/worn-inter.toml trains or validates with are
played through the device's way, once with each rule, and what was decided is counted as EC57 does. Those that
test are not looked at. Writes results/bench-wearer-thresholds.json.
"""

from collections import deque

import numpy as np
from developing import compare
from scipy.ndimage import gaussian_filter1d

from keras_sibeat.data.recording import read_recording
from keras_sibeat.evaluate.decisions import decide
from sibeat_edge import scorer
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import SHRINKAGE, Threshold, between_levels, personal_threshold

KEPT = 2000  # scores that the rules of a tail or a valley look at
SHOWN = ("veb_se", "veb_pp", "f1", "false_alarms_mean", "false_alarms_median", "false_alarms_nine_in_ten")


class OneForAll(Threshold):
    """The model's threshold, whatever the wearer scores."""

    def learn(self, scores):
        """Learn nothing."""


class FirstMedian(Threshold):
    """Moves once, with the median of the first scores."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._first = []

    def learn(self, scores):
        """Add a wearer's next scores; only the first ones count."""
        if len(self._first) < self.personal:
            self._first += scores[: self.personal - len(self._first)]
            if len(self._first) == self.personal:
                moved = personal_threshold(self._general, np.median(self._first), self._usual)
                self.score = float(between_levels(moved, self._quantisation))


class _Newest(Threshold):
    """Moves half the way to what the newest scores say."""

    def __init__(self, manifest, *arguments, **options):
        super().__init__(manifest, *arguments, **options)
        known = manifest["threshold"]["false_alarms_per_hour"]
        self._share = known / manifest["calibration"]["beats_per_hour"]
        self._newest = deque(maxlen=KEPT)

    def learn(self, scores):
        """Add a wearer's next scores."""
        self._newest += scores
        if len(self._newest) >= self.personal:
            found = self._limit(np.array(self._newest))
            moved = self._general + SHRINKAGE * (found - self._general)
            self.score = float(between_levels(moved, self._quantisation))


class Tail(_Newest):
    """An exponential tail fitted to the scores above their 90 % quantile (peaks over threshold)."""

    def _limit(self, scores):
        begin = np.quantile(scores, 0.9)
        return begin + np.mean(np.append(scores[scores > begin] - begin, 0.1)) * np.log(0.1 / self._share)


class TailBelow(Tail):
    """The same of the scores below twice the model's threshold, so that few abnormal beats count."""

    def _limit(self, scores):
        below = scores[scores < 2 * self._general]
        return super()._limit(below) if len(below) else self._general


class Valley(_Newest):
    """The valley between the heap around the median and the highest one above, if there are two."""

    def _limit(self, scores):
        edges = np.linspace(scores.min() - 1, scores.max() + 1, 200)
        heights = gaussian_filter1d(np.histogram(scores, edges)[0].astype(float), 3.0)
        low = int(np.searchsorted(edges, np.median(scores)))
        upper = int(np.searchsorted(edges, max(np.median(scores), 0.75 * self._general)))
        if not heights[upper:].any():
            return self._general
        peak = upper + int(np.argmax(heights[upper:]))
        valley = low + int(np.argmin(heights[low : peak + 1]))
        is_deep = heights[valley] < 0.5 * heights[peak]
        return edges[valley] if is_deep else self._general


RULES = {
    "one for all wearers": OneForAll,
    "median of the first 50": FirstMedian,
    "median, learnt all the time": Threshold,
    "tail above the 90 % quantile": Tail,
    "the same, below twice the threshold": TailBelow,
    "valley between two heaps": Valley,
}


def decided(rule, path, model):
    """What is decided about the recording at ``path``, its wearer's threshold set by the ``rule``."""
    scorer.Threshold = RULES[rule]
    return decide(Model(model), read_recording(path))


def main():
    compare("bench-wearer-thresholds", __doc__.splitlines()[0], RULES, decided, SHOWN)


if __name__ == "__main__":
    main()
