"""Conversion: what comes out computes nearly what went in, in builtin operations alone, manifest or not."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from int8_students import curves, manifest_of, settled
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.export.embedding import embed_manifest, for_flash, quantisations
from keras_sibeat.layers.names import FORMATS
from keras_sibeat.models.signature import without_names
from keras_sibeat.models.student import student
from keras_sibeat.models.tensors import read_tensors
from keras_sibeat.models.tflite import convert, predict_tflite
from sibeat_edge.model.container import ENTRY
from sibeat_edge.model.manifest import QUANTILES, read_manifest

LARGEST = 28 * 1024  # bytes of flash that the student may take, manifest and all


@pytest.fixture(scope="module")
def network():
    return settled(student(width=4, units=8, rebuilds=True, seed=0), curves(64))


@pytest.fixture(scope="module")
def files(network):
    """The network in each format."""
    return {kind: convert(network, curves(400), kind) for kind in FORMATS}


@pytest.fixture(scope="module")
def pair(network, files):
    """The network, and an interpreter of it in int8."""
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=files["int8"], experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    return network, interpreter


@pytest.fixture(scope="module")
def default():
    """The default student in int8."""
    return convert(student(seed=0), curves(64))


def run(interpreter, window):
    (entry,) = interpreter.get_input_details()
    scale, zero = entry["quantization"]
    interpreter.set_tensor(
        entry["index"], np.clip(np.round(window[None] / scale) + zero, -128, 127).astype("int8")
    )
    interpreter.invoke()
    outputs = {}
    for detail in interpreter.get_output_details():
        scale, zero = detail["quantization"]
        values = interpreter.get_tensor(detail["index"]).astype("float32")
        outputs[tuple(detail["shape"])] = (scale * (values - zero), scale)
    return outputs


def test_input_and_outputs_are_int8_of_one_beat(pair):
    details = [*pair[1].get_input_details(), *pair[1].get_output_details()]
    assert {detail["dtype"] for detail in details} == {np.int8}
    assert sorted(tuple(detail["shape"]) for detail in details) == [(1, 1), (1, 320), (1, 320, 1)]


def test_the_scores_are_those_of_the_float_model(pair):
    network, interpreter = pair
    held_out = curves(40, seed=1)
    wanted, residuals = network.predict(held_out, verbose=0)
    found = [run(interpreter, window) for window in held_out]
    scores = np.array([outputs[1, 1][0][0, 0] for outputs in found])
    assert np.corrcoef(scores, wanted[:, 0])[0, 1] > 0.99
    assert np.abs(scores - wanted[:, 0]).max() < np.ptp(wanted) / 12
    strips = np.array([outputs[1, 320][0][0] for outputs in found])
    assert np.corrcoef(strips.ravel(), residuals.ravel())[0, 1] > 0.98


def test_every_operation_is_builtin(pair):
    names = {detail["op_name"] for detail in pair[1]._get_ops_details()}
    known = {"RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SUB", "MUL", "MEAN", "STRIDED_SLICE"}
    assert "CONV_2D" in names and names <= known


def test_a_wider_student_takes_more_bytes(default):
    narrow = without_names(convert(student(width=4, seed=0), curves(8)))
    assert 7_000 < len(narrow) < len(without_names(default)) <= LARGEST


def test_residuals_in_16_bits_are_nearly_those_of_the_float_model(network, files):
    held_out = curves(20, seed=1)
    wanted = network.predict(held_out, verbose=0)[1]
    runner = Interpreter(model_content=files["int16x8"]).get_signature_runner()
    scale, zero = runner.get_input_details()["window"]["quantization"]
    level = runner.get_output_details()["residuals"]["quantization"][0]
    given = [np.rint(np.clip(window / scale, -32768, 32767)).astype(np.int16) for window in held_out]
    found = level * np.stack([runner(window=numbers[None])["residuals"][0] for numbers in given])
    assert zero == 0 and np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.99


def as_object(content):
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


def metadata(content):
    """Name and data of each metadata entry, by TensorFlow's reader."""
    model = as_object(content)
    return {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata or []}


@pytest.mark.parametrize(
    "kind, error", [("float32", 1e-5), ("float16", 1e-2), ("int16x8", 0.2), ("int8", 0.3)]
)
def test_every_format_scores_nearly_as_the_float_model(pair, files, kind, error):
    seen = curves(400)[:40]
    wanted = pair[0].predict(seen, verbose=0)[0]
    found = predict_tflite(files[kind], seen)
    assert found.shape == wanted.shape and found.dtype == np.float32
    assert np.abs(found - wanted).max() < error * wanted.std()


@pytest.mark.parametrize(
    "kind, number", [("int8", "INT8"), ("int16x8", "INT16"), ("float16", "FLOAT32"), ("float32", "FLOAT32")]
)
def test_inputs_and_outputs_are_of_the_format_s_numbers(files, kind, number):
    (graph,) = as_object(files[kind]).subgraphs
    types = {graph.tensors[place].type for place in (*graph.inputs, *graph.outputs)}
    assert types == {getattr(schema.TensorType, number)}


