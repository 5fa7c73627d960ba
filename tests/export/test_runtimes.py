"""The runtimes against each other, and against an interpreter called here."""

import os
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from int8_students import curves, int8_student, relative

from keras_sibeat.errors import ExportError
from keras_sibeat.export.runtimes import score_litert, score_tflm, score_with
from sibeat_edge.errors import ModelError
from sibeat_edge.model.runtime import Model

STUDENTS = {
    "one lead": {},
    "two leads and residuals": {"leads": 2, "rebuilds": True},
    "beside a template": {"wearer": True},
}


def int8_beats(count=150, leads=1, **student):
    content, _ = int8_student(leads=leads, **student)
    arrays = relative(count, leads, seed=9) if student.get("wearer") else [curves(count, leads, seed=9)]
    quantised = [Model(content).quantise(*beat) for beat in zip(*arrays, strict=True)]
    return content, [np.stack(array) for array in zip(*quantised, strict=True)]


@pytest.fixture(params=STUDENTS.values(), ids=STUDENTS.keys(), scope="module")
def beats(request):
    return int8_beats(**request.param)


@pytest.fixture
def tflm():
    pytest.importorskip("tflite_micro", reason="no tflite-micro: its scores cannot be compared")


def largest(scores, others):
    return np.abs(scores.astype(int) - others.astype(int)).max()


@pytest.mark.parametrize("kernels", ["builtin", "xnnpack"])
def test_litert_s_scores_are_its_interpreter_s(beats, kernels):
    content, arrays = beats
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES if kernels == "builtin" else OpResolverType.AUTO
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kind, num_threads=1)
    interpreter.allocate_tensors()
    entries = {tuple(d["shape"]): d["index"] for d in interpreter.get_input_details()}
    (score,) = [d["index"] for d in interpreter.get_output_details() if tuple(d["shape"]) == (1, 1)]
    found = score_litert(content, arrays, kernels)
    assert found.dtype == np.int8 and found.shape == (150,)
    for *beat, value in zip(*arrays, found, strict=True):
        for array in beat:
            interpreter.set_tensor(entries[(1, *array.shape)], array[None])
        interpreter.invoke()
        assert interpreter.get_tensor(score)[0, 0] == value


def test_the_microcontroller_agrees_with_the_builtin_kernels_to_a_unit(beats, tflm):
    content, windows = beats
    reference, found = score_litert(content, windows), score_tflm(content, windows)
    assert found.dtype == np.int8 and found.shape == reference.shape
    assert len(set(reference)) > 50  # else they would agree whatever they computed
    assert largest(found, reference) <= 1 and np.mean(found == reference) > 0.9


def test_xnnpack_differs_by_some_units(beats):
    content, windows = beats
    assert largest(score_litert(content, windows, "xnnpack"), score_litert(content, windows)) <= 8


def test_another_python_gives_the_same_scores():
    content, windows = int8_beats(12)
    for kernels in ("builtin", "xnnpack"):
        found = score_with(sys.executable, content, windows, kernels)
        assert found.dtype == np.int8
        np.testing.assert_array_equal(found, score_litert(content, windows, kernels))


def test_tflite_runtime_agrees_to_a_unit(beats):
    python = os.environ.get("KERAS_SIBEAT_TFLITE_RUNTIME")
    if python is None:
        pytest.skip("no tflite-runtime: set KERAS_SIBEAT_TFLITE_RUNTIME to its environment's Python")
    content, windows = beats
    assert largest(score_with(python, content, windows), score_litert(content, windows)) <= 1


def test_an_environment_that_fails_is_told_with_its_last_line(tmp_path):
    content, windows = int8_beats(2)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho first >&2\necho ImportError: no numpy >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(ExportError, match=r"python: found no scores, .* \(ImportError: no numpy\)\.$"):
        score_with(broken, content, windows)
    broken.write_text("#!/bin/sh\nexit 0\n")  # says that all is well, but wrote nothing
    with pytest.raises(ExportError, match=r"found no scores, expected a runtime's \(exit code 0\)"):
        score_with(broken, content, windows)
    with pytest.raises(
        ExportError, match=r"nowhere: No such file or directory; expected a Python interpreter"
    ):
        score_with(tmp_path / "nowhere", content, windows)


def test_another_python_is_lent_the_device_s_package_alone(tmp_path, monkeypatch):
    content, windows = int8_beats(2)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "numpy.py").write_text("raise ImportError('not of that environment')\n")
    assert score_with(sys.executable, content, windows).shape == (2,)


@pytest.mark.parametrize(
    "scores", [score_litert, score_tflm, lambda *beats: score_with(sys.executable, *beats)]
)
def test_windows_must_be_int8_of_the_model_s_shape(scores):
    content, (windows,) = int8_beats(2)
    for wrong in (windows.astype(np.float32), windows[:, :300], windows[0], np.repeat(windows, 2, axis=2)):
        with pytest.raises(ValueError, match=r"found beats .*; expected \[\(320, 1\)\] of int8"):
            scores(content, [wrong])


@pytest.mark.parametrize("scores", [score_litert, score_tflm])
def test_a_corrupt_model_never_reaches_a_runtime(scores):
    content, windows = int8_beats(2)
    with pytest.raises(ModelError):
        scores(content[:3000] + b"\xff" + content[3001:], windows)


def test_unknown_kernels_are_refused():
    with pytest.raises(ValueError, match="found kernels 'fast', expected one of builtin, xnnpack"):
        score_litert(*int8_beats(2), "fast")


def test_a_missing_runtime_is_told(monkeypatch):
    beats = int8_beats(2)
    for name in (
        "ai_edge_litert.interpreter",
        "tflite_runtime",
        "tflite_runtime.interpreter",
        "tflite_micro",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExportError, match="found no runtime, expected one"):
        score_litert(*beats)
    with pytest.raises(ExportError, match="found no tflite-micro, expected it installed"):
        score_tflm(*beats)
