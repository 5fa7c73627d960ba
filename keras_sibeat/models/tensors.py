"""Inputs and outputs of a TensorFlow Lite model, found by their shapes.

A student's graph has one output of shape (1, 1), its score. No two of its inputs have the same shape, nor two
of its outputs, so the shape says what a tensor is, with names or without: those that
``keras_sibeat.models.signature`` adds do not go into a microcontroller's flash memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from tensorflow.lite.tools import flatbuffer_utils

SCORE = (1, 1)


class Quantisation(TypedDict):
    """What an integer stands for: ``scale`` * (integer - ``zero_point``).

    >>> Quantisation(scale=0.5, zero_point=-128)
    {'scale': 0.5, 'zero_point': -128}
    """

    scale: float
    zero_point: int


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a model.

    Attributes:
        place: its index among the model's inputs, or among its outputs.
        shape: with the batch, whose size is 1.
        quantisation: of an integer tensor; None for one of floats.

    >>> Tensor(0, (1, 320, 1), None).shape
    (1, 320, 1)
    """

    place: int
    shape: tuple[int, ...]
    quantisation: Quantisation | None


@dataclass(frozen=True)
class Tensors:
    """All inputs and outputs of a model, each in the model's order.

    >>> Tensors((), (Tensor(0, (1, 320), None), Tensor(1, (1, 1), None))).score.place
    1
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def score(self) -> Tensor:
        """The output of shape (1, 1). Raises ``ValueError`` where there is none."""
        return _find(self.outputs, SCORE)

    def inputs_of(self, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
        """The input that takes each array of a beat, whose ``shapes`` are those without the batch.

        Raises ``ValueError`` for a shape that no input has.
        """
        return [_find(self.inputs, (1, *shape)) for shape in shapes]


def read_tensors(content: bytes) -> Tensors:
    """The inputs and outputs of the model in a ``.tflite`` file's bytes."""
    graph = flatbuffer_utils.convert_bytearray_to_object(bytearray(content)).subgraphs[0]
    return Tensors(_tensors(graph, graph.inputs), _tensors(graph, graph.outputs))


def _tensors(graph, numbers):
    return tuple(_tensor(place, graph.tensors[number]) for place, number in enumerate(numbers))


def _tensor(place, entry):
    numbers, quantisation = entry.quantization, None
    if numbers is not None and numbers.scale is not None:
        quantisation = Quantisation(scale=float(numbers.scale[0]), zero_point=int(numbers.zeroPoint[0]))
    return Tensor(place, tuple(int(size) for size in entry.shape), quantisation)


def _find(tensors, shape):
    for tensor in tensors:
        if tensor.shape == shape:
            return tensor
    raise ValueError(
        f"Model: found tensors of {[tensor.shape for tensor in tensors]}, expected one of {shape}."
    )
