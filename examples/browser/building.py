"""Builds what the page needs and the repository has not: LiteRT.js, the C as WebAssembly, a wearer."""

import fcntl
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
# The C that is the same for every model, and that of the default preset.
FIRMWARE = EXPORT / "sibeat_edge" / "firmware", EXPORT / "firmware"
CLANG = "clang, lld, wasi-libc, libclang-rt-dev-wasm32"
FLAGS = ["--target=wasm32-wasi", "-mexec-model=reactor", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
WRAP = "-Wl,--wrap=sibeat_wearer_input"  # so that sibeat_page.c sees which beat the model is asked about
# The simulated wearer: with premature beats of both kinds, by a front end that has not the model's rate.
SEED, SECONDS, RATE, ABNORMAL = 5, 1800, 250, {"V": 0.05, "A": 0.05}
STEPS = 1000  # a mV
# What a compiler without C library, or without the run-time library, cannot make.
PROBE = "#include <math.h>\nint main(void) { return (int)sinf(1.0f); }"


class BuildError(Exception):
    """Something does not build; the message is one sentence."""


class MissingError(BuildError):
    """A program or a package is not here."""


def build() -> Path:
    """Build what is not there or is out of date.

    Returns the folder that a web server has to serve. Raises ``BuildError``.
    """
    BUILT.mkdir(exist_ok=True)
    with open(BUILT / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time
        _build()
    return HERE


def _build():
    install()
    compile_c()
    with whole_file(BUILT / "model.tflite") as partial:
        shutil.copyfile(model_path(WEARER), partial)
    simulate()


def install() -> None:
    """Install the npm packages of package-lock.json. Raises ``MissingError``."""
    if not _is_older(MODULES / ".package-lock.json", [HERE / "package-lock.json"]):
        return
    try:
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "npm")
    except BuildError as error:
        raise MissingError(str(error)) from error


def compile_c() -> None:
    """Compile the firmware's C to build/sibeat.wasm. Raises ``BuildError``."""
    sources = [file for folder in FIRMWARE for file in sorted(folder.glob("sibeat*.[ch]"))]
    sources += [HERE / "sibeat_page.c", Path(__file__)]
    if not _is_older(BUILT / "sibeat.wasm", sources):
        return
    with whole_file(BUILT / "sibeat.wasm") as partial:
        try:
            _run(["clang", *FLAGS, "-x", "c", "-", "-lm", "-o", partial], CLANG, input=PROBE)
        except BuildError as error:
            raise MissingError(str(error)) from error
        folders = [word for folder in FIRMWARE for word in ("-I", folder)]
        files = [file for file in sources if file.suffix == ".c"]
        _run(["clang", *FLAGS, WRAP, *folders, *files, "-lm", "-o", partial], CLANG)


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


def _run(command, packages, **options):
    """Run a command in this folder; ``packages`` are what Debian calls what it needs."""
    name, expected = command[0], f"expected it to work here (Debian: {packages})"
    try:
        done = subprocess.run(list(map(str, command)), cwd=HERE, capture_output=True, text=True, **options)
    except FileNotFoundError as error:
        raise MissingError(f"found no {name}; {expected}.") from error
    if done.returncode:
        told = [line.strip() for line in done.stderr.splitlines() if "err" in line.lower()] or ["no reason"]
        raise BuildError(f"{name} failed ({told[0]}); {expected}.")
