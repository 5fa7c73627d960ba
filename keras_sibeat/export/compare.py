"""How far the runtimes agree on an exported model's scores."""

from typing import Any

import numpy as np

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.export.gate import Verdict
from keras_sibeat.export.runtimes import quantise_beats, score_litert, score_tflm, score_with
from sibeat_edge.model.manifest import read_manifest

COMPARED = 1000  # beats that all runtimes score


def compare_runtimes(
    content: bytes, beats: BeatSet, verdict: Verdict, python: str | None = None
) -> tuple[Verdict, dict[str, dict[str, Any]]]:
    """The verdict, with the largest difference between runtimes, and a table of each one beside LiteRT.

    LiteRT's builtin kernels are the reference. TFLM must agree with them to a unit of the last place, and so
    must tflite-runtime where its ``python`` is given. XNNPACK is only reported, as the scorer uses it only on
    request.
    """
    manifest = read_manifest(content)
    rows = np.linspace(0, len(beats) - 1, min(COMPARED, len(beats))).astype(int)
    arrays = quantise_beats(content, beats.take(rows).arrays)
    runtimes = {
        "litert-xnnpack": lambda: score_litert(content, arrays, "xnnpack"),
        "tflm": lambda: score_tflm(content, arrays),
    }
    if python:
        runtimes["tflite-runtime"] = lambda: score_with(python, content, arrays)
    reference = score_litert(content, arrays).astype(int)
    limit = manifest["threshold"]["score"] / manifest["score"]["scale"] + manifest["score"]["zero_point"]
    table = {}
    for name, run in runtimes.items():
        scores = run().astype(int)
        table[name] = {
            "beats": len(rows),
            "largest_difference": int(np.abs(scores - reference).max()),
            "equal": float(np.mean(scores == reference)),
            "decisions_flipped": float(np.mean((scores > limit) != (reference > limit))),
        }
    judged = [int(row["largest_difference"]) for name, row in table.items() if name != "litert-xnnpack"]
    return verdict.with_runtimes(max(judged)), table
