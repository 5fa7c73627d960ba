"""A model as plain C, compiled, and its scores of many beats."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from keras_sibeat.export.firmware import STATIC

HARD = [
    "-std=c99",
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wdouble-promotion",
    "-Werror",
]
# Scores beats in scratch memory of just the size that is asked for, off any alignment.
DRIVER = """
#include <stdlib.h>
#include "sibeat_net.h"
int score_all(const int8_t *windows, int window, const int8_t *rhythms, int rhythm, int beats, int8_t *scores)
{
    int8_t *scratch = malloc(SIBEAT_NET_SCRATCH_BYTES + 1);
    int scored = 0;

    for (int beat = 0; beat < beats; beat++)
        scored += sibeat_net_run(windows + beat * window, rhythms ? rhythms + beat * rhythm : NULL,
                                 scores + beat * SIBEAT_NET_OUTPUTS, scratch + 1);
    free(scratch);
    return scored;
}
"""


def build(folder, generated, *flags, compiler="gcc"):
    """The model of a bundle as a library, built in a folder."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}: the model in C cannot be compiled here")
    folder.mkdir(exist_ok=True)
    (folder / "driver.c").write_text(DRIVER)
    sources = [generated / "sibeat_net.c", STATIC / "sibeat_layer.c", folder / "driver.c"]
    includes = ["-I", generated, "-I", STATIC, "-fPIC", "-shared"]
    command = [compiler, *HARD, *flags, *includes, *sources, "-o", "net.so"]
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(folder / "net.so"))


def by_c(library, arrays):
    """The scores of beats: int8 ``(beats,)``; windows first, then rhythms."""
    arrays = [np.ascontiguousarray(array) for array in arrays]
    scores = np.empty(len(arrays[0]), np.int8)
    given = []
    for array in arrays:
        given += [ctypes.c_void_p(array.ctypes.data), array[0].size]
    given += [None, 0] * (2 - len(arrays))
    assert library.score_all(*given, len(scores), ctypes.c_void_p(scores.ctypes.data)) == len(scores)
    return scores
