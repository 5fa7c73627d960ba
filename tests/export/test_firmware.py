"""The firmware bundle: its C against the Python it stands for, compiled as a microcontroller's would be."""

import ctypes
import re
import shutil
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given, settings
from hypothesis import strategies as st
from int8_students import curves, int8_student, relative

from keras_sibeat.data.recording import read_recording
from keras_sibeat.errors import ExportError
from keras_sibeat.export import firmware
from keras_sibeat.export.c_text import text
from keras_sibeat.export.firmware import arena_margin, decision, write_firmware
from keras_sibeat.export.tflm import measure_arena, operations
from sibeat_edge.beats.rhythm import rhythm as features_of
from sibeat_edge.beats.template import WearerTemplate
from sibeat_edge.beats.windows import beat_windows, beside, normalise
from sibeat_edge.model.runtime import Model
from sibeat_edge.signal.filters import BandPass, process

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror"]
CORTEX = [*STRICT, "-mcpu=cortex-m4", "-mthumb"]
HEALTHY, MODEL, INPUTS, SCORES, DIFFER = range(5)  # sibeat_health
ARENA = 4000
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.POINTER(ctypes.c_int8))
DRIVER = """
#include "sibeat_preprocess.h"
unsigned int filter_size(void) { return sizeof(sibeat_band_pass); }
#if SIBEAT_RHYTHM_FEATURES
#include "sibeat_wearer.h"
unsigned int template_size(void) { return sizeof(sibeat_template); }
unsigned int rhythm_size(void) { return sizeof(sibeat_rhythm); }
#endif
"""
# As much of TensorFlow Lite Micro as the example uses: it runs the model by looking its golden beats up.
TFLM = """
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstring>
#include "sibeat_config.h"
#include "sibeat_golden.h"
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
#define MicroPrintf(...) (std::printf(__VA_ARGS__), std::puts(""))
struct TfLiteTensor { struct { int8_t *int8; } data; };
namespace tflite {
struct Model {};
inline const Model *GetModel(const void *) { return nullptr; }
inline void InitializeTarget() {}
template <unsigned int count> struct MicroMutableOpResolver {
  unsigned int added = 0;
  TfLiteStatus AddConv2D() { return ++added <= count ? kTfLiteOk : kTfLiteError; }
  TfLiteStatus AddFullyConnected() { return AddConv2D(); }
  TfLiteStatus AddReshape() { return AddConv2D(); }
  TfLiteStatus AddConcatenation() { return AddConv2D(); }
};
class MicroInterpreter {
 public:
  template <class Resolver>
  MicroInterpreter(const Model *, const Resolver &, uint8_t *, unsigned int) {}
  TfLiteStatus AllocateTensors() { return kTfLiteOk; }
  unsigned int arena_used_bytes() const { return 1; }
  TfLiteTensor *input(int place) {
    tensor_.data.int8 = place == SIBEAT_WINDOW_INPUT ? input_ : input_ + SIBEAT_WINDOW_BYTES;
    return &tensor_;
  }
  TfLiteTensor *output(int) { tensor_.data.int8 = &score_; return &tensor_; }
  TfLiteStatus Invoke() {
    for (int beat = 0; beat < SIBEAT_GOLDEN_BEATS; beat++)
      if (!std::memcmp(input_, sibeat_golden_inputs[beat], sizeof input_))
        score_ = towards_zero(sibeat_golden_scores[beat]);
    return INVOKED;
  }
 private:
  int8_t towards_zero(int score) { return static_cast<int8_t>(score < 0 ? score + OFF : score - OFF); }
  int8_t input_[SIBEAT_INPUT_BYTES], score_ = 0;
  TfLiteTensor tensor_;
};
}
"""


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: the bundle cannot be compiled here")
    return program


