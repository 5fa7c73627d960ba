"""Small windows to train on, and what the tests of the models compare and compute with."""

import copy
from contextlib import contextmanager

import keras
import numpy as np

LENGTH = 24


def beats(count=8, seed=0, channels=1, dtype="float32"):
    """Sines of random phase and frequency, within [-1, 1]."""
    phase, speed = np.random.default_rng(seed).uniform(0.2, 1, (2, count, 1, channels))
    return np.sin(6 * phase + speed * np.arange(LENGTH)[:, None]).astype(dtype)


def copies(variables):
    return [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


def assert_equal(found, expected):
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def watched(twin, seen):
    """A ``Twin`` that also keeps in ``seen`` what it is called with."""

    class Watched(type(twin)):
        def __call__(self, inputs, training=True):
            seen.append(inputs)
            return super().__call__(inputs, training)

    watching = copy.copy(twin)
    watching.__class__ = Watched
    return watching


@contextmanager
def double_precision():
    """In double precision, equal is equal: orders of summing differ by 1e-14, formulas by more."""
    before = keras.config.floatx(), keras.config.dtype_policy().name
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])
