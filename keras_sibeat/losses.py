"""What models learn from beside labels.

- NT-Xent, the contrastive loss of SimCLR: Chen et al., "A Simple Framework for Contrastive Learning of Visual
  Representations", ICML 2020, arXiv 2002.05709, equation 1.
- Soft targets: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", arXiv 1503.02531.
- Attention transfer: Zagoruyko and Komodakis, "Paying More Attention to Attention", ICLR 2017.
"""

import math
from typing import Any

import keras
from keras import ops

from keras_sibeat.distribution import gather, replicas, row_numbers


def nt_xent(
    first: keras.KerasTensor,
    second: keras.KerasTensor,
    temperature: float = 0.1,
    negatives: keras.KerasTensor | None = None,
    groups: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """NT-Xent, the normalised-temperature cross-entropy of telling an anchor's other view from all the rest.

    Each row of both views is an anchor ``i``, whose positive ``j`` is the same row of the other view. With
    ``s`` the cosine similarity and ``k`` over the rows of both views but ``i``, and over the negatives::

        loss(i) = -log(exp(s(i, j) / temperature) / sum_k(exp(s(i, k) / temperature)))

    On several replicas ``k`` runs over the views and negatives of all of them, and gradients reach them all.

    Args:
        first, second: projections ``(batch, units)`` of two views; a row of zeros has similarity 0 with all.
        temperature: above 0.
        negatives: projections ``(n, units)`` that are negatives of every anchor, no positives and no anchors,
            as CSI's shifted beats are (Tack et al., NeurIPS 2020).
        groups: whole numbers ``(batch,)``; rows of one group, say beats of one wearer, are no negatives of
            each other. By default every row is a group of its own.

    Returns the mean over this replica's ``2 * batch`` anchors, a scalar in float32, or in float64 where an
    input is.

    Raises:
        ValueError: a temperature out of range, shapes that do not fit, or a single row without any negative.
    """
    return ops.mean(_of_rows(first, second, temperature, negatives, groups))


def _of_rows(first, second, temperature, negatives, groups=None):
    """The mean loss ``(batch,)`` of each row's two anchors."""
    _check_temperature(temperature)
    views = [ops.convert_to_tensor(x) for x in (first, second)]
    others = [] if negatives is None else [ops.convert_to_tensor(negatives)]
    _check_shapes(*views, *others)
    dtype = keras.backend.result_type(*(x.dtype for x in views + others), "float32")
    first, second, *others = (unit_rows(ops.cast(x, dtype)) for x in views + others)
    anchors = ops.concatenate([first, second])
    logits = ops.matmul(anchors, ops.transpose(gather(anchors))) / temperature
    # Gathered rows come in the strategy's order, so an anchor finds itself by number, not by place.
    numbers = row_numbers(ops.shape(anchors)[0])
    is_left_out = ops.equal(numbers[:, None], gather(numbers)[None])
    if groups is not None:
        own = ops.tile(ops.cast(groups, "float32"), (2,))
        positives = ops.concatenate(ops.split(numbers, 2)[::-1])
        is_same = ops.equal(own[:, None], gather(own)[None])
        is_left_out |= is_same & ops.not_equal(positives[:, None], gather(numbers)[None])
    logits = ops.where(is_left_out, -math.inf, logits)
    for rows in others:
        extra = ops.matmul(anchors, ops.transpose(gather(rows))) / temperature
        logits = ops.concatenate([logits, extra], axis=1)
    positive = ops.sum(first * second, axis=1) / temperature
    of_first, of_second = ops.split(ops.logsumexp(logits, axis=1), 2)
    return (of_first + of_second) / 2 - positive


def unit_rows(x: keras.KerasTensor) -> keras.KerasTensor:
    """Rows of length 1, whatever the size of their numbers; a row of zeros stays as it is."""
    # Divided by its largest number, no row's squares overflow or vanish. A constant factor changes neither
    # the direction nor its gradient.
    peak = ops.stop_gradient(ops.max(ops.abs(x), axis=1, keepdims=True, initial=0))
    x = x / ops.where(peak > 0, peak, 1)
    square = ops.sum(ops.square(x), axis=1, keepdims=True)
    return x * ops.rsqrt(ops.where(square > 0, square, 1))


def _check_temperature(temperature, of="NT-Xent"):
    if not 0 < temperature < math.inf:
        raise ValueError(f"{of}: found temperature {temperature}, expected a finite number above 0.")


def _differ(sizes):
    return len(set(sizes) - {None}) > 1


def _check_shapes(first, second, *others):
    """Raise ``ValueError`` for what the static shapes show to be wrong."""
    shapes = [tuple(x.shape) for x in (first, second, *others)]
    is_matrix = all(len(shape) == 2 for shape in shapes)
    if not is_matrix or _differ(row for row, _ in shapes[:2]) or _differ(units for _, units in shapes):
        found = ", ".join(str(shape) for shape in shapes)
        raise ValueError(
            f"NT-Xent: found shapes {found}; expected (batch, units) twice and (n, units) for negatives."
        )
    if shapes[0][0] == 1 and not any(shape[0] != 0 for shape in shapes[2:]) and replicas() == 1:
        raise ValueError("NT-Xent: found a batch of 1; expected 2 or more rows, or negatives.")


class _Tempered(keras.losses.Loss):
    """Base of the losses with a temperature, above 0, which is checked and saved."""

    def __init__(self, temperature: float, reduction: str | None, name: str | None, dtype: str) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        _check_temperature(temperature, type(self).__name__.replace("NTX", "NT-X"))
        self.temperature = temperature

    def get_config(self) -> dict[str, Any]:
        return {
            "temperature": self.temperature,
            "reduction": self.reduction,
            "name": self.name,
            "dtype": self.dtype,
        }


@keras.saving.register_keras_serializable(package="keras_sibeat")
class NTXent(_Tempered):
    """``nt_xent`` as a Keras loss: ``NTXent()(first, second)`` is its mean over all ``2 * batch`` anchors.

    The loss of a row is the mean over its two anchors, so sample weights weigh beats. On several replicas a
    call returns, as every Keras loss does, the replica's mean divided by their number; ``contrast`` returns
    the replica's mean itself.

    Args:
        temperature: above 0, else ``ValueError``.
        reduction, name, dtype: as those of ``keras.losses.Loss``; the inputs are cast to ``dtype``.

    >>> views = ops.eye(3)  # alike to their partners, at right angles to all others
    >>> round(float(NTXent(temperature=1.0)(views, views)), 4)  # -log(e / (e + 4))
    0.9048
    """

    def __init__(
        self,
        temperature: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "nt_xent",
        dtype: Any = None,
    ) -> None:
        super().__init__(temperature, reduction, name, dtype)

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        return _of_rows(y_true, y_pred, self.temperature, None)

    def contrast(
        self,
        first: keras.KerasTensor,
        second: keras.KerasTensor,
        negatives: keras.KerasTensor | None = None,
        groups: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
        """``nt_xent`` at this temperature, with its ``negatives`` (n, units) and ``groups`` (batch,)."""
        return nt_xent(first, second, self.temperature, negatives, groups)


@keras.saving.register_keras_serializable(package="keras_sibeat")
class SoftTargets(_Tempered):
    """``temperature**2 * KL(softmax(teacher / temperature) || softmax(student / temperature))``.

    ``SoftTargets()(teacher_logits, student_logits)``, both ``(batch, classes)``, or ``(batch, 1)`` for the
    one logit of two classes. The square keeps the gradient's size whatever the temperature (Hinton et al.
    2015). No gradient reaches the teacher; the student's is zero where the two agree.

    Any last axis is taken for classes, so a rebuilt beat, whose last axis is its leads, has nothing to be
    softened: with more than two axes it is refused.

    Args:
        temperature: above 0, else ``ValueError``.
        reduction, name, dtype: as those of ``keras.losses.Loss``.

    >>> logits = ops.array([[2.0, 0.0, 1.0]])
    >>> float(SoftTargets()(logits, logits))
    0.0
    """

    def __init__(
        self,
        temperature: float = 4.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "soft_targets",
        dtype: Any = None,
    ) -> None:
        super().__init__(temperature, reduction, name, dtype)

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """The loss ``(batch,)``; raises ``ValueError`` where these are no logits of the same classes."""
        shapes = [tuple(logits.shape) for logits in (y_true, y_pred)]
        if any(len(shape) != 2 for shape in shapes) or shapes[0][1] != shapes[1][1]:
            raise ValueError(
                f"SoftTargets: found teacher {shapes[0]} and student {shapes[1]}; "
                "expected logits (batch, classes) of both."
            )
        teacher, student = (logits / self.temperature for logits in (ops.stop_gradient(y_true), y_pred))
        if shapes[0][1] == 1:
            teacher, student = (ops.concatenate([x, ops.zeros_like(x)], axis=1) for x in (teacher, student))
        told = ops.log_softmax(teacher) - ops.log_softmax(student)
        return self.temperature**2 * ops.sum(ops.softmax(teacher) * told, axis=1)


@keras.saving.register_keras_serializable(package="keras_sibeat")
class AttentionTransfer(keras.losses.Loss):
    """Squared distance between the attention maps of a teacher's and a student's features.

    ``AttentionTransfer()(teacher_features, student_features)``, both ``(batch, ticks, filters)``; the filters
    may differ in number. The attention map is the mean square over the filters, scaled to length 1 over the
    ticks: where in the beat the features are active. No gradient reaches the teacher.

    >>> features = ops.reshape(ops.arange(12.0), (1, 4, 3))
    >>> abs(float(AttentionTransfer()(features, 5 * features))) < 1e-6  # the same shape, another height
    True
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "attention_transfer",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """The loss ``(batch,)``; raises ``ValueError`` where these are no features of the same ticks."""
        shapes = [tuple(features.shape) for features in (y_true, y_pred)]
        if any(len(shape) != 3 for shape in shapes) or shapes[0][1] != shapes[1][1]:
            raise ValueError(
                f"AttentionTransfer: found teacher {shapes[0]} and student {shapes[1]}; "
                "expected features (batch, ticks, filters) of the same ticks."
            )
        maps = [
            unit_rows(ops.mean(ops.square(features), axis=2))
            for features in (ops.stop_gradient(y_true), y_pred)
        ]
        return ops.sum(ops.square(maps[0] - maps[1]), axis=1)

    def get_config(self) -> dict[str, Any]:
        return {"reduction": self.reduction, "name": self.name, "dtype": self.dtype}