def compile_with(program, *arguments, cwd):
    done = subprocess.run([need(program), *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def bundle(folder, leads=1, arena=ARENA, **student):
    """A bundle of a student and of 16 curves; returns the model's bytes, too."""
    content, manifest = int8_student(leads=leads, **student)
    beats = relative(16, leads, seed=5) if student.get("wearer") else [curves(16, leads, seed=5)]
    write_firmware(folder, content, manifest, beats, arena)
    return folder, content


def load(folder):
    """The bundle's C as a library of this computer, compiled as strictly as it must be."""
    (folder / "build").mkdir()
    (folder / "build" / "driver.c").write_text(DRIVER)
    sources = [*sorted(folder.glob("sibeat_*.c")), folder / "build" / "driver.c"]
    compile_with(
        "gcc", *STRICT, "-O2", "-shared", "-fPIC", "-I.", *sources, "-lm", "-o", "build/sibeat.so", cwd=folder
    )
    library = ctypes.CDLL(str(folder / "build" / "sibeat.so"))
    library.sibeat_crc32.restype = ctypes.c_uint32
    library.sibeat_crc32.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    library.sibeat_band_pass_push.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.POINTER(ctypes.c_float)]
    return library


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return bundle(tmp_path_factory.mktemp("single") / "firmware")


@pytest.fixture(scope="module")
def double(tmp_path_factory):
    """Of a model of two leads, which gives residuals, too."""
    return bundle(tmp_path_factory.mktemp("double") / "firmware", leads=2, rebuilds=True)


@pytest.fixture(scope="module")
def relative_one(tmp_path_factory):
    """Of a model of beats beside their wearer's template, in two leads."""
    return bundle(tmp_path_factory.mktemp("relative") / "firmware", leads=2, wearer=True)


@pytest.fixture(scope="module")
def library(single):
    return load(single[0])


@pytest.fixture(scope="module")
def library_of_two(double):
    return load(double[0])


def macro(folder, name):
    """The value of a macro, without its comment."""
    sources = "".join(header.read_text() for header in sorted(folder.glob("*.h")))
    (value,) = re.findall(rf"#define SIBEAT_{name} (.*?)(?: /\*.*)?\n", sources)
    return value.strip("()")


# C that compiles


@pytest.mark.parametrize("which", ["single", "double", "relative_one"])
def test_every_c_file_compiles_without_a_warning(which, request, tmp_path):
    folder, _ = request.getfixturevalue(which)
    files = sorted(folder.glob("*.c"))
    assert len(files) == (8 if which == "relative_one" else 7)
    for file in files:
        compile_with("gcc", *STRICT, "-c", file, "-o", tmp_path / "one.o", cwd=folder)


@pytest.mark.parametrize("which", ["single", "double", "relative_one"])
def test_every_c_file_compiles_for_a_cortex_m4(which, request, tmp_path):
    folder, _ = request.getfixturevalue(which)
    for file in sorted(folder.glob("sibeat_*.c")):
        compile_with("arm-none-eabi-gcc", *CORTEX, "-c", file, "-o", tmp_path / "one.o", cwd=folder)


@pytest.mark.parametrize("which", ["single", "relative_one"])
def test_each_c_header_compiles_alone_and_in_cpp(which, request, tmp_path):
    folder, _ = request.getfixturevalue(which)
    for header in sorted({*folder.glob("*.h")} - {folder / "sibeat_ops.h"}):
        for program, suffix, flags in (("gcc", "c", STRICT), ("g++", "cc", STRICT[1:])):
            source = tmp_path / f"one.{suffix}"
            source.write_text(f'#include "{header.name}"\nint one = 1;\n')
            compile_with(program, *flags, "-I", folder, "-fsyntax-only", source, cwd=folder)


@pytest.mark.parametrize("which", ["single", "relative_one"])
def test_the_makefile_checks_the_bundle(which, request, tmp_path):
    need("make"), need("gcc")
    folder = tmp_path / "copied"
    shutil.copytree(request.getfixturevalue(which)[0], folder, ignore=shutil.ignore_patterns("build"))
    done = subprocess.run(["make", "-C", folder, "check"], capture_output=True, text=True)
    assert done.returncode == 0 and "checksums are right" in done.stdout
    flip(folder / "sibeat_model.c")
    done = subprocess.run(["make", "-C", folder, "check"], capture_output=True, text=True)
    assert done.returncode != 0 and "WRONG" in done.stdout


@pytest.mark.parametrize(
    ("off", "invoked", "passes"),
    [(0, "kTfLiteOk", True), (1, "kTfLiteOk", True), (2, "kTfLiteOk", False), (0, "kTfLiteError", False)],
)
@pytest.mark.parametrize("which", ["single", "relative_one"])
def test_the_example_scores_a_beat_only_where_the_golden_ones_are_right(
    request, which, tmp_path, off, invoked, passes
):
    folder, _ = request.getfixturevalue(which)
    for name in ("interpreter", "log", "mutable_op_resolver"):
        path = tmp_path / "tensorflow" / "lite" / "micro" / f"micro_{name}.h"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#include "tflm.h"\n')
    for path in ("micro/system_setup.h", "schema/schema_generated.h"):
        (tmp_path / "tensorflow" / "lite" / path).parent.mkdir(exist_ok=True)
        (tmp_path / "tensorflow" / "lite" / path).write_text('#include "tflm.h"\n')
    (tmp_path / "tflm.h").write_text(TFLM.replace("OFF", str(off)).replace("INVOKED", invoked))
    need("gcc")
    for file in folder.glob("sibeat_*.c"):
        compile_with("gcc", *STRICT, "-c", file, "-o", tmp_path / f"{file.stem}.o", cwd=folder)
    objects, flags = sorted(tmp_path.glob("*.o")), ["-std=c++17", "-Wall", "-Wextra", "-Werror"]
    example = folder / "example_main.cc"
    compile_with(
        "g++", *flags, "-I", folder, "-I", tmp_path, example, *objects, "-o", "example", cwd=tmp_path
    )
    done = subprocess.run([tmp_path / "example"], capture_output=True, text=True)
    assert (done.returncode == 0) == passes
    assert ("a beat scored" in done.stdout) == passes and ("FAILED" in done.stdout) != passes


# What the arrays hold


@pytest.mark.parametrize("which", ["single", "double"])
def test_the_model_s_array_is_the_file_aligned_to_16_bytes(which, request):
    _, content = request.getfixturevalue(which)
    loaded = request.getfixturevalue({"single": "library", "double": "library_of_two"}[which])
    array = (ctypes.c_ubyte * len(content)).in_dll(loaded, "sibeat_model")
    assert bytes(array) == content
    assert ctypes.addressof(array) % 16 == 0


def by_litert(content, inputs):
    """Quantised scores of int8 inputs, by LiteRT's builtin kernels; the output found by its shape."""
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    (score,) = [d["index"] for d in interpreter.get_output_details() if tuple(d["shape"]) == (1, 1)]
    scores = []
    for one in inputs:
        interpreter.set_tensor(entry["index"], one.reshape(entry["shape"]))
        interpreter.invoke()
        scores.append(int(interpreter.get_tensor(score)[0, 0]))
    return scores


@pytest.mark.parametrize(("which", "leads"), [("single", 1), ("double", 2)])
def test_the_golden_scores_are_litert_s_of_the_golden_beats(which, leads, request):
    _, content = request.getfixturevalue(which)
    loaded = request.getfixturevalue({"single": "library", "double": "library_of_two"}[which])
    inputs = (ctypes.c_int8 * (16 * 320 * leads)).in_dll(loaded, "sibeat_golden_inputs")
    inputs = np.array(inputs, np.int8).reshape(16, 320, leads)
    scores = list((ctypes.c_int8 * 16).in_dll(loaded, "sibeat_golden_scores"))
    model = Model(content)
    wanted = np.stack([model.quantise(window)[0] for window in curves(16, leads, seed=5)])
    np.testing.assert_array_equal(inputs, wanted)
    assert scores == by_litert(content, wanted) and len(set(scores)) > 4


def test_the_golden_beats_of_a_wearer_s_model_hold_both_inputs(relative_one):
    folder, content = relative_one
    loaded, model, parts = load(folder), Model(content), relative(16, 2, seed=5)
    found = np.array((ctypes.c_int8 * (16 * (1280 + 8))).in_dll(loaded, "sibeat_golden_inputs")).reshape(
        16, -1
    )
    quantised = [model.quantise(*beat) for beat in zip(*parts, strict=True)]
    for row, (window, rhythm) in zip(found, quantised, strict=True):
        np.testing.assert_array_equal(row, np.concatenate([window.ravel(), rhythm]))
    scores = np.array((ctypes.c_int8 * 16).in_dll(loaded, "sibeat_golden_scores"))
    assert scores.tolist() == [model.score_raw(*beat) for beat in quantised] and len(set(scores)) > 4
    shapes = [tuple(d["shape"]) for d in Interpreter(model_content=content).get_input_details()]
    places = [int(macro(folder, f"{name}_INPUT")) for name in ("WINDOW", "RHYTHM")]
    assert [shapes[place] for place in places] == [(1, 320, 4), (1, 8)]


@pytest.mark.parametrize("seed", range(10))
def test_a_beat_beside_its_template_is_bit_for_bit_the_scorer_s(relative_one, seed):
    folder, content = relative_one
    built = folder / "build" / "sibeat.so"
    library = ctypes.CDLL(str(built)) if built.exists() else load(folder)
    draws = np.random.default_rng(seed)
    own = (draws.normal(size=(320, 2)) * 10.0 ** draws.integers(-2, 2)).astype(np.float32)
    window = (own * draws.uniform(0.2, 4) + 0.1 * draws.normal(size=(320, 2))).astype(np.float32)
    features, found = draws.normal(scale=0.3, size=8).astype(np.float32), np.zeros(1280 + 8, np.int8)
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (window, own, features, found)]
    library.sibeat_quantise_beside(pointers[0], pointers[1], pointers[3])
    library.sibeat_quantise_rhythm(pointers[2], pointers[3])
    wanted = Model(content).quantise(beside(window, own), features)
    np.testing.assert_array_equal(found, np.concatenate([part.ravel() for part in wanted]))


