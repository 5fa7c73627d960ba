"""A bundle as CMake, ESP-IDF, Zephyr and Arduino take it, and a recording replayed over a line."""

import importlib.util
import shutil
import subprocess
import sys

import kconfiglib
import numpy as np
import pytest
import yaml
from bundles import write_bundle
from c_monitor import GENERATED
from compilers import STATIC, need
from idf_component_tools.manager import ManifestManager

import sibeat_edge
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.emulated import ARM, CORES, RISC_V

COMPONENT = """
cmake_minimum_required(VERSION 3.16)
project(component C)
set(ESP_PLATFORM 1)
macro(idf_component_register)
  cmake_parse_arguments(given "" "" "SRCS;INCLUDE_DIRS" ${ARGN})
  set(COMPONENT_LIB part)
  add_library(part STATIC ${given_SRCS})
  target_include_directories(part PUBLIC ${given_INCLUDE_DIRS})
endmacro()
include(FOLDER/CMakeLists.txt)
"""
MODULE = """
cmake_minimum_required(VERSION 3.20)
project(module C)
set(CONFIG_SIBEAT y)
set(CONFIG_SIBEAT_FRONT_END_HZ 250)
macro(zephyr_include_directories)
  include_directories(${ARGN})
endmacro()
macro(zephyr_compile_definitions)
  add_compile_definitions(${ARGN})
endmacro()
macro(zephyr_library_named name)
  add_library(part STATIC)
endmacro()
macro(zephyr_library_sources)
  target_sources(part PRIVATE ${ARGN})
endmacro()
macro(zephyr_library_compile_options)
  target_compile_options(part PRIVATE ${ARGN})
endmacro()
include(FOLDER/zephyr/CMakeLists.txt)
"""
LINE = """
#include <stdio.h>
#include "sibeat_replay.h"
static void put(const char *text) { fputs(text, stdout); fflush(stdout); }
int main(void)
{
    static sibeat_context context;
    static sibeat_replay replay;
    sibeat_replay_begin(&replay, &context, 250, 0.005f, put);
    for (int byte; (byte = getchar()) != EOF;)
        sibeat_replay_byte(&replay, (uint8_t)byte);
    return 0;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(own C)
find_package(sibeat 0.2 REQUIRED)
add_executable(line line.c)
target_link_libraries(line sibeat::sibeat)
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The default preset's: the files generated for it, and those that are the same for every model."""
    folder = tmp_path_factory.mktemp("bundle") / "sibeat"
    shutil.copytree(STATIC, folder, ignore=shutil.ignore_patterns("build", "__pycache__"))
    for file in GENERATED.iterdir():
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    return folder


