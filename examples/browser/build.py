"""Builds what the page needs and the repository has not: LiteRT.js, the firmware's C as WebAssembly, a wearer."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.files import write_json
from sibeat_edge.files import whole_file
from sibeat_edge.model.presets import WEARER, model_path

HERE = Path(__file__).resolve().parent
BUILT, MODULES = HERE / "build", HERE / "node_modules"
EXPORT = HERE.parents[1] / "export"
FIRMWARE = EXPORT / "sibeat_edge" / "firmware", EXPORT / "firmware"  # of every model, and of the default preset
FLAGS = ["--target=wasm32-wasi", "-mexec-model=reactor", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-Wl,--wrap=sibeat_wearer_input"]
# The simulated wearer: with premature beats of both kinds, by a front end that has not the model's rate.
SEED, SECONDS, RATE, ABNORMAL = 5, 1800, 360, {"V": 0.05, "A": 0.05}
STEPS = 1000  # a mV


class BuildError(Exception):
    """Something is missing, or does not build; the message is one sentence."""


def build() -> Path:
    """Build what is not there or is out of date.

    Returns the folder that a web server has to serve. Raises ``BuildError``.
    """
    install()
    compile_c()
    for suffix in (".tflite", ".json"):
        with whole_file(BUILT / f"model{suffix}") as partial:
            shutil.copyfile(model_path(WEARER).with_suffix(suffix), partial)
    simulate()
    return HERE


def install() -> None:
    """Install the npm packages of package-lock.json. Raises ``BuildError``."""
    lock, installed = HERE / "package-lock.json", MODULES / ".package-lock.json"
    if not _is_older(installed, [lock]):
        return
    _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", package="npm")


def compile_c() -> None:
    """Compile the firmware's C to build/sibeat.wasm. Raises ``BuildError``."""
    sources = [file for folder in FIRMWARE for file in sorted(folder.glob("sibeat_*.[ch]"))]
    sources += [HERE / "sibeat_page.c", Path(__file__)]
    if not _is_older(BUILT / "sibeat.wasm", sources):
        return
    if shutil.which("wasm-ld") is None:
        raise BuildError("found no wasm-ld; expected the linker of WebAssembly (Debian's package lld).")
    with whole_file(BUILT / "sibeat.wasm") as partial:
        folders = [word for folder in FIRMWARE for word in ("-I", folder)]
        files = [file for file in sources if file.suffix == ".c"]
        package = "clang, wasi-libc and libclang-rt-dev-wasm32"
        _run("clang", *FLAGS, *folders, *files, "-lm", "-o", partial, package=package)


def simulate() -> None:
    """Write the simulated wearer: build/wearer.i16, and how to read it."""
    told = {"rate": RATE, "steps": STEPS, "seconds": SECONDS, "seed": SEED}
    if (BUILT / "wearer.json").exists() and json.loads((BUILT / "wearer.json").read_text()) == told:
        return
    lead = simulate_wearer(SEED, SECONDS, RATE, ABNORMAL).signal[:, 0]
    with whole_file(BUILT / "wearer.i16") as partial:
        np.rint(lead * STEPS).astype("<i2").tofile(partial)
    write_json(BUILT / "wearer.json", told)


def _is_older(built, sources):
    return not built.exists() or built.stat().st_mtime < max(file.stat().st_mtime for file in sources)


def _run(program, *arguments, package):
    """Run a program in this folder; ``package`` is what Debian calls what it needs."""
    try:
        done = subprocess.run([program, *map(str, arguments)], cwd=HERE, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BuildError(f"found no {program}; expected it to be installed (Debian: {package}).") from error
    if done.returncode:
        told = next((line for line in done.stderr.splitlines() if "err" in line.lower()), "it does not say why")
        raise BuildError(f"{program} failed ({told.strip()}); expected it to work with {package}.")
