"""An int8 model and the interpreter that runs it: LiteRT or, where only that exists, tflite-runtime."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import ModelError
from sibeat_edge.model import KERNELS
from sibeat_edge.model.batches import for_batches
from sibeat_edge.model.manifest import Manifest, read_manifest
from sibeat_edge.model.presets import choices, model_path

TOGETHER = 8  # beats of a batch; more of them make a beat no cheaper


def _content(source):
    return bytes(source) if isinstance(source, bytes | bytearray) else model_path(source).read_bytes()


def _interpreter(content, kernels):
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        from tflite_runtime.interpreter import Interpreter, OpResolverType
    kind = OpResolverType.AUTO if kernels == "xnnpack" else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kind)


class Model:
    """Computes a beat's score from its window, as the microcontroller does.

    A wearer's model takes the window beside the template, and the rhythm.

    Args:
        source: path or bytes of a ``.tflite`` file with its manifest, or the name of a preset, which comes
            before a file of that name (``model_path``).
        kernels: ``builtin`` (the default), which agrees with a microcontroller to 1 unit of the last place,
            or ``xnnpack``, which is faster and may differ by several units.

    Attributes:
        manifest: the checked manifest.
        length: samples of a window.
        leads: number of leads that a recording needs.
        shapes: of the model's inputs for one beat, as ``input_shapes`` gives them.

    Raises ``ModelError``, which names the file, if that is missing, corrupt, or not an int8 model of one beat
    as its manifest says; for an unknown name it lists the presets. A corrupt file never reaches the
    interpreter. Raises ``ValueError`` for unknown ``kernels``.

    >>> model = Model("mitdb-wearer")
    >>> model.shapes
    [(320, 2), (8,)]
    >>> template = np.hanning(320)[:, None]
    >>> score = model.score(np.hstack([-template, template]), np.zeros(8))  # a beat upside down
    >>> score > model.manifest["threshold"]["score"]
    True
    """

    def __init__(self, source: str | Path | bytes | bytearray, kernels: str = "builtin") -> None:
        if kernels not in KERNELS:
            raise ValueError(f"Model: found kernels {kernels!r}, expected one of {', '.join(KERNELS)}.")
        name = "Model" if isinstance(source, bytes | bytearray) else str(source)
        try:
            content = _content(source)
            self.manifest: Manifest = read_manifest(content)
            self._open(content, kernels)
        except FileNotFoundError as error:
            expected = f"expected a .tflite file or {choices(name)}"
            raise ModelError(f"{name}: {error.strerror}; {expected}.") from error
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}; expected a .tflite file.") from error
        except ModelError as error:
            raise ModelError(f"{name}: {error}.") from error

    def _open(self, content, kernels):
        manifest, self._source = self.manifest, (content, kernels)
        try:
            self._interpreter = _interpreter(content, kernels)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            told = (str(error).splitlines() or ["it does not say why"])[0].rstrip(".")
            raise ModelError(
                f"found a model that the interpreter refuses ({told}), expected one that it runs"
            ) from error
        self.length = manifest["window"]["before"] + manifest["window"]["after"]
        self.leads = len(manifest["signal"]["leads"])
        self.shapes = input_shapes(manifest)
        self._quantisations = [manifest["input"]]
        if manifest["wearer"]:
            self._quantisations.append(manifest["wearer"]["rhythm"])
        inputs = self._interpreter.get_input_details()
        if len(inputs) != len(self.shapes):
            raise ModelError(f"found {len(inputs)} inputs, expected {len(self.shapes)}")
        wanted = zip(self.shapes, self._quantisations, ("input", "rhythm"), strict=False)
        self._inputs = [_index(inputs, (1, *shape), *rest) for shape, *rest in wanted]
        outputs = self._interpreter.get_output_details()
        count = 2 if manifest["residuals"] else 1
        if len(outputs) != count:
            raise ModelError(f"found {len(outputs)} outputs, expected {count}")
        self._score = _index(outputs, (1, 1), manifest["score"], "score")
        self._residuals = None
        if manifest["residuals"]:
            self._residuals = _index(outputs, (1, self.length), manifest["residuals"], "residuals")

    def quantise(self, *beat: np.ndarray) -> list[np.ndarray]:
        """A beat's inputs in int8: its window and, for a wearer's model, its rhythm; or many beats'."""
        return [_int8(part, q) for part, q in zip(beat, self._quantisations, strict=True)]

    def score(self, *beat: np.ndarray) -> float:
        """The score of a beat; larger = more abnormal.

        Args:
            beat: its window ``(length, leads)`` scaled to [-1, 1]; for a wearer's model the two parts of the
                view that ``Wearer`` gives.
        """
        return self.scores(*(np.asarray(part)[None] for part in beat))[0]

    def scores(self, *beats: np.ndarray) -> list[float]:
        """The scores of several beats, in the same bits as of each alone.

        Args:
            beats: as for ``score``, each part with a first axis of beats.
        """
        parts = self.quantise(*beats)
        raw = np.empty((len(parts[0]), 1), np.int8)
        is_batch = len(raw) >= TOGETHER and self._batches is not None
        rest = len(raw) // TOGETHER * TOGETHER if is_batch else 0
        for first in range(0, rest, TOGETHER):
            some = slice(first, first + TOGETHER)
            raw[some] = self._invoke(self._batches, [part[some] for part in parts])
        for beat in range(rest, len(raw)):
            raw[beat] = self._invoke(self._interpreter, [part[beat : beat + 1] for part in parts])
        return _real(raw[:, 0], self.manifest["score"]).tolist()

    def score_raw(self, *beat: np.ndarray) -> int:
        """The int8 score of a beat in int8, as ``quantise`` gives it."""
        return self._invoke(self._interpreter, [part[None] for part in beat]).item()

    def _invoke(self, interpreter, parts):
        """The int8 scores ``(beats, 1)`` of as many beats in int8 as the interpreter takes."""
        for tensor, part in zip(self._inputs, parts, strict=True):
            interpreter.set_tensor(tensor, part)
        interpreter.invoke()
        return interpreter.get_tensor(self._score)

    @cached_property
    def _batches(self):
        """An interpreter that takes ``TOGETHER`` beats, or None for a model that cannot be made to."""
        content, kernels = self._source
        interpreter = _interpreter(for_batches(content, TOGETHER), kernels)
        try:
            for tensor, shape in zip(self._inputs, self.shapes, strict=True):
                interpreter.resize_tensor_input(tensor, [TOGETHER, *shape])
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError):
            return None
        shapes = [tuple(detail["shape"]) for detail in interpreter.get_output_details()]
        return interpreter if (TOGETHER, 1) in shapes else None

    def residuals(self) -> np.ndarray | None:
        """Squared error of each sample ``(length,)`` of the window that ``score`` had last.

        None for a model without this output.
        """
        if self._residuals is None:
            return None
        return _real(self._interpreter.get_tensor(self._residuals), self.manifest["residuals"])[0]

    def raw_score(self) -> int:
        """The int8 score of the window that ``score`` had last."""
        return self._interpreter.get_tensor(self._score).item()


