"""An int8 model and the interpreter that runs it: LiteRT or, where only that exists, tflite-runtime."""

from pathlib import Path

import numpy as np

from sibeat_edge.errors import ModelError
from sibeat_edge.model.manifest import read_manifest

KERNELS = ("builtin", "xnnpack")


def _interpreter(content, kernels):
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        from tflite_runtime.interpreter import Interpreter, OpResolverType
    kind = OpResolverType.AUTO if kernels == "xnnpack" else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kind)


class Model:
    """A beat's window in, its score out, as the microcontroller computes it.

    A model of beats relative to their wearer takes the window with the template, and the rhythm.

    Args:
        source: path, or bytes, of a ``.tflite`` file with its manifest.
        kernels: ``builtin`` (the default), whose results a microcontroller's agree with to 1 unit of the last
            place, or ``xnnpack``, which is faster and may differ by several.

    Attributes:
        manifest: the checked manifest, a dictionary.
        shapes: of what it takes of a beat, as ``input_shapes`` says.

    Raises ``ModelError``, which names the file, for one that is missing, corrupt, or not a model of one beat
    in int8 as its manifest says. What is corrupt never reaches the interpreter.
    """

    def __init__(self, source, kernels="builtin"):
        if kernels not in KERNELS:
            raise ValueError(f"Model: found kernels {kernels!r}, expected one of {', '.join(KERNELS)}.")
        is_content = isinstance(source, bytes | bytearray)
        name = "Model" if is_content else str(source)
        try:
            content = bytes(source) if is_content else Path(source).read_bytes()
            self.manifest = read_manifest(content)
            self._open(content, kernels)
        except OSError as error:
            raise ModelError(f"{name}: {error.strerror}; expected a .tflite file.") from error
        except ModelError as error:
            raise ModelError(f"{name}: {error}.") from error

    def _open(self, content, kernels):
        manifest = self.manifest
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
        self._inputs = [_tensor(inputs, (1, *shape), *rest) for shape, *rest in wanted]
        outputs = self._interpreter.get_output_details()
        count = 2 if manifest["residuals"] else 1
        if len(outputs) != count:
            raise ModelError(f"found {len(outputs)} outputs, expected {count}")
        self._score = _tensor(outputs, (1, 1), manifest["score"], "score")
        self._residuals = None
        if manifest["residuals"]:
            self._residuals = _tensor(outputs, (1, self.length), manifest["residuals"], "residuals")

    def quantise(self, *beat):
        """A beat in int8, as the model takes it: its window and, for a wearer's model, its rhythm."""
        return [
            np.clip(np.rint(part / np.float32(q["scale"])) + q["zero_point"], -128, 127).astype(np.int8)
            for part, q in zip(beat, self._quantisations, strict=True)
        ]

    def score(self, *beat):
        """The score of a beat; larger = more abnormal.

        Args:
            beat: its window ``(length, leads)`` scaled to [-1, 1] or, for a wearer's model, what a ``Wearer``
                makes of it: the window beside the template, and the rhythm.
        """
        self.score_raw(*self.quantise(*beat))
        return float(self._value(self._score, self.manifest["score"])[0, 0])

    def score_raw(self, *beat):
        """The int8 score of a beat in int8, as ``quantise`` makes it."""
        for tensor, part in zip(self._inputs, beat, strict=True):
            self._interpreter.set_tensor(tensor, part[None])
        self._interpreter.invoke()
        return self.raw_score()

    def residuals(self):
        """Squared error per tick ``(length,)`` of the window scored last, or None: where the anomaly lies."""
        if self._residuals is None:
            return None
        return self._value(self._residuals, self.manifest["residuals"])[0]

    def raw_score(self):
        """The int8 score of the window scored last."""
        return int(self._interpreter.get_tensor(self._score)[0, 0])

    def _value(self, tensor, quantisation):
        values = self._interpreter.get_tensor(tensor).astype(np.float32)
        return np.float32(quantisation["scale"]) * (values - quantisation["zero_point"])


def input_shapes(manifest):
    """Shapes of what a model takes of a beat: its window and, for a wearer's model, its rhythm."""
    wearer, leads = manifest["wearer"], len(manifest["signal"]["leads"])
    window = (sum(manifest["window"].values()), 2 * leads if wearer else leads)
    return [window, (len(wearer["features"]),)] if wearer else [window]


def _tensor(details, shape, quantisation, name):
    """Index of the int8 tensor of this shape, quantised as the manifest says."""
    for detail in details:
        if tuple(detail["shape"]) == shape:
            if detail["dtype"] != np.int8:
                kind = np.dtype(detail["dtype"]).name
                raise ModelError(f"found {name} of type {kind}, expected int8")
            scale, zero = detail["quantization"]
            wanted = quantisation["scale"], quantisation["zero_point"]
            if not np.isclose(scale, wanted[0], rtol=1e-5, atol=0) or zero != wanted[1]:
                raise ModelError(f"found {name} quantised by {(scale, zero)}, expected {wanted}")
            return detail["index"]
    shapes = [tuple(int(size) for size in detail["shape"]) for detail in details]
    raise ModelError(f"found tensors of {shapes}, expected {name} of {shape}")
