"""docs/scoring.md: its commands and its code run as they stand."""

import re
import shlex

import numpy as np
import pages
import pytest
from examples import write_wfdb
from heartbeats import ecg

from sibeat_edge.__main__ import main

PAGE = "scoring.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files that the page speaks of; one in ``study`` cannot be read."""

    def watch(path):
        signal = ecg(6)
        path.parent.mkdir(exist_ok=True)
        path.write_text("time,ECG\n" + "".join(f"{n / 250:.3f},{v:.4f}\n" for n, v in enumerate(signal)))

    watch(tmp_path / "watch.csv")
    watch(tmp_path / "study" / "ann.csv")
    watch(tmp_path / "study" / "bob.csv")
    (tmp_path / "study" / "torn.edf").write_text("torn")
    write_wfdb(tmp_path, "holter", ecg(30)[:, None], rate=250)
    write_wfdb(tmp_path, "clinic-10s", ecg(10, 500)[:, None], rate=500)
    (tmp_path / "notes.txt").write_text("notes")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands_end_as_the_page_says(folder, capsys):
    lines = [line for block in pages.blocks(PAGE, "sh") for line in block.splitlines()]
    assert len(lines) >= 8
    for line in lines:
        told = re.search(r"# exit code (\d)", line)
        name, *arguments = shlex.split(line, comments=True)
        try:
            assert name == "sibeat" and main(arguments) is None
            code = 0
        except SystemExit as ended:
            code = ended.code
        assert code == (int(told[1]) if told else 0), (line, capsys.readouterr().err)
    assert {path.name for path in (folder / "results").iterdir()} == {
        f"{name}.csv.{ending}" for name in ("ann", "bob") for ending in ("csv", "html")
    }
    assert np.all((folder / "notes.txt").read_text() != "notes")


def test_the_code_runs(folder, capsys):
    pages.run_blocks(PAGE)
    out = capsys.readouterr().out
    assert "ann.csv 0.0" in out and "torn.edf: found" in out