@pytest.fixture(scope="module")
def wearer_library(relative_one):
    folder, _ = relative_one
    built = folder / "build" / "sibeat.so"
    library = ctypes.CDLL(str(built)) if built.exists() else load(folder)
    library.sibeat_rhythm_push.argtypes = [ctypes.c_char_p, ctypes.c_float]
    library.sibeat_rhythm_features.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_void_p]
    library.sibeat_template_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_float]
    library.sibeat_template_nearest.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.sibeat_template_nearest.restype = ctypes.POINTER(ctypes.c_float)
    return library


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), unknown=st.floats(0, 0.9), waits=st.booleans())
def test_the_rhythm_is_the_scorer_s(wearer_library, seed, unknown, waits):
    draws = np.random.default_rng(seed)
    intervals = draws.lognormal(-0.2, 0.5, 60).astype(np.float32)
    intervals[draws.random(60) < unknown] = np.nan
    state, found = ctypes.create_string_buffer(4 * 43 + 4), np.zeros(8, np.float32)
    wearer_library.sibeat_rhythm_start(state)
    for number, interval in enumerate(intervals[:-1]):
        wearer_library.sibeat_rhythm_push(state, interval)
        after = intervals[number + 1] if waits else np.nan
        wearer_library.sibeat_rhythm_features(state, after, found.ctypes.data)
        padded = np.concatenate([np.full(43, np.nan), intervals[: number + 1]])
        np.testing.assert_allclose(found, features_of(padded[-43:-3], padded[-3:], after), atol=1e-5)


