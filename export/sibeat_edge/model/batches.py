"""A model of one beat, made to take several at once: each costs half as much, and has the same score."""

import struct

from sibeat_edge.model.container import BUFFERS, DATA, Flatbuffer

CODES, SUBGRAPHS = 1, 2  # fields of the schema's table Model
OLD_CODE, CODE = 0, 3  # fields of OperatorCode
TENSORS, OPERATORS = 0, 3  # fields of SubGraph
TENSOR_BUFFER = 2  # field of Tensor
CODE_INDEX, INPUTS, OPTIONS = 0, 1, 4  # fields of Operator
NEW_SHAPE = 0  # field of ReshapeOptions
RESHAPE = 22  # the operator's code


def for_batches(content: bytes, size: int) -> bytes:
    """A copy of a ``.tflite`` file of one beat whose reshapes take ``size`` beats.

    An exported model has the shape that a reshape gives as a constant, with the one beat. Everything else
    follows the inputs, once these are resized.

    Raises ``ModelError`` for a file whose offsets lead out of it.

    >>> from sibeat_edge.model.presets import model_path
    >>> content = model_path("mitdb-wearer").read_bytes()
    >>> sum(one != other for one, other in zip(content, for_batches(content, 8)))
    2
    """
    file, changed = Flatbuffer(content), bytearray(content)
    for place, count in _shapes(file):
        if count and file.number("<i", place) == 1:
            struct.pack_into("<i", changed, place, size)
    return bytes(changed)


def _shapes(file):
    """The place of the first number of each constant shape of a reshape, and how many numbers it has."""
    model = file.follow(0)
    codes = [_code(file, code) for code in file.tables(file.field(model, CODES))]
    buffers = file.tables(file.field(model, BUFFERS))
    for graph in file.tables(file.field(model, SUBGRAPHS)):
        tensors = file.tables(file.field(graph, TENSORS))
        for operator in file.tables(file.field(graph, OPERATORS)):
            if codes[_value(file, operator, CODE_INDEX, "<I")] != RESHAPE:
                continue
            first, count = file.vector(file.field(operator, INPUTS))
            if count > 1:
                shape = tensors[file.number("<i", first + 4)]
                data = file.field(buffers[_value(file, shape, TENSOR_BUFFER, "<I")], DATA)
                if data is not None:
                    place, length = file.vector(data)
                    yield place, length // 4
            options = file.field(operator, OPTIONS)
            shape = None if options is None else file.field(file.follow(options), NEW_SHAPE)
            if shape is not None:
                yield file.vector(shape)


def _code(file, table):
    """An operator's code; files of before 2020 have the old field alone."""
    return max(_value(file, table, OLD_CODE, "<b"), _value(file, table, CODE, "<i"))


def _value(file, table, number, kind):
    """A number of a table; 0 where the file leaves it out."""
    place = file.field(table, number)
    return 0 if place is None else file.number(kind, place)