def cmake(*arguments):
    done = subprocess.run([need("cmake"), *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cross(compiler, core):
    """CMake's options for a compiler of bare metal."""
    need(compiler)
    flags = " ".join(CORES[core].flags)
    return (
        "-DCMAKE_SYSTEM_NAME=Generic",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"-DCMAKE_C_COMPILER={compiler}",
        f"-DCMAKE_C_FLAGS={flags} -Werror",
    )


def members(library):
    done = subprocess.run([need("ar"), "t", library], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def sources(folder):
    return {file.stem for file in folder.glob("sibeat*.c")}


@pytest.fixture(scope="module")
def installed(bundle, tmp_path_factory):
    """Built, checked and installed by CMake; the folders of the build and of the installation."""
    build, prefix = tmp_path_factory.mktemp("build"), tmp_path_factory.mktemp("prefix")
    cmake("-S", bundle, "-B", build, f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_C_FLAGS=-Werror")
    cmake("--build", build)
    done = subprocess.run(["ctest", "--test-dir", build], capture_output=True, text=True)
    assert done.returncode == 0 and "1 tests" not in done.stderr, done.stdout
    assert "100% tests passed, 0 tests failed out of 1" in done.stdout
    cmake("--install", build)
    return build, prefix


def test_cmake_builds_checks_and_installs_the_library(bundle, installed):
    build, prefix = installed
    (library,) = prefix.rglob("libsibeat.a")
    assert members(library) == sources(bundle) and (build / "host_demo").exists()
    headers = {file.name for file in (prefix / "include" / "sibeat").iterdir()}
    assert headers == {file.name for file in bundle.glob("sibeat*.h")}


def test_cmake_takes_generated_files_from_another_folder(tmp_path):
    cmake("-S", STATIC, "-B", tmp_path, f"-DSIBEAT_MODEL={GENERATED}", "-DSIBEAT_FRONT_END_HZ=250")
    cmake("--build", tmp_path, "--target", "sibeat")
    assert members(tmp_path / "libsibeat.a") == sources(STATIC) | sources(GENERATED)


def test_a_recording_replayed_over_a_line_is_told_as_the_demo_tells_it(bundle, installed, tmp_path):
    """By a project that finds the installed package, and by the script that sends."""
    build, prefix = installed
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "line.c").write_text(LINE)
    cmake("-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    cmake("--build", tmp_path / "build")
    lead = simulate_wearer(seed=6, seconds=100.0, rate=250).signal[:, 0]
    samples = np.rint(lead / 0.005).astype("<i2").tobytes()
    (tmp_path / "samples.i16").write_bytes(samples)
    demo = [build / "host_demo", tmp_path / "samples.i16", "250", "0.005"]
    wanted = subprocess.run(demo, capture_output=True, text=True, check=True).stdout
    with subprocess.Popen(
        [tmp_path / "build" / "line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as board:
        told = list(sender(bundle).replay(Both(board), samples))
        board.stdin.close()
    assert told == wanted.splitlines() and len(told) > 100


class Both:
    """A process's two pipes as one line."""

    def __init__(self, process):
        self.write, self.flush = process.stdin.write, process.stdin.flush
        self.readline = process.stdout.readline


def sender(bundle):
    spec = importlib.util.spec_from_file_location("send", bundle / "examples" / "send.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_board_that_answers_nothing_is_told(bundle):
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as board:
        board.wait()
        line = Both(board)
        line.write = line.flush = lambda *_: None
        with pytest.raises(EOFError, match="found no answer, expected lines of beats"):
            list(sender(bundle).replay(line, bytes(4)))


@pytest.mark.parametrize(
    ("text", "compiler", "core"),
    [(COMPONENT, RISC_V, "rv32imc"), (MODULE, ARM, "m33")],
    ids=["idf", "zephyr"],
)
def test_esp_idf_and_zephyr_get_every_source(bundle, tmp_path, text, compiler, core):
    """Their commands stand for ``add_library``, as CMake knows it; the compiler is that of such a chip."""
    (tmp_path / "CMakeLists.txt").write_text(text.replace("FOLDER", str(bundle)))
    cmake("-S", tmp_path, "-B", tmp_path / "build", *cross(compiler, core))
    cmake("--build", tmp_path / "build")
    assert members(tmp_path / "build" / "libpart.a") == sources(bundle)


def test_esp_idf_s_component_manager_takes_the_manifest(bundle):
    manifest = ManifestManager(str(bundle), "sibeat").load()
    assert str(manifest.version) == sibeat_edge.__version__ and manifest.license == "MIT"


def test_zephyr_s_module_names_what_is_there(bundle):
    build = yaml.safe_load((bundle / "zephyr" / "module.yml").read_text())["build"]
    assert (bundle / build["cmake"] / "CMakeLists.txt").exists() and (bundle / build["kconfig"]).exists()


def test_zephyr_s_example_sets_options_that_the_module_has(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("KCONFIG_WARN_UNDEF", "n")
    tree = kconfiglib.Kconfig(str(bundle / "zephyr" / "Kconfig"), warn=False)
    tree.load_config(str(bundle / "examples" / "zephyr_replay" / "prj.conf"))
    assert tree.syms["SIBEAT"].str_value == "y"
    assert tree.syms["SIBEAT_FRONT_END_HZ"].str_value == "360"


def test_arduino_finds_a_library(bundle):
    """As its specification asks; without a folder ``src``, all sources lie beside the properties."""
    lines = (bundle / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    needed = "name version author maintainer sentence paragraph category url architectures".split()
    assert set(needed) <= set(properties) and all(properties.values()) and not (bundle / "src").exists()
    assert properties["version"] == sibeat_edge.__version__
    assert (bundle / properties["includes"]).exists()
    sketches = [file.parent.name == file.stem for file in bundle.glob("examples/*/*.ino")]
    assert sketches == [True]


def test_arduino_s_sketch_compiles_as_its_build_makes_it(bundle, tmp_path):
    """The core's header comes first; of it the sketch needs ``Serial`` alone."""
    (tmp_path / "Arduino.h").write_text(
        "#pragma once\n#include <stdint.h>\n"
        "struct Line { void begin(long); void print(const char *); int available(); int read();"
        " operator bool(); };\nextern Line Serial;\n"
    )
    flags = ["-std=gnu++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++"]
    flags += ["-include", "Arduino.h", f"-I{tmp_path}", f"-I{bundle}"]
    sketch = bundle / "examples" / "replay" / "replay.ino"
    done = subprocess.run([need("g++"), *flags, sketch], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_written_bundle_has_the_layouts_and_only_a_wearer_s_has_the_examples(beside, single, tmp_path):
    layouts = {"CMakeLists.txt", "idf_component.yml", "library.properties", "zephyr"}
    for folder, examples in ((beside.folder, True), (single.folder, False)):
        names = {path.name for path in folder.iterdir()}
        assert layouts <= names and ("examples" in names) == examples
    written = {str(file.relative_to(beside.folder)) for file in beside.folder.rglob("*") if file.is_file()}
    static = {
        str(file.relative_to(STATIC))
        for file in STATIC.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and "build" not in file.parts
    }
    assert static <= written
    generated, _ = write_bundle(tmp_path / "generated", generated_only=True)
    assert not layouts & {path.name for path in generated.iterdir()}
    cmake("-S", single.folder, "-B", tmp_path / "build")
    cmake("--build", tmp_path / "build", "--target", "sibeat")
