"""int8 scores of quantised beats: a function, and a script for Pythons that have sibeat_edge but no Keras."""

import sys

import numpy as np

from sibeat_edge.runtime import Model


def raw_scores(content, windows, kernels):
    """int8 scores ``(beats,)`` of int8 ``windows`` ``(beats, length, leads)`` by the runtime there is."""
    model = Model(content, kernels)
    scale, zero = model.manifest["input"]["scale"], model.manifest["input"]["zero_point"]
    scores = np.empty(len(windows), np.int8)
    for number, window in enumerate(windows):
        # The model quantises these values to the very int8 that they come from.
        model.score(np.float32(scale) * (window.astype(np.float32) - zero))
        scores[number] = model.raw_score()
    return scores


if __name__ == "__main__":
    model_file, data_file, scores_file, kernels = sys.argv[1:]
    with open(model_file, "rb") as file, np.load(data_file) as data:
        scores = raw_scores(file.read(), data["windows"], kernels)
    np.savez(scores_file, scores=scores)
