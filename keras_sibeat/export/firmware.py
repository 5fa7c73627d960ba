"""The firmware bundle: an int8 model as C sources that a microcontroller project copies."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import sibeat_edge
from keras_sibeat.errors import ExportError
from keras_sibeat.export.embedding import for_flash
from keras_sibeat.export.firmware_readme import readme
from keras_sibeat.export.firmware_sources import Facts, sources
from keras_sibeat.export.raw_scores import raw_scores
from keras_sibeat.export.runtimes import quantise_beats
from keras_sibeat.export.tflm import ALIGNMENT, measure_arena, operations
from keras_sibeat.files import PARTIAL, whole_folder
from keras_sibeat.models.tensors import read_tensors
from sibeat_edge.beats.windows import HIGHEST
from sibeat_edge.model.manifest import upgraded
from sibeat_edge.model.runtime import Model

STATIC = Path(sibeat_edge.__file__).parent / "firmware"  # the files that are the same for every model
# Stems of those that only a wearer's model needs; of folders, the names.
OF_A_WEARER = (
    "examples",
    "sibeat",
    "host_demo",
    "sibeat_pathtest",
    "sibeat_replay",
    "sibeat_wearer",
    "sibeat_template",
    "sibeat_packed",
    "sibeat_rhythm",
    "sibeat_shape",
    "sibeat_timing",
    "sibeat_judge",
    "sibeat_episodes",
    "sibeat_alarms",
    "sibeat_monitor",
    "sibeat_image",
)
PATH = ("sibeat_golden_path.c", "sibeat_golden_path.h")  # generated for a wearer's model alone
GOLDEN_BEATS = 16
MARGIN, LEAST_MARGIN = 0.25, 1024  # of the arena as measured; bytes
BUILT = "build"  # what the Makefile makes; a new bundle replaces it


def write_firmware(
    folder: str | Path,
    content: bytes,
    manifest: Mapping[str, Any],
    beats: Sequence[np.ndarray],
    arena: int | None = None,
    generated_only: bool = False,
) -> None:
    """Write the bundle of an int8 model to ``folder``, whole or not at all; an earlier one is replaced.

    The same arguments give the same bytes.

    Args:
        folder: new, empty, or an earlier bundle.
        content: bytes of an int8 ``.tflite`` file with its manifest inside. The bundle has it ``for_flash``.
        manifest: that manifest, in its own format or in the current one.
        beats: the arrays of the 16 golden beats, float32 ``(16, …)``: the windows, scaled as the model takes
            them, and, for a wearer's model, the rhythms.
        arena: bytes as ``measure_arena`` found them, or None to measure them here.
        generated_only: whether to leave out the files that are the same for every model, which are in the
            folder ``firmware`` of ``sibeat_edge``.

    Raises ``ValueError`` for beats of another shape or a manifest other than the model's, ``ModelError``
    for what is no such model, and ``ExportError`` for a folder with other files, an operation that TFLM
    lacks, or where the arena is to be measured and tflite-micro is not installed.
    """
    folder, model = Path(folder), Model(content)
    if model.manifest != upgraded(manifest):
        raise ValueError("Firmware: found a manifest other than the model's own, expected that one.")
    beats = [np.asarray(array) for array in beats]
    _check_beats(beats, model)
    flash = for_flash(content)
    facts = _facts(flash, model, beats, measure_arena(flash) if arena is None else arena)
    files = {**sources(facts), "README.md": readme(facts, generated_only)}
    _check_target(folder, {*files, *PATH, *(file.name for file in STATIC.iterdir()), BUILT})
    with whole_folder(folder) as partial:
        partial.chmod(0o755)  # a temporary folder is its owner's alone
        for name, source in files.items():
            (partial / name).write_bytes(source.encode("utf-8"))
        for file in [] if generated_only else _static(manifest):
            (partial / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(STATIC / file, partial / file)
        earlier = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
        if folder.exists():
            folder.replace(earlier)
    shutil.rmtree(earlier)


def arena_margin(measured: int) -> int:
    """Bytes to add to an arena as measured: a quarter, at least 1,024, and to a multiple of 16.

    >>> arena_margin(4000)
    1024
    """
    wanted = measured + max(LEAST_MARGIN, MARGIN * measured)
    return int(-(-wanted // ALIGNMENT)) * ALIGNMENT - measured


def decision(manifest: Mapping[str, Any]) -> int:
    """The highest int8 score that is no alarm, by the manifest's threshold; -129 where all are alarms."""
    levels = np.arange(-128, 128)
    scale, zero = manifest["score"]["scale"], manifest["score"]["zero_point"]
    scores = np.float32(scale) * (levels.astype(np.float32) - zero)  # as sibeat_edge computes them
    return int(np.count_nonzero(scores.astype(np.float64) <= manifest["threshold"]["score"])) - 129


def _facts(content, model, beats, arena):
    tensors, quantised = read_tensors(content), quantise_beats(content, beats)
    return Facts(
        content=content,
        manifest=model.manifest,
        operations=operations(content),
        arena=arena,
        margin=arena_margin(arena),
        inputs=tuple(tensor.place for tensor in tensors.inputs_of(model.shapes)),
        output=tensors.score.place,
        level=decision(model.manifest),
        golden_inputs=np.concatenate([array.reshape(len(array), -1) for array in quantised], axis=1),
        golden_scores=raw_scores(content, quantised, "builtin"),  # kernels that TFLM agrees with
    )


def _static(manifest):
    """The files that are the same for every model, but those that this one does not need; paths inside."""
    files = sorted(file.relative_to(STATIC) for file in STATIC.rglob("*") if file.is_file())
    files = [file for file in files if not {BUILT, "__pycache__"} & set(file.parts)]
    return [file for file in files if manifest["wearer"] or Path(file.parts[0]).stem not in OF_A_WEARER]


def _check_beats(beats, model):
    shapes, found = [(GOLDEN_BEATS, *shape) for shape in model.shapes], [array.shape for array in beats]
    most = HIGHEST if model.manifest["wearer"] else 1.0
    are_numbers = all(array.dtype == np.float32 and np.abs(array).max() <= most for array in beats)
    if found != shapes or not are_numbers:
        raise ValueError(
            f"Firmware: found golden beats {found} of {', '.join(str(array.dtype) for array in beats)}; "
            f"expected {shapes} of float32, all within [-{most:g}, {most:g}]."
        )


def _check_target(folder, known):
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder}: found a file, expected a folder for the bundle.")
    others = sorted({file.name for file in folder.glob("*")} - known)
    if others:
        raise ExportError(f"{folder}: found {others[0]}, expected an empty folder or an earlier bundle.")