def test_fewer_bits_take_fewer_bytes(files):
    assert len(files["int8"]) < len(files["float16"]) < len(files["float32"])
    assert len(files["int8"]) < len(files["int16x8"]) < len(files["float32"])


def test_another_format_is_refused():
    with pytest.raises(
        ValueError, match="found kind 'int4', expected one of int8, int16x8, float16, float32"
    ):
        convert(student(width=4, units=8, seed=0), curves(4), "int4")


def test_the_same_student_gives_the_same_bytes():
    made = [convert(student(width=4, units=8, seed=0), curves(8)) for _ in range(2)]
    assert made[0] == made[1]


def test_quantisations_are_those_that_the_interpreter_tells(pair, files):
    found = quantisations(files["int8"])
    details = [*pair[1].get_input_details(), *pair[1].get_output_details()]
    told = {tuple(int(n) for n in detail["shape"]): detail["quantization"] for detail in details}
    assert {shape: (numbers["scale"], numbers["zero_point"]) for shape, numbers in found.items()} == told


@pytest.mark.parametrize("kind", FORMATS)
def test_inputs_and_outputs_are_read_in_the_interpreter_s_order(files, kind):
    tensors, interpreter = read_tensors(files[kind]), Interpreter(model_content=files[kind])
    for found, details in (
        (tensors.inputs, interpreter.get_input_details()),
        (tensors.outputs, interpreter.get_output_details()),
    ):
        assert [tensor.shape for tensor in found] == [tuple(detail["shape"]) for detail in details]
        assert [tensor.place for tensor in found] == list(range(len(details)))
        for tensor, detail in zip(found, details, strict=True):
            scale, zero = detail["quantization"]
            wanted = {"scale": scale, "zero_point": zero} if scale else None
            assert tensor.quantisation == wanted
    assert tensors.score.shape == (1, 1)


def test_a_shape_that_no_input_has_is_told(files):
    with pytest.raises(ValueError, match=r"found tensors of \[\(1, 320, 1\)\], expected one of \(1, 8\)"):
        read_tensors(files["int8"]).inputs_of([(8,)])


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_a_model_of_floats_has_no_quantisations(files, kind):
    with pytest.raises(ValueError, match="found a model of floats, expected one of integers"):
        quantisations(files[kind])


def test_an_embedded_manifest_is_read_as_it_was(files):
    manifest = manifest_of(files["int8"])
    given = dict(manifest)
    content, told = embed_manifest(files["int8"], manifest)
    assert read_manifest(content) == told
    assert told == {**manifest, "model_sha256": told["model_sha256"]} and manifest == given


@pytest.mark.parametrize("kind", FORMATS)
def test_a_manifest_changes_no_output_and_nothing_else_in_the_file(files, kind):
    before, held_out = files[kind], curves(6, seed=2)
    after, _ = embed_manifest(before, manifest_of(before))
    np.testing.assert_array_equal(predict_tflite(after, held_out), predict_tflite(before, held_out))
    entries = metadata(after)
    assert entries.pop(ENTRY) and entries == metadata(before)
    buffers = [
        [b"" if b.data is None else bytes(b.data) for b in as_object(file).buffers]
        for file in (before, after)
    ]
    assert buffers[1][:-1] == buffers[0]


def test_a_second_manifest_replaces_the_first(files):
    manifest = manifest_of(files["int8"])
    once, _ = embed_manifest(files["int8"], manifest)
    longer, _ = embed_manifest(once, {**manifest, "name": "a student with a longer name"})
    assert read_manifest(longer)["name"] == "a student with a longer name"
    assert len(metadata(longer)) == len(as_object(longer).metadata) == len(metadata(once))
    assert embed_manifest(longer, manifest)[0] == once


@pytest.mark.parametrize("kind", FORMATS)
def test_every_buffer_begins_where_a_microcontroller_can_read_it(files, kind):
    content = np.frombuffer(embed_manifest(files[kind], manifest_of(files[kind]))[0], np.uint8)
    begin = content.ctypes.data
    model = schema.Model.GetRootAsModel(content.data, 0)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    places = [buffer.DataAsNumpy().ctypes.data - begin for buffer in buffers if not buffer.DataIsNone()]
    assert len(places) > 10 and {place % 16 for place in places} == {0}


def test_a_manifest_of_no_finite_numbers_is_refused(files):
    with pytest.raises(ValueError):
        embed_manifest(
            files["int8"], {**manifest_of(files["int8"]), "validation": {"auc": np.nan, "ap": 0.5}}
        )


def test_the_default_student_with_its_manifest_takes_28_kb_at_most(default):
    embedded, manifest = embed_manifest(default, manifest_of(default, quantiles=QUANTILES))
    assert read_manifest(embedded) == manifest
    assert len(default) < len(for_flash(embedded)) <= LARGEST
