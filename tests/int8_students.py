"""A small untrained student as the int8 model that an export makes of it, for the tests of what it meets."""

import functools

import numpy as np

from keras_sibeat.export.embedding import embed_manifest, quantisations
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert
from sibeat_edge.model.manifest import BESIDE, MIN_MAX, WEARER, taps_digest


def curves(count, leads=1, seed=0):
    """Smooth windows ``(count, 320, leads)`` within [-1, 1]."""
    phase, speed = np.random.default_rng(seed).uniform(0.2, 3, (2, count, 1, leads))
    return np.sin(6 * phase + speed * np.linspace(0, 9, 320)[:, None]).astype("float32")


def relative(count, leads=1, seed=0):
    """The parts of beats beside a template: windows ``(count, 320, 2 * leads)`` and rhythms (count, 8)."""
    beats, templates = curves(count, leads, seed), curves(count, leads, seed + 100)
    rhythms = np.random.default_rng(seed).normal(scale=0.2, size=(count, 8)).astype("float32")
    return [np.concatenate([1.5 * beats, templates], axis=2), rhythms]


@functools.cache
def int8_student(leads=1, rebuilds=False, width=4, units=8, quantile=0.8, wearer=False):
    """The bytes of its ``.tflite`` file and the manifest inside, its threshold a ``quantile`` of scores.

    ``wearer`` makes it one of beats beside a template.
    """
    size = {"width": width, "depth": 4, "units": units, "seed": 0}
    if wearer:
        network = student(channels=2 * leads, rhythm=8, **size)
        windows = dict(zip(("window", "rhythm"), relative(64, leads), strict=True))
    else:
        network, windows = student(channels=leads, rebuilds=rebuilds, **size), curves(64, leads)
    for _ in range(20):  # moves the statistics of the normalisation to where the windows are
        network(windows, training=True)
    scores = network.predict(windows, verbose=0)
    content, band, order = convert(network, windows), [3.0, 45.0], 108
    numbers = quantisations(content)
    threshold = float(np.quantile(scores[0] if rebuilds else scores, quantile))
    manifest = {
        "format": 2,
        "name": "small",
        "signal": {
            "rate": 360,
            "leads": ["MLII", "V5"][:leads],
            "band": band,
            "order": order,
            "taps_sha256": taps_digest(band, order),
        },
        "window": {"before": 140, "after": 180},
        "normalisation": BESIDE if wearer else MIN_MAX,
        "wearer": {**WEARER, "waits": True, "rhythm": numbers[1, 8]} if wearer else None,
        "input": numbers[1, 320, 2 * leads if wearer else leads],
        "score": numbers[1, 1],
        "residuals": numbers.get((1, 320)),
        "threshold": {"score": threshold, "usual": 0.5, "false_alarms_per_hour": 4.0},
        "calibration": {"shares": [0.5], "scores": [0.0], "usual": [0.5], "beats_per_hour": 4000.0},
        "expected": {"auc": 0.9, "ap": 0.8},
        "data_sha256": "0" * 64,
        "config_sha256": "1" * 64,
        "licence": "MIT",
        "notice": 'Not a medical device: "research" only, 100 µV\\mm??/',
    }
    return embed_manifest(content, manifest)