def wandering(seed):
    return np.random.default_rng(seed).normal(size=(320, 2)).cumsum(axis=0)


def shapes_of_a_wearer():
    """Five shapes, mV: three unlike each other, and the first with another second lead, or a spike."""
    one, two, three = (wandering(seed) / 20 for seed in range(3))
    spiky, other_lead = one.copy(), np.stack([one[:, 0], two[:, 1]], axis=1)
    spiky[300, 0] += 0.5 * np.ptp(one[:, 0])
    return [one, two, three, other_lead, spiky]


SHAPES, STEADY = shapes_of_a_wearer(), 80 * [0]
LIVES = {  # what becomes of a wearer: the shape of each beat, and the seconds before it
    "one shape": (200 * [0], 0.8),
    "bigeminy": (150 * [0, 1], 150 * [0.9, 0.5]),
    "mostly premature at first": (150 * [1, 1, 0], 150 * [0.5, 0.5, 1.0]),
    "premature at random": (
        [int(n * n % 97 < 72) for n in range(400)],
        [0.5 if n * n % 97 < 72 else 1 for n in range(400)],
    ),
    "late now and then": (50 * [0, 0, 0, 1, 0, 0, 0, 0], 50 * [0.9, 0.9, 0.9, 1.6, 0.9, 0.9, 0.9, 0.9]),
    "three kinds at first": (150 * [0, 1, 2], 0.8),
    "two shapes by turns": (STEADY + 20 * (10 * [1] + 10 * [0]), 0.8),
    "three shapes one by one": (STEADY + 150 * [1] + 150 * [2] + 150 * [0], 0.8),
    "back and forth": (STEADY + 130 * [1] + 20 * [0] + 130 * [2] + 20 * [0] + 130 * [1], 0.8),
    "a tachycardia": (STEADY + 300 * [1] + STEADY, 80 * [0.8] + 300 * [0.36] + 80 * [0.8]),
    "a little early": (STEADY + 150 * [1], 80 * [0.8] + 150 * [0.74]),
    "too early": (STEADY + 150 * [1], 80 * [0.8] + 150 * [0.7]),
    "too early for the slower kind alone": (
        STEADY + 150 * [1] + 20 * [0] + 10 * [1] + 150 * [2],
        80 * [0.8] + 150 * [1.2] + 20 * [0.8] + 10 * [1.2] + 150 * [0.75],
    ),
    "one in six": (STEADY + 200 * [1, 0, 0, 0, 0, 0], 0.8),
    "another second lead": (STEADY + 150 * [3], 0.8),
    "a spike now and then": (STEADY + 60 * [4, 0], 0.8),
    "noise": (100 * [None] + 200 * [0], 0.8),
    "noise and a frequent kind": (STEADY + 100 * [1, None, 2, 1] + 50 * [2], 0.8),
    "odd intervals": (STEADY + 20 * [0] + 200 * [1], 40 * [0.8] + [np.inf, 0, 60.0] + 257 * [0.8]),
}


