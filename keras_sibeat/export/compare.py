"""How far the runtimes agree on an exported model's scores."""

import numpy as np

from keras_sibeat.export.runtimes import score_litert, score_tflm, score_with
from sibeat_edge.model.runtime import Model

COMPARED = 1000  # beats that all runtimes score


def compare_runtimes(content, beats, verdict, python=None):
    """The verdict, with what the runtimes differ by, and a table of each one's scores beside LiteRT's.

    TFLM, and tflite-runtime where its ``python`` is given, must agree with LiteRT's builtin kernels to a unit
    of the last place. What XNNPACK does is told, and decides nothing: the scorer uses it only on request.
    """
    model = Model(content)
    rows = np.linspace(0, len(beats) - 1, min(COMPARED, len(beats))).astype(int)
    chosen = zip(*(part[rows] for part in beats.parts), strict=True)
    parts = [np.stack(part) for part in zip(*(model.quantise(*beat) for beat in chosen), strict=True)]
    runtimes = {
        "litert-xnnpack": lambda: score_litert(content, parts, "xnnpack"),
        "tflm": lambda: score_tflm(content, parts),
    }
    if python:
        runtimes["tflite-runtime"] = lambda: score_with(python, content, parts)
    reference = score_litert(content, parts).astype(int)
    scale, zero = (model.manifest["score"][key] for key in ("scale", "zero_point"))
    limit = model.manifest["threshold"]["score"] / scale + zero
    table = {}
    for name, run in runtimes.items():
        scores = run().astype(int)
        table[name] = {
            "beats": len(rows),
            "largest_difference": int(np.abs(scores - reference).max()),
            "equal": float(np.mean(scores == reference)),
            "decisions_flipped": float(np.mean((scores > limit) != (reference > limit))),
        }
    judged = [row["largest_difference"] for name, row in table.items() if name != "litert-xnnpack"]
    return verdict.with_runtimes(max(judged)), table
