"""``sibeat score --show``: a strip in letters, where it does not spoil what is printed."""

import json
import subprocess
import sys

import pytest
from examples import write_wfdb
from int8_models import tiny_model
from score_command import run

from keras_sibeat.data.synthetic import simulate_wearer

BRAILLE = range(0x2801, 0x2900)


def has_strip(text):
    return any(ord(letter) in BRAILLE for letter in text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, and a wearer's recording of a minute."""
    folder = tmp_path_factory.mktemp("shown")
    (folder / "tiny.tflite").write_bytes(tiny_model())
    write_wfdb(folder, "wearer", simulate_wearer(seed=5, seconds=60).signal, ("MLII", "V1"))
    return folder


def test_a_strip_follows_the_table(folder, capsys):
    assert run(folder / "wearer", "--model", folder / "tiny.tflite", "--show") == 0
    table, _, strip = capsys.readouterr().out.partition("Not a medical device.")
    assert "at a glance" in table and not has_strip(table) and has_strip(strip)


def test_without_show_there_is_none(folder, capsys):
    assert run(folder / "wearer", "--model", folder / "tiny.tflite") == 0
    assert not has_strip(capsys.readouterr().out)


def test_a_strip_does_not_spoil_what_a_program_reads(folder, capsys):
    assert run(folder / "wearer", "--model", folder / "tiny.tflite", "--show", "--format", "json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["record"] == "wearer" and has_strip(err)


def test_of_several_recordings_none_is_shown(folder, capsys):
    paths = folder / "wearer", folder / "wearer.dat"
    assert run(*paths, "--model", folder / "tiny.tflite", "--show") == 2
    assert "found --show with several recordings; expected one." in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--show"]])
def test_without_a_report_nothing_that_draws_pictures_is_loaded(folder, more):
    code = (
        "import sys\nfrom sibeat_edge.__main__ import main\nmain(sys.argv[1:])\n"
        "print([name for name in ('matplotlib', 'tensorflow') if name in sys.modules])"
    )
    command = ["score", folder / "wearer", "--model", folder / "tiny.tflite", *more]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, command)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
