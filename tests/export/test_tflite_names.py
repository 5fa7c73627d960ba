"""Names and signature of a ``.tflite`` file, for those who open it themselves; flash does not hold them."""

import os
import subprocess

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from int8_students import manifest_of, relative, settled
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.export.embedding import embed_manifest, for_flash
from keras_sibeat.export.runtimes import quantise_beats, score_tflm
from keras_sibeat.layers.names import FORMATS
from keras_sibeat.models.signature import with_names, without_names
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert, predict_tflite
from sibeat_edge.model.manifest import read_manifest
from sibeat_edge.model.runtime import Model


def as_object(content):
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(content))


@pytest.fixture(scope="module")
def files():
    """A wearer's student with residuals, in each format."""
    windows = dict(zip(("window", "rhythm"), relative(64), strict=True))
    made = student(channels=2, width=4, depth=4, units=8, rebuilds=True, rhythm=8, seed=0)
    return {kind: convert(settled(made, windows), windows, kind) for kind in FORMATS}


def opened(content):
    """An interpreter of the kernels that ``predict_tflite`` uses."""
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(model_content=content, experimental_op_resolver_type=kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_inputs_and_outputs_have_names_in_alphabetical_order_and_a_signature(files, kind):
    interpreter, inputs, outputs = opened(files[kind]), ["rhythm", "window"], ["residuals", "score"]
    assert [detail["name"] for detail in interpreter.get_input_details()] == inputs
    assert [detail["name"] for detail in interpreter.get_output_details()] == outputs
    known = {"serving_default": {"inputs": inputs, "outputs": outputs}}
    assert interpreter.get_signature_list() == known


@pytest.mark.parametrize("kind", FORMATS)
def test_the_signature_takes_and_gives_by_name(files, kind):
    window, rhythm = relative(1, seed=3)
    runner = opened(files[kind]).get_signature_runner()
    entries, scores = runner.get_input_details(), runner.get_output_details()["score"]
    given = {}
    for name, array in (("window", window), ("rhythm", rhythm)):
        assert tuple(entries[name]["shape"]) == array.shape
        scale, zero = entries[name]["quantization"]
        numbers = np.rint(array / np.float32(scale)) + zero if scale else array
        given[name] = numbers.astype(entries[name]["dtype"])
    found = runner(**given)
    assert found["score"].shape == (1, 1) and found["residuals"].shape == (1, 320)
    scale, zero = scores["quantization"]
    score = np.float32(scale) * (found["score"].astype("float32") - zero) if scale else found["score"]
    wanted = predict_tflite(files[kind], {"window": window, "rhythm": rhythm})
    np.testing.assert_array_equal(score, wanted)


@pytest.mark.parametrize("kind", FORMATS)
def test_tflite_runtime_finds_the_signature_too(files, kind, tmp_path):
    python = os.environ.get("KERAS_SIBEAT_TFLITE_RUNTIME")
    if not python:
        pytest.skip("no tflite-runtime: set KERAS_SIBEAT_TFLITE_RUNTIME to a Python that has it")
    (tmp_path / "model.tflite").write_bytes(files[kind])
    code = (
        "import numpy; from tflite_runtime.interpreter import Interpreter; "
        "runner = Interpreter('model.tflite').get_signature_runner(); entries = runner.get_input_details(); "
        "found = runner(**{n: numpy.zeros(e['shape'], e['dtype']) for n, e in entries.items()}); "
        "print({name: value.shape for name, value in sorted({**entries, **found}.items()) if name in found}, "
        "sorted(entries))"
    )
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    told = "{'residuals': (1, 320), 'score': (1, 1)} ['rhythm', 'window']"
    assert done.stdout.strip() == told, done.stderr


def names(content):
    """Names of all tensors that have one, and what else the file says in words."""
    model = as_object(content)
    (graph,) = model.subgraphs
    return [tensor.name.decode() for tensor in graph.tensors if tensor.name], [
        text for text in (model.description, graph.name, model.signatureDefs) if text
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_no_other_tensor_has_a_name_and_integer_models_hold_nothing_of_the_converter(files, kind):
    found, (signatures,) = names(files[kind])
    assert sorted(found) == ["residuals", "rhythm", "score", "window"] and len(signatures) == 1
    assert bool(as_object(files[kind]).metadata) == (kind in ("float16", "float32"))


@pytest.mark.parametrize("kind", FORMATS)
def test_without_names_a_model_is_smaller_and_gives_the_same_bits(files, kind):
    bare = without_names(files[kind])
    assert names(bare) == ([], []) and without_names(bare) == bare
    assert len(files[kind]) - 512 < len(bare) < len(files[kind])
    windows = dict(zip(("window", "rhythm"), relative(20, seed=4), strict=True))
    np.testing.assert_array_equal(predict_tflite(bare, windows), predict_tflite(files[kind], windows))


def test_names_that_were_removed_can_be_given_again(files):
    inputs, outputs = {(1, 320, 2): "window", (1, 8): "rhythm"}, {(1, 1): "score", (1, 320): "residuals"}
    assert with_names(without_names(files["int8"]), inputs, outputs) == files["int8"]
    with pytest.raises(ValueError, match=r"found a tensor of \(1, 8\), expected one of \[\(1, 320, 2\)\]"):
        with_names(files["int8"], {(1, 320, 2): "window"}, outputs)


def test_in_flash_a_model_has_its_manifest_and_no_names(files):
    content, manifest = embed_manifest(files["int8"], manifest_of(files["int8"], wearer=True))
    assert list(manifest["tensors"].values()) == [["rhythm", "window"], ["residuals", "score"]]
    flash = for_flash(content)
    assert names(flash) == ([], []) and for_flash(flash) == flash
    found = read_manifest(flash)
    assert found.pop("model_sha256") != manifest.pop("model_sha256") and found == manifest
    assert embed_manifest(without_names(files["int8"]), manifest)[0] == flash
    beats, models = list(zip(*relative(20, seed=6), strict=True)), [Model(content), Model(flash)]
    scores, again = ([model.score(*beat) for beat in beats] for model in models)
    assert scores == again and len(set(scores)) > 3
    quantised = quantise_beats(content, relative(20, seed=6))
    np.testing.assert_array_equal(score_tflm(content, quantised), score_tflm(flash, quantised))
