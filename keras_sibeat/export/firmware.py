"""The firmware bundle: an int8 model as C sources that a microcontroller project copies."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.errors import ExportError
from keras_sibeat.export.firmware_sources import STATIC, sources
from keras_sibeat.export.tflm import ALIGNMENT, input_places, measure_arena, operations
from keras_sibeat.files import PARTIAL, whole_folder
from sibeat_edge.beats.windows import HIGHEST
from sibeat_edge.model.runtime import Model

GOLDEN_BEATS = 16
MARGIN, LEAST_MARGIN = 0.25, 1024  # of the arena as measured; bytes
BUILT = "build"  # what the bundle's Makefile makes, and a new bundle need not keep


def write_firmware(folder, content, manifest, beats, arena=None):
    """Write the bundle of an int8 model to ``folder``, whole or not at all; an earlier one is replaced.

    The same arguments give the same bytes.

    Args:
        folder: new, empty, or an earlier bundle.
        content: bytes of an int8 ``.tflite`` file with its manifest inside.
        manifest: that manifest, a dictionary.
        beats: the parts of the 16 golden beats, float32 ``(16, …)``: the windows, scaled as the model takes
            them, and, for a wearer's model, the rhythms.
        arena: bytes as ``measure_arena`` found them, or None to measure them here.

    Raises ``ValueError`` for beats of another shape or a manifest other than the model's, ``ModelError``
    for what is no such model, and ``ExportError`` for a folder with other files, an operation that TFLM
    lacks, or where the arena is to be measured and tflite-micro is not installed.
    """
    folder, model, beats = Path(folder), Model(content), [np.asarray(part) for part in beats]
    if model.manifest != manifest:
        raise ValueError("Firmware: found a manifest other than the model's own, expected that one.")
    shapes, found = [(GOLDEN_BEATS, *shape) for shape in model.shapes], [part.shape for part in beats]
    most = HIGHEST if manifest["wearer"] else 1.0
    are_numbers = all(part.dtype == np.float32 and np.abs(part).max() <= most for part in beats)
    if found != shapes or not are_numbers:
        raise ValueError(
            f"Firmware: found golden beats {found} of {', '.join(str(part.dtype) for part in beats)}; "
            f"expected {shapes} of float32, all within [-{most:g}, {most:g}]."
        )
    used = operations(content)
    arena = measure_arena(content) if arena is None else arena
    memory = {"measured": arena, "margin": arena_margin(arena)}
    places = input_places(content, model.shapes), _score_output(content)
    files = sources(content, manifest, used, memory, places, decision(manifest), *_golden(model, beats))
    _check_target(folder, {*files, *(file.name for file in STATIC.iterdir())})
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


def _golden(model, beats):
    """int8 inputs ``(beats, bytes)``, all parts of a beat in a row, and scores ``(beats,)``, by kernels that
    TFLM agrees with.
    """
    quantised = [model.quantise(*beat) for beat in zip(*beats, strict=True)]
    inputs = [np.concatenate([part.ravel() for part in beat]) for beat in quantised]
    return np.stack(inputs), np.array([model.score_raw(*beat) for beat in quantised], np.int8)


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
