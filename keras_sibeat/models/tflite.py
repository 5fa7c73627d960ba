"""A Keras graph as a TensorFlow Lite model of builtin operations, and its manifest inside the file."""

import contextlib
import io
import warnings

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.layers.names import FORMATS

CALIBRATED = 512  # windows that the ranges of the activations are taken from


def convert(model, windows, kind="int8"):
    """The bytes of ``model`` as a TensorFlow Lite model for one window at a time.

    Args:
        model: functional, of built-in layers, ``(batch, length, channels)`` → one or more outputs.
        windows: training windows ``(windows, length, channels)``, or a mapping of all that the model takes to
            arrays, whose activations set the ranges; the first 512 will do, as they are shuffled.
        kind: ``int8`` (weights, activations, input and outputs), ``int16x8`` (activations of 16 bits),
            ``float16`` (weights alone) or ``float32``.

    Raises ``ValueError`` for another kind, and whatever TensorFlow's converter raises for an operation
    without a builtin kernel.
    """
    if kind not in FORMATS:
        raise ValueError(f"convert: found kind {kind!r}, expected one of {', '.join(FORMATS)}.")
    single = [keras.Input(batch_shape=(1, *entry.shape[1:]), name=entry.name) for entry in model.inputs]
    by_name = dict(zip([entry.name for entry in model.inputs], single, strict=True))
    outputs = model(by_name if isinstance(windows, dict) else single[0])
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(single, outputs, name=model.name))
    operations = tf.lite.OpsSet
    if kind != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in ("int8", "int16x8"):
        converter.representative_dataset = lambda: (
            [entry[None] for entry in beat] for beat in _beats(windows, by_name, CALIBRATED)
        )
        wide = operations.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [operations.TFLITE_BUILTINS_INT8 if kind == "int8" else wide]
        number = tf.int8 if kind == "int8" else tf.int16
        converter.inference_input_type = converter.inference_output_type = number
    # The converter prints a page about the graph, and warns of what is meant.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = converter.convert()
    return content if kind in ("float16", "float32") else _without_names(content)


def _beats(inputs, names, most=None):
    """Each beat's inputs, a tuple in the order of their ``names``."""
    parts = [inputs[name] for name in names] if isinstance(inputs, dict) else [inputs]
    return zip(*(part[:most] for part in parts), strict=True)


def _without_names(content):
    """The model without its tensors' names, a fifth of a small model's bytes, which no device reads."""
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    flatbuffer_utils.strip_strings(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def predict_tflite(content, windows):
    """The smallest output, a student's score, ``(windows, units)`` of a model in any of the ``FORMATS``.

    ``windows`` are as those of ``convert``.

    Integers are scaled as the model says. The interpreter has its builtin kernels alone, with which a
    microcontroller agrees.
    """
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    parts = windows.values() if isinstance(windows, dict) else [windows]
    entries = [_entry(interpreter, part.shape[1:]) for part in parts]
    score = min(interpreter.get_output_details(), key=lambda detail: np.prod(detail["shape"]))
    found = []
    for beat in zip(*parts, strict=True):
        for value, entry in zip(beat, entries, strict=True):
            interpreter.set_tensor(entry["index"], _as_numbers(value[None], entry))
        interpreter.invoke()
        found.append(interpreter.get_tensor(score["index"])[0].astype(np.float32))
    scale, zero = score["quantization"]
    return np.stack(found) if not scale else np.float32(scale) * (np.stack(found) - zero)


def _entry(interpreter, shape):
    """The input that takes a part of a beat of this shape."""
    return next(e for e in interpreter.get_input_details() if tuple(e["shape"][1:]) == shape)


def _as_numbers(window, detail):
    scale, zero = detail["quantization"]
    if not scale:
        return window.astype(detail["dtype"])
    ends = np.iinfo(detail["dtype"])
    return np.clip(np.rint(window / np.float32(scale)) + zero, ends.min, ends.max).astype(detail["dtype"])
