"""What TensorFlow Lite Micro (TFLM), which runs a model on a microcontroller, needs of it."""

import importlib.util
import subprocess
import sys

from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.errors import ExportError

MISSING = "TFLM: found no tflite-micro, expected it installed (pip install tflite-micro)."
LARGEST_ARENA = 1 << 20  # bytes
ALIGNMENT = 16  # bytes, of TFLM's allocations
# The methods Add… of MicroMutableOpResolver, without those for custom operations.
METHODS = """
Abs Add AddN ArgMax ArgMin AssignVariable AveragePool2D BatchMatMul BatchToSpaceNd BroadcastArgs BroadcastTo
CallOnce Cast Ceil Concatenation Conv2D Cos CumSum DepthToSpace DepthwiseConv2D Dequantize Div
DynamicUpdateSlice Elu EmbeddingLookup Equal Exp ExpandDims Fill Floor FloorDiv FloorMod FullyConnected Gather
GatherNd Greater GreaterEqual HardSwish If L2Normalization L2Pool2D LeakyRelu Less LessEqual Log LogicalAnd
LogicalNot LogicalOr Logistic LogSoftmax Maximum MaxPool2D Mean Minimum MirrorPad Mul Neg NotEqual Pack Pad
PadV2 Prelu Quantize ReadVariable ReduceAll ReduceMax ReduceMin Relu Relu6 Reshape ResizeBilinear
ResizeNearestNeighbor ReverseV2 Round Rsqrt SelectV2 Shape Sin Slice Softmax SpaceToBatchNd SpaceToDepth Split
SplitV Sqrt Square SquaredDifference Squeeze StridedSlice Sub Sum Svdf Tanh Transpose TransposeConv
UnidirectionalSequenceLSTM Unpack VarHandle While ZerosLike
""".split()
METHOD_OF = {method.lower(): f"Add{method}" for method in METHODS}

# Too small an arena may crash the process, so each is tried in a child, forked once all is imported.
PROBE = """
import os, sys
from tflite_micro import runtime

content, alignment, largest = sys.stdin.buffer.read(), *map(int, sys.argv[1:])


def runs(arena):
    child = os.fork()
    if not child:
        status = 1
        try:
            runtime.Interpreter.from_bytes(content, arena_size=arena).invoke()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


if not runs(largest):
    sys.exit(1)
low, high = 0, largest // alignment
while high - low > 1:
    middle = (low + high) // 2
    low, high = (low, middle) if runs(middle * alignment) else (middle, high)
print(high * alignment)
"""


def operations(content: bytes) -> dict[str, str]:
    """The model's operations by name, each with the method of TFLM's resolver that adds it.

    Args:
        content: bytes of a ``.tflite`` file.

    Returns a dictionary such as ``{"CONV_2D": "AddConv2D"}``. Raises ``ExportError`` for an operation that
    TFLM lacks.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    used = {operator.opcodeIndex for graph in model.subgraphs for operator in graph.operators}
    found = {}
    for name in sorted(flatbuffer_utils.opcode_to_name(model, code) for code in used):
        method = METHOD_OF.get(name.replace("_", "").lower())
        if method is None:
            raise ExportError(f"TFLM: found the operation {name}, expected those that it has.")
        found[name] = method
    return found


def scales_each_unit(content: bytes) -> bool:
    """Whether a dense layer of an int8 model has a scale for each of its units, which older TFLMs ignore.

    Args:
        content: bytes of a ``.tflite`` file.
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    (graph,) = model.subgraphs
    kernels = [
        graph.tensors[operator.inputs[1]].quantization
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex) == "FULLY_CONNECTED"
    ]
    return any(len(kernel.scale) > 1 for kernel in kernels)


def measure_arena(content: bytes) -> int:
    """The smallest arena, in bytes, that TFLM allocates and runs the model in: a multiple of 16.

    It is found by bisection. The total that TFLM reports after the allocation leaves out what it needed only
    in between, so it may be too small. The measurement uses TFLM's reference kernels and pointers of 64 bits.
    Pointers of a microcontroller take less; optimised kernels may ask for additional scratch memory.

    Raises ``ExportError`` where the package tflite-micro is missing, and for a model that TFLM cannot run.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        raise ExportError(MISSING)
    command = [sys.executable, "-c", PROBE, str(ALIGNMENT), str(LARGEST_ARENA)]
    done = subprocess.run(command, input=bytes(content), capture_output=True)
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ExportError(f"TFLM: found a model that it cannot run in {LARGEST_ARENA} bytes ({told[-1]}).")
    return int(done.stdout)
