"""Which rule should set a wearer's own threshold?

python benchmarks/wearer_thresholds.py DATA [--model MODEL.tflite]

DATA holds the folders mitdb and svdb. The records that configs/worn-inter.toml trains or validates with are
played through the device's way, once with each rule, and what was decided is counted as EC57 does. Those that
test are not looked at. Writes results/bench-wearer-thresholds.json.
"""

import argparse
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from reporting import HERE, report
from scipy.ndimage import gaussian_filter1d

from keras_sibeat.config import read_config
from keras_sibeat.data.recording import read_recording
from keras_sibeat.data.sources import source_folder, source_records
from keras_sibeat.evaluate.decision_figures import summarise_decisions
from keras_sibeat.evaluate.decisions import decide
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.files import sha256
from sibeat_edge import scorer
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import SHRINKAGE, Threshold, between_levels, personal_threshold
from sibeat_edge.report.recording import PRESET

DATABASES = ("mitdb", "svdb")
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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the databases' folders")
    parser.add_argument("--model", type=Path, default=PRESET, help="an int8 export; by default what ships")
    options = parser.parse_args()
    started = time.perf_counter()
    config = read_config(HERE.parent / "configs" / "worn-inter.toml", (), options.data)
    paths = {
        database: [
            source_folder(config, database) / name
            for name, role in source_records(config, database).items()
            if role != "test"
        ]
        for database in DATABASES
    }
    pairs = [(rule, path) for rule, those in product(RULES, paths.values()) for path in those]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = dict(
            zip(
                pairs, pool.map(decided, *zip(*pairs, strict=True), [options.model] * len(pairs)), strict=True
            )
        )
    rows = {}
    for rule, (database, those) in product(RULES, paths.items()):
        metrics = summarise_decisions([found[rule, path] for path in those])
        rows[f"{database}: {rule}"] = summarise([{name: metrics[name] for name in SHOWN}])
        print(f"{database}: {rule:36}", *(f"{name} {metrics[name]:.3f}" for name in SHOWN), sep="  ")
    result = {
        "rules": rows,
        "records": {database: [path.name for path in those] for database, those in paths.items()},
        "seconds": round(time.perf_counter() - started, 1),
    }
    report("bench-wearer-thresholds", result, {options.model.name: sha256(options.model)})


if __name__ == "__main__":
    main()
