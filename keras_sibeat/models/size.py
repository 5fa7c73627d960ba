"""The size of a model: its parameters, and the multiply-adds of one window."""

import keras
import numpy as np


def count_multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one window through a functional graph's convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += count_multiply_adds(layer)
        elif isinstance(layer, keras.layers.Conv1DTranspose):
            total += layer.input.shape[1] * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Conv1D):
            total += layer.output.shape[1] * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def count_parameters(model: keras.Model) -> int:
    """Trainable parameters."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
