"""A model's scores are those of the interpreter alone; a file that is no model is refused in one sentence."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from int8_models import tiny_model
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_sibeat.export.embedding import embed_manifest
from keras_sibeat.models.student import student
from keras_sibeat.models.tflite import convert
from sibeat_edge.errors import ModelError
from sibeat_edge.model import runtime
from sibeat_edge.model.manifest import read_manifest, tensor_names
from sibeat_edge.model.runtime import TOGETHER, Model, find_tensor


def beats(count, seed=0, leads=1):
    """Windows ``(count, 320, leads)`` of smooth curves within [-1, 1]."""
    phase, speed = np.random.default_rng(seed).uniform(0.2, 3, (2, count, 1, leads))
    return np.sin(6 * phase + speed * np.linspace(0, 9, 320)[:, None]).astype(np.float32)


def altered(rebuilds=False, **changes):
    """The same model under another manifest, checksum and all."""
    content = tiny_model(rebuilds)
    manifest = {**read_manifest(content), **changes}
    return embed_manifest(content, {**manifest, "tensors": tensor_names(manifest)})[0]


def refused(source):
    """The words of the ``ModelError``: one sentence, the source's name first."""
    name = "Model" if isinstance(source, bytes) else str(source)
    with pytest.raises(ModelError) as caught:
        Model(source)
    told = str(caught.value)
    assert told.startswith(f"{name}: ") and "expected" in told and "\n" not in told
    assert told.endswith(".") and not told.endswith("..")
    return told.removeprefix(f"{name}: ")


def oracle(content, window, shape):
    """Output of this shape by TensorFlow's own interpreter: (int8 values, real values)."""
    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    scale, zero = entry["quantization"]
    numbers = np.clip(np.round(window.astype(float) / scale) + zero, -128, 127)
    interpreter.set_tensor(entry["index"], numbers.astype(np.int8)[None])
    interpreter.invoke()
    (detail,) = [d for d in interpreter.get_output_details() if tuple(d["shape"]) == shape]
    scale, zero = detail["quantization"]
    values = interpreter.get_tensor(detail["index"])[0]
    return values, scale * (values.astype(float) - zero)


@pytest.mark.parametrize("rebuilds", [False, True])
@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
def test_scores_and_residuals_are_those_of_tensorflow_s_interpreter(rebuilds):
    content = tiny_model(rebuilds)
    model = Model(content)
    for window in beats(12):
        score = model.score(window)
        raw, wanted = oracle(content, window, (1, 1))
        assert isinstance(score, float) and model.raw_score() == raw[0]
        assert score == pytest.approx(wanted[0], rel=1e-5, abs=1e-7)
        if rebuilds:
            _, wanted = oracle(content, window, (1, 320))
            np.testing.assert_allclose(model.residuals(), wanted, rtol=1e-5, atol=1e-7)
        else:
            assert model.residuals() is None


def test_xnnpack_s_scores_are_a_few_units_of_the_last_place_away():
    builtin, fast = Model(tiny_model()), Model(tiny_model(), kernels="xnnpack")
    windows = beats(40)
    units = [abs(builtin.score(w) - fast.score(w)) / builtin.manifest["score"]["scale"] for w in windows]
    assert max(units) < 8


@pytest.mark.parametrize("kernels", ["builtin", "xnnpack"])
@pytest.mark.parametrize("rebuilds", [False, True])
def test_scores_of_many_beats_are_those_of_each_alone(rebuilds, kernels):
    model, windows = Model(tiny_model(rebuilds), kernels=kernels), beats(3 * TOGETHER + 5)
    alone = [model.score(window) for window in windows]
    assert len(set(alone)) > 10
    for count in (1, TOGETHER - 1, TOGETHER, TOGETHER + 1, len(windows)):
        assert model.scores(windows[:count]) == alone[:count]
    assert model._batches is not None  # or all ran one by one


def test_a_model_that_takes_no_batch_runs_its_beats_one_by_one(monkeypatch):
    windows = beats(2 * TOGETHER)
    wanted = Model(tiny_model()).scores(windows)
    monkeypatch.setattr(runtime, "for_batches", lambda content, size: content)
    model = Model(tiny_model())
    assert model.scores(windows) == wanted and model._batches is None


def test_what_is_scored_last_is_told_of_the_beat_that_was_scored_alone():
    model, windows = Model(tiny_model(True)), beats(TOGETHER + 1)
    model.score(windows[0])
    residuals, raw = model.residuals(), model.raw_score()
    model.scores(windows[1:])
    assert model.raw_score() == raw
    np.testing.assert_array_equal(model.residuals(), residuals)


def test_models_side_by_side_do_not_disturb_each_other():
    windows = beats(6)
    alone = [Model(tiny_model(True)).score(window) for window in windows]
    one, other = Model(tiny_model(True)), Model(tiny_model())
    turns = [(one.score(window), other.score(window[::-1].copy())) for window in windows]
    assert [first for first, _ in turns] == alone


def test_the_input_is_rounded_and_kept_within_int8():
    model = Model(tiny_model())
    scale, zero = model.manifest["input"]["scale"], model.manifest["input"]["zero_point"]
    window = np.zeros((320, 1), np.float32)
    window[:6, 0] = [-1e9, 1e9, 0.4 * scale, 0.6 * scale, -0.6 * scale, 3 * scale]
    (quantised,) = model.quantise(window)
    assert quantised.shape == (320, 1) and quantised.dtype == np.int8
    assert quantised[:7, 0].tolist() == [-128, 127, zero, zero + 1, zero - 1, zero + 3, zero]


