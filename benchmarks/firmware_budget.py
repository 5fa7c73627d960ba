"""What the whole path takes of a microcontroller: flash, RAM, stack, and instructions by core and option.

python benchmarks/firmware_budget.py [--cores m4 …]

Builds the default preset's firmware for a front end of 250 Hz with Debian's cross compilers, and counts the
instructions of 90 seconds of a simulated wearer on emulated chips. Needs arm-none-eabi-gcc,
riscv64-unknown-elf-gcc and qemu-system-arm. Writes results/bench-firmware-budget.json, the table
keras_sibeat/export/budget.md for the README of bundles, and the same table in docs/firmware.md.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from reporting import HERE, report

import keras_sibeat
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.export.emulated import (
    CHIP,
    CORES,
    compile_objects,
    link_least,
    link_program,
    memory,
    run_emulated,
)
from keras_sibeat.files import sha256
from sibeat_edge.report.recording import PRESET

GENERATED = HERE.parent / "export" / "firmware"
TABLE = Path(keras_sibeat.__file__).parent / "export" / "budget.md"
DOCS = HERE.parent / "docs" / "firmware.md"
BEGIN, END = "<!-- budget -->\n", "<!-- /budget -->\n"
RATE, UNIT, SECONDS = 250, 0.005, 150.0
OPTIONS = ("-Os", "-O2")
CHIP_HZ = 64e6  # of the chip whose share is told
NAMES = {
    "m0plus": "Cortex-M0+",
    "m4": "Cortex-M4F",
    "m33": "Cortex-M33F",
    "m55": "Cortex-M55",
    "rv32imc": "RISC-V rv32imc",
}


def measure(name, option, folder):
    """Bytes and, where the core is emulated, instructions."""
    core, flags = CORES[name], [option, f"-DSIBEAT_FRONT_END_HZ={RATE}"]
    objects = compile_objects(core, GENERATED, folder, flags)
    found = memory(core, link_least(core, GENERATED, folder / "least.elf", objects, flags))
    tested = [*flags, "-DSIBEAT_WITH_SELFTEST"]
    tested = link_least(core, GENERATED, folder / "tested.elf", objects, tested)
    found["flash_with_selftest"] = memory(core, tested)["flash"]
    if core.machine:
        program = link_program(core, GENERATED, folder / "budget.elf", [CHIP / "budget.c", *objects], flags)
        lead = simulate_wearer(seed=4, seconds=SECONDS, rate=RATE, noise_mv=0.02).signal[:, 0]
        np.rint(lead / UNIT).astype("<i2").tofile(folder / "samples.i16")
        told = run_emulated(core, program, "samples.i16", str(RATE), str(UNIT), counts=True)
        found |= count(told, 1e9 / core.clock)
    return found


def count(told, instructions):
    """What budget.c has printed; ``instructions`` go to one of its ticks."""
    rows = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in told.splitlines()}
    found = {"stack": rows["stack"][0]}
    for key in ("sample", "beat"):
        ticks, calls, most = rows[key]
        found[f"instructions_{key}"] = round(ticks / calls * instructions)
        found[f"most_instructions_{key}"] = round(most * instructions)
    found["most_instructions_warm_up"] = round(rows["warm-up"][2] * instructions)
    found["beats"] = rows["beat"][1]
    # A second has RATE calls, of which 75 / 60 tell a beat.
    beats = 75 / 60
    found["instructions_second"] = round(
        (RATE - beats) * found["instructions_sample"] + beats * found["instructions_beat"]
    )
    found["share_of_64_mhz"] = round(found["instructions_second"] / CHIP_HZ, 4)
    return found


def table(rows):
    """The figures as Markdown."""
    lines = [
        "Flash, RAM and stack in bytes; instructions of a call with a sample that tells no beat (mean), of "
        f"one that tells a beat (mean), and of a second at {RATE} Hz and 75 beats a minute.\n",
        "| core | option | flash | with self-test | RAM | stack | a sample | a beat | a second | of 64 MHz |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    keys = ("instructions_sample", "instructions_beat", "instructions_second")
    for name, found in rows.items():
        core, option = name.split()
        sizes = [f"{found[key]:,}" for key in ("flash", "flash_with_selftest", "ram")]
        counted = [f"{found[key]:,}" for key in ("stack", *keys)] if "stack" in found else ["", "", "", ""]
        share = f"{100 * found['share_of_64_mhz']:.1f} %" if "stack" in found else ""
        lines.append("| " + " | ".join([NAMES[core], f"`{option}`", *sizes, *counted, share]) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", nargs="+", choices=CORES, default=list(CORES))
    options = parser.parse_args()
    rows = {}
    for name in options.cores:
        for option in OPTIONS:
            with tempfile.TemporaryDirectory() as folder:
                rows[f"{name} {option}"] = measure(name, option, Path(folder))
            print(name, option, rows[f"{name} {option}"], flush=True)
    print(table(rows))
    if options.cores == list(CORES):
        report(
            "bench-firmware-budget",
            {"rate": RATE, "seconds": SECONDS, "rows": rows},
            {PRESET.name: sha256(PRESET)},
        )
        TABLE.write_text(table(rows), encoding="utf-8")
        before, _, rest = DOCS.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        DOCS.write_text(f"{before}{BEGIN}{table(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
