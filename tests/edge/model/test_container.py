"""Reading a ``.tflite`` file: the result is that of TensorFlow's own reader, and no file does harm."""

import hashlib
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_models import tiny_model
from tensorflow.lite.tools import flatbuffer_utils

from sibeat_edge.errors import ModelError
from sibeat_edge.model import container
from sibeat_edge.model.container import ENTRY, IDENTIFIER, checksum, find_manifest
from sibeat_edge.model.manifest import read_manifest

GOOD = tiny_model()
FIRST, LAST = find_manifest(GOOD)


def assert_refused(content):
    """A ``ModelError`` of one sentence, after no more reads than two passes over the file would take."""
    reads, number = [], container.Flatbuffer.number
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ModelError) as caught:
        patch.setattr(container.Flatbuffer, "number", lambda *place: reads.append(1) or number(*place))
        read_manifest(bytes(content))
    assert re.search(r"\A[^\n]*found [^\n]*expected [^\n]*\Z", str(caught.value))
    assert len(reads) <= 2 * len(content)
    return str(caught.value)


@pytest.mark.parametrize("rebuilds", [False, True])
def test_the_manifest_is_where_tensorflow_s_reader_finds_it(rebuilds):
    content = tiny_model(rebuilds)
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    (number,) = [entry.buffer for entry in model.metadata if entry.name == ENTRY]
    first, last = find_manifest(content)
    assert content[first:last] == bytes(model.buffers[number].data)


def test_the_checksum_is_the_file_s_with_zeros_for_its_digits():
    digits = read_manifest(GOOD)["model_sha256"].encode()
    assert GOOD.count(digits) == 1
    assert hashlib.sha256(GOOD.replace(digits, b"0" * 64)).hexdigest() == digits.decode() == checksum(GOOD)


def test_a_manifest_that_gives_no_checksum_is_part_of_it():
    content = GOOD.replace(b'"model_sha256"', b'"model_sha255"')
    assert checksum(content) == hashlib.sha256(content).hexdigest()


def test_a_model_without_a_manifest_is_refused():
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(GOOD))
    model.metadata = [entry for entry in model.metadata if entry.name != ENTRY]
    assert "no manifest" in assert_refused(flatbuffer_utils.convert_object_to_bytearray(model))
    model.metadata = None
    assert "no manifest" in assert_refused(flatbuffer_utils.convert_object_to_bytearray(model))


@pytest.mark.parametrize("number, words", [(1, "empty manifest"), (10_000, "buffer 10000 of ")])
def test_an_entry_without_data_is_refused(number, words):
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(GOOD))
    assert model.buffers[1].data is None
    next(entry for entry in model.metadata if entry.name == ENTRY).buffer = number
    assert words in assert_refused(flatbuffer_utils.convert_object_to_bytearray(model))


@pytest.mark.parametrize(
    "content",
    [b"", b"TFL3", b"\x1c\0\0\0TFL", b"\x89PNG\r\n\x1a\n" * 40, b"<html>not found</html>", bytes(4096)],
)
def test_what_is_no_model_is_refused(content):
    assert "no TensorFlow Lite model" in assert_refused(content)


def test_a_file_cut_anywhere_is_refused():
    lengths = {*range(0, 64), *range(64, len(GOOD), 61), FIRST, LAST - 1, LAST, len(GOOD) - 1}
    for length in lengths:
        assert_refused(GOOD[:length])


def test_a_longer_file_is_refused():
    assert "SHA-256" in assert_refused(GOOD + b"\0")


def test_a_flipped_bit_anywhere_is_refused():
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(GOOD), 400):
        content = bytearray(GOOD)
        content[place] ^= 1 << generator.integers(8)
        assert_refused(content)


def test_every_byte_of_the_manifest_counts():
    for place in range(FIRST, LAST):
        content = bytearray(GOOD)
        content[place] ^= 1 << place % 3  # mostly another letter or digit, so that it may still be valid JSON
        assert_refused(content)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=40)), min_size=1, max_size=5
    )
)
def test_overwritten_stretches_are_refused(changes):
    content = bytearray(GOOD)
    for place, stretch in changes:
        content[place : place + len(stretch)] = stretch
    if content != GOOD:
        assert_refused(content)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 2**32 - 1))
def test_any_bytes_that_call_themselves_a_model_are_refused(rest, root):
    assert_refused(struct.pack("<I", root) + IDENTIFIER + rest)
    assert_refused(struct.pack("<I", root % (len(rest) + 8)) + IDENTIFIER + rest)


def forged(entries, name):
    """A file of many metadata entries that share one table and one long ``name``."""
    vtable = struct.pack("<9H", 18, 12, 0, 0, 0, 0, 4, 0, 8)  # of a model with its fields 4 and 6
    head = struct.pack("<I", 28) + IDENTIFIER + vtable + b"\0\0"
    table = struct.pack("<iII", 20, 8, 8)  # buffers: none, at the byte behind; metadata: behind that
    table_at = len(head)
    vectors = struct.pack("<II", 0, entries)
    first = table_at + len(table) + len(vectors)
    entry_at = first + 4 * entries + 8
    offsets = (entry_at - np.arange(first, first + 4 * entries, 4)).astype("<u4").tobytes()
    entry = (
        struct.pack("<4H", 8, 12, 4, 8) + struct.pack("<iII", 8, 8, 0) + struct.pack("<I", len(name)) + name
    )
    return head + table + vectors + offsets + entry


def test_a_file_of_many_entries_with_long_names_is_read_as_fast():
    assert "in buffer 0 of 0" in assert_refused(forged(1, ENTRY))  # what is forged is read as meant
    assert "no manifest" in assert_refused(forged(100_000, b"S" * 2_000_000))