def _int8(values, quantisation):
    """The int8 numbers next to real ``values``, or at the ends of their range."""
    numbers = np.asarray(values / np.float32(quantisation["scale"]))
    np.rint(numbers, out=numbers)
    numbers += quantisation["zero_point"]
    np.maximum(numbers, -128, out=numbers)
    return np.minimum(numbers, 127, out=numbers).astype(np.int8)


def _real(values, quantisation):
    """The real numbers that int8 ``values`` stand for."""
    return np.float32(quantisation["scale"]) * (values.astype(np.float32) - quantisation["zero_point"])


def input_shapes(manifest: Manifest) -> list[tuple[int, ...]]:
    """Shapes of a model's inputs for one beat: its window and, for a wearer's model, its rhythm."""
    wearer, leads = manifest["wearer"], len(manifest["signal"]["leads"])
    window = (sum(manifest["window"].values()), 2 * leads if wearer else leads)
    return [window, (len(wearer["features"]),)] if wearer else [window]


def find_tensor(
    details: Iterable[Mapping[str, Any]], shape: tuple[int, ...], name: str = "tensor"
) -> Mapping[str, Any]:
    """The tensor of this shape among a model's inputs or outputs, which a converter may put in any order.

    Args:
        details: what an interpreter's ``get_input_details`` or ``get_output_details`` returns.
        shape: with the batch, as ``(1, 1)`` for the score.
        name: of the tensor, for the message.

    Raises ``ModelError`` if there is none.
    """
    details = list(details)
    shapes = [tuple(int(size) for size in detail["shape"]) for detail in details]
    if shape not in shapes:
        raise ModelError(f"found tensors of {shapes}, expected {name} of {shape}")
    return details[shapes.index(shape)]


def _index(details, shape, quantisation, name):
    """Index of the int8 tensor of this shape, quantised as the manifest says."""
    found = find_tensor(details, shape, name)
    if found["dtype"] != np.int8:
        raise ModelError(f"found {name} of type {np.dtype(found['dtype']).name}, expected int8")
    scale, zero = found["quantization"]
    wanted = quantisation["scale"], quantisation["zero_point"]
    if not np.isclose(scale, wanted[0], rtol=1e-5, atol=0) or zero != wanted[1]:
        raise ModelError(f"found {name} quantised by {(scale, zero)}, expected {wanted}")
    return found["index"]
