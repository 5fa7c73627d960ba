"""``sibeat score`` never writes over a recording, nor over a file that it did not write itself."""

import os

import numpy as np
import pytest
import wfdb
from examples import scored_example, write_wfdb
from heartbeats import ecg
from score_command import run

import sibeat_edge.report.batch  # noqa: F401  before a test patches what it imports
from sibeat_edge.marks import is_own
from sibeat_edge.report.page import write_report
from sibeat_edge.report.writing import write_results

FORMATS = ["table", "json", "csv", "wfdb"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A CSV and a WFDB record with annotations; the working directory."""
    signal = ecg(8)
    np.savetxt(tmp_path / "wearer.csv", signal, fmt="%.4f", header="MLII (mV)", comments="")
    write_wfdb(tmp_path, "rec", signal[:, None], rate=250)
    wfdb.wrann("rec", "atr", np.array([200]), np.array(["N"]), write_dir=str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def never_read(*_, **__):
    raise AssertionError("the recording was read before the output was refused")


@pytest.mark.parametrize("option", ["--out", "--report"])
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("record", "output"),
    [
        ("wearer.csv", "wearer.csv"),
        ("wearer.csv", "./x/../wearer.csv"),
        ("wearer.csv", "symlink.html"),
        ("symlink.html", "wearer.csv"),
        ("wearer.csv", "hardlink.html"),
        ("rec", "rec.hea"),
        ("rec.hea", "rec.dat"),
        ("rec.dat", "rec.atr"),
    ],
)
def test_no_input_is_replaced_even_if_told(folder, monkeypatch, capsys, option, form, record, output):
    (folder / "x").mkdir()
    (folder / "symlink.html").symlink_to("wearer.csv")
    os.link("wearer.csv", "hardlink.html")
    (folder / "x").rmdir() if "x/" not in output else None
    monkeypatch.setattr("sibeat_edge.report.recording.score_file", never_read)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    arguments = [record, "--rate", 250, "--format", form, option, output, "--overwrite"]
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "found a file that is to be read" in err
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_the_model_is_no_place_for_results(folder, option, capsys):
    (folder / "mine.tflite").write_bytes(b"a model")
    assert run("wearer.csv", "--model", "mine.tflite", option, "mine.tflite", "--overwrite") == 2
    assert "found a file that is to be read" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_file_of_another_program_stays_unless_told(folder, monkeypatch, capsys, option):
    (folder / "thesis.html").write_text("years of work")
    wanted = ["rec", "--model", "mitdb-beat", option, "thesis.html"]
    with monkeypatch.context() as patch:
        patch.setattr("sibeat_edge.report.recording.score_file", never_read)
        assert run(*wanted) == 2
    err = capsys.readouterr().err
    assert "thesis.html: found a file that sibeat did not write" in err and "--overwrite" in err
    assert (folder / "thesis.html").read_text() == "years of work"
    assert run(*wanted, "--overwrite") == 0 and is_own(folder / "thesis.html")


def test_annotations_beside_the_record_do_not_replace_another_program_s(folder, capsys):
    (folder / "rec.sib").write_bytes(b"someone's")
    assert run("rec", "--format", "wfdb", "--model", "mitdb-beat") == 2
    assert (folder / "rec.sib").read_bytes() == b"someone's" and "rec.sib" in capsys.readouterr().err


def test_what_it_wrote_itself_it_replaces(folder):
    arguments = ["rec", "--model", "mitdb-beat", "--format", "wfdb", "--report", "a.html"]
    assert run(*arguments) == 0
    written = contents(folder)
    assert run(*arguments) == 0 and contents(folder) == written


@pytest.mark.parametrize("output", [".", os.devnull])
def test_what_is_no_file_is_refused(folder, capsys, output):
    assert run("rec", "--out", output, "--overwrite") == 2
    assert "expected the path of a file" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--report"])
@pytest.mark.parametrize("records", [["rec"], ["rec", "wearer.csv"]])
def test_a_dash_is_no_file(folder, capsys, option, records):
    assert run(*records, "--format", "csv", "--out", "-" if option == "--out" else "a", option, "-") == 2
    assert "expected the path of a file (without --out, results go to" in capsys.readouterr().err
    assert not (folder / "-").exists()


def test_two_results_are_not_one_file(folder, capsys):
    assert run("rec", "--out", "a", "--report", "./a") == 2
    assert "found the path of two results" in capsys.readouterr().err and not (folder / "a").exists()


def test_results_of_many_replace_no_input_and_no_file_of_another_program(folder, capsys):
    before = contents(folder)
    assert run("wearer.csv", "rec", "--format", "wfdb", "--out", "out") in (0, 2)
    (folder / "out" / "rec.sib").write_bytes(b"someone's")
    assert run("wearer.csv", "rec", "--format", "wfdb", "--out", "out") == 2
    assert (folder / "out" / "rec.sib").read_bytes() == b"someone's"
    assert {name: content for name, content in contents_of_files(folder).items()} == before


def contents_of_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("seconds", [30, 60])
@pytest.mark.parametrize("form", FORMATS)
def test_every_result_is_told_from_other_files(tmp_path, form, seconds):
    scored = scored_example(seconds=seconds, alarms=())
    write_results(scored, form, tmp_path / "a")
    assert is_own(tmp_path / "a")


def test_a_report_is_told_from_other_files(tmp_path):
    write_report(scored_example(), tmp_path / "a.html")
    assert is_own(tmp_path / "a.html")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "time,sample,score,alarm\n",
        "time,MLII\n0,0.1\n",
        '{"record": "a"}',
        "<!DOCTYPE html>\n<html>",
        "sibeat_edge: x",
    ],
)
def test_other_files_are_not_taken_for_results(tmp_path, text):
    (tmp_path / "a").write_text(text)
    assert not is_own(tmp_path / "a")


def test_annotations_of_another_program_are_not_taken_for_results(folder):
    assert not is_own(folder / "rec.atr")


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_the_file_behind_standard_input_is_not_replaced(folder, monkeypatch, capsys, option):
    monkeypatch.setattr("sibeat_edge.report.recording.score_file", never_read)
    before, kept = contents(folder), os.dup(0)
    try:
        with open("wearer.csv") as file:
            os.dup2(file.fileno(), 0)
            assert run("-", "--rate", 250, option, "wearer.csv", "--overwrite") == 2
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    assert "wearer.csv: found a file that is to be read" in capsys.readouterr().err
    assert contents(folder) == before


@pytest.mark.parametrize("records", [("-", "wearer.csv"), ("wearer.csv", "-"), ("-", "-")])
def test_standard_input_is_scored_alone(folder, capsys, records):
    assert run(*records, "--rate", 250) == 2
    error = capsys.readouterr().err
    assert error == "error: found - among several recordings; expected the standard input alone.\n"
