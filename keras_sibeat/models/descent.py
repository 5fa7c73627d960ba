"""Models whose own step descends by one optimizer."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_sibeat.layers.backend import tf


def descend(
    optimizer: Any, tape: tf.GradientTape, loss: keras.KerasTensor, variables: Sequence[keras.Variable]
) -> None:
    """Update those of the variables that the loss depends on: a head whose weight is 0 stays as it is."""
    found = zip(tape.gradient(loss, variables), variables, strict=True)
    optimizer.apply(*zip(*((gradient, v) for gradient, v in found if gradient is not None), strict=True))


def compiles(model: keras.Model, jit_compile: bool, run_eagerly: bool = False) -> bool:
    """Whether XLA compiles the model's step: on one replica, as it compiles no exchange between several."""
    return jit_compile and not run_eagerly and model.distribute_strategy.num_replicas_in_sync == 1


class BuiltWhenMade(keras.Model):
    """Base of models that have all their variables when they are made.

    Under a strategy Keras builds a model before it fits, by a call with what it takes for the inputs. It
    averages the first batch for that, which fails in a cluster for a batch of windows and wearers, and a
    student of a window and a rhythm cannot be called with the window alone. Here nothing is left to build.

    >>> BuiltWhenMade()._maybe_symbolic_build(data_batch=(1, 2))
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        pass


class Descent(BuiltWhenMade):
    """Base of models that train their ``learners`` by one optimizer, and go on doing so when loaded.

    >>> class Line(Descent):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = keras.layers.Dense(1)
    ...         self.layer.build((None, 2))
    ...     @property
    ...     def learners(self):
    ...         return self.layer.trainable_variables
    >>> line = Line()
    >>> line.compile("sgd", jit_compile=False)
    >>> line.optimizer.built
    True
    """

    @property
    def learners(self) -> list[keras.Variable]:
        """The variables that are trained."""
        raise NotImplementedError

    def compile(self, optimizer: Any = "adam", jit_compile: bool = True, **kwargs: Any) -> None:
        """Configure training; ``jit_compile`` holds for one replica, as in ``BeatGAN``."""
        jit_compile = compiles(self, jit_compile, kwargs.get("run_eagerly", False))
        super().compile(optimizer, jit_compile=jit_compile, **kwargs)
        # Of all variables, even those that no loss reaches: it is loaded with all of them.
        self.optimizer.build(self.learners)

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled:
            return None
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, "jit_compile": self.jit_compile}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))
