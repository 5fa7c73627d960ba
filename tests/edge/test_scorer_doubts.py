"""Alarms that wait for one more beat, and those that noise explains: the scorer of a wearer's model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sibeat_edge.beats.alignment import Aligner
from sibeat_edge.beats.stream import PAUSE, BeatStream, CutBeat
from sibeat_edge.beats.template import WARM_UP
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import BeatScorer
from sibeat_edge.signal.resampling import RATE

BAND, ORDER, RR = [0.67, 45.0], 540, 0.8
LIMIT = 2.0  # score above which a beat is an alarm


class Ruled(Model):
    """A model without an interpreter: ten times the mean difference of a beat from its template."""

    def __init__(self, waits=True, is_wearers=True):
        self.leads = 1
        self.manifest = {
            "signal": {"band": BAND, "order": ORDER},
            "window": {"before": 140, "after": 180},
            "wearer": {"waits": waits} if is_wearers else None,
            "score": {"scale": 0.01, "zero_point": 0},
            "threshold": {"score": LIMIT, "usual": 0.0},
        }

    def score(self, window, rhythm=None):
        other = window[:, 1] if self.manifest["wearer"] else 0.0
        return float(10 * np.abs(window[:, 0] - other).mean())


def lead_of(symbols, seed=0):
    """A lead, and where its R-peaks are.

    N is a beat of the wearer's own, V an extrasystole, early and with a pause behind it. Those in small
    letters are under an electrode's swings. A dash is 10 s without a beat.
    """
    draws, at, place, early = np.random.default_rng(seed), [], 0.3, 0.0
    for symbol in symbols:
        place += 10 if symbol == "-" else RR + early
        early = 0.3 if symbol in "Vv" else 0.0
        at.append(place - early)
    ticks = np.arange(round((place + 1.5) * RATE)) / RATE
    lead = 0.003 * draws.standard_normal(len(ticks))
    swings = ndimage.gaussian_filter1d(draws.standard_normal(len(ticks)), 14)
    swings /= swings.std()
    for symbol, peak in zip(symbols, at, strict=True):
        since = ticks - peak
        if symbol in "Nn":
            lead += np.exp(-np.square(since / 0.012) / 2) - 0.3 * np.exp(-np.square((since - 0.03) / 0.01) / 2)
            lead += 0.25 * np.exp(-np.square((since - 0.25) / 0.045) / 2)
        elif symbol in "Vv":
            lead -= 1.5 * np.exp(-np.square((since - 0.02) / 0.035) / 2)
            lead += 0.5 * np.exp(-np.square((since - 0.28) / 0.07) / 2)
        if symbol in "nv":
            lead += 0.35 * swings * np.exp(-np.square(since / 0.4) ** 4)
    return lead, np.array([peak for symbol, peak in zip(symbols, at, strict=True) if symbol != "-"])


if __name__ == "__main__":
    sym = "N" * 70 + "VNNNNNVNNNNVNN" + "N"*10 + "nnvnnNNNNNNNNNN" + "nnnn" + "N"*9
    lead, at = lead_of(sym)
    sc = BeatScorer(Ruled(), RATE, threshold=LIMIT)
    beats = sc.push(lead) + sc.finish()
    print(len(beats), len(at))
    for b, s in zip(beats[60:], sym[60:]):
        print(s, round(b.time, 2), b.score and round(b.score, 2), b.alarm, b.doubted, b.reason, b.why, b.snr and round(b.snr, 1))
