"""One int8 model by several runtimes: their scores should agree, and it is measured how far they do."""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import sibeat_edge
from keras_sibeat.errors import ExportError
from keras_sibeat.export import raw_scores
from keras_sibeat.export.tflm import LARGEST_ARENA, MISSING, input_places
from sibeat_edge.model.manifest import read_manifest
from sibeat_edge.model.runtime import input_shapes

EDGE = Path(sibeat_edge.__file__).parents[1]


def _check(content, parts):
    """The parts as arrays, once they are int8 beats of the model's shapes."""
    parts, shapes = [np.asarray(part) for part in parts], input_shapes(read_manifest(content))
    found = [part.shape[1:] for part in parts]
    if any(part.dtype != np.int8 for part in parts) or found != shapes:
        raise ValueError(
            f"Scores: found beats {found} of {', '.join(str(part.dtype) for part in parts)}; "
            f"expected {shapes} of int8."
        )
    return parts


def score_litert(content, parts, kernels="builtin"):
    """The scores by LiteRT in this process.

    Args:
        content: bytes of an int8 ``.tflite`` file with its manifest.
        parts: of the beats, int8 arrays ``(beats, …)``: their windows and, for a wearer's model, rhythms.
        kernels: ``builtin`` or ``xnnpack``.

    Returns int8 ``(beats,)``. Raises ``ExportError`` where neither LiteRT nor tflite-runtime is installed,
    ``ValueError`` for beats of another shape or type, and ``ModelError`` for a file that is no such model.
    """
    parts = _check(content, parts)
    try:
        return raw_scores.raw_scores(content, parts, kernels)
    except ImportError as error:
        raise ExportError("LiteRT: found no runtime, expected one (pip install ai-edge-litert).") from error


def score_tflm(content, parts):
    """The scores as a microcontroller computes them, by TFLM's reference kernels: int8 ``(beats,)``.

    Arguments as of ``score_litert``. Raises ``ExportError`` where the package tflite-micro is missing, or
    TFLM cannot run the model.
    """
    parts = _check(content, parts)
    try:
        from tflite_micro import runtime
    except ImportError as error:
        raise ExportError(MISSING) from error
    try:
        interpreter = runtime.Interpreter.from_bytes(bytes(content), arena_size=LARGEST_ARENA)
        scores = np.empty(len(parts[0]), np.int8)
        places = input_places(content, [part.shape[1:] for part in parts])
        for number, beat in enumerate(zip(*parts, strict=True)):
            for place, part in zip(places, beat, strict=True):
                interpreter.set_input(part[None], place)
            interpreter.invoke()
            scores[number] = _score(interpreter)
    except RuntimeError as error:
        raise ExportError(f"TFLM: found a model that it cannot run ({error}).") from error
    return scores


def _score(interpreter):
    """The output of shape (1, 1): a model may give residuals, too, in any order."""
    return next(output[0, 0] for output in map(interpreter.get_output, range(2)) if output.shape == (1, 1))


def score_with(python, content, parts, kernels="builtin"):
    """The scores by the runtime of another Python environment: int8 ``(beats,)``.

    Args:
        python: path of its interpreter. It needs numpy, scipy and ai-edge-litert or tflite-runtime; this
            installation lends it ``sibeat_edge``.
        content, parts, kernels: as of ``score_litert``.

    Raises ``ExportError``, with the last line that it printed, where that environment fails.
    """
    parts = _check(content, parts)
    with tempfile.TemporaryDirectory() as folder:
        model, data, result = (Path(folder) / name for name in ("model.tflite", "data.npz", "scores.npz"))
        model.write_bytes(content)
        np.savez(data, *parts)
        command = [str(python), raw_scores.__file__, str(model), str(data), str(result), kernels]
        # Safe path: else the script's folder comes first, whose modules have names that others may import.
        environment = {**os.environ, "PYTHONPATH": str(EDGE), "PYTHONSAFEPATH": "1"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        except OSError as error:
            raise ExportError(f"{python}: {error.strerror}; expected a Python interpreter.") from error
        if done.returncode or not result.exists():
            told = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise ExportError(f"{python}: found no scores, expected a runtime's ({told[-1]}).")
        with np.load(result) as found:
            return found["scores"]
