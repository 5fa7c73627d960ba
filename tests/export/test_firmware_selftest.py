"""The bundle's check at boot: it passes what was exported, and finds what was changed."""

import ctypes
import shutil

import numpy as np
import pytest
from bundles import by_litert, flip, load
from compilers import STRICT, compile_with

HEALTHY, MODEL, INPUTS, SCORES, DIFFER = range(5)  # sibeat_health
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int8, ctypes.POINTER(ctypes.c_int8))


def test_the_self_test_passes_where_the_model_computes_what_it_should(single):
    model_input = ctypes.POINTER(ctypes.c_int8)
    seen = []

    def score(values: model_input):
        seen.append(np.array(values[:320], np.int8))
        return by_litert(single.content, seen[-1:])[0]

    assert single.library.sibeat_selftest(CALLBACK(score)) == HEALTHY
    assert len(seen) == 16


@pytest.mark.parametrize(("off", "health"), [(1, HEALTHY), (-1, HEALTHY), (2, DIFFER), (-2, DIFFER)])
def test_the_self_test_takes_a_unit_and_no_more(single, off, health):
    given = list((ctypes.c_int8 * 16).in_dll(single.library, "sibeat_golden_scores"))
    middle = int(np.argmin(np.abs(given)))  # of the others, some may be -128 or 127
    given[middle] += off
    beats = iter(given)
    assert single.library.sibeat_selftest(CALLBACK(lambda _: next(beats))) == health


@pytest.mark.parametrize(
    ("name", "place", "health"),
    [("net", "last", MODEL), ("golden", "first beat", INPUTS), ("golden", "last", SCORES)],
)
def test_the_self_test_fails_where_a_bit_is_flipped(single, tmp_path, name, place, health):
    stem = f"sibeat_{name}"
    file = tmp_path / f"{stem}.c"
    shutil.copyfile(single.folder / file.name, file)
    if place == "last":
        flip(file)
    else:
        source = file.read_text()
        end = source.index(",\n    },")
        start = source.rindex(" ", 0, end) + 1
        file.write_text(source[:start] + str(int(source[start:end]) ^ 1) + source[end:])
    compile_with("gcc", *STRICT, "-O2", "-fPIC", "-I", single.folder, "-c", file, cwd=tmp_path)
    objects = {**single.objects, stem: tmp_path / f"{stem}.o"}
    library = load(tmp_path, [object for other, object in objects.items() if other != "host_check"])
    assert library.sibeat_selftest(CALLBACK(lambda _: pytest.fail("the model was run"))) == health


def test_with_tflm_the_self_test_is_of_the_model_for_it(single, tmp_path):
    assert single.tflm_library.sibeat_check_data() == HEALTHY
    for file in single.sources:
        shutil.copyfile(file, tmp_path / file.name)
    flip(tmp_path / "sibeat_model.c")
    flags = ["-O2", "-fPIC", "-DSIBEAT_TFLM", "-I", single.folder]
    compile_with("gcc", *STRICT, *flags, "-c", *tmp_path.glob("*.c"), cwd=tmp_path)
    assert load(tmp_path, sorted(tmp_path.glob("*.o"))).sibeat_check_data() == MODEL
