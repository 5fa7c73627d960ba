"""What a model makes of many windows: rebuilt windows, residuals, scores (larger = more abnormal)."""

import keras
import numpy as np

BATCH = 512


def predict(model, windows):
    """What a model makes of the windows, batch by batch: NumPy arrays in the structure of its outputs.

    Of several replicas each computes all of it: ``Model.predict`` would share a last batch out among them,
    and wait forever for one that gets nothing.
    """
    if model.distribute_strategy.num_replicas_in_sync == 1:
        return model.predict(windows, batch_size=BATCH, verbose=0)
    parts = [model(windows[row : row + BATCH], training=False) for row in range(0, len(windows), BATCH)]
    return keras.tree.map_structure(lambda *outputs: np.concatenate(outputs), *parts)


def rebuild(model, windows):
    """What a ``BeatGAN``, or its generator alone, makes of the windows ``(windows, length, channels)``."""
    return predict(model, windows)


def residuals(windows, rebuilt):
    """Squared error per tick ``(windows, length)``, the mean over channels: where the anomaly lies."""
    return np.mean(np.square(windows - rebuilt), axis=2)


def rebuild_scores(model, windows):
    """BeatGAN's score ``(windows,)``: the mean squared error of the rebuilt window (IJCAI 2019)."""
    return residuals(windows, rebuild(model, windows)).mean(axis=1)


def score_parts(scorer, windows):
    """What a scorer says of the windows: a mapping of each score's name to an array ``(windows,)``."""
    scores = predict(scorer, windows)
    return {name: np.asarray(values)[:, 0] for name, values in scores.items()}
