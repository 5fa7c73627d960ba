"""The compilers that are here, and how strictly they take the bundle's C. Nothing of Keras is imported."""

import shutil
import subprocess
from pathlib import Path

import pytest

import sibeat_edge

STATIC = Path(sibeat_edge.__file__).parent / "firmware"  # the sources that are the same for every model
STRICT = [
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wdouble-promotion",
    "-Wvla",
    "-Werror",
]
CORTEX = [*STRICT, "-mcpu=cortex-m4", "-mthumb"]
DRIVER = """
#include "sibeat_stream.h"
unsigned int stream_size(void) { return sizeof(sibeat_stream); }
#if SIBEAT_RHYTHM_FEATURES
#include "sibeat.h"
unsigned int context_size(void) { return sizeof(sibeat_context); }
unsigned int template_size(void) { return sizeof(sibeat_template); }
unsigned int wearer_size(void) { return sizeof(sibeat_wearer); }
unsigned int wearer_ready(const sibeat_wearer *wearer) { return wearer->ready; }
void wearer_told(sibeat_wearer *wearer) { wearer->is_last = 0; }
unsigned int judge_size(void) { return sizeof(sibeat_judge); }
unsigned int look_size(void) { return sizeof(sibeat_look); }
unsigned int room_size(void) { return sizeof(sibeat_room); }
unsigned int aligner_size(void) { return sizeof(sibeat_aligner); }
unsigned int stretch_size(void) { return sizeof(sibeat_stretch); }
unsigned int threshold_size(void) { return sizeof(sibeat_threshold); }
unsigned int monitor_size(void) { return sizeof(sibeat_monitor); }
unsigned int monitor_image(void) { return SIBEAT_MONITOR_IMAGE_BYTES; }
unsigned int monitor_calls(void) { return offsetof(sibeat_monitor, calls); }
#endif
"""


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: the bundle cannot be compiled here")
    return program


def compile_with(program, *arguments, cwd):
    done = subprocess.run([need(program), *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
