"""Firmware bundles of small students, their C compiled once, and what their text says."""

import ctypes
import functools
import re
from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from compilers import DRIVER, STRICT, compile_with
from int8_students import curves, int8_student, relative

from keras_sibeat.export.embedding import for_flash
from keras_sibeat.export.firmware import write_firmware

ARENA = 4000


@dataclass(frozen=True)
class Bundle:
    """A bundle's folder, the bytes of its model, and a folder beside it for what is built."""

    folder: Path
    content: bytes
    built: Path

    @functools.cached_property
    def objects(self):
        """Its C files compiled, by stem: position-independent, and as strictly as they must be."""
        self.built.mkdir()
        (self.built / "driver.c").write_text(DRIVER)
        sources = [*sorted(self.folder.glob("*.c")), self.built / "driver.c"]
        compile_with("gcc", *STRICT, "-O2", "-fPIC", "-I", self.folder, "-c", *sources, cwd=self.built)
        return {file.stem: file for file in self.built.glob("*.o")}

    @functools.cached_property
    def tflm_library(self):
        """The same for TensorFlow Lite Micro: with the model as a ``.tflite`` file."""
        built = self.built.with_name("built_tflm")
        built.mkdir()
        compile_with("gcc", *STRICT, "-O2", "-fPIC", "-DSIBEAT_TFLM", "-c", *self.sources, cwd=built)
        return load(built, sorted(built.glob("*.o")))

    @property
    def sources(self):
        """The C files without a main."""
        return [file for file in sorted(self.folder.glob("*.c")) if file.stem != "host_check"]

    @functools.cached_property
    def library(self):
        """The same as a library of this computer."""
        return load(self.built, [file for name, file in self.objects.items() if name != "host_check"])


def load(built, objects):
    """A library linked in the folder ``built`` from object files."""
    compile_with("gcc", "-shared", *objects, "-lm", "-o", "sibeat.so", cwd=built)
    library = ctypes.CDLL(str(built / "sibeat.so"))
    library.sibeat_crc32.restype = ctypes.c_uint32
    library.sibeat_crc32.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    return library


def write_bundle(folder, leads=1, arena=ARENA, generated_only=False, **student):
    """A bundle of a student and of 16 curves; returns the folder and the model's bytes, as flash holds it."""
    content, manifest = int8_student(leads=leads, **student)
    beats = relative(16, leads, seed=5) if student.get("wearer") else [curves(16, leads, seed=5)]
    write_firmware(folder, content, manifest, beats, arena, generated_only)
    return folder, for_flash(content)


def make_bundle(base, **student):
    """The bundle of a student below the folder ``base``."""
    folder, content = write_bundle(base / "firmware", **student)
    return Bundle(folder, content, base / "built")


def macro(folder, name):
    """The value of a macro, without its comment."""
    sources = "".join(header.read_text() for header in sorted(folder.glob("*.h")))
    (value,) = re.findall(rf"#define SIBEAT_{name} (.*?)(?: /\*.*)?\n", sources)
    return value.strip("()")


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def flip(file):
    """Change the last element of the file's last array by one bit."""
    source = file.read_text()
    *_, last = re.finditer(r"(-?\w+),\s*\}[,;]", source)
    value = str(int(last[1], 0) ^ 1)
    file.write_text(source[: last.start(1)] + value + source[last.end(1) :])


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
