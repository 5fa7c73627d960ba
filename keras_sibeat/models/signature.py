"""The names of a TensorFlow Lite model's inputs and outputs, and its signature: added, and removed again.

Interpreters on a phone or a computer find a tensor by its name. A microcontroller finds it by its place, and
its flash memory has no room for names.
"""

from collections.abc import Mapping

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

SIGNATURE = "serving_default"  # as TensorFlow's own converter calls it

Names = Mapping[tuple[int, ...], str]  # shape, with the batch → name


def with_names(content: bytes, inputs: Names, outputs: Names) -> bytes:
    """The model with named inputs and outputs, each in alphabetical order, and one signature of those names.

    No other tensor keeps a name.

    Args:
        content: bytes of a ``.tflite`` file.
        inputs, outputs: names by shape, as no two inputs have the same shape, nor two outputs.

    Raises ``ValueError`` for a model with a tensor of another shape.

    >>> from sibeat_edge.report.recording import PRESET
    >>> shapes = {(1, 320, 2): "window", (1, 8): "rhythm"}
    >>> model = with_names(PRESET.read_bytes(), shapes, {(1, 1): "score"})
    >>> from ai_edge_litert.interpreter import Interpreter
    >>> Interpreter(model_content=model).get_signature_list()
    {'serving_default': {'inputs': ['rhythm', 'window'], 'outputs': ['score']}}
    """
    model = _nameless(content)
    (graph,) = model.subgraphs
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    graph.inputs, signature.inputs = _named(graph.tensors, graph.inputs, inputs)
    graph.outputs, signature.outputs = _named(graph.tensors, graph.outputs, outputs)
    model.signatureDefs = [signature]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def without_names(content: bytes) -> bytes:
    """The model as a microcontroller's flash memory holds it: without names, signature and description.

    The order of inputs and outputs stays, and so does metadata.
    """
    return bytes(flatbuffer_utils.convert_object_to_bytearray(_nameless(content)))


def _nameless(content):
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    flatbuffer_utils.strip_strings(model)
    return model


def _named(tensors, numbers, names):
    """Numbers of tensors in the order of their names, and the signature's entry for each."""
    for number in numbers:
        shape = tuple(int(size) for size in tensors[number].shape)
        if shape not in names:
            raise ValueError(f"with_names: found a tensor of {shape}, expected one of {list(names)}.")
        tensors[number].name = names[shape]
    ordered = sorted(numbers, key=lambda number: tensors[number].name)
    entries = []
    for number in ordered:
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = tensors[number].name, int(number)
        entries.append(entry)
    return ordered, entries
