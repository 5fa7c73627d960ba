"""The model as plain C: compiled strictly, and with every option, it computes what TFLM computes."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest
from bundles import macro
from compiled_net import DRIVER, HARD, build, by_c
from compilers import CORTEX, compile_with
from small_nets import by_litert, by_tflm, drawn

from keras_sibeat.export.c_net import flash_bytes
from keras_sibeat.export.net import read_net
from keras_sibeat.models.tensors import read_tensors

# The DSP instructions of Arm's C language extensions, computed in plain C.
ACLE = """
#include <stdint.h>
typedef int32_t int16x2_t, int8x4_t;
static int32_t half(uint32_t word, int place) { return (int16_t)(uint16_t)(word >> (16 * place)); }
static int16x2_t __sxtb16(int8x4_t bytes)
{
    const uint32_t word = (uint32_t)bytes;
    const uint16_t low = (uint16_t)(int8_t)(uint8_t)word, high = (uint16_t)(int8_t)(uint8_t)(word >> 16);
    return (int16x2_t)(low | (uint32_t)high << 16);
}
static int32_t __smlad(int16x2_t a, int16x2_t b, int32_t sum)
{
    const uint32_t first = (uint32_t)a, second = (uint32_t)b;
    return sum + half(first, 0) * half(second, 0) + half(first, 1) * half(second, 1);
}
"""


def beats_of(content, count=150):
    """Random beats: windows first, then rhythms; and the same in the order of the model's inputs."""
    ordered = drawn(content, count)
    return sorted(ordered, key=lambda array: -array[0].size), ordered


@pytest.fixture
def emulated(tmp_path):
    folder = tmp_path / "acle"
    folder.mkdir()
    (folder / "arm_acle.h").write_text(ACLE)
    return ["-D__ARM_FEATURE_DSP", "-I", folder]


@pytest.mark.parametrize("which", ["single", "beside"])
def test_it_scores_as_tflm_does_and_litert_to_a_unit(which, request, tmp_path):
    pytest.importorskip("tflite_micro", reason="no tflite-micro: nothing to compare with")
    bundle = request.getfixturevalue(which)
    beats, ordered = beats_of(bundle.content)
    found = by_c(build(tmp_path, bundle.folder, "-O2"), beats)
    assert len(np.unique(found)) > 20
    np.testing.assert_array_equal(found, by_tflm(bundle.content, ordered)[:, 0])
    off = found.astype(int) - by_litert(bundle.content, ordered)[:, 0]
    assert np.abs(off).max() <= 1 and np.mean(off != 0) < 0.02


@pytest.mark.parametrize("which", ["single", "double", "beside"])
def test_every_way_to_compile_it_gives_the_same_scores(which, request, tmp_path, emulated):
    folder, content = request.getfixturevalue(which).folder, request.getfixturevalue(which).content
    beats, _ = beats_of(content)
    wanted = by_c(build(tmp_path / "plain", folder, "-O2"), beats)
    for number, flags in enumerate((["-Os"], ["-O3"], ["-O2", *emulated], ["-O2", "-funsigned-char"])):
        np.testing.assert_array_equal(by_c(build(tmp_path / str(number), folder, *flags), beats), wanted)
    if shutil.which("clang"):
        clang = build(tmp_path / "clang", folder, "-O2", compiler="clang")
        np.testing.assert_array_equal(by_c(clang, beats), wanted)