def test_a_model_of_several_leads_takes_them():
    signal = {**read_manifest(tiny_model())["signal"], "leads": ["MLII", "V1"]}
    model = Model(tiny_model(signal=signal))
    assert (model.leads, model.length) == (2, 320)
    assert np.isfinite([model.score(window) for window in beats(3, leads=2)]).all()


def test_path_text_and_bytes_give_the_same_model(tmp_path, monkeypatch):
    content, window = tiny_model(), beats(1)[0]
    file = tmp_path / "Model"  # which is what bytes are called in errors
    file.write_bytes(content)
    monkeypatch.chdir(tmp_path)
    sources = content, bytearray(content), file, str(file), "Model"
    models = [Model(source) for source in sources]
    assert len({model.score(window) for model in models}) == 1
    assert all(model.manifest == read_manifest(content) for model in models)


def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path):
    assert "No such file" in refused(tmp_path / "absent.tflite")
    assert "directory" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no model", tiny_model()[:5000], tiny_model() + b"\0"])
def test_a_damaged_file_is_told_by_name(tmp_path, content):
    file = tmp_path / "damaged.tflite"
    file.write_bytes(content)
    refused(file)


def test_a_model_of_floats_is_refused():
    content = convert(student(width=4, units=8, seed=0), beats(4), "float32")
    told = refused(embed_manifest(content, read_manifest(tiny_model()))[0])
    assert "input of type float32, expected int8" in told


def test_a_model_of_16_bits_is_refused():
    content = convert(student(width=4, units=8, seed=0), beats(4), "int16x8")
    assert "input of type int16, expected int8" in refused(
        embed_manifest(content, read_manifest(tiny_model()))[0]
    )


def test_another_window_or_number_of_leads_is_refused():
    told = refused(altered(window={"before": 140, "after": 181}))
    assert "found tensors of [(1, 320, 1)], expected input of (1, 321, 1)" in told
    signal = {**read_manifest(tiny_model())["signal"], "leads": ["MLII", "V1"]}
    assert "expected input of (1, 320, 2)" in refused(altered(signal=signal))


@pytest.mark.parametrize("rebuilds, part", [(False, "input"), (False, "score"), (True, "residuals")])
def test_another_quantisation_is_refused(rebuilds, part):
    right = read_manifest(tiny_model(rebuilds))[part]
    for wrong in ({"scale": right["scale"] * 1.000025}, {"zero_point": right["zero_point"] ^ 1}):
        assert f"found {part} quantised by" in refused(altered(rebuilds, **{part: {**right, **wrong}}))


def test_a_tiny_scale_is_compared_as_strictly():
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(tiny_model()))
    (graph,) = model.subgraphs
    graph.tensors[graph.outputs[0]].quantization.scale = np.array([1e-9], np.float32)
    content = flatbuffer_utils.convert_object_to_bytearray(model)
    manifest = read_manifest(tiny_model())
    right = {**manifest["score"], "scale": 1e-9}
    Model(embed_manifest(content, {**manifest, "score": right})[0])
    wrong = {**right, "scale": 2e-9}
    assert "found score quantised by" in refused(embed_manifest(content, {**manifest, "score": wrong})[0])


def test_the_last_digits_of_a_scale_are_forgiven():
    right = read_manifest(tiny_model())["input"]
    Model(altered(input={**right, "scale": right["scale"] * (1 + 1e-7)}))


def test_a_model_gives_residuals_if_and_only_if_its_manifest_says_so():
    assert "found 2 outputs, expected 1" in refused(altered(rebuilds=True, residuals=None))
    numbers = {"scale": 0.1, "zero_point": 0}
    assert "found 1 outputs, expected 2" in refused(altered(residuals=numbers))


def test_a_model_that_the_interpreter_refuses_is_told():
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(tiny_model()))
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = b"Unheard"
    content = flatbuffer_utils.convert_object_to_bytearray(model)
    assert "Unheard" in refused(embed_manifest(content, read_manifest(tiny_model()))[0])


def test_a_tensor_is_found_by_its_shape_in_any_order():
    details = [{"shape": np.array([1, 320]), "index": 7}, {"shape": np.array([1, 1]), "index": 9}]
    for order in (details, details[::-1], iter(details)):
        assert find_tensor(order, (1, 1))["index"] == 9
    with pytest.raises(
        ModelError, match=r"found tensors of \[\(1, 320\), \(1, 1\)\], expected score of \(1, 2\)"
    ):
        find_tensor(details, (1, 2), "score")


def test_other_kernels_are_refused():
    with pytest.raises(ValueError, match="found kernels 'gpu', expected one of builtin, xnnpack"):
        Model(tiny_model(), kernels="gpu")


FUZZ = """
import sys
import numpy as np
from sibeat_edge.errors import ModelError
from sibeat_edge.model.runtime import Model

good = open(sys.argv[1], "rb").read()
Model(good)
generator = np.random.default_rng(0)
for turn in range(400):
    content = bytearray(good)
    for place in generator.integers(0, len(good), 1 + turn % 4):
        content[place] ^= 1 << generator.integers(8)
    if turn % 4 == 3:
        content = content[: generator.integers(len(good))]
    try:
        Model(bytes(content))
    except ModelError:
        continue
    sys.exit(f"damage {turn} was not found")
"""


def test_no_damaged_file_reaches_the_native_interpreter(tmp_path):
    """In another process, where a native crash would be a negative exit code."""
    file = tmp_path / "good.tflite"
    file.write_bytes(tiny_model(rebuilds=True))
    command = [sys.executable, "-c", FUZZ, str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
