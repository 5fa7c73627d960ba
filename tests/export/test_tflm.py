"""What TensorFlow Lite Micro needs of a model: operations that it has, and an arena."""

import subprocess
import sys

import pytest
import tensorflow as tf
from bundles import macro, write_bundle
from int8_students import int8_student

from keras_sibeat.errors import ExportError
from keras_sibeat.export.tflm import measure_arena, operations


@pytest.fixture(scope="module")
def powers():
    """A model with an operation that TFLM lacks."""
    function = tf.function(lambda x: tf.pow(x, x), [tf.TensorSpec([1, 4])])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    return converter.convert()


def runs_in(content, arena):
    code = (
        "import sys; from tflite_micro import runtime; "
        "runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=int(sys.argv[1])).invoke()"
    )
    return not subprocess.run(
        [sys.executable, "-c", code, str(arena)], input=content, capture_output=True
    ).returncode


def test_operations_go_by_the_resolver_s_method():
    assert operations(int8_student(leads=2, rebuilds=True)[0]) == {
        "CONV_2D": "AddConv2D",
        "FULLY_CONNECTED": "AddFullyConnected",
        "MEAN": "AddMean",
        "MUL": "AddMul",
        "RESHAPE": "AddReshape",
        "STRIDED_SLICE": "AddStridedSlice",
        "SUB": "AddSub",
    }


def test_an_operation_that_tflm_lacks_is_refused(powers):
    with pytest.raises(ExportError, match="found the operation POW, expected those that it has"):
        operations(powers)


def test_the_arena_is_the_smallest_that_the_model_runs_in():
    pytest.importorskip("tflite_micro", reason="no tflite-micro: the arena cannot be measured")
    content, _ = int8_student()
    found = measure_arena(content)
    assert found % 16 == 0 and measure_arena(content) == found
    assert runs_in(content, found) and not runs_in(content, found - 16)


def test_the_default_student_and_its_margin_take_at_most_8_kilobytes(tmp_path):
    pytest.importorskip("tflite_micro", reason="no tflite-micro: the arena cannot be measured")
    folder, content = write_bundle(tmp_path / "firmware", arena=None, width=8, units=24)
    measured, margin = (int(macro(folder, f"ARENA_{name}_BYTES")) for name in ("MEASURED", "MARGIN"))
    assert runs_in(content, measured) and not runs_in(content, measured - 16)
    assert measured + margin <= 8 * 1024


def test_a_model_that_tflm_cannot_run_has_no_arena(powers):
    pytest.importorskip("tflite_micro", reason="no tflite-micro: the arena cannot be measured")
    with pytest.raises(ExportError, match=r"found a model that it cannot run in 1048576 bytes \(.+\)\.$"):
        measure_arena(powers)


def test_without_tflite_micro_the_arena_is_not_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(ExportError, match="found no tflite-micro, expected it installed"):
        write_bundle(tmp_path / "firmware", arena=None)
    assert not (tmp_path / "firmware").exists()