class Kind(ctypes.Structure):
    _fields_ = (("middle", ctypes.c_float * 640), ("rr", ctypes.c_float))


class Template(ctypes.Structure):
    """``sibeat_template`` of two leads."""

    _fields_ = (
        ("kinds", Kind * 2),
        ("kind_count", ctypes.c_uint8),
        ("others", ctypes.c_float * 640 * 60),
        ("intervals", ctypes.c_float * 60),
        ("first", ctypes.c_uint8),
        ("other_count", ctypes.c_uint8),
        ("count", ctypes.c_uint32),
        ("since", ctypes.c_uint32),
        ("unlike", ctypes.c_uint32),
    )


def follow(library, windows, intervals):
    """Push every beat into the C and the Python template, which must agree all the way; returns this one."""
    state, own = Template(), WearerTemplate()
    library.sibeat_template_start(ctypes.byref(state))
    for number, (window, rr) in enumerate(zip(windows, intervals, strict=True)):
        count = library.sibeat_template_push(ctypes.byref(state), window.ctypes.data, rr)
        own.push(window, rr)
        assert count == state.kind_count == len(own.beats) and state.other_count == own.waiting, number
        for found, wanted in zip(state.kinds, own._kinds, strict=False):
            assert found.rr == pytest.approx(wanted.rr, rel=1e-4), number
            middle = np.array(found.middle).reshape(wanted.middle.shape)
            np.testing.assert_allclose(middle, wanted.middle, atol=1e-4 * np.ptp(wanted.middle))
        nearest = library.sibeat_template_nearest(ctypes.byref(state), window.ctypes.data)
        wanted = own.nearest(window)
        assert bool(nearest) == (wanted is not None)
        if nearest:
            found = np.ctypeslib.as_array(nearest, wanted.shape)
            np.testing.assert_allclose(found, wanted, atol=1e-4 * np.ptp(wanted))
    return own


@pytest.mark.parametrize("life", LIVES)
def test_the_template_is_the_scorer_s(wearer_library, life):
    shapes, seconds = LIVES[life]
    draws = np.random.default_rng(0)
    seconds = np.broadcast_to(np.float32(seconds), len(shapes)).copy()
    seconds[draws.random(len(seconds)) < 0.1] = np.nan
    beats = [wandering(100 + n) / 2 if shape is None else SHAPES[shape] for n, shape in enumerate(shapes)]
    windows = [np.float32(beat + draws.normal(scale=0.01, size=(320, 2))) for beat in beats]
    assert follow(wearer_library, windows, seconds).beat is not None


@pytest.mark.parametrize("name", ["207", "231"])
def test_the_template_is_the_scorer_s_on_recorded_beats(wearer_library, mitdb, name):
    """Records of bundles that conduct now and then, among extrasystoles and a flutter."""
    recording = read_recording(mitdb / name)
    windows, inside = beat_windows(process(BandPass(), recording.signal), recording.annotations.samples)
    intervals = np.diff(recording.annotations.samples[inside], prepend=-np.inf).astype(np.float32) / 360
    own = follow(wearer_library, windows, intervals)
    assert own.added or own.trouble_before


