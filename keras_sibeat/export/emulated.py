"""A firmware bundle's C, built for a microcontroller's core and run on an emulated one."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_sibeat.errors import ExportError
from keras_sibeat.export.native import STATIC

CHIP = Path(__file__).parent / "chip"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wdouble-promotion", "-Werror")
SECTIONS = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
ARM, RISC_V = "arm-none-eabi-gcc", "riscv64-unknown-elf-gcc"
# What a linker puts into flash, and of it what is copied to RAM.
IN_FLASH, IN_BOTH, IN_RAM = ("text", "rodata", "vectors"), ("data", "sdata"), ("bss", "sbss")


@dataclass(frozen=True)
class Core:
    """A core, its compiler, and where it is emulated.

    Attributes:
        compiler: name of the program.
        flags: that choose the core.
        machine: of ``qemu-system-arm``; empty for a core that is built for only. A Cortex-M0+'s code runs
            on a Cortex-M4, which knows all of its instructions.
        code, data: addresses of the machine's memories.
        clock: Hz, at which its system timer counts.

    >>> CORES["m4"].machine
    'mps2-an386'
    """

    compiler: str
    flags: tuple[str, ...]
    machine: str = ""
    code: int = 0
    data: int = 0x20000000
    clock: int = 25_000_000


CORES = {
    "m0plus": Core(ARM, ("-mcpu=cortex-m0plus", "-mthumb"), "mps2-an386"),
    "m4": Core(ARM, ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"), "mps2-an386"),
    "m33": Core(
        ARM,
        ("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
        "mps2-an505",
        0x10000000,
        0x38000000,
        20_000_000,
    ),
    "m55": Core(ARM, ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"), "mps3-an547", clock=32_000_000),
    "rv32imc": Core(RISC_V, ("-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs")),
}


def bundle_sources(generated: Path) -> list[Path]:
    """The C files of a bundle that have no main.

    Args:
        generated: the folder of the files that were generated for a model, or a whole bundle.
    """
    files = {file.name: file for place in (STATIC, generated) for file in place.glob("sibeat*.c")}
    if (generated / "Makefile").exists():  # a whole bundle, maybe without what a wearer's model alone has
        files = {name: file for name, file in files.items() if (generated / name).exists()}
    return list(files.values())


def compile_objects(core: Core, generated: Path, folder: Path, flags: Sequence[str]) -> list[Path]:
    """The bundle's C files compiled into ``folder`` for a core, as strictly as they must be.

    Raises ``ExportError`` where there is no such compiler, or it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _compile(core, generated, folder, [*flags, "-c", *map(str, bundle_sources(generated))])
    return sorted(folder.glob("sibeat*.o"))


def link_program(
    core: Core, generated: Path, program: Path, sources: Sequence[Path], flags: Sequence[str]
) -> Path:
    """A program for the emulated chip, of its own ``sources`` and of object files; returns ``program``.

    Raises ``ExportError`` as ``compile_objects``.
    """
    own = ["--specs=rdimon.specs", str(CHIP / "boot.c"), *map(str, sources)]
    _compile(core, generated, program.parent, [*flags, *_linked(core), *own, "-lm", "-o", str(program)])
    return program


def link_least(
    core: Core, generated: Path, program: Path, objects: Sequence[Path], flags: Sequence[str]
) -> Path:
    """The least firmware of any core, which has the whole path and no start-up code; returns ``program``.

    Args:
        flags: of the compiler; ``SIBEAT_FRONT_END_HZ`` has to be defined.

    Raises ``ExportError`` as ``compile_objects``.
    """
    own = ["--specs=nano.specs"] if core.compiler == ARM else []
    own += [str(CHIP / "least.c"), *map(str, objects), "-lm", "-o", str(program)]
    _compile(core, generated, program.parent, [*flags, *_linked(core), *own])
    return program


def run_emulated(
    core: Core, program: Path, *arguments: str, counts: bool = False, seconds: float = 600
) -> str:
    """What a program prints on the emulated chip; it may read and write files beside it.

    Args:
        arguments: of its main, without spaces.
        counts: whether the chip's timers count instructions: one nanosecond is one of them.
        seconds: after which it is ended.

    Raises ``ExportError`` where it ends with another status than 0, or there is no emulator.
    """
    host = ",".join(["enable=on,target=native", *(f"arg={word}" for word in (program.name, *arguments))])
    command = [
        "qemu-system-arm",
        "-M",
        core.machine,
        "-display",
        "none",
        "-monitor",
        "none",
        "-serial",
        "none",
    ]
    command += ["-semihosting-config", host, "-kernel", program.name]
    command += ["-icount", "shift=0"] if counts else []
    done = _run(command, program.parent, seconds)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-500:]
        raise ExportError(
            f"{program.name} on {core.machine}: found status {done.returncode}, expected 0: {said}"
        )
    return done.stdout


def memory(core: Core, program: Path) -> dict[str, int]:
    """Bytes of flash and of RAM, without the stack, that a linked program takes."""
    size = core.compiler.replace("gcc", "size")
    done = _run([size, "-A", program.name], program.parent)
    rows = [line.split() for line in done.stdout.splitlines()]
    found = {row[0].split(".")[1]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".")}

    def of(names: Sequence[str]) -> int:
        return sum(found.get(name, 0) for name in names)

    return {"flash": of(IN_FLASH + IN_BOTH), "ram": of(IN_BOTH + IN_RAM)}


def _linked(core):
    places = [
        f"-Wl,--defsym=CHIP_{name}={place}" for name, place in (("CODE", core.code), ("DATA", core.data))
    ]
    return ["-nostartfiles", "-T", str(CHIP / "chip.ld"), *places, f"-I{CHIP}"]


def _compile(core, generated, folder, arguments):
    places = [f"-I{place}" for place in (generated, STATIC)]
    command = [core.compiler, *core.flags, *STRICT, *SECTIONS, *places, *arguments]
    done = _run(command, folder)
    if done.returncode:
        raise ExportError(f"{core.compiler}: found errors in {generated}: {done.stderr.strip()[:500]}")


def _run(command, folder, seconds=None):
    try:
        return subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise ExportError(f"{command[0]}: found none, expected it to be installed.") from None
    except subprocess.TimeoutExpired:
        raise ExportError(f"{command[-1]}: found no end after {seconds:g} s, expected one.") from None
