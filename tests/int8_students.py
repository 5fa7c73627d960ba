"""A small untrained student as the int8 model that an export makes of it, for the tests that need one."""

import functools

import numpy as np

from keras_sibeat.export.embedding import embed_manifest, quantisations
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert
from sibeat_edge.model.manifest import BESIDE, FORMAT, MIN_MAX, WEARER, taps_digest, tensor_names

BAND, ORDER = [3.0, 45.0], 108


def curves(count, leads=1, seed=0):
    """Smooth windows ``(count, 320, leads)`` within [-1, 1]."""
    phase, speed = np.random.default_rng(seed).uniform(0.2, 3, (2, count, 1, leads))
    return np.sin(6 * phase + speed * np.linspace(0, 9, 320)[:, None]).astype("float32")


def relative(count, leads=1, seed=0):
    """The arrays of beats beside a template: windows ``(count, 320, 2 * leads)`` and rhythms (count, 8)."""
    beats, templates = curves(count, leads, seed), curves(count, leads, seed + 100)
    rhythms = np.random.default_rng(seed).normal(scale=0.2, size=(count, 8)).astype("float32")
    return [np.concatenate([1.5 * beats, templates], axis=2), rhythms]


def settled(network, windows):
    """The network, its normalisation's statistics moved to where the windows are."""
    for _ in range(20):
        network(windows, training=True)
    return network


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
    scores = settled(network, windows).predict(windows, verbose=0)
    content = convert(network, windows)
    threshold = float(np.quantile(scores[0] if rebuilds else scores, quantile))
    return embed_manifest(content, manifest_of(content, leads, wearer, threshold))


def manifest_of(content, leads=1, wearer=False, threshold=0.123456, quantiles=1):
    """A right manifest of an integer student without its checksum; for one of floats a right shape of one."""
    try:
        numbers = quantisations(content)
    except ValueError:
        numbers, leads = dict.fromkeys([(1, 320, 1), (1, 1)], {"scale": 0.1, "zero_point": 0}), 1
    residuals = numbers.get((1, 320))
    scores = np.sort(np.random.default_rng(0).normal(size=quantiles)).round(6).tolist()
    return {
        "format": FORMAT,
        "name": "small",
        "signal": {
            "rate": 360,
            "leads": ["MLII", "V5"][:leads],
            "band": BAND,
            "order": ORDER,
            "taps_sha256": taps_digest(BAND, ORDER),
        },
        "window": {"before": 140, "after": 180},
        "normalisation": BESIDE if wearer else MIN_MAX,
        "wearer": {**WEARER, "waits": True, "rhythm": numbers[1, 8]} if wearer else None,
        "tensors": tensor_names({"wearer": wearer, "residuals": residuals}),
        "input": numbers[1, 320, 2 * leads if wearer else leads],
        "score": numbers[1, 1],
        "residuals": residuals,
        "threshold": {"score": threshold, "usual": 0.5, "false_alarms_per_hour": 4.0},
        "calibration": {
            "shares": np.linspace(0.001, 0.999, quantiles).round(6).tolist(),
            "scores": scores,
            "usual": scores,
            "beats_per_hour": 4000.0,
        },
        "expected": {
            "auc": 0.987654,
            "ap": 0.876543,
            "auc_record": 0.976543,
            "on": "22 recordings of wearers it has not seen",
            "false_alarms_per_hour": {"mean": 64.1234, "median": 22.1234, "worst": 412.123},
        },
        "validation": {"auc": 0.9, "ap": 0.8},
        "data_sha256": "0" * 64,
        "config_sha256": "1" * 64,
        "licence": "MIT",
        "notice": 'Not a medical device: "research" only, 100 µV\\mm??/',
    }