def test_the_lives_are_what_they_are_called():
    """Else the C would be compared where nothing happens."""

    def added(life):
        shapes, seconds = LIVES[life]
        own = WearerTemplate()
        for shape, rr in zip(shapes, np.broadcast_to(seconds, len(shapes)), strict=True):
            own.push(np.float32(SHAPES[shape]), rr)
        return own.added, bool(own.trouble_before)

    for life in ("two shapes by turns", "a little early", "another second lead", "odd intervals"):
        assert added(life) == (1, False), life
    for life in ("too early", "a tachycardia", "one in six", "bigeminy"):
        assert added(life) == (0, False), life
    for life in (
        "mostly premature at first",
        "premature at random",
        "late now and then",
        "three kinds at first",
    ):
        assert added(life) == (0, True), life
    assert added("back and forth") == (3, False)
    assert added("too early for the slower kind alone") == (2, False)


def test_a_bundle_of_beats_that_stand_alone_has_no_template(single, relative_one, wearer_library):
    assert not (single[0] / "sibeat_wearer.c").exists() and (relative_one[0] / "sibeat_wearer.c").exists()
    sizes = [wearer_library.template_size(), wearer_library.rhythm_size()]
    assert sizes[0] == ctypes.sizeof(Template)
    told = (relative_one[0] / "README.md").read_text()
    assert f"| The wearer's template and rhythm, RAM | {sum(sizes):,} |" in told
    assert "`sibeat_wearer.c/.h`" in told and "no score yet" in told


def test_the_texts_are_the_manifest_s(library):
    _, manifest = int8_student()
    for key in ("name", "licence", "notice"):
        value = manifest[key].encode()
        assert (ctypes.c_char * (len(value) + 1)).in_dll(library, f"sibeat_{key}").raw == value + b"\0"


@pytest.mark.parametrize(
    ("value", "escaped"), [('a"b', '"a\\042b"'), ("a\n1", '"a\\0121"'), ("??=", '"\\077\\077="')]
)
def test_a_text_is_one_string_constant(value, escaped):
    assert text(value) == escaped


def test_the_configuration_is_the_manifest_s(double):
    folder, content = double
    manifest = Model(content).manifest
    whole = {
        "RATE_HZ": 360,
        "LEADS": 2,
        "BEFORE": 140,
        "AFTER": 180,
        "LENGTH": 320,
        "DELAY": 108,
        "TAPS": 217,
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
    folder, content = request.getfixturevalue(which)
    interpreter = Interpreter(model_content=content)
    shapes = [tuple(detail["shape"]) for detail in interpreter.get_output_details()]
    assert shapes[int(macro(folder, "SCORE_OUTPUT"))] == (1, 1)


@pytest.mark.parametrize(("which", "count"), [("single", 3), ("double", 7)])
def test_the_resolver_has_exactly_the_model_s_operations(which, count, request):
    folder, content = request.getfixturevalue(which)
    source = (folder / "sibeat_ops.h").read_text()
    kind = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=kind)
    wanted = {detail["op_name"] for detail in interpreter._get_ops_details()}
    added = re.findall(r"resolver\.Add(\w+)\(\)", source)
    assert sorted(name.lower() for name in added) == sorted(name.replace("_", "").lower() for name in wanted)
    assert len(added) == count and f"MicroMutableOpResolver<{count}>;" in source


def test_the_readme_tells_the_figures(single, library):
    folder, content = single
    told = (folder / "README.md").read_text()
    assert "$" not in told and f"| {len(content):,} |" in told
    assert "| 4,000 |" in told and "| 1,024 |" in told and "| **5,024** |" in told
    assert f"| {library.filter_size():,} |" in told
    assert f"`SIBEAT_THRESHOLD_INT8` ({macro(folder, 'THRESHOLD_INT8')})" in told


# Thresholds and margins


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


# Preprocessing


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=64))
def test_the_crc_is_zlib_s(library, data):
    assert library.sibeat_crc32(data, len(data)) == zlib.crc32(data)


