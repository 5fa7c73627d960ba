"""A wearer's model, exported and trained on simulated wearers, for the tests of the edge."""

import functools

import keras
import numpy as np
from int8_models import BAND, ORDER, tiny_model

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.embedding import embed_manifest, quantisations
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert
from sibeat_edge.beats.wearer import Wearer, views_of
from sibeat_edge.beats.windows import beat_windows
from sibeat_edge.model.manifest import BESIDE, WEARER, read_manifest
from sibeat_edge.signal.filters import BandPass, process


def views(wearer, waits=True):
    """What ``Wearer`` makes of the annotated beats of a simulated one."""
    signal = process(BandPass(tuple(BAND), ORDER), wearer.signal[:, :1])
    samples = wearer.annotations.samples
    windows, inside = beat_windows(signal, samples)
    made, found = Wearer(waits), []
    for sample, window in zip(samples[inside], windows, strict=True):
        found += made.push(sample / 360, window)
    return [view for view in views_of(found + made.finish()) if view is not None]


@functools.cache
def _trained():
    """A student that learns in seconds how far a beat is from its template, and how premature it is."""
    network = student(channels=2, width=4, depth=4, units=8, rhythm=8, seed=0)
    wearers = [simulate_wearer(seed=seed, seconds=150.0) for seed in (1, 2)]
    window, rhythm = (np.stack(part) for part in zip(*[v for w in wearers for v in views(w)], strict=True))
    distance = np.log(np.square(window[:, :, 0] - window[:, :, 1]).mean(axis=1) + 1e-4) + 6
    wanted = 3 * np.maximum(distance - 1.5, 0) + 30 * np.maximum(-rhythm[:, 0] - 0.1, 0)
    order = np.random.default_rng(0).permutation(len(wanted))  # half of the rhythms are of other beats
    mixed = np.where(np.arange(len(wanted))[:, None] % 2, rhythm, rhythm[order])
    wanted += 30 * np.maximum(-mixed[:, 0] - 0.1, 0) - 30 * np.maximum(-rhythm[:, 0] - 0.1, 0)
    turned = np.where(order[:, None, None] % 3, window, -window)  # a lead may be turned over
    inputs = {"window": turned, "rhythm": mixed}
    keras.utils.set_random_seed(0)
    network.compile(keras.optimizers.Adam(5e-3), "mse")
    network.fit(inputs, wanted, batch_size=32, epochs=80, verbose=0)
    return convert(network, inputs)


def relative_model(waits=True):
    """The bytes of a ``.tflite`` file with its manifest."""
    content = _trained()
    numbers, plain = quantisations(content), read_manifest(tiny_model())
    del plain["model_sha256"]
    manifest = {
        **plain,
        "name": "relative",
        "normalisation": BESIDE,
        "wearer": {**WEARER, "waits": waits, "rhythm": numbers[1, 8]},
        "tensors": {"inputs": ["rhythm", "window"], "outputs": ["score"]},
        "input": numbers[1, 320, 2],
        "score": numbers[1, 1],
        "threshold": {"score": 3.0, "usual": 0.0, "false_alarms_per_hour": 400.0},
    }
    return embed_manifest(content, manifest)[0]
