"""A Keras graph as a TensorFlow Lite model of builtin operations, and its scores."""

import contextlib
import io
import warnings
from collections.abc import Mapping

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from keras_sibeat.layers.backend import tf
from keras_sibeat.layers.names import FORMATS
from keras_sibeat.models.height import time_on_height
from keras_sibeat.models.signature import with_names
from keras_sibeat.models.tensors import read_tensors

CALIBRATED = 512  # windows that the ranges of the activations are taken from

Inputs = np.ndarray | Mapping[str, np.ndarray]


def convert(model: keras.Model, windows: Inputs, kind: str = "int8") -> bytes:
    """The bytes of ``model`` as a TensorFlow Lite model that takes one window at a time.

    Args:
        model: functional, of built-in layers, ``(batch, length, channels)`` → one or more outputs.
        windows: training windows ``(windows, length, channels)``, or a mapping of the names of the model's
            inputs to arrays. The activations of the first 512 set the ranges of the integers, so the windows
            have to be shuffled.
        kind: ``int8`` (weights, activations, inputs and outputs), ``int16x8`` (activations of 16 bits),
            ``float16`` (weights alone) or ``float32``.

    Inputs and outputs are named as those of ``model``, and stand in alphabetical order. They are the model's
    one signature, too. No two inputs may have the same shape, nor two outputs.

    Raises ``ValueError`` for another kind, and whatever TensorFlow's converter raises for an operation
    without a builtin kernel.
    """
    if kind not in FORMATS:
        raise ValueError(f"convert: found kind {kind!r}, expected one of {', '.join(FORMATS)}.")
    names = [entry.name for entry in model.inputs]
    # Constants instead of variables, and a module that tracks none: the converter of Keras models saves, and
    # traces, a whole model first, which takes four times as long and gives the same integers.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([_constants(model, names)], tf.Module())
    operations = tf.lite.OpsSet
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in ("int8", "int16x8"):
        converter.representative_dataset = lambda: (
            [array[None] for array in beat] for beat in _beats(windows, names, CALIBRATED)
        )
        wide = operations.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [operations.TFLITE_BUILTINS_INT8 if kind == "int8" else wide]
        number = tf.int8 if kind == "int8" else tf.int16
        converter.inference_input_type = converter.inference_output_type = number
    # The converter prints a page about the graph, and warns of what is meant.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = converter.convert()
    if kind in ("int8", "int16x8"):
        content = _without_metadata(content)
    if kind == "int8":  # which alone runs on microcontrollers
        content = time_on_height(content)
    return with_names(content, _shapes(model.inputs, names), _shapes(model.outputs, model.output_names))


def _shapes(tensors, names):
    """The names by the tensors' shapes, for one beat."""
    return {(1, *tensor.shape[1:]): name for tensor, name in zip(tensors, names, strict=True)}


def _constants(model, names):
    """The model's inference on one beat as a concrete function, its weights constants."""

    def infer(*arrays):
        return model(dict(zip(names, arrays, strict=True)) if len(names) > 1 else arrays[0], training=False)

    specs = [tf.TensorSpec((1, *entry.shape[1:]), entry.dtype, name=entry.name) for entry in model.inputs]
    return convert_variables_to_constants_v2(tf.function(infer).get_concrete_function(*specs))


def _beats(inputs, names, most):
    """The arrays of each of the first beats, in the order of the ``names``."""
    arrays = [inputs[name] for name in names] if isinstance(inputs, Mapping) else [inputs]
    return zip(*(array[:most] for array in arrays), strict=True)


def _without_metadata(content):
    """The model without the converter's own metadata, which no device reads."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    for entry in model.metadata or []:
        model.buffers[entry.buffer].data = None
    model.metadata = None
    return flatbuffer_utils.convert_object_to_bytearray(model)


def predict_tflite(content: bytes, windows: Inputs) -> np.ndarray:
    """A student's scores ``(windows, 1)``, float32, by a model in any of the ``FORMATS``.

    ``windows`` are as those of ``convert``. Integers are scaled as the model says. The interpreter uses its
    builtin kernels only, with which a microcontroller agrees.
    """
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    arrays = list(windows.values()) if isinstance(windows, Mapping) else [windows]
    tensors = read_tensors(content)
    inputs, score = interpreter.get_input_details(), interpreter.get_output_details()[tensors.score.place]
    entries = [inputs[tensor.place] for tensor in tensors.inputs_of([array.shape[1:] for array in arrays])]
    found = []
    for beat in zip(*arrays, strict=True):
        for value, entry in zip(beat, entries, strict=True):
            interpreter.set_tensor(entry["index"], _as_numbers(value[None], entry))
        interpreter.invoke()
        found.append(interpreter.get_tensor(score["index"])[0].astype(np.float32))
    scale, zero = score["quantization"]
    return np.stack(found) if not scale else np.float32(scale) * (np.stack(found) - zero)


def _as_numbers(window, detail):
    scale, zero = detail["quantization"]
    if not scale:
        return window.astype(detail["dtype"])
    ends = np.iinfo(detail["dtype"])
    return np.clip(np.rint(window / np.float32(scale)) + zero, ends.min, ends.max).astype(detail["dtype"])
