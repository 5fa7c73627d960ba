"""An int8 model and the interpreter that runs it: LiteRT or, where only that exists, tflite-runtime."""

from pathlib import Path

import numpy as np

from sibeat_edge.errors import ModelError
from sibeat_edge.manifest import read_manifest

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

    Args:
        source: path, or bytes, of a ``.tflite`` file with its manifest.
        kernels: ``builtin`` (the default), whose results a microcontroller's agree with to 1 unit of the last
            place, or ``xnnpack``, which is faster and may differ by several.

    Attributes:
        manifest: the checked manifest, a dictionary.

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
        inputs = self._interpreter.get_input_details()
        self._input = _tensor(inputs, (1, self.length, self.leads), manifest["input"], "input")
        outputs = self._interpreter.get_output_details()
        wanted = 2 if manifest["residuals"] else 1
        if (len(inputs), len(outputs)) != (1, wanted):
            raise ModelError(
                f"found {len(inputs)} inputs and {len(outputs)} outputs, expected 1 and {wanted}"
            )
        self._score = _tensor(outputs, (1, 1), manifest["score"], "score")
        self._residuals = None
        if manifest["residuals"]:
            self._residuals = _tensor(outputs, (1, self.length), manifest["residuals"], "residuals")

    def quantise(self, window):
        """The model's int8 input ``(1, length, leads)`` of a window ``(length, leads)`` scaled to [-1, 1]."""
        scale, zero = self.manifest["input"]["scale"], self.manifest["input"]["zero_point"]
        return np.clip(np.rint(window / np.float32(scale)) + zero, -128, 127).astype(np.int8)[None]

    def score(self, window):
        """The score of a window ``(length, leads)`` scaled to [-1, 1]; larger = more abnormal."""
        self._interpreter.set_tensor(self._input, self.quantise(window))
        self._interpreter.invoke()
        return float(self._value(self._score, self.manifest["score"])[0, 0])

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
