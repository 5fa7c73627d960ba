"""Optimizer and learning rates for large batches, after SimCLR (Chen et al., ICML 2020, arXiv 2002.05709)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sibeat.distribution import tf


@keras.saving.register_keras_serializable(package="keras_sibeat")
class LARS(keras.optimizers.Optimizer):
    """Layer-wise adaptive rate scaling (You, Gitman and Ginsburg 2017, arXiv 1708.03888), as SimCLR uses it.

    With the gradient ``g`` of a variable ``w`` and the velocity ``v``, which starts at 0, a step is::

        g = g + weight_decay * w
        ratio = trust_coefficient * norm(w) / norm(g), or 1 where either norm is 0
        v = momentum * v + learning_rate * ratio * g
        w = w - v, or with nesterov w - (momentum * v + learning_rate * ratio * g)

    As in SimCLR's code, ``norm(g)`` is that of the sum; You et al. add the norms of its two terms instead.
    Excluded variables have neither weight decay nor ratio: they follow SGD with momentum.

    The step is computed in float32 for variables of less precision, and rounded once; the velocity has the
    variable's dtype.

    Args:
        learning_rate: float, schedule or callable, as for every Keras optimizer.
        momentum: share of the velocity that stays, from 0 to below 1.
        weight_decay: coupled decay, part of the gradient that the ratio scales; 0 turns it off. It is kept as
            ``coupled_weight_decay``: the attribute ``weight_decay`` is Keras' decoupled decay, which would
            come on top, and stays ``None``.
        trust_coefficient: norm of a step at learning rate 1 relative to that of its variable.
        nesterov: whether the step looks ahead along the velocity.
        exclude: names of the variables excluded, each compared with all of the last component of
            ``variable.path``: "bias" is that of ``dense/bias``, not that of ``dense/recurrent_bias``.
        **kwargs: options of ``keras.optimizers.Optimizer``, such as ``clipnorm`` or ``use_ema``.

    Raises:
        ValueError: a number out of its range, or an ``exclude`` that is one string.

    >>> weight = keras.Variable([3.0, 4.0], name="kernel")
    >>> optimizer = LARS(1.0, weight_decay=0, trust_coefficient=0.1)
    >>> optimizer.apply([ops.array([0.0, 7.0])], [weight])
    >>> weight.numpy().round(3).tolist()  # a step of a tenth of the weight's norm, 5
    [3.0, 3.5]
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: float = 0.9,
        weight_decay: float = 1e-6,
        trust_coefficient: float = 0.001,
        nesterov: bool = False,
        exclude: Sequence[str] = ("bias", "gamma", "beta"),
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"LARS: found momentum {momentum}, expected 0 to below 1.")
        if not weight_decay >= 0:
            raise ValueError(f"LARS: found weight_decay {weight_decay}, expected 0 or more.")
        if not trust_coefficient > 0:
            raise ValueError(f"LARS: found trust_coefficient {trust_coefficient}, expected more than 0.")
        if isinstance(exclude, str):
            raise ValueError(f"LARS: found exclude {exclude!r}, expected a tuple of names.")
        self.momentum = momentum
        self.coupled_weight_decay = weight_decay
        self.trust_coefficient = trust_coefficient
        self.nesterov = nesterov
        self.exclude = tuple(exclude)

    def build(self, variables: Sequence[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        # Only here do the variables have a path: a step gets TensorFlow's variables, not Keras' own.
        self._is_excluded = [variable.path.split("/")[-1] in self.exclude for variable in variables]

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.KerasTensor, learning_rate: Any
    ) -> None:
        index = self._get_variable_index(variable)
        dtype = keras.backend.result_type(variable.dtype, "float32")
        weight, velocity = ops.cast(variable, dtype), ops.cast(self._velocities[index], dtype)
        # An embedding's gradient names a row once for each look-up; a norm needs the rows' sums.
        gradient = ops.cast(tf.convert_to_tensor(gradient) if tf else gradient, dtype)
        rate = ops.cast(learning_rate, dtype)
        if not self._is_excluded[index]:
            gradient = gradient + self.coupled_weight_decay * weight
            rate = rate * self._trust_ratio(weight, gradient)
        velocity = self.momentum * velocity + rate * gradient
        step = self.momentum * velocity + rate * gradient if self.nesterov else velocity
        self.assign(self._velocities[index], velocity)
        self.assign(variable, weight - step)

    def _trust_ratio(self, weight, gradient):
        weight_norm, gradient_norm = _norm(weight), _norm(gradient)
        ratio = self.trust_coefficient * ops.divide_no_nan(weight_norm, gradient_norm)
        return ops.where(ops.logical_and(weight_norm > 0, gradient_norm > 0), ratio, 1.0)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Refused, as it concerns Keras' decoupled decay alone: raises ``ValueError``."""
        raise ValueError(
            "LARS: found a call of exclude_from_weight_decay, expected names in the argument exclude."
        )

    def get_config(self) -> dict[str, Any]:
        own = {
            "momentum": self.momentum,
            "weight_decay": self.coupled_weight_decay,
            "trust_coefficient": self.trust_coefficient,
            "nesterov": self.nesterov,
            "exclude": list(self.exclude),
        }
        return {**super().get_config(), **own}


def _norm(tensor):
    # ``ops.norm`` takes no tensor of rank 3, as a Conv1D kernel is.
    return ops.sqrt(ops.sum(ops.square(tensor)))


def scaled_learning_rate(base: float, batch_size: int, rule: str) -> float:
    """The learning rate for ``batch_size``, by one of SimCLR's rules (appendix B.1).

    Args:
        base: learning rate before scaling; SimCLR takes 0.3 for "linear" and 0.075 for "sqrt".
        batch_size: windows in a batch.
        rule: "linear", ``base * batch_size / 256``; "sqrt", ``base * sqrt(batch_size)``; "none", ``base``.

    Raises:
        ValueError: an unknown rule, or a base or batch size that is not positive.
    """
    if not base > 0:
        raise ValueError(f"scaled_learning_rate: found base {base}, expected more than 0.")
    if not batch_size > 0:
        raise ValueError(f"scaled_learning_rate: found batch_size {batch_size}, expected more than 0.")
    factors = {"linear": batch_size / 256, "sqrt": math.sqrt(batch_size), "none": 1.0}
    if rule not in factors:
        raise ValueError(f"scaled_learning_rate: found rule {rule!r}, expected linear, sqrt or none.")
    return base * factors[rule]


def warmup_cosine(
    learning_rate: float, steps: int, warmup_steps: int
) -> keras.optimizers.schedules.CosineDecay:
    """Keras' ``CosineDecay``, set to rise linearly from 0 to ``learning_rate``, then to fall to 0.

    Args:
        learning_rate: peak, reached at step ``warmup_steps``.
        steps: step from which the rate is 0, warm-up included.
        warmup_steps: length of the rise; without one (0) the first step has the peak.

    Raises:
        ValueError: ``warmup_steps`` is negative or leaves no step for the fall.
    """
    if not 0 <= warmup_steps < steps:
        raise ValueError(
            f"warmup_cosine: found {warmup_steps} warm-up steps of {steps} in all, expected 0 to {steps - 1}."
        )
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=steps - warmup_steps,
        warmup_target=learning_rate,
        warmup_steps=warmup_steps,
    )
