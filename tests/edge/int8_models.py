"""A small exported model of a simulated wearer's normal beats, for the tests of the edge."""

import functools

import numpy as np
from int8_students import BAND, ORDER, manifest_of

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.embedding import embed_manifest
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert
from sibeat_edge.beats.windows import beat_windows, normalise
from sibeat_edge.signal.filters import BandPass, process


@functools.cache
def _windows(channels):
    wearer = simulate_wearer(seed=1, seconds=60.0, abnormal={})
    signal = process(BandPass(tuple(BAND), ORDER), wearer.signal[:, :channels])
    return normalise(beat_windows(signal, wearer.annotations.samples)[0])


@functools.cache
def _content(rebuilds, channels):
    """The bytes of an untrained student, and its scores of the wearer's beats."""
    network = student(channels=channels, width=4, depth=4, units=8, rebuilds=rebuilds, seed=0)
    windows = _windows(channels)
    for _ in range(20):  # moves the statistics of the normalisation to where the windows are
        network(windows, training=True)
    scores = network.predict(windows, verbose=0)
    return convert(network, windows), np.ravel(scores[0] if rebuilds else scores)


def tiny_model(rebuilds=False, **changes):
    """The bytes of a ``.tflite`` file with its manifest, in which ``changes`` replace whole fields.

    It takes as many leads as its manifest's ``signal`` names; about one normal beat in ten is an alarm. The
    manifest is not checked, so that a test may break it.
    """
    channels = len(changes.get("signal", {}).get("leads", ["MLII"]))
    content, scores = _content(rebuilds, channels)
    manifest = {
        **manifest_of(content, channels),
        "name": "tiny",
        "threshold": {
            "score": float(np.quantile(scores, 0.9)),
            "usual": float(np.median(scores)),
            "false_alarms_per_hour": 400.0,
        },
        "calibration": {
            "shares": [0.1, 0.5, 0.9],
            "scores": np.quantile(scores, [0.1, 0.5, 0.9]).tolist(),
            "usual": [float(np.median(scores)) + step for step in (0.2, 0.1, 0.0)],
            "beats_per_hour": 4000.0,
        },
        "notice": "Not a medical device.",
    }
    return embed_manifest(content, {**manifest, **changes})[0]