def c_band_pass(library, samples):
    """All of a lead through the C filter: its last sample repeated, as the header says."""
    state, out = ctypes.create_string_buffer(library.filter_size()), ctypes.c_float()
    library.sibeat_band_pass_start(state)
    found = []
    for sample in np.concatenate([samples, np.repeat(samples[-1:], 108)]):
        if library.sibeat_band_pass_push(state, sample, ctypes.byref(out)):
            found.append(out.value)
    return np.array(found)


@pytest.mark.parametrize("count", [1, 50, 1000])
def test_the_band_pass_is_the_scorer_s(library, count):
    samples = 3 + np.random.default_rng(0).standard_normal(count)  # an offset, as electrodes have
    wanted = process(BandPass(), samples)
    np.testing.assert_allclose(c_band_pass(library, samples), wanted, atol=2e-6 * np.abs(samples).max())


@pytest.mark.parametrize("first", [0, 7])
def test_missing_samples_hold_the_last_value_or_zero(library, first):
    samples = np.random.default_rng(0).standard_normal(600)
    filled = samples.copy()
    filled[first : first + 90] = samples[first - 1] if first else 0.0
    filled[400:402] = samples[399]
    samples[first : first + 90], samples[400], samples[401] = np.nan, np.inf, -np.inf
    np.testing.assert_allclose(c_band_pass(library, samples), process(BandPass(), filled), atol=1e-5)


def quantised(library, window):
    window, found = np.ascontiguousarray(window, np.float32), np.empty(window.shape, np.int8)
    library.sibeat_quantise_window(
        window.ctypes.data_as(ctypes.c_void_p), found.ctypes.data_as(ctypes.c_void_p)
    )
    return found


def check_window(library, content, window):
    wanted = Model(content).quantise(normalise(window))[0]
    np.testing.assert_array_equal(quantised(library, window), wanted)
    return wanted


@pytest.mark.parametrize("seed", range(20))
def test_the_input_is_bit_for_bit_the_scorer_s(library_of_two, double, seed):
    draws = np.random.default_rng(seed)
    window = draws.normal(size=(320, 2)) * [[10.0 ** draws.integers(-3, 3), 1.0]] + draws.normal(size=2)
    check_window(library_of_two, double[1], window.astype(np.float32))


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_halves_are_rounded_as_the_scorer_rounds_them(library, single, step):
    """Values halfway between two int8 levels, and a single-precision step to either side."""
    scale = Model(single[1]).manifest["input"]["scale"]
    halves = np.round(np.arange(-126.5, 127) * scale * 2**23) + step
    window = np.full((320, 1), -1, np.float32)
    window[1, 0], window[2 : 2 + len(halves), 0] = 1, halves / 2**23  # exact, and scaled by nothing
    np.testing.assert_array_equal(normalise(window), window)
    check_window(library, single[1], window)


def test_a_flat_lead_becomes_zero(library_of_two, double):
    window = np.stack([np.full(320, 0.7), np.sin(np.arange(320))], axis=1).astype(np.float32)
    wanted = check_window(library_of_two, double[1], window)
    assert set(wanted[:, 0]) == {Model(double[1]).manifest["input"]["zero_point"]}


# Self-test


def test_the_self_test_passes_where_the_model_computes_what_it_should(library, single):
    model_input = ctypes.POINTER(ctypes.c_int8)
    content, seen = single[1], []

    def score(values: model_input):
        seen.append(np.array(values[:320], np.int8))
        return by_litert(content, seen[-1:])[0]

    assert library.sibeat_selftest(CALLBACK(score)) == HEALTHY
    assert len(seen) == 16


@pytest.mark.parametrize(("off", "health"), [(1, HEALTHY), (-1, HEALTHY), (2, DIFFER), (-2, DIFFER)])
def test_the_self_test_takes_a_unit_and_no_more(library, off, health):
    given = list((ctypes.c_int8 * 16).in_dll(library, "sibeat_golden_scores"))
    middle = int(np.argmin(np.abs(given)))  # of the others, some may be -128 or 127
    given[middle] += off
    beats = iter(given)
    assert library.sibeat_selftest(CALLBACK(lambda _: next(beats))) == health


def flip(file):
    """Change the last element of the file's last array by one bit."""
    source = file.read_text()
    *_, last = re.finditer(r"(-?\w+),\s*\};", source)
    value = str(int(last[1], 0) ^ 1)
    file.write_text(source[: last.start(1)] + value + source[last.end(1) :])


