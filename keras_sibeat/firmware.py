"""The firmware bundle: an int8 model as C sources that a microcontroller project copies."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.errors import ExportError
from keras_sibeat.files import PARTIAL, whole_folder
from keras_sibeat.firmware_sources import sources
from keras_sibeat.tflm import ALIGNMENT, measure_arena, operations
from sibeat_edge.runtime import Model

GOLDEN_BEATS = 16
MARGIN, LEAST_MARGIN = 0.25, 1024  # of the arena as measured; bytes
BUILT = "build"  # what the bundle's Makefile makes, and a new bundle need not keep


def write_firmware(folder, content, manifest, windows, arena=None):
    """Write the bundle of an int8 model to ``folder``, whole or not at all; an earlier one is replaced.

    The same arguments give the same bytes.

    Args:
        folder: new, empty, or an earlier bundle.
        content: bytes of an int8 ``.tflite`` file with its manifest inside.
        manifest: that manifest, a dictionary.
        windows: the 16 golden beats, ``(16, length, leads)`` float32 within [-1, 1].
        arena: bytes as ``measure_arena`` found them, or None to measure them here.

    Raises ``ValueError`` for windows of another shape or a manifest other than the model's, ``ModelError``
    for what is no such model, and ``ExportError`` for a folder with other files, an operation that TFLM
    lacks, or where the arena is to be measured and tflite-micro is not installed.
    """
    folder, model, windows = Path(folder), Model(content), np.asarray(windows)
    if model.manifest != manifest:
        raise ValueError("Firmware: found a manifest other than the model's own, expected that one.")
    shape = GOLDEN_BEATS, model.length, model.leads
    if windows.shape != shape or windows.dtype != np.float32 or not np.abs(windows).max() <= 1:
        raise ValueError(
            f"Firmware: found golden beats {windows.shape} of {windows.dtype}, expected {shape} of float32, "
            "all within [-1, 1]."
        )
    used = operations(content)
    arena = measure_arena(content) if arena is None else arena
    memory = {"measured": arena, "margin": arena_margin(arena)}
    output = _score_output(content)
    files = sources(content, manifest, used, memory, output, decision(manifest), *_golden(model, windows))
    _check_target(folder, set(files))
    with whole_folder(folder) as partial:
        partial.chmod(0o755)  # a temporary folder is its owner's alone
        for name, source in files.items():
            (partial / name).write_bytes(source.encode("utf-8"))
        earlier = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
        if folder.exists():
            folder.replace(earlier)
    shutil.rmtree(earlier)


def arena_margin(measured):
    """Bytes to add to an arena as measured: a quarter, at least 1,024, and to a multiple of 16."""
    wanted = measured + max(LEAST_MARGIN, MARGIN * measured)
    return int(-(-wanted // ALIGNMENT)) * ALIGNMENT - measured


def decision(manifest):
    """The highest int8 score that is no alarm, by the manifest's threshold; -129 where all are alarms."""
    levels = np.arange(-128, 128)
    scale, zero = manifest["score"]["scale"], manifest["score"]["zero_point"]
    scores = np.float32(scale) * (levels.astype(np.float32) - zero)  # as sibeat_edge computes them
    return int(np.count_nonzero(scores.astype(np.float64) <= manifest["threshold"]["score"])) - 129


def _golden(model, windows):
    """int8 inputs ``(beats, length * leads)`` and scores ``(beats,)``, by kernels that TFLM agrees with."""
    inputs, scores = [], []
    for window in windows:
        model.score(window)
        inputs.append(model.quantise(window).ravel())
        scores.append(model.raw_score())
    return np.stack(inputs), np.array(scores, np.int8)


def _score_output(content):
    """The score's place among the model's outputs: it is the one of shape (1, 1)."""
    graph = flatbuffer_utils.convert_bytearray_to_object(bytearray(content)).subgraphs[0]
    return [tuple(graph.tensors[number].shape) for number in graph.outputs].index((1, 1))


def _check_target(folder, names):
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder}: found a file, expected a folder for the bundle.")
    others = sorted({file.name for file in folder.glob("*")} - names - {BUILT})
    if others:
        raise ExportError(f"{folder}: found {others[0]}, expected an empty folder or an earlier bundle.")
