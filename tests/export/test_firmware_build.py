"""The bundle's C as a firmware engineer builds it: by the Makefile, in C++, and with the example."""

import re
import shutil
import subprocess

import pytest
from bundles import flip, macro, write_bundle
from compilers import CORTEX, STATIC, STRICT, compile_with, need

# As much of TensorFlow Lite Micro as the example uses. It finds a beat among the golden ones and gives it a
# score that is OFF units away from the right one. It fails where FAILS is set.
TFLM = """
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include "sibeat_config.h"
#include "sibeat_golden.h"
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
#define MicroPrintf(...) (std::printf(__VA_ARGS__), std::puts(""))
struct TfLiteTensor { struct { int8_t *int8; } data; };
namespace tflite {
struct OpDataFullyConnected {
#ifndef OLD
  bool is_per_channel;
#endif
};
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
    return std::getenv("FAILS") ? kTfLiteError : kTfLiteOk;
  }
 private:
  int8_t towards_zero(int score) {
    const int off = std::atoi(std::getenv("OFF"));
    return static_cast<int8_t>(score < 0 ? score + off : score - off);
  }
  int8_t input_[SIBEAT_INPUT_BYTES], score_ = 0;
  TfLiteTensor tensor_;
};
}
"""


def make(folder, *arguments):
    need("make"), need("gcc")
    return subprocess.run(["make", "-C", folder, *arguments], capture_output=True, text=True)


def check_layout(folder, generated, *arguments):
    """The Makefile in ``folder`` passes what was exported, and finds a flipped bit of the generated model."""
    done = make(folder, *arguments, "check")
    assert done.returncode == 0 and "checksums are right" in done.stdout, done.stderr
    assert "golden beats score as they should" in done.stdout
    for name in ("net", "model"):
        flip(generated / f"sibeat_{name}.c")
        done = make(folder, *arguments, "check")
        assert done.returncode != 0 and "WRONG" in done.stdout
        flip(generated / f"sibeat_{name}.c")


@pytest.mark.parametrize(("which", "count"), [("single", 21), ("double", 21), ("beside", 37)])
def test_every_c_file_compiles_without_a_warning(which, count, request):
    objects = request.getfixturevalue(which).objects
    assert len(objects) == count + 1 and "driver" in objects and "host_check" in objects


@pytest.mark.parametrize("program", ["gcc", "clang"])
@pytest.mark.parametrize("which", ["single", "beside"])
def test_every_c_file_compiles_for_the_least_flash_without_a_warning(program, which, request, tmp_path):
    folder = request.getfixturevalue(which).folder
    compile_with(program, *STRICT, "-Wpedantic", "-Os", "-c", *folder.glob("*.c"), cwd=tmp_path)


@pytest.mark.parametrize("which", ["single", "beside"])
def test_every_source_tells_its_licence(which, request):
    """Those that are the same for every model, and those generated."""
    folder = request.getfixturevalue(which).folder
    for file in [*folder.rglob("*.[ch]"), folder / "example_main.cc", folder / "Makefile"]:
        assert "SPDX-License-Identifier: MIT" in file.read_text().splitlines()[0], file.name


@pytest.mark.parametrize("which", ["single", "double", "beside"])
def test_every_c_file_compiles_for_a_cortex_m4(which, request, tmp_path):
    folder = request.getfixturevalue(which).folder
    compile_with("arm-none-eabi-gcc", *CORTEX, "-c", *folder.glob("sibeat*.c"), cwd=tmp_path)


@pytest.mark.parametrize("which", ["single", "beside"])
def test_each_c_header_compiles_alone_and_in_cpp(which, request, tmp_path):
    folder = request.getfixturevalue(which).folder
    headers = sorted({*folder.glob("*.h")} - {folder / "sibeat_ops.h"})
    plain = ["-Wall", "-Wextra", "-Werror"]
    for program, suffix, flags in (("gcc", "c", STRICT), ("g++", "cc", plain)):
        for header in headers:
            (tmp_path / f"{header.stem}.{suffix}").write_text(f'#include "{header.name}"\nint one = 1;\n')
        compile_with(
            program, *flags, "-I", folder, "-fsyntax-only", *tmp_path.glob(f"*.{suffix}"), cwd=tmp_path
        )


@pytest.mark.parametrize("which", ["single", "beside"])
def test_the_makefile_checks_a_whole_bundle(which, request, tmp_path):
    folder = tmp_path / "copied"
    shutil.copytree(request.getfixturevalue(which).folder, folder)
    check_layout(folder, folder)
    assert (folder / "build" / "host_check").exists()


def test_the_check_tells_what_a_wearer_takes(beside, tmp_path):
    folder = tmp_path / "copied"
    shutil.copytree(beside.folder, folder)
    told = make(folder, "check").stdout
    for name in ("judge", "monitor", "wearer", "template"):
        (size,) = re.findall(rf"sibeat_{name} +(\d+)", told)
        assert int(size) == getattr(beside.library, f"{name}_size")()


