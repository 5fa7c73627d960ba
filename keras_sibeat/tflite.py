"""A Keras graph as a TensorFlow Lite model in int8, of builtin operations alone."""

import keras
import tensorflow as tf

CALIBRATED = 512  # windows that the ranges of the activations are taken from


def to_int8(model, windows):
    """The bytes of ``model`` with int8 weights, activations, input and outputs, for one window at a time.

    Args:
        model: functional, of built-in layers, ``(batch, length, channels)`` → one or more outputs.
        windows: training windows ``(windows, length, channels)``, whose activations set the ranges; the first
            512 will do, as they are shuffled.

    Raises whatever TensorFlow's converter raises for an operation without a builtin int8 kernel.
    """
    window = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="window")
    alone = keras.Model(window, model(window), name=model.name)
    converter = tf.lite.TFLiteConverter.from_keras_model(alone)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([window[None]] for window in windows[:CALIBRATED])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()
