"""The whole path on emulated microcontrollers: the self-test, the golden signal, and minutes of a wearer."""

import subprocess

import numpy as np
import pytest
import wfdb
from c_monitor import GENERATED
from compilers import STRICT, compile_with, need

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ExportError
from keras_sibeat.export.emulated import (
    ARM,
    CORES,
    STATIC,
    bundle_sources,
    compile_objects,
    link_program,
    memory,
    run_emulated,
)

UNIT = 0.005  # mV
EMULATED = ("m4", "m55")
PROGRAMS = {"host_check": "-DSIBEAT_HOST_CHECK", "host_demo": "-DSIBEAT_DEMO"}
HEALTHY = ("golden beats score as they should", "of the golden signal is told what should be")


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A core's name → the folder of the programs linked for it; built once each."""
    need("qemu-system-arm")
    built = {}

    def build(name):
        core = CORES[name]
        need(core.compiler)
        if name not in built:
            folder = tmp_path_factory.mktemp(name)
            objects = compile_objects(core, GENERATED, folder, ["-O2"])
            for program, flag in PROGRAMS.items():
                sources = [STATIC / f"{program}.c", *objects]
                link_program(core, GENERATED, folder / f"{program}.elf", sources, ["-O2", flag])
            built[name] = folder
        return built[name]

    return build


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """The same demo, built for this computer."""
    folder = tmp_path_factory.mktemp("host")
    sources = [STATIC / "host_demo.c", *bundle_sources(GENERATED)]
    places = [f"-I{place}" for place in (GENERATED, STATIC)]
    flags = [*STRICT, "-O2", "-DSIBEAT_DEMO", *places]
    compile_with("gcc", *flags, *sources, "-lm", "-o", "host_demo", cwd=folder)
    return folder / "host_demo"


def replay(chips, host, name, samples, rate):
    """What the core and this computer print of a recording; checks that it is the same."""
    folder = chips(name)
    file = folder / "samples.i16"
    samples.astype("<i2").tofile(file)
    told = run_emulated(CORES[name], folder / "host_demo.elf", file.name, str(rate), str(UNIT))
    wanted = subprocess.run([host, file, str(rate), str(UNIT)], capture_output=True, text=True, check=True)
    assert told.splitlines() == wanted.stdout.splitlines()
    return told.splitlines()


@pytest.mark.parametrize("name", [name for name, core in CORES.items() if core.machine])
def test_the_self_test_and_the_golden_signal_pass(chips, name):
    told = run_emulated(CORES[name], chips(name) / "host_check.elf")
    assert all(said in told for said in HEALTHY)


@pytest.mark.parametrize(("name", "rate"), [("m4", 250), ("m55", 360)])
def test_ten_minutes_of_a_simulated_wearer_are_told_as_on_this_computer(chips, host, name, rate):
    lead = simulate_wearer(seed=4, seconds=600.0, rate=rate, noise_mv=0.02).signal[:, 0]
    samples = np.rint(lead / UNIT)
    samples[100 * rate : 101 * rate] = -32768  # missing
    lines = replay(chips, host, name, samples, rate)
    beats = [line.split("\t") for line in lines if line.startswith("beat")]
    assert len(beats) > 500 and {beat[2] for beat in beats} >= {"N", "S", "V"}


@pytest.mark.parametrize("name", EMULATED)
def test_ten_minutes_of_a_record_are_told_as_on_this_computer(chips, host, name, databases):
    read = wfdb.rdrecord(str(databases / "mitdb" / "119"), sampto=600 * 360)
    lines = replay(chips, host, name, np.rint(read.p_signal[:, 0] / UNIT), 360)
    assert sum(line.startswith("beat") and "\tV\t" in line for line in lines) > 20


@pytest.mark.parametrize("option", ["-Os", "-O2"])
@pytest.mark.parametrize("name", CORES)
def test_the_bundle_compiles_for_every_core_without_a_warning(name, option, tmp_path):
    need(CORES[name].compiler)
    objects = compile_objects(CORES[name], GENERATED, tmp_path, [option])
    assert {file.stem for file in objects} == {file.stem for file in bundle_sources(GENERATED)}


def test_a_chip_that_does_not_compute_as_it_should_is_told(chips, tmp_path):
    """A bit of the golden signal's expected beats is flipped; so is the check's exit status."""
    source = (GENERATED / "sibeat_golden_path.c").read_text()
    place = source.index("'N'")
    (tmp_path / "sibeat_golden_path.c").write_text(source[:place] + "'V'" + source[place + 3 :])
    others = [file for file in chips("m4").glob("sibeat*.o") if file.stem != "sibeat_golden_path"]
    program = link_program(
        CORES["m4"],
        GENERATED,
        tmp_path / "wrong.elf",
        [STATIC / "host_check.c", tmp_path / "sibeat_golden_path.c", *others],
        ["-O2", "-DSIBEAT_HOST_CHECK"],
    )
    with pytest.raises(ExportError, match="wrong.elf on mps2-an386: found status 5, expected 0"):
        run_emulated(CORES["m4"], program)


def test_flash_and_memory_are_those_that_the_linker_placed(tmp_path):
    need(ARM)
    source = tmp_path / "main.c"
    source.write_text(
        "extern const char table[1000]; const char table[1000] = {1};\n"
        "volatile char kept[300] = {2}; volatile char zero[5000];\n"
        "int main(void) { zero[0] = table[(unsigned char)zero[1]]; return kept[0]; }\n"
    )
    bare = tmp_path / "bare.c"
    bare.write_text("int main(void) { return 0; }\n")
    sizes = [
        memory(
            CORES["m4"], link_program(CORES["m4"], GENERATED, tmp_path / f"{file.stem}.elf", [file], ["-Os"])
        )
        for file in (source, bare)
    ]
    more = {name: sizes[0][name] - sizes[1][name] for name in sizes[0]}
    assert 1300 <= more["flash"] < 1400 and 5300 <= more["ram"] < 5320


def test_what_does_not_compile_is_told_with_its_compiler(tmp_path):
    need(ARM)
    with pytest.raises(ExportError, match="arm-none-eabi-gcc: found errors in"):
        compile_objects(CORES["m4"], GENERATED, tmp_path, ["-ffast-math"])