@pytest.mark.parametrize(("part", "health"), [("model", MODEL), ("inputs", INPUTS), ("golden", SCORES)])
def test_the_self_test_fails_where_a_bit_is_flipped(single, tmp_path, part, health):
    folder = tmp_path / "flipped"
    shutil.copytree(single[0], folder, ignore=shutil.ignore_patterns("build"))
    if part == "inputs":
        file = folder / "sibeat_golden.c"
        source = file.read_text()
        end = source.index(",\n    },")
        start = source.rindex(" ", 0, end) + 1
        file.write_text(source[:start] + str(int(source[start:end]) ^ 1) + source[end:])
    else:
        flip(folder / f"sibeat_{part}.c")
    assert load(folder).sibeat_selftest(CALLBACK(lambda _: pytest.fail("the model was run"))) == health


# The folder


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_the_same_arguments_give_the_same_bytes(single, tmp_path):
    again, _ = bundle(tmp_path / "again")
    assert contents(again) == contents(single[0])


def test_a_bundle_replaces_an_earlier_one_and_what_was_built_of_it(tmp_path):
    folder, old = bundle(tmp_path / "firmware", leads=2, rebuilds=True)
    (folder / "build").mkdir()
    _, new = bundle(folder)
    assert old != new and macro(folder, "LEADS") == "1" and not (folder / "build").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["firmware"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_a_plain_model_s_bundle_replaces_a_wearer_s(relative_one, tmp_path):
    folder = tmp_path / "firmware"
    shutil.copytree(relative_one[0], folder)
    assert (folder / "sibeat_wearer.c").exists()
    bundle(folder)
    assert not (folder / "sibeat_wearer.c").exists()


def test_a_full_disk_leaves_the_earlier_bundle(tmp_path, monkeypatch):
    folder, _ = bundle(tmp_path / "firmware")
    before, write = contents(folder), Path.write_bytes

    def fails(path, data):
        if path.name == "sibeat_model.c":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(OSError, match="No space left"):
        bundle(folder, leads=2, rebuilds=True)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["firmware"]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "main.c").write_text("int main;")
    with pytest.raises(ExportError, match=r"found main.c, expected an empty folder or an earlier bundle"):
        bundle(tmp_path)
    assert contents(tmp_path) == {"main.c": b"int main;"}
    with pytest.raises(ExportError, match="found a file, expected a folder"):
        bundle(tmp_path / "main.c")


@pytest.mark.parametrize(
    "windows",
    [
        curves(15),
        curves(16)[:, :300],
        curves(16, 2),
        curves(16).astype(float),
        1.5 * curves(16),
        np.full_like(curves(16), np.nan),
    ],
)
def test_golden_beats_must_be_16_normalised_windows(tmp_path, windows):
    content, manifest = int8_student()
    with pytest.raises(ValueError, match=r"found golden beats .*; expected \[\(16, 320, 1\)\] of float32"):
        write_firmware(tmp_path / "firmware", content, manifest, [windows], ARENA)
    assert not (tmp_path / "firmware").exists()


def test_the_manifest_must_be_the_model_s(tmp_path):
    content, manifest = int8_student()
    with pytest.raises(ValueError, match="found a manifest other than the model's own"):
        write_firmware(tmp_path / "firmware", content, {**manifest, "name": "other"}, [curves(16)], ARENA)


# TensorFlow Lite Micro


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
    folder, content = bundle(tmp_path / "firmware", arena=None, width=8, units=24)
    measured, margin = (int(macro(folder, f"ARENA_{name}_BYTES")) for name in ("MEASURED", "MARGIN"))
    assert measured == measure_arena(content) and measured + margin <= 8 * 1024


def test_a_model_that_tflm_cannot_run_has_no_arena(powers):
    pytest.importorskip("tflite_micro", reason="no tflite-micro: the arena cannot be measured")
    with pytest.raises(ExportError, match=r"found a model that it cannot run in 1048576 bytes \(.+\)\.$"):
        measure_arena(powers)


def test_without_tflite_micro_the_arena_is_not_measured(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    with pytest.raises(ExportError, match="found no tflite-micro, expected it installed"):
        bundle(tmp_path / "firmware", arena=None)
    assert not (tmp_path / "firmware").exists()


def test_the_files_that_never_change_ship_with_the_package():
    packaged = (Path(firmware.__file__).parents[1] / "setup.cfg").read_text()
    assert "firmware_files/*" in packaged