@pytest.mark.parametrize("student", [{}, {"leads": 2, "wearer": True}])
def test_the_makefile_checks_generated_files_in_another_folder(student, tmp_path):
    generated, _ = write_bundle(tmp_path / "generated", generated_only=True, **student)
    static = tmp_path / "static"
    shutil.copytree(STATIC, static, ignore=shutil.ignore_patterns("build"))
    assert not {file.name for file in generated.iterdir()} & {file.name for file in static.iterdir()}
    check_layout(static, generated, "MODEL=../generated")
    assert not (static / "build").exists()


@pytest.mark.parametrize("which", ["single", "beside"])
def test_the_makefile_builds_for_a_cortex_m4(which, request, tmp_path):
    need("arm-none-eabi-gcc")
    folder = tmp_path / "copied"
    shutil.copytree(request.getfixturevalue(which).folder, folder)
    done = make(folder, "arm")
    assert done.returncode == 0 and "sibeat_preprocess.o" in done.stdout, done.stderr


@pytest.mark.parametrize("which", ["single", "beside"])
def test_a_project_copies_all_files_and_has_a_main_of_its_own(request, which, tmp_path):
    bundle = request.getfixturevalue(which)
    (tmp_path / "main.cc").write_text("int main() { return 42; }\n")
    sources = [bundle.folder / "example_main.cc", tmp_path / "main.cc"]
    flags = ["-std=c++17", "-I", bundle.folder]
    objects = [file for name, file in bundle.objects.items() if name != "driver"]
    compile_with("g++", *flags, *sources, *objects, "-lm", "-o", "project", cwd=tmp_path)
    assert subprocess.run([tmp_path / "project"]).returncode == 42


@pytest.mark.parametrize("which", ["single", "beside"])
def test_the_example_runs_the_model_as_plain_c(request, which, tmp_path):
    bundle = request.getfixturevalue(which)
    objects = [file for name, file in bundle.objects.items() if name.startswith("sibeat")]
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-DSIBEAT_EXAMPLE", "-I", bundle.folder]
    example = bundle.folder / "example_main.cc"
    compile_with("g++", *flags, example, *objects, "-lm", "-o", "example", cwd=tmp_path)
    done = subprocess.run([tmp_path / "example"], capture_output=True, text=True)
    assert done.returncode == 0 and "self-test passed; a beat scored" in done.stdout


def stub_tflm(folder):
    """As much of TensorFlow Lite Micro as the example uses, in a folder for its headers."""
    micro = [f"micro/micro_{name}" for name in ("interpreter", "log", "mutable_op_resolver")]
    others = ("micro/system_setup", "micro/kernels/fully_connected", "schema/schema_generated")
    for name in (*micro, *others):
        path = folder / "tensorflow" / "lite" / f"{name}.h"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#include "tflm.h"\n')
    (folder / "tflm.h").write_text(TFLM)
    return folder


@pytest.mark.parametrize("which", ["single", "beside"])
def test_on_tflm_the_example_scores_a_beat_only_where_the_golden_ones_are_right(request, which, tmp_path):
    shutil.copytree(request.getfixturevalue(which).folder, tmp_path / "bundle")
    tflm = stub_tflm(tmp_path / "stub")
    done = make(tmp_path / "bundle", f"TFLM={tflm}", "TFLM_LIBRARY=", "tflm")
    assert done.returncode == 0, done.stderr
    for environment, passes in (
        ({"OFF": "0"}, True),
        ({"OFF": "1"}, True),
        ({"OFF": "2"}, False),
        ({"OFF": "0", "FAILS": "yes"}, False),
    ):
        example = tmp_path / "bundle" / "build" / "example_tflm"
        done = subprocess.run([example], capture_output=True, text=True, env=environment)
        assert (done.returncode == 0) == passes, environment
        assert ("a beat scored" in done.stdout) == passes and ("FAILED" in done.stdout) != passes


def test_a_tflm_without_scales_for_each_unit_does_not_compile(single, tmp_path):
    """It computes dense layers wrongly."""
    tflm = stub_tflm(tmp_path)
    arguments = ["-std=c++17", "-I", single.folder, "-I", tflm, "-fsyntax-only", "-x", "c++"]
    compile_with("g++", *arguments, single.folder / "sibeat_ops.h", cwd=tmp_path)
    command = ["g++", *map(str, arguments), "-DOLD", str(single.folder / "sibeat_ops.h")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and "is_per_channel" in done.stderr


def test_a_bundle_of_beats_that_stand_alone_has_no_template(single, beside):
    assert not (single.folder / "sibeat_wearer.c").exists()
    assert (beside.folder / "sibeat_wearer.c").exists()
    for name in ("judge", "template", "monitor", "episodes"):
        assert not (single.folder / f"sibeat_{name}.c").exists()
        assert (beside.folder / f"sibeat_{name}.h").exists()
    assert macro(single.folder, "RHYTHM_FEATURES") == "0" and macro(beside.folder, "RHYTHM_FEATURES") == "8"