@pytest.mark.parametrize("which", ["single", "double", "beside"])
def test_it_stays_within_its_memory_and_has_no_undefined_behaviour(which, request, tmp_path, emulated):
    """A program, as the sanitisers want one: it scores the golden beats."""
    folder = request.getfixturevalue(which).folder
    (tmp_path / "main.c").write_text(
        DRIVER
        + """
#include "sibeat_config.h"
#include "sibeat_golden.h"
int main(void)
{
    int wrong = 0;
    for (int beat = 0; beat < SIBEAT_GOLDEN_BEATS; beat++) {
        const int8_t *input = sibeat_golden_inputs[beat];
        int8_t score;
        wrong += !score_all(input, 0, input + SIBEAT_WINDOW_BYTES, 0, 1, &score);
        wrong += score != sibeat_golden_scores[beat];
    }
    return wrong;
}
"""
    )
    sources = [folder / f"sibeat_{name}.c" for name in ("net", "golden", "layer")]
    flags = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover", "-I", folder]
    for options in ([], emulated):
        compile_with("gcc", *flags, *options, *sources, "main.c", "-o", "checked", cwd=tmp_path)
        done = subprocess.run([tmp_path / "checked"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_with_32_bits_it_scores_the_golden_beats(beside, tmp_path):
    main = tmp_path / "main.c"
    main.write_text("int main(void) { return 0; }\n")
    if subprocess.run(["gcc", "-m32", main, "-o", tmp_path / "tried"], capture_output=True).returncode:
        pytest.skip("gcc links no programs of 32 bits here (install gcc-multilib)")
    sources = [file for file in beside.folder.glob("*.c")]
    compile_with("gcc", *HARD[:1], "-m32", "-O2", *sources, "-lm", "-o", "check", cwd=tmp_path)
    assert subprocess.run([tmp_path / "check"]).returncode == 0


@pytest.mark.parametrize("flags", [["-Os"], ["-O2", "-DSIBEAT_PLAIN"]])
def test_it_compiles_for_a_cortex_m4_without_a_warning(beside, tmp_path, flags):
    sources = [beside.folder / "sibeat_net.c", beside.folder / "sibeat_layer.c"]
    compile_with("arm-none-eabi-gcc", *CORTEX, *HARD, *flags, "-c", *sources, cwd=tmp_path)


@pytest.mark.parametrize("missing", ["window", "rhythm", "score", "scratch"])
def test_without_an_argument_it_writes_nothing(beside, missing):
    names = ("window", "rhythm", "score", "scratch")
    arrays = {name: np.full(2000, 7, np.int8) for name in names}
    given = [None if name == missing else ctypes.c_void_p(arrays[name].ctypes.data) for name in names]
    assert beside.library.sibeat_net_run(*given) == 0
    assert all((array == 7).all() for array in arrays.values())


def test_a_model_of_beats_that_stand_alone_takes_no_rhythm(single):
    arrays = [np.zeros(size, np.int8) for size in (320, 1, 4000)]
    window, score, scratch = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
    assert single.library.sibeat_net_run(window, None, score, scratch) == 1


@pytest.mark.parametrize("which", ["single", "double", "beside"])
def test_its_header_tells_flash_scratch_and_work(which, request):
    folder, content = request.getfixturevalue(which).folder, request.getfixturevalue(which).content
    net = read_net(content, read_tensors(content).score.place)
    weights = sum(layer.weights.size + 9 * len(layer.weights) for layer in net.layers)
    assert weights <= int(macro(folder, "NET_BYTES")) == flash_bytes(net) < weights + 4
    assert macro(folder, "NET_OUTPUTS") == "1" and int(macro(folder, "NET_SCRATCH_BYTES")) < 4 * 320
    told = (folder / "README.md").read_text()
    for name in ("NET_BYTES", "NET_SCRATCH_BYTES", "NET_MULTIPLY_ADDS"):
        assert f"{int(macro(folder, name)):,}" in told


def test_it_has_no_globals_that_change_no_doubles_and_no_allocation(beside):
    text = "".join((beside.folder / f"sibeat_{name}.c").read_text() for name in ("net", "layer"))
    assert not re.search(r"\b(malloc|double|float|\w+lloca?)\b", text) and "SPDX-License-Identifier" in text
    nm = subprocess.run(["nm", beside.objects["sibeat_net"]], capture_output=True, text=True, check=True)
    kinds = {line.split()[-2].upper() for line in nm.stdout.splitlines()}
    assert not kinds & {"B", "C"}
