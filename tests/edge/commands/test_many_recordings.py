"""``sibeat score`` on several recordings, folders and patterns."""

import json
import os

import numpy as np
import pytest
from examples import write_wfdb
from heartbeats import ecg
from score_command import run

from sibeat_edge.errors import EdgeError
from sibeat_edge.reading.record import Record
from sibeat_edge.report import batch
from sibeat_edge.report.batch import Outcome, plan, score_tasks


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Two wearers' recordings, a file that is none, an empty one, and what is beside them."""
    signal = ecg(6)
    for wearer in ("ann", "bob"):
        (tmp_path / "study" / wearer).mkdir(parents=True)
        write_wfdb(tmp_path / "study" / wearer, "day1", signal[:, None], rate=250)
        rows = "".join(f"{n / 250:.3f},{value:.4f}\n" for n, value in enumerate(signal))
        (tmp_path / "study" / wearer / "night.csv").write_text(f"time,MLII\n{rows}")
    (tmp_path / "study" / "bad.edf").write_text("no EDF")
    (tmp_path / "study" / "empty.csv").touch()
    (tmp_path / "study" / "notes.md").write_text("notes")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "study"


GOOD = ["ann/day1", "ann/night.csv", "bob/day1", "bob/night.csv"]
ALL = [*GOOD[:2], "bad.edf", *GOOD[2:], "empty.csv"]


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_one_bad_file_never_stops_the_others(study, capsys):
    assert run("study", "--out", "out", "--format", "json", "--report", "out") == 2
    out, err = capsys.readouterr()
    assert files(study.parent / "out") == sorted(f"{name}.{end}" for name in GOOD for end in ("html", "json"))
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 2 and "study/bad.edf: found" in lines[0] and "study/empty.csv: found" in lines[1]
    places = [out.index(f"study/{name}") for name in ALL]
    assert places == sorted(places) and "6 recordings: 4 scored, 0 partly, 2 failed" in out
    assert "failed: found an empty file" in out
    found = json.loads((study.parent / "out" / "ann" / "day1.json").read_text())
    assert found["record"] == "day1" and found["scored"] > 3


def test_several_processes_give_the_same_in_the_same_order(study, capsys):
    sources = "study/bob", "study/empty.csv", "study/ann"
    assert run(*sources, "--out", "one", "--format", "csv") == 2
    one = capsys.readouterr()
    assert run(*sources, "--out", "two", "--format", "csv", "--jobs", "2") == 2
    two = capsys.readouterr()
    assert one == two and files(study.parent / "one") == files(study.parent / "two")
    for name in files(study.parent / "one"):
        assert (study.parent / "one" / name).read_bytes() == (study.parent / "two" / name).read_bytes()


def test_patterns_and_names_are_expanded_and_each_recording_comes_once(study, monkeypatch):
    def named(*sources):
        return [task.record.as_posix() for task in plan(sources)]

    assert named("study/*/day1*") == ["study/ann/day1", "study/bob/day1"]
    assert named("study/ann") == ["study/ann/day1", "study/ann/night.csv"]
    shell = sorted(path.as_posix() for path in (study / "ann").iterdir())  # as a shell expands ann/*
    assert [os.path.basename(name) for name in named(*shell)] == ["day1", "night.csv"]
    assert named("study/**/*.csv") == ["study/ann/night.csv", "study/bob/night.csv", "study/empty.csv"]
    assert named("study/ann/day1.hea", "study/ann/day1", "study/ann/day1.dat") == ["study/ann/day1"]
    assert named("none.csv") == ["none.csv"]


@pytest.mark.parametrize(
    ("sources", "wanted"),
    [
        (["study"], ["ann/day1.csv", "ann/night.csv.csv", "bad.edf.csv"]),
        (["study/ann"], ["day1.csv", "night.csv.csv"]),
        (["study/ann/day1", "study/bob/day1"], ["ann/day1.csv", "bob/day1.csv"]),
        (["study/ann/day1", "study/ann/night.csv"], ["day1.csv", "night.csv.csv"]),
        (["study/*/day1.hea"], ["ann/day1.csv", "bob/day1.csv"]),
    ],
)
def test_results_have_their_recording_s_path(study, sources, wanted):
    tasks = plan(sources, "csv", out=study.parent / "out")
    assert [task.out.relative_to(study.parent / "out").as_posix() for task in tasks][: len(wanted)] == wanted


def test_annotations_of_two_recordings_do_not_share_a_file(study):
    (study / "ann" / "day2.csv").write_text((study / "ann" / "night.csv").read_text())
    (study / "ann" / "day2.edf").touch()
    with pytest.raises(EdgeError, match="found the path of two results"):
        plan(["study/ann"], "wfdb")


def test_results_in_the_folder_of_the_recordings_are_no_recordings(study):
    assert run("study/ann", "--out", "study/ann", "--format", "csv", "--report", "study/ann") == 0
    before = files(study / "ann")
    assert run("study/ann", "--out", "study/ann", "--format", "csv", "--report", "study/ann") == 0
    assert files(study / "ann") == before and "night.csv.csv" in before


def test_a_recording_that_was_cut_makes_exit_code_3_and_a_failure_2(study, monkeypatch, capsys):
    monkeypatch.setattr(Record, "cut", property(lambda r: "x: found an end." if r.name == "night" else ""))
    assert run("study/ann") == 3
    out = capsys.readouterr().out
    assert "2 recordings: 1 scored, 1 partly, 0 failed" in out and "partly: x: found an end." in out
    assert run("study") == 2


@pytest.mark.parametrize("form", ["json", "csv"])
def test_results_of_many_need_a_folder(study, capsys, form):
    assert run("study", "--format", form) == 2
    assert "expected --out FOLDER" in capsys.readouterr().err
    assert run("study", "--format", form, "--out", "study/notes.md") == 2
    assert "found a file; expected a folder" in capsys.readouterr().err


def test_a_model_that_cannot_be_used_stops_all_at_once(study, capsys):
    assert run("study", "--model", "none.tflite") == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and err.startswith("error: none.tflite")


def test_a_fault_of_ours_stops_no_other_recording(study, monkeypatch):
    score = batch.score_file

    def faulty(path, **options):
        if path.name == "night.csv":
            raise IndexError("list index\nout of range")
        return score(path, **options)

    monkeypatch.setattr(batch, "score_file", faulty)
    first, second = score_tasks(plan(["study/ann"]))
    assert first.beats > 3 and first.error == ""
    assert second.error.startswith("study/ann/night.csv: found a fault of sibeat (IndexError list index out")


def _dies(task, options):
    if task.record.name == "night.csv":
        os._exit(1)  # as a process that the system ends for its memory
    return Outcome(task.record, 1.0, 1)


def test_a_process_that_dies_takes_one_recording_with_it(study, monkeypatch):
    monkeypatch.setattr(batch, "_outcome", _dies)
    tasks = plan(["study/ann/night.csv", "study/bob/day1"])
    died, scored = score_tasks(tasks, jobs=2)
    assert [one.record for one in (died, scored)] == [task.record for task in tasks]
    assert "was ended (out of memory?)" in died.error and scored.error == ""


def test_numbers_of_jobs_are_checked(study, capsys):
    assert run("study", "--jobs", "0") == 2 and "usage:" in capsys.readouterr().err


def test_a_table_a_recording_is_written_where_it_is_asked_for(study):
    assert run("study/ann", "--out", "out") == 0
    assert files(study.parent / "out") == ["day1.txt", "night.csv.txt"]
    assert np.all(["scored beats" in path.read_text() for path in (study.parent / "out").iterdir()])
