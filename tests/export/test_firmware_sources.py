"""The text of a bundle: what its arrays hold, its configuration, and its README."""

import ctypes
import re

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from bundles import ARENA, by_litert, macro, write_bundle
from int8_students import curves, int8_student, relative

from keras_sibeat.export.c_text import text
from keras_sibeat.export.firmware import arena_margin, decision
from sibeat_edge.model.runtime import Model
from sibeat_edge.model.threshold import between_levels


@pytest.mark.parametrize("which", ["single", "double"])
def test_the_model_s_array_is_the_file_without_names_aligned_to_16_bytes(which, request):
    bundle = request.getfixturevalue(which)
    array = (ctypes.c_ubyte * len(bundle.content)).in_dll(bundle.tflm_library, "sibeat_model")
    assert bytes(array) == bundle.content
    assert ctypes.addressof(array) % 16 == 0


@pytest.mark.parametrize(("which", "leads"), [("single", 1), ("double", 2)])
def test_the_golden_scores_are_litert_s_of_the_golden_beats(which, leads, request):
    bundle = request.getfixturevalue(which)
    inputs = (ctypes.c_int8 * (16 * 320 * leads)).in_dll(bundle.library, "sibeat_golden_inputs")
    inputs = np.array(inputs, np.int8).reshape(16, 320, leads)
    scores = list((ctypes.c_int8 * 16).in_dll(bundle.library, "sibeat_golden_scores"))
    model = Model(bundle.content)
    wanted = np.stack([model.quantise(window)[0] for window in curves(16, leads, seed=5)])
    np.testing.assert_array_equal(inputs, wanted)
    assert scores == by_litert(bundle.content, wanted) and len(set(scores)) > 4


def test_the_golden_beats_of_a_wearer_s_model_hold_both_inputs(beside):
    model, arrays = Model(beside.content), relative(16, 2, seed=5)
    found = (ctypes.c_int8 * (16 * (1280 + 8))).in_dll(beside.library, "sibeat_golden_inputs")
    quantised = [model.quantise(*beat) for beat in zip(*arrays, strict=True)]
    for row, (window, rhythm) in zip(np.array(found).reshape(16, -1), quantised, strict=True):
        np.testing.assert_array_equal(row, np.concatenate([window.ravel(), rhythm]))
    scores = np.array((ctypes.c_int8 * 16).in_dll(beside.library, "sibeat_golden_scores"))
    assert scores.tolist() == [model.score_raw(*beat) for beat in quantised] and len(set(scores)) > 4
    shapes = [tuple(d["shape"]) for d in Interpreter(model_content=beside.content).get_input_details()]
    places = [int(macro(beside.folder, f"{name}_INPUT")) for name in ("WINDOW", "RHYTHM")]
    assert [shapes[place] for place in places] == [(1, 320, 4), (1, 8)]


def test_the_texts_are_the_manifest_s(single):
    _, manifest = int8_student()
    for key in ("name", "licence", "notice"):
        value = manifest[key].encode()
        array = (ctypes.c_char * (len(value) + 1)).in_dll(single.library, f"sibeat_{key}")
        assert array.raw == value + b"\0"


@pytest.mark.parametrize(
    ("value", "escaped"), [('a"b', '"a\\042b"'), ("a\n1", '"a\\0121"'), ("??=", '"\\077\\077="')]
)
def test_a_text_is_one_string_constant(value, escaped):
    assert text(value) == escaped


def test_the_configuration_is_the_manifest_s(double):
    folder, content = double.folder, double.content
    manifest = Model(content).manifest
    whole = {
        "RATE_HZ": 360,
        "LEADS": 2,
        "BEFORE": 140,
        "AFTER": 180,
        "LENGTH": 320,
        "DELAY": 108,
    }
    whole |= {"INPUT_BYTES": 640, "INPUT_ZERO_POINT": manifest["input"]["zero_point"]}
    whole |= {"SCORE_ZERO_POINT": manifest["score"]["zero_point"], "ARENA_MEASURED_BYTES": ARENA}
    assert {name: int(macro(folder, name)) for name in whole} == whole
    real = {"INPUT_SCALE": manifest["input"]["scale"], "SCORE_SCALE": manifest["score"]["scale"]}
    real |= {"THRESHOLD": manifest["threshold"]["score"], "USUAL_SCORE": 0.5, "FALSE_ALARMS_PER_HOUR": 4.0}
    for name, value in real.items():
        assert np.float32(macro(folder, name).rstrip("f")) == np.float32(value)


