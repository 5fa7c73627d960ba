"""The same random numbers again, so that what is evaluated does not depend on what was drawn before."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

FIRST = 2**30  # of the draws' numbers: training counts from 0 on
MOST = 64  # draws of a layer for a batch, at most


def _streams(layers):
    """The states of the layers' random streams: variables that are no weights."""
    found = {}
    for layer in layers:
        weights = {id(weight) for weight in layer.weights}
        found |= {id(state): state for state in layer.variables if id(state) not in weights}
    return list(found.values())


@contextmanager
def same_draws(layers: Iterable[keras.Layer | None], number: Any) -> Iterator[None]:
    """Inside, layers draw what they draw for this ``number``, whatever they have drawn before.

    Afterwards their random streams go on where they were.

    >>> from keras_sibeat.layers.noises import Noise
    >>> noise, drawn = Noise(1.0, seed=0), []
    >>> for _ in range(2):
    ...     with same_draws([noise], 7):
    ...         drawn.append(float(noise(ops.zeros((1, 1, 1)), training=True)[0, 0, 0]))
    >>> drawn[0] == drawn[1]
    True
    """
    states = _streams(layer for layer in layers if layer is not None)
    kept = [ops.copy(state) for state in states]
    for state in states:
        place = ops.cast(number, state.dtype) * MOST + FIRST
        state.assign(ops.stack([state[0], ops.cast(place, state.dtype)]))
    yield
    for state, value in zip(states, kept, strict=True):
        state.assign(value)
