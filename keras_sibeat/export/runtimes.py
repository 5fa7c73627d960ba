"""Scores of one int8 model by several runtimes, which have to agree."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import sibeat_edge
from keras_sibeat.errors import ExportError
from keras_sibeat.export import raw_scores
from keras_sibeat.export.tflm import LARGEST_ARENA, MISSING
from keras_sibeat.models.tensors import read_tensors
from sibeat_edge.model.manifest import read_manifest
from sibeat_edge.model.runtime import Model, input_shapes

EDGE = Path(sibeat_edge.__file__).parents[1]


def quantise_beats(content: bytes, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Beats in int8, as an int8 model takes them.

    Args:
        content: bytes of the ``.tflite`` file with its manifest.
        arrays: float32 ``(beats, …)``, as ``BeatSet.arrays``: windows and, for a wearer's model, rhythms.
    """
    model = Model(content)
    beats = [model.quantise(*beat) for beat in zip(*arrays, strict=True)]
    return [np.stack(array) for array in zip(*beats, strict=True)]


def score_litert(content: bytes, arrays: Sequence[np.ndarray], kernels: str = "builtin") -> np.ndarray:
    """The scores by LiteRT in this process, int8 ``(beats,)``.

    Args:
        content: bytes of an int8 ``.tflite`` file with its manifest.
        arrays: of the beats, int8 ``(beats, …)``, as ``quantise_beats`` returns them.
        kernels: ``builtin`` or ``xnnpack``.

    Raises ``ExportError`` where neither LiteRT nor tflite-runtime is installed, ``ValueError`` for beats of
    another shape or type, and ``ModelError`` for a file that is no such model.
    """
    arrays = _check(content, arrays)
    try:
        return raw_scores.raw_scores(content, arrays, kernels)
    except ImportError as error:
        raise ExportError("LiteRT: found no runtime, expected one (pip install ai-edge-litert).") from error


def score_tflm(content: bytes, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The scores as a microcontroller computes them, by TFLM's reference kernels: int8 ``(beats,)``.

    Arguments as of ``score_litert``. Raises ``ExportError`` where the package tflite-micro is missing, or
    TFLM cannot run the model.
    """
    arrays = _check(content, arrays)
    try:
        from tflite_micro import runtime
    except ImportError as error:
        raise ExportError(MISSING) from error
    tensors = read_tensors(content)
    inputs = tensors.inputs_of([array.shape[1:] for array in arrays])
    scores = np.empty(len(arrays[0]), np.int8)
    try:
        interpreter = runtime.Interpreter.from_bytes(bytes(content), arena_size=LARGEST_ARENA)
        for number, beat in enumerate(zip(*arrays, strict=True)):
            for tensor, array in zip(inputs, beat, strict=True):
                interpreter.set_input(array[None], tensor.place)
            interpreter.invoke()
            scores[number] = interpreter.get_output(tensors.score.place)[0, 0]
    except RuntimeError as error:
        raise ExportError(f"TFLM: found a model that it cannot run ({error}).") from error
    return scores


def score_with(
    python: str | Path, content: bytes, arrays: Sequence[np.ndarray], kernels: str = "builtin"
) -> np.ndarray:
    """The scores by the runtime of another Python environment: int8 ``(beats,)``.

    Args:
        python: path of its interpreter. It needs numpy, scipy and ai-edge-litert or tflite-runtime; this
            installation lends it ``sibeat_edge``.
        content, arrays, kernels: as of ``score_litert``.

    Raises ``ExportError``, with the last line that it printed, where that environment fails.
    """
    arrays = _check(content, arrays)
    with tempfile.TemporaryDirectory() as folder:
        model, data, result = (Path(folder) / name for name in ("model.tflite", "data.npz", "scores.npz"))
        model.write_bytes(content)
        np.savez(data, *arrays)
        command = [str(python), raw_scores.__file__, str(model), str(data), str(result), kernels]
        # Without PYTHONSAFEPATH the script's own folder comes first, where other packages find our modules.
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


def _check(content, arrays):
    """The arrays, once they are int8 beats of the model's shapes."""
    arrays, shapes = [np.asarray(array) for array in arrays], input_shapes(read_manifest(content))
    found = [array.shape[1:] for array in arrays]
    if any(array.dtype != np.int8 for array in arrays) or found != shapes:
        raise ValueError(
            f"Scores: found beats {found} of {', '.join(str(array.dtype) for array in arrays)}; "
            f"expected {shapes} of int8."
        )
    return arrays
