"""int8 scores of quantised beats: a function, and a script for Pythons that have sibeat_edge but no Keras."""

import sys
from collections.abc import Sequence

import numpy as np

from sibeat_edge.model.runtime import Model


def raw_scores(content: bytes, arrays: Sequence[np.ndarray], kernels: str) -> np.ndarray:
    """int8 scores ``(beats,)`` of quantised beats, by LiteRT or, where only that exists, tflite-runtime.

    Args:
        content: bytes of an int8 ``.tflite`` file with its manifest.
        arrays: int8, ``(beats, …)``: windows and, for a wearer's model, rhythms.
        kernels: ``builtin`` or ``xnnpack``.
    """
    model = Model(content, kernels)
    return np.array([model.score_raw(*beat) for beat in zip(*arrays, strict=True)], np.int8)


if __name__ == "__main__":
    model_file, data_file, scores_file, kernels = sys.argv[1:]
    with open(model_file, "rb") as file, np.load(data_file) as data:
        scores = raw_scores(file.read(), [data[name] for name in data.files], kernels)
    np.savez(scores_file, scores=scores)
