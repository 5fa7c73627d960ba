"""``sibeat archive``: what it tells and returns, with a plain loop in the place of Ray's."""

import contextlib
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from examples import write_edf
from int8_models import tiny_model

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.__main__ import main
from sibeat_edge.archive import extra, run
from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.scoring import Scoring, answer
from sibeat_edge.archive.tables import TABLES

pytest.importorskip("pyarrow", reason="the tables of an archive are pyarrow's")
PAGE = Path(__file__).parents[3] / "docs" / "archive.md"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A recording, one that has no sample, and a model."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "in").mkdir()
    lead = simulate_wearer(seed=5, seconds=30).signal[:, 0].astype(np.float64)
    write_edf(folder / "in" / "good.edf", [lead], [360])
    (folder / "in" / "bad.edf").write_bytes(b"")
    (folder / "tiny.tflite").write_bytes(tiny_model())
    return folder


@pytest.fixture
def asked(monkeypatch):
    """The recordings that are scored, one after the other, in this process."""
    names = []

    def results(folder, todo, jobs):
        scoring = Scoring(folder, folder.path)
        for task in todo:
            names.append(task["recording"])
            print("(raylet) A worker died or was killed while executing a task.")
            yield {**task, **answer(scoring, folder, task)}

    monkeypatch.setattr(run, "_ray", lambda jobs, address: contextlib.nullcontext(1))
    monkeypatch.setattr(run, "_results", results)
    monkeypatch.setattr(extra, "NEEDED", ())
    return names


def call(source, out, *arguments):
    model = ["--model", str(source / "tiny.tflite")]
    with pytest.raises(SystemExit) as ended:
        main(["archive", str(source / "in"), "--out", str(out), *model, *arguments])
        raise SystemExit(0)
    return ended.value.code


def test_what_failed_is_told_and_nothing_is_scored_twice(source, asked, tmp_path, capsys):
    assert call(source, tmp_path) == 3 and asked == ["bad.edf", "good.edf"]
    told = capsys.readouterr()
    assert told.out == "1 done, 1 failed\n"
    assert told.err == "failed: bad.edf: found an empty file; expected a recording.\n"
    assert call(source, tmp_path) == 3 and len(asked) == 2
    assert capsys.readouterr() == told


def test_all_done_is_0_and_nothing_done_is_2(source, asked, tmp_path, capsys):
    for name, code in (("good.edf", 0), ("bad.edf", 2)):
        folder = tmp_path / name
        (folder / "in").mkdir(parents=True)
        (folder / "in" / name).write_bytes((source / "in" / name).read_bytes())
        (folder / "tiny.tflite").write_bytes((source / "tiny.tflite").read_bytes())
        assert call(folder, folder / "out") == code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rate", "250"], r"found results of rate not given; expected 250.0 as given now"),
        (["--lead", "V5"], r"found results of lead not given; expected \['V5'\] as given now"),
        (["--model", "mitdb-wearer"], r"found results of model \w+; expected \w+ as given now"),
    ],
)
def test_other_options_in_one_folder_are_refused(source, asked, tmp_path, capsys, arguments, sentence):
    call(source, tmp_path)
    capsys.readouterr()
    assert call(source, tmp_path, *arguments) == 2 and len(asked) == 2
    told = capsys.readouterr().err
    assert re.search(sentence, told) and told.startswith("error: ") and told.count("\n") == 1


@pytest.mark.parametrize("model", ["absent.tflite", "no-preset"])
def test_a_model_that_is_none_is_refused_before_anything_is_written(source, asked, tmp_path, capsys, model):
    assert call(source, tmp_path / "out", "--model", model) == 2
    assert "error: " in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_an_interrupt_is_told(source, asked, tmp_path, capsys, monkeypatch):
    def results(folder, todo, jobs):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(run, "_results", results)
    assert call(source, tmp_path) == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on where this one stopped\n"


def test_a_missing_extra_is_one_sentence(source, tmp_path, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    assert call(source, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "pip install 'sibeat_edge[archive]'" in told and "ray" in told and told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_results_lie_in_the_source_without_being_taken_for_recordings(source, asked, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.edf").write_bytes((source / "in" / "good.edf").read_bytes())
    (tmp_path / "tiny.tflite").write_bytes((source / "tiny.tflite").read_bytes())
    assert call(tmp_path, tmp_path / "in" / "out") == 0
    assert call(tmp_path, tmp_path / "in" / "out") == 0 and asked == ["good.edf"]
    assert Folder(tmp_path / "in" / "out").statuses() == {"done": 1}


def test_the_page_states_the_schema():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(name, kind) for columns in TABLES.values() for name, kind in columns.items()]
