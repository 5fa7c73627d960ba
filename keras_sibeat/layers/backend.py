"""TensorFlow, for the modules that need it: ``from keras_sibeat.layers.backend import tf``.

Importing this raises ``BackendError`` where Keras works on another backend. What does without it (presets,
scores, losses, LARS, the networks themselves) does not import this.
"""

import keras

from keras_sibeat.errors import BackendError

if keras.backend.backend() != "tensorflow":
    raise BackendError(
        f"Keras's backend: found {keras.backend.backend()}; expected tensorflow, which views, shifts and "
        "training need (set KERAS_BACKEND=tensorflow before keras is imported)."
    )

import tensorflow as tf  # noqa: E402

__all__ = ["tf"]
