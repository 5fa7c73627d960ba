"""Small int8 models of any shape, made without TensorFlow's converter, and what runs them."""

import ctypes
from dataclasses import asdict, dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from compiled_net import HARD
from compilers import compile_with
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.export.firmware import STATIC
from keras_sibeat.export.net_memory import plan

CODES = schema.BuiltinOperator
LARGEST = 1 << 18  # bytes of TFLM's arena


@dataclass(frozen=True)
class Conv:
    """A convolution over time."""

    filters: int
    taps: int
    stride: int = 1
    is_same: bool = True
    activation: int = schema.ActivationFunctionType.RELU
    per_channel: bool = True


@dataclass(frozen=True)
class Dense:
    """A dense layer."""

    filters: int
    activation: int = schema.ActivationFunctionType.NONE
    per_channel: bool = True


class Model:
    """A model under construction: a graph with an int8 tensor for each step, random weights and scales."""

    def __init__(self, seed):
        self.draws = np.random.default_rng(seed)
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.operatorCodes = 3, [self.graph], []
        self.model.buffers = [schema.BufferT()]
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []

    def tensor(self, shape, scales, zero=0, data=None, kind=schema.TensorType.INT8):
        made, numbers = schema.TensorT(), schema.QuantizationParametersT()
        made.shape, made.type, made.buffer = np.array(shape, np.int32), kind, 0
        if scales is not None:
            numbers.scale = np.atleast_1d(np.asarray(scales, np.float32))
            numbers.zeroPoint = np.full(len(numbers.scale), zero, np.int64)
            made.quantization = numbers
        if data is not None:
            made.buffer = len(self.model.buffers)
            self.model.buffers.append(schema.BufferT())
            self.model.buffers[-1].data = np.frombuffer(data.tobytes(), np.uint8)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def operator(self, code, inputs, outputs, options=None, version=1):
        made, kind = schema.OperatorCodeT(), schema.OperatorT()
        made.builtinCode = made.deprecatedBuiltinCode = code
        made.version = version
        kind.opcodeIndex, kind.inputs, kind.outputs = len(self.model.operatorCodes), inputs, outputs
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            kind.builtinOptions = options
            kind.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        self.model.operatorCodes.append(made)
        self.graph.operators.append(kind)

    def input(self, *shape):
        made = self.tensor(shape, self.draws.uniform(0.005, 0.1), int(self.draws.integers(-128, 128)))
        self.graph.inputs.append(made)
        return made

    def reshape(self, source, *shape):
        given = self.graph.tensors[source].quantization
        made = self.tensor(shape, given.scale, given.zeroPoint[0])
        wanted = self.tensor(
            (len(shape),), None, data=np.array(shape, np.int32), kind=schema.TensorType.INT32
        )
        self.operator(CODES.RESHAPE, [source, wanted], [made])
        return made

    def layer(self, source, spec, shape, kernel):
        """The inputs and the output of a layer, with scales that spread its outputs over int8."""
        given = self.graph.tensors[source].quantization.scale[0]
        size, count = int(np.prod(kernel[1:])), kernel[0]
        weights = self.draws.integers(-127, 128, kernel).astype(np.int8)
        scales = self.draws.uniform(0.001, 0.01, count if spec.per_channel else 1).astype(np.float32)
        spread = given * scales.mean() * 74 * 74 * np.sqrt(size)
        biases = self.draws.normal(0, 74 * 74 * np.sqrt(size), count).astype(np.int32)
        bias = self.tensor((count,), given * scales, data=biases, kind=schema.TensorType.INT32)
        numbers = [source, self.tensor(kernel, scales, data=weights), bias]
        zero = -128 if spec.activation else int(self.draws.integers(-100, 100))
        return numbers, self.tensor(shape, spread * self.draws.uniform(0.005, 0.03), zero)

    def conv(self, source, spec, on_height):
        shape = [int(size) for size in self.graph.tensors[source].shape]
        length, channels = shape[1] if on_height else shape[2], shape[3]
        positions = -(-length // spec.stride) if spec.is_same else (length - spec.taps) // spec.stride + 1
        sides = (lambda size: (size, 1)) if on_height else (lambda size: (1, size))
        kernel = (spec.filters, *sides(spec.taps), channels)
        numbers, made = self.layer(source, spec, (1, *sides(positions), spec.filters), kernel)
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME if spec.is_same else schema.Padding.VALID
        options.strideH, options.strideW = sides(spec.stride)
        options.fusedActivationFunction = spec.activation
        self.operator(CODES.CONV_2D, numbers, [made], options, version=3)
        return made

    def dense(self, source, spec):
        size = int(np.prod(self.graph.tensors[source].shape))
        numbers, made = self.layer(source, spec, (1, spec.filters), (spec.filters, size))
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = spec.activation
        self.operator(CODES.FULLY_CONNECTED, numbers, [made], options, version=4)
        return made

    def concatenate(self, *sources):
        tensors = [self.graph.tensors[source] for source in sources]
        for tensor in tensors[1:]:
            tensor.quantization = tensors[0].quantization
        width, numbers = sum(int(tensor.shape[1]) for tensor in tensors), tensors[0].quantization
        made = self.tensor((1, width), numbers.scale, numbers.zeroPoint[0])
        options = schema.ConcatenationOptionsT()
        options.axis = -1
        self.operator(CODES.CONCATENATION, list(sources), [made], options, version=2)
        return made

    def flat(self, source):
        return self.reshape(source, 1, int(np.prod(self.graph.tensors[source].shape)))

    def bytes(self, *outputs):
        self.graph.outputs = list(outputs)
        return bytes(flatbuffer_utils.convert_object_to_bytearray(self.model))


def chain(length, channels, convolutions, dense, rhythm=0, on_height=False, seed=0):
    """The bytes of a model as a student is one: convolutions, then dense layers, a rhythm in between."""
    made = Model(seed)
    window = made.input(1, length, channels)
    at = made.reshape(window, *((1, length, 1, channels) if on_height else (1, 1, length, channels)))
    for spec in convolutions:
        at = made.conv(at, spec, on_height)
    at = made.flat(at)
    if rhythm:
        at = made.dense(at, dense[0])
        at = made.concatenate(at, made.dense(made.input(1, rhythm), dense[0]))
    for spec in dense:
        at = made.dense(at, spec)
    return made.bytes(at)


def drawn(content, count, seed=0):
    """Random beats of a model, and of the lowest and highest numbers alone: an array an input."""
    draws, found = np.random.default_rng(seed), []
    for entry in Interpreter(model_content=content).get_input_details():
        beats = draws.integers(-128, 128, (count, *entry["shape"][1:])).astype(np.int8)
        beats[: count // 4] = np.where(beats[: count // 4] < 0, -128, 127)
        found.append(beats)
    return found


def by_litert(content, arrays):
    """All outputs of a model's only output tensor, ``(beats, …)``, by LiteRT's builtin kernels."""
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    places = [entry["index"] for entry in interpreter.get_input_details()]
    output, found = interpreter.get_output_details()[0]["index"], []
    for beat in zip(*arrays, strict=True):
        for place, part in zip(places, beat, strict=True):
            interpreter.set_tensor(place, part[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(output).ravel())
    return np.array(found)


def by_tflm(content, arrays):
    """The same by TFLM's reference kernels; the caller skips where tflite-micro is absent."""
    from tflite_micro import runtime

    interpreter, found = runtime.Interpreter.from_bytes(content, arena_size=LARGEST), []
    for beat in zip(*arrays, strict=True):
        for place, part in enumerate(beat):
            interpreter.set_input(part[None], place)
        interpreter.invoke()
        found.append(interpreter.get_output(0).ravel())
    return np.array(found)


class CLayer(ctypes.Structure):
    """``sibeat_layer``."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weights", "biases", "multipliers", "shifts")),
        *((name, ctypes.c_uint16) for name in ("length", "channels", "positions", "filters")),
        *((name, ctypes.c_uint16) for name in ("taps", "stride", "padding")),
        *((name, ctypes.c_int8) for name in ("zero_in", "zero_out", "lowest", "highest")),
    )


def kernels(folder, *flags, sources=()):
    """``sibeat_layer.c`` as a library, built in an empty folder."""
    made = [*flags, "-fPIC", "-shared", "-I", STATIC]
    compile_with("gcc", *HARD, *made, STATIC / "sibeat_layer.c", *sources, "-o", "layer.so", cwd=folder)
    return ctypes.CDLL(str(folder / "layer.so"))


def by_layers(library, net, arrays):
    """The outputs of a net, each layer run by the C kernels in scratch memory as it is planned."""
    starts, size = plan(net)
    last = net.layers[-1]
    scratch, output = np.zeros(size, np.int8), np.zeros(last.ticks.positions * len(last.weights), np.int8)
    held, layers, found = [], [], []
    for layer in net.layers:
        tables = [np.ascontiguousarray(getattr(layer, name)) for name, _ in CLayer._fields_[:4]]
        held.append(tables)
        numbers = {**asdict(layer.ticks), "filters": len(layer.weights)}
        numbers |= {name: getattr(layer, name) for name, _ in CLayer._fields_[-4:]}
        values = [table.ctypes.data for table in tables]
        layers.append(CLayer(*values, *(numbers[name] for name, _ in CLayer._fields_[4:])))
    for beat in zip(*arrays, strict=True):
        given = {number: np.ascontiguousarray(part) for number, part in zip(net.inputs, beat, strict=True)}

        def at(place, given=given):
            if place.buffer in given:
                return given[place.buffer].ctypes.data
            whole = output if place.buffer == net.output else scratch
            return whole.ctypes.data + starts.get(place.buffer, 0) + place.start

        for layer, entry in zip(net.layers, layers, strict=True):
            places = (ctypes.c_void_p(at(layer.source)), ctypes.c_void_p(at(layer.target)))
            library.sibeat_layer_run(ctypes.byref(entry), *places)
        found.append(output.copy())
    return np.array(found)
