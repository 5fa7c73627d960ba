"""Models whose own step descends by optimizers of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_sibeat.distribution import replicas, share
from keras_sibeat.layers.backend import tf
from keras_sibeat.models.batch import as_weights, as_windows
from keras_sibeat.models.twin import computes_in

OPTIMIZER = "optimizer"
FULL = ("float32", "float64")  # what weights are to be kept in: updates of less precision vanish
OTHERS = ("loss", "loss_weights", "metrics", "weighted_metrics")  # arguments of Keras' compile


def descend(
    optimizer: Any, tape: tf.GradientTape, loss: keras.KerasTensor, variables: Sequence[keras.Variable]
) -> None:
    """Update those of the variables that the loss depends on: a head whose weight is 0 stays as it is.

    ``loss`` is an ``objective`` of the optimizer.
    """
    found = zip(tape.gradient(loss, variables), variables, strict=True)
    optimizer.apply(*zip(*((gradient, v) for gradient, v in found if gradient is not None), strict=True))


def objective(
    optimizer: Any, loss: keras.KerasTensor, penalties: Sequence[keras.KerasTensor] = ()
) -> keras.KerasTensor:
    """What an optimizer takes the gradient of, to be computed on the tape.

    The replica's share of the loss and its penalties, scaled as the optimizer wants it, which takes the scale
    from the gradient again.

    >>> import keras
    >>> float(objective(keras.optimizers.SGD(loss_scale_factor=8.0), 2.0, [0.5]))
    20.0
    """
    return optimizer.scale_loss(share(sum(penalties, start=loss)))


def compiles(model: keras.Model, jit_compile: bool | str, run_eagerly: bool = False) -> bool | str:
    """Whether XLA compiles the model's step: on one replica, as it compiles no exchange between several.

    "auto" is left to Keras, which compiles where there is another processor than a CPU.
    """
    alone = model.distribute_strategy.num_replicas_in_sync == 1
    return jit_compile if alone and not run_eagerly else False


def _beside(weights, windows, others):
    """What belongs to the windows, or numbers in its place: without it Keras drops the weights silently."""
    if weights is None or others is not None or not hasattr(windows, "shape"):
        return others
    return np.zeros(len(windows), "float32")


class OwnStep(keras.Model):
    """Base of models with a step, losses and metrics of their own.

    They have all their variables when they are made. Under a strategy Keras builds a model before it fits, by
    a call with what it takes for the inputs. It averages the first batch for that, which fails in a cluster
    for a batch of windows and wearers, and a student of a window and a rhythm cannot be called with the
    window alone. Here nothing is left to build.

    The networks compute in their own dtype policies, whatever the model's; losses, views and shifts are
    computed in ``precision``. Where a network computes in float16, each optimizer scales its loss.

    A subclass sets ``precision`` and ``window_shape`` and says what it ``trains``, by which ``network`` it
    infers, and which loss ``compares`` beats.

    >>> OwnStep()._maybe_symbolic_build(data_batch=(1, 2))
    """

    precision: str
    window_shape: tuple[int | None, ...]

    def __init__(self, **kwargs: Any) -> None:
        # What comes in is cast where it is used: in half precision a window would lose its waves' detail.
        super().__init__(**{"autocast": False, **kwargs})

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train as ``keras.Model.fit`` does; weights of beats need no ``y`` beside them.

        Raises ``ValueError`` for weights of classes where ``y``, which tells the classes, is missing.
        """
        if kwargs.get("class_weight") is not None and y is None and hasattr(x, "shape"):
            owner = type(self).__name__
            raise ValueError(f"{owner}: found class_weight without y, expected the beats' classes as y.")
        validation = kwargs.get("validation_data")
        if isinstance(validation, list | tuple) and len(validation) == 3:
            windows, others, weights = validation
            kwargs["validation_data"] = (windows, _beside(weights, windows, others), weights)
        return super().fit(x, _beside(kwargs.get("sample_weight"), x, y), *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluate as ``keras.Model.evaluate`` does; weights of beats need no ``y`` beside them."""
        return super().evaluate(x, _beside(kwargs.get("sample_weight"), x, y), *args, **kwargs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        pass

    @property
    def trains(self) -> dict[str, list[keras.Variable]]:
        """What each optimizer, by the name of its attribute, trains."""
        raise NotImplementedError

    @property
    def network(self) -> keras.Model:
        """What infers: calling and exporting the model are this network's."""
        raise NotImplementedError

    @property
    def compares(self) -> str:
        """The loss that compares each beat with the others of its batch, or an empty string."""
        return ""

    def call(self, windows: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if getattr(getattr(windows, "shape", None), "rank", 0) is None:  # a data set's, of unknown shape
            windows = as_windows(windows, self.window_shape, self.precision, type(self).__name__)
        return self.network(windows, training=training)

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Export what calling the model computes: the network that infers, as ``keras.Model.export`` does."""
        self.network.export(filepath, *args, **kwargs)

    def compile_with(
        self,
        optimizers: Mapping[str, Any],
        jit_compile: bool | str,
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Configure training with an optimizer for each name in ``trains``: an object, a name or a config.

        Raises ``ValueError`` for what the step has no use for, and for weights of half precision.
        """
        owner = type(self).__name__
        told = [name for name in OTHERS if kwargs.pop(name, None) is not None]
        if told:
            raise ValueError(f"{owner}: found {told[0]} in compile, expected none: the step has its own.")
        found = {name: keras.optimizers.get(optimizer) for name, optimizer in optimizers.items()}
        if len({id(optimizer) for optimizer in found.values()}) < len(found):
            raise ValueError(f"{owner}: found one optimizer for two networks, expected one for each.")
        halves = {v.dtype for variables in self.trains.values() for v in variables} - {*FULL}
        if halves:
            raise ValueError(
                f"{owner}: found weights in {min(halves)}, expected float32 or float64, as the policies "
                "mixed_float16 and mixed_bfloat16 keep them."
            )
        if auto_scale_loss and any(computes_in(layer, "float16") for layer in self.layers):
            found = {name: self._scaling(optimizer) for name, optimizer in found.items()}
        jit_compile = compiles(self, jit_compile, kwargs.get("run_eagerly", False))
        super().compile(found[OPTIMIZER], jit_compile=jit_compile, auto_scale_loss=False, **kwargs)
        for name, optimizer in found.items():
            setattr(self, name, optimizer)
            if not optimizer.built:
                # Of all variables, even those that no loss reaches: it is loaded with all of them.
                optimizer.build(self.trains[name])

    def _scaling(self, optimizer):
        """The optimizer as one that scales its loss."""
        if replicas() > 1:
            raise ValueError(
                f"{type(self).__name__}: found float16 on {replicas()} replicas, which do not scale their "
                "losses alike; expected mixed_bfloat16 or float32."
            )
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return optimizer
        return keras.optimizers.LossScaleOptimizer(optimizer)

    def get_compile_config(self) -> dict[str, Any] | None:
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return {
            **{name: serialize(getattr(self, name)) for name in self.trains},
            "jit_compile": self.jit_compile,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
            "auto_scale_loss": isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer),
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        self.compile(**keras.saving.deserialize_keras_object(config))

    def unpack(self, data: Any) -> tuple[keras.KerasTensor, Any, keras.KerasTensor | None]:
        """A batch's windows in ``precision``, what belongs to them, and their weights ``(batch,)``.

        Raises ``ValueError`` for windows of another shape, and for weights where a loss ``compares`` beats.
        """
        owner = type(self).__name__
        windows, others, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None and self.compares:
            raise ValueError(
                f"{owner}: found weights of beats, expected none, as {self.compares} compares each beat with "
                "all others of its batch: leave out beats that are not to count."
            )
        weights = as_weights(weights, self.precision, owner)
        return as_windows(windows, self.window_shape, self.precision, owner), others, weights


class Descent(OwnStep):
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

    @property
    def trains(self) -> dict[str, list[keras.Variable]]:
        return {OPTIMIZER: self.learners}

    def compile(self, optimizer: Any = "adam", jit_compile: bool | str = True, **kwargs: Any) -> None:
        """Configure training; the arguments are those of ``BeatGAN.compile``."""
        self.compile_with({OPTIMIZER: optimizer or "adam"}, jit_compile, **kwargs)
