"""What a model makes of many windows: rebuilt windows, residuals, scores (larger = more abnormal)."""

import weakref
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_sibeat.layers.backend import tf

BATCH = 512

# Graphs by model. A graph refers to its model weakly, so that both are freed with it.
_graphs: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def predict(model: keras.Model, windows: np.ndarray | Mapping[str, np.ndarray]) -> Any:
    """What a model makes of the windows, batch by batch: NumPy arrays in the structure of its outputs.

    A model's graph is traced once, for batches of any size. ``Model.predict`` traces a smaller last batch
    again. Every replica of a strategy computes all windows: ``Model.predict`` would divide a last batch among
    them, and wait forever for one that gets nothing.

    Args:
        model: functional or not, called with a batch of windows.
        windows: ``(windows, length, channels)``, or a mapping of the model's inputs to arrays of as many
            rows.
    """
    windows = keras.tree.map_structure(lambda rows: np.asarray(rows, keras.config.floatx()), windows)
    infer = _graph(model, windows)
    count = len(keras.tree.flatten(windows)[0])
    if not count:  # some processors' convolutions refuse an empty batch
        one = keras.tree.map_structure(lambda rows: np.zeros((1, *rows.shape[1:]), rows.dtype), windows)
        return keras.tree.map_structure(lambda output: output.numpy()[:0], infer(_rows(one, 0)))
    parts = [infer(_rows(windows, first)) for first in range(0, count, BATCH)]
    return keras.tree.map_structure(lambda *outputs: np.concatenate(outputs), *parts)


def _rows(windows, first):
    return keras.tree.map_structure(lambda rows: tf.constant(rows[first : first + BATCH]), windows)


def _graph(model, windows):
    """The model's inference on batches like these windows: a concrete function."""
    spec = keras.tree.map_structure(lambda rows: tf.TensorSpec((None, *rows.shape[1:]), rows.dtype), windows)
    known, key = _graphs.setdefault(model, {}), repr(spec)
    if key not in known:
        weak = weakref.ref(model)
        known[key] = tf.function(lambda batch: weak()(batch, training=False)).get_concrete_function(spec)
    return known[key]


def rebuild(model: keras.Model, windows: np.ndarray) -> np.ndarray:
    """What a ``BeatGAN``, or its generator alone, makes of the windows ``(windows, length, channels)``."""
    return predict(model, windows)


def residuals(windows: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """Squared error per tick ``(windows, length)``, the mean over channels: where the anomaly lies."""
    return np.mean(np.square(windows - rebuilt), axis=2)


def rebuild_scores(model: keras.Model, windows: np.ndarray) -> np.ndarray:
    """BeatGAN's score ``(windows,)``: the mean squared error of the rebuilt window (IJCAI 2019)."""
    return residuals(windows, rebuild(model, windows)).mean(axis=1)


def score_parts(scorer: keras.Model, windows: np.ndarray | Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a scorer says of the windows: a mapping of each score's name to an array ``(windows,)``."""
    scores = predict(scorer, windows)
    return {name: np.asarray(values)[:, 0] for name, values in scores.items()}
