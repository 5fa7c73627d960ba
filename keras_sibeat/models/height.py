"""Time along the height of a TensorFlow Lite model's images, where its converter lays it along the width.

The converter makes a convolution over time one of images a single row high. On cores with Helium, as the
Cortex-M55, CMSIS-NN computes that by ``arm_convolve_1_x_n_s8``. It reads a column beyond the image where
there is padding on the right, and scores are wrong. It has no such kernel for images a single column wide.
Memory holds the same numbers in the same order either way, so nothing else changes.
"""

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

CONVOLUTION, RESHAPE = "CONV_2D", "RESHAPE"


def time_on_height(content: bytes) -> bytes:
    """The model with every convolution over the width as one over the height, its scores the same to the bit.

    Args:
        content: bytes of a ``.tflite`` file.

    A model comes back as it is where images of a single row also go through operations other than
    convolutions and changes of shape.

    >>> from sibeat_edge.report.recording import PRESET
    >>> turned = time_on_height(PRESET.read_bytes())
    >>> turned = flatbuffer_utils.convert_bytearray_to_object(bytearray(turned))
    >>> [tensor.shape.tolist() for tensor in turned.subgraphs[0].tensors][26:28]
    [[1, 80, 1, 12], [1, 40, 1, 16]]
    """
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    (graph,) = model.subgraphs
    named = [(flatbuffer_utils.opcode_to_name(model, one.opcodeIndex), one) for one in graph.operators]
    convolutions = [one for name, one in named if name == CONVOLUTION and _is_row(graph, one)]
    images = {int(number) for one in convolutions for number in (one.inputs[0], one.outputs[0])}
    if not images or any(_touches(one, images) for name, one in named if name not in (CONVOLUTION, RESHAPE)):
        return content
    for number in images | {int(one.inputs[1]) for one in convolutions}:
        tensor = graph.tensors[number]
        tensor.shape = _turned(tensor.shape)
        if tensor.shapeSignature is not None:
            tensor.shapeSignature = _turned(tensor.shapeSignature)
    for one in convolutions:
        options = one.builtinOptions
        options.strideH, options.strideW = options.strideW, options.strideH
        options.dilationHFactor, options.dilationWFactor = options.dilationWFactor, options.dilationHFactor
    for name, one in named:
        if name == RESHAPE and int(one.outputs[0]) in images:
            shape = np.asarray(graph.tensors[one.outputs[0]].shape, "<i4")
            model.buffers[graph.tensors[one.inputs[1]].buffer].data = np.frombuffer(shape.tobytes(), np.uint8)
            if one.builtinOptions is not None:
                one.builtinOptions.newShape = shape
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _is_row(graph, convolution):
    """Whether its image and its kernel are a single row high, and more than one column wide."""
    image, kernel = (graph.tensors[number].shape for number in convolution.inputs[:2])
    return image[1] == kernel[1] == 1 < image[2]


def _touches(operator, images):
    return not images.isdisjoint(map(int, [*operator.inputs, *operator.outputs]))


def _turned(shape):
    batch, height, width, channels = shape
    return np.array([batch, width, height, channels], np.int32)
