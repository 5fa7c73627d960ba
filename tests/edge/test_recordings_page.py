"""docs/recordings.md: its commands run on files of those kinds, and what it says of limits is so."""

import gzip
import shlex
import shutil

import pages
import pytest
from device_files import (
    beats,
    write_aecg,
    write_atc,
    write_dicom,
    write_hdf5,
    write_ishne,
    write_kardia,
    write_mat,
    write_movesense,
    write_muse,
    write_npy,
    write_npz,
    write_parquet,
    write_scp,
)
from examples import write_edf, write_wfdb

from sibeat_edge.__main__ import main
from sibeat_edge.reading.formats import FORMATS

PAGE = "recordings.md"
LINES = [line for block in pages.blocks(PAGE, "sh") for line in block.splitlines()]
COMMANDS = [line for line in LINES if not line.startswith("make ")]  # takes half an hour
NEEDS = {"study.h5": "h5py", "table.parquet": "pyarrow", "resting.dcm": "pydicom"}


def write_ride(path, signal, leads, rate):
    rows = (f"{number / rate:.4f},{value:.4f}" for number, value in enumerate(signal[:, 0]))
    path.write_text("time,ECG (mV)\n" + "\n".join(rows) + "\n")


def write_packed(path, *arguments):
    plain = path.with_suffix("")
    write_ride(plain, *arguments)
    with open(plain, "rb") as file, gzip.open(path, "wb") as there:
        shutil.copyfileobj(file, there)
    plain.unlink()


WRITE = {
    "ride.csv": write_ride,
    "ride.csv.gz": write_packed,
    "movesense.json": write_movesense,
    "kardia.json": write_kardia,
    "kardia.atc": write_atc,
    "holter.ecg": write_ishne,
    "holter.edf": lambda path, signal, leads, rate: write_edf(path, signal.T, [rate] * 2, leads),
    "record.hea": lambda path, signal, leads, rate: write_wfdb(path.parent, path.stem, signal, leads, rate),
    "resting.scp": write_scp,
    "resting-aecg.xml": write_aecg,
    "resting-muse.xml": write_muse,
    "resting.dcm": write_dicom,
    "study.mat": write_mat,
    "array.npy": write_npy,
    "arrays.npz": write_npz,
    "study.h5": write_hdf5,
    "table.parquet": write_parquet,
}
LEADS = {"holter.ecg": ("V5", "V1"), "holter.edf": ("ECG I", "ECG II"), "record.hea": ("V5", "V1")}


def written(folder, name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason="pip install 'sibeat_edge[formats]'")
    WRITE[name](folder / name, beats(20, 250), LEADS.get(name, ("I", "II")), 250)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_runs(tmp_path, monkeypatch, capsys, line):
    program, *arguments = shlex.split(line)
    assert program == "sibeat"
    monkeypatch.chdir(tmp_path)
    for name in set(arguments) & set(WRITE):
        written(tmp_path, name)
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code
    out, err = capsys.readouterr()
    assert out and "error" not in err
    if "inspect" in arguments:
        assert "250 Hz" in out
    elif "--list-formats" not in arguments:
        assert "beats" in out
    if "--report" in arguments:
        assert (tmp_path / "ride.html").stat().st_size > 1000


def test_each_format_has_an_example():
    shown = " ".join(COMMANDS)
    assert all(any(f"{ending} " in f"{shown} " for ending in form.endings) for form in FORMATS)
    assert COMMANDS[0].split()[3] == "--lead"


def test_the_python_block_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "holter.ecg")
    names = pages.run_blocks(PAGE)
    assert names["signal"].shape == (5000, 1)
    assert capsys.readouterr().out == "ISHNE 20.0 () the header\n"


def test_the_limits_are_those_of_the_readers():
    from sibeat_edge.reading import atcfile, gzipped, jsonfile
    from sibeat_edge.reading.clinical import dicomfile, scpfile, xmltree
    from sibeat_edge.reading.datasets import matfile, numpyfile

    modules = (matfile, atcfile, numpyfile, xmltree, dicomfile, jsonfile, scpfile)
    assert [module.MOST // 2**20 for module in modules] == [256, 256, 512, 64, 64, 64, 16]
    assert gzipped.MOST == 4 * 2**30