@pytest.mark.parametrize("which", ["single", "double"])
def test_the_score_s_place_among_the_outputs_is_told(which, request):
    bundle = request.getfixturevalue(which)
    folder, content = bundle.folder, bundle.content
    interpreter = Interpreter(model_content=content)
    shapes = [tuple(detail["shape"]) for detail in interpreter.get_output_details()]
    assert shapes[int(macro(folder, "SCORE_OUTPUT"))] == (1, 1)


@pytest.mark.parametrize(("which", "count"), [("single", 3), ("double", 7)])
def test_the_resolver_has_exactly_the_model_s_operations(which, count, request):
    bundle = request.getfixturevalue(which)
    folder, content = bundle.folder, bundle.content
    source = (folder / "sibeat_ops.h").read_text()
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kind)
    wanted = {detail["op_name"] for detail in interpreter._get_ops_details()}
    added = re.findall(r"resolver\.Add(\w+)\(\)", source)
    assert sorted(name.lower() for name in added) == sorted(name.replace("_", "").lower() for name in wanted)
    assert len(added) == count and f"MicroMutableOpResolver<{count}>;" in source


def test_the_readme_tells_the_figures(single):
    folder, content, library = single.folder, single.content, single.library
    told = (folder / "README.md").read_text()
    assert "$" not in told and f"| {len(content):,} |" in told
    assert "| 4,000 |" in told and "| 1,024 |" in told and "| **5,024** |" in told
    assert f"| The stream, from samples to windows, RAM | {library.stream_size():,} |" in told
    assert f"`SIBEAT_THRESHOLD_INT8` ({macro(folder, 'THRESHOLD_INT8')})" in told


def test_the_readme_tells_what_a_wearer_s_template_takes(beside):
    told = (beside.folder / "README.md").read_text()
    for line, name in {
        "The stream, from samples to windows, RAM": "stream",
        "The monitor with all of its parts, RAM for each wearer": "monitor",
        "Of it the judge": "judge",
        "The wearer's template and rhythm, and the beats that wait, RAM for each wearer": "wearer",
        "Windows of a prolonged warm-up, RAM until its end": "older",
    }.items():
        assert f"| {line} | {getattr(beside.library, f'{name}_size')():,} |" in told
    assert "`sibeat_wearer.c/.h`" in told and "sibeat_monitor_push" in told and "$" not in told


def test_the_readme_of_generated_files_tells_where_the_others_are(single, tmp_path):
    folder, _ = write_bundle(tmp_path / "generated", generated_only=True)
    told, names = (folder / "README.md").read_text(), {file.name for file in folder.iterdir()}
    assert "folder `firmware` of the package `sibeat_edge`" in told and "$" not in told
    for name in ("preprocess", "crc", "selftest"):
        assert f"`sibeat_{name}.c/.h`*" in told and f"sibeat_{name}.c" not in names
    for name in ("model", "config", "golden"):
        assert f"`sibeat_{name}.c/.h` |" in told and f"sibeat_{name}.c" in names
    assert "*" not in (single.folder / "README.md").read_text().replace("**", "")


@pytest.mark.parametrize("threshold", [-9.0, -1.28, -0.301, -0.3, 0.0, 0.004, 1.26, 1.2699999, 9.0])
def test_the_int8_threshold_decides_as_the_scorer_does(threshold):
    manifest = {"score": {"scale": 0.01, "zero_point": 0}, "threshold": {"score": threshold}}
    level = decision(manifest)
    for score in range(-128, 128):
        value = float(np.float32(0.01) * np.float32(score))
        assert (score > level) == (value > threshold)


@pytest.mark.parametrize(("measured", "total"), [(16, 1040), (4000, 5024), (4992, 6240), (8000, 10000)])
def test_the_margin_is_a_quarter_and_at_least_a_kilobyte(measured, total):
    assert measured + arena_margin(measured) == total


@pytest.mark.parametrize("threshold", [0.5, 0.500001, 0.499999, 0.62, 0.74])
def test_a_threshold_between_levels_decides_as_before(threshold):
    numbers = {"scale": 0.25, "zero_point": -3}
    moved = between_levels(threshold, numbers)
    levels = 0.25 * (np.arange(-128, 128) + 3)
    np.testing.assert_array_equal(levels > moved, levels > threshold + 2e-5)
    assert np.abs(levels - moved).min() == 0.125
