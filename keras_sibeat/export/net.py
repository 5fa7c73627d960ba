"""An int8 model as the integer arithmetic that scores a beat: layers in their order, read from its file.

What TensorFlow Lite prepares when it loads a model is prepared here: paddings, the ranges of activations, the
multipliers of requantisation. Numbers are those of its reference kernels, and of TensorFlow Lite Micro.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.errors import ExportError

KNOWN = ("CONCATENATION", "CONV_2D", "FULLY_CONNECTED", "RESHAPE")
Activation = schema.ActivationFunctionType
CLAMPS: Mapping[int, tuple[float | None, float | None]] = {  # of the fused activations, in the tensor's unit
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


@dataclass(frozen=True)
class Place:
    """Where a tensor lies: in a buffer, from an element on. The parts of a concatenation share a buffer.

    >>> Place(buffer=34, start=24).start
    24
    """

    buffer: int
    start: int = 0


@dataclass(frozen=True)
class Ticks:
    """How a convolution passes over time; a dense layer has a single tap, and mostly a single position.

    Attributes:
        length, channels: of the input.
        positions: of the output.
        taps, stride: in ticks.
        padding: ticks before the first one.

    >>> Ticks(length=320, channels=2, positions=80, taps=8, stride=4, padding=2).positions
    80
    """

    length: int
    channels: int
    positions: int
    taps: int
    stride: int
    padding: int


@dataclass(frozen=True)
class Layer:
    """A convolution over time, or a dense layer.

    Attributes:
        source, target: where it reads and writes.
        ticks: how it passes over time.
        weights: int8 ``(filters, taps * channels)``.
        biases: int32 ``(filters,)``, less what the zero point of the input adds where no tap is padded.
        multipliers, shifts: int32 and int8 ``(filters,)``; see ``quantised_multiplier``.
        zero_in, zero_out: zero points.
        lowest, highest: of the output, by its activation.
    """

    source: Place
    target: Place
    ticks: Ticks
    weights: np.ndarray
    biases: np.ndarray
    multipliers: np.ndarray
    shifts: np.ndarray
    zero_in: int
    zero_out: int
    lowest: int
    highest: int

    @property
    def multiply_adds(self) -> int:
        """Those of padded ticks included."""
        return self.ticks.positions * self.weights.size


@dataclass(frozen=True)
class Net:
    """The layers that an output of a model needs, in the order in which they run.

    Attributes:
        inputs: buffers of the model's inputs, in its order.
        output: buffer that the last layer writes.
        inner: elements of each other buffer.

    >>> Net((), (0,), 1, {}).layers
    ()
    """

    layers: tuple[Layer, ...]
    inputs: tuple[int, ...]
    output: int
    inner: Mapping[int, int]


def read_net(content: bytes, output: int = 0) -> Net:
    """The arithmetic of one output of an int8 model; what only others need is left out.

    Args:
        content: bytes of a ``.tflite`` file.
        output: its place among the model's outputs.

    Raises ``ExportError`` for an operation that no student has, or one in another form.

    >>> from sibeat_edge.report.recording import PRESET
    >>> net = read_net(PRESET.read_bytes())
    >>> len(net.layers), sum(layer.multiply_adds for layer in net.layers)
    (10, 143672)
    """
    return _Reader(content).net(output)


class _Reader:
    """Walks a graph back from an output. Reshaped tensors are one; joined ones share a buffer."""

    def __init__(self, content: bytes) -> None:
        self._model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
        self._graph = self._model.subgraphs[0]
        self._makers = {int(one): operator for operator in self._graph.operators for one in operator.outputs}
        self._places: dict[int, Place] = {}
        self._layers: list[Layer] = []

    def net(self, output):
        inputs = tuple(int(number) for number in self._graph.inputs)
        self._places.update({number: Place(number) for number in inputs})
        last = self._root(self._graph.outputs[output])
        self._make(last, Place(last))
        inner = {place.buffer for place in self._places.values()} - {*inputs, last}
        return Net(
            tuple(self._layers), inputs, last, {number: self._size(number) for number in sorted(inner)}
        )

    def _root(self, tensor):
        """The tensor that this one is in another shape."""
        while tensor in self._makers and self._name(self._makers[tensor]) == "RESHAPE":
            tensor = int(self._makers[tensor].inputs[0])
        return int(tensor)

    def _make(self, root, place):
        """Append the layers that a tensor needs, its own last, which writes it to the ``place``."""
        self._places[root] = place
        operator = self._makers[root]
        name, sources = self._name(operator), [int(number) for number in operator.inputs]
        if name not in KNOWN:
            raise _refused(f"the operation {name}", f"{', '.join(KNOWN[:-1])} or {KNOWN[-1]}")
        if name == "CONCATENATION":
            self._concatenate(operator, root, sources, place)
            return
        source = self._root(sources[0])
        if source not in self._places:
            self._make(source, Place(source))
        make = self._convolution if name == "CONV_2D" else self._dense
        self._layers.append(make(operator, *sources, *[-1] * (3 - len(sources)), root))

    def _concatenate(self, operator, root, sources, place):
        options, roots = operator.builtinOptions, [self._root(source) for source in sources]
        rows = math.prod(self._shape(root)[: options.axis])
        if options.fusedActivationFunction != Activation.NONE or rows != 1:
            raise _refused("a concatenation of several rows", "one of a beat's features")
        if len({*roots} - {*self._places}) < len(roots):
            raise _refused("a concatenation of an input, or of what another layer reads, too", "layers' own")
        start = place.start
        for source in roots:
            self._make(source, Place(place.buffer, start))
            start += self._size(source)

    def _convolution(self, operator, source, kernel, bias, target):
        options = operator.builtinOptions
        (_, height, width, channels), (_, tall, wide, depth) = self._shape(source), self._shape(kernel)
        if depth != channels or {options.dilationWFactor, options.dilationHFactor} != {1}:
            raise _refused("a convolution with groups or a dilation", "one without")
        if height == tall == 1:
            length, taps, stride = width, wide, options.strideW
        elif width == wide == 1:
            length, taps, stride = height, tall, options.strideH
        else:
            raise _refused("a convolution over two dimensions", "one over time alone")
        positions = self._size(target) // self._shape(kernel)[0]
        missing = max((positions - 1) * stride + taps - length, 0)
        ticks = Ticks(length, channels, positions, taps, stride, padding=0)
        if options.padding == schema.Padding.SAME:
            ticks = replace(ticks, padding=missing // 2)
        return self._layer(operator, source, kernel, bias, target, ticks)

    def _dense(self, operator, source, kernel, bias, target):
        channels = self._shape(kernel)[1]
        rows = self._size(source) // channels
        ticks = Ticks(rows, channels, positions=rows, taps=1, stride=1, padding=0)
        return self._layer(operator, source, kernel, bias, target, ticks)

    def _layer(self, operator, source, kernel, bias, target, ticks):
        types = {self._graph.tensors[number].type for number in (source, kernel, target)}
        if types != {schema.TensorType.INT8} or np.any(self._graph.tensors[kernel].quantization.zeroPoint):
            raise _refused("a layer of other numbers", "int8, and weights whose zero point is 0")
        weights = self._data(kernel, np.int8).reshape(self._shape(kernel)[0], -1)
        biases = np.zeros(len(weights), np.int64)
        if bias >= 0:
            biases += self._data(bias, np.int32)
        pairs = self._multipliers(source, kernel, target, len(weights))
        most = np.abs(biases) + 256 * np.abs(weights.astype(np.int64)).sum(axis=1)
        if any(int(sum_) << max(shift, 0) >= 2**31 for sum_, (_, shift) in zip(most, pairs, strict=True)):
            raise _refused("a layer whose sums may overflow", "sums of 32 bits")
        zero = self._zero(source)
        lowest, highest = self._range(operator.builtinOptions.fusedActivationFunction, target)
        return Layer(
            source=self._places[self._root(source)],
            target=self._places[target],
            weights=weights,
            biases=(biases - zero * weights.sum(axis=1, dtype=np.int64)).astype(np.int32),
            multipliers=np.array([multiplier for multiplier, _ in pairs], np.int32),
            shifts=np.array([shift for _, shift in pairs], np.int8),
            ticks=ticks,
            zero_in=zero,
            zero_out=self._zero(target),
            lowest=lowest,
            highest=highest,
        )

    def _multipliers(self, source, kernel, target, filters):
        """Of each filter, as ``quantised_multiplier`` gives them."""
        scales = np.asarray(self._graph.tensors[kernel].quantization.scale, np.float32)
        is_dense = len(self._shape(kernel)) == 2
        # A dense layer of one scale multiplies it by the input's in single precision, all others in double.
        precise = np.float32 if is_dense and len(scales) == 1 else np.float64
        products = (precise(self._scale(source)) * scales.astype(precise)).astype(np.float64)
        effective = np.broadcast_to(products / np.float64(self._scale(target)), filters)
        return [quantised_multiplier(float(value)) for value in effective]

    def _range(self, activation, target):
        """The lowest and the highest int8 of a layer's output."""
        if activation not in CLAMPS:
            raise _refused("an activation other than a ReLU", "none, or one")
        scale, zero, (low, high) = self._scale(target), self._zero(target), CLAMPS[activation]
        lowest = -128 if low is None else max(-128, zero + _rounded(float(np.float32(low) / scale)))
        return lowest, 127 if high is None else min(127, zero + _rounded(float(np.float32(high) / scale)))

    def _name(self, operator):
        return flatbuffer_utils.opcode_to_name(self._model, operator.opcodeIndex)

    def _shape(self, tensor):
        return [int(size) for size in self._graph.tensors[tensor].shape]

    def _size(self, tensor):
        return math.prod(self._shape(tensor))

    def _data(self, tensor, kind):
        entry = self._graph.tensors[tensor]
        return np.frombuffer(bytes(self._model.buffers[entry.buffer].data), kind)

    def _scale(self, tensor):
        return np.float32(self._graph.tensors[tensor].quantization.scale[0])

    def _zero(self, tensor):
        return int(self._graph.tensors[tensor].quantization.zeroPoint[0])


def quantised_multiplier(scale: float) -> tuple[int, int]:
    """The multiplier and the shift that stand for a scale: multiplier / 2³¹ · 2^shift.

    The multiplier is at least 2³⁰ and less than 2³¹, or 0 for a scale below 2⁻³².

    >>> quantised_multiplier(0.75), quantised_multiplier(0.001)[1]
    ((1610612736, 0), -9)
    """
    fraction, shift = math.frexp(scale)
    multiplier = _rounded(math.ldexp(fraction, 31))
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def _rounded(value):
    """To the nearest integer, halves away from zero, as C's ``round``."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _refused(found, expected):
    return ExportError(f"Standalone C: found {found}; expected {expected}.")
