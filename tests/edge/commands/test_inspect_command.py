"""``sibeat inspect`` and ``sibeat score --list-formats``: what they print, and how they end."""

import io
import json
import re
from types import SimpleNamespace

import pytest
from device_files import beats, write_ishne, write_kardia, write_movesense

from sibeat_edge.__main__ import main
from sibeat_edge.reading.formats import FORMATS

LEADS = ("I", "II")


@pytest.fixture
def files(tmp_path):
    write_kardia(tmp_path / "k.json", beats(30, 300), LEADS, 300)
    write_ishne(tmp_path / "h.ecg", beats(30, 200), LEADS, 200, checksum=7)
    write_movesense(tmp_path / "m.json", beats(30, 125), LEADS, 125, lost=range(50, 80))
    return tmp_path


def ended(arguments):
    try:
        main(list(map(str, arguments)))
    except SystemExit as error:
        return error.code
    return 0


def test_each_is_told_with_how_it_was_told(files, capsys):
    assert ended(["inspect", files / "k.json"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "Mustermann" not in out
    for words in (
        "format  Kardia, by its ending",
        "rate    300 Hz, by the file's frequency",
        "units   by the file's amplitudeResolution in nV",
        "length  0:00:30.0 (30 s)",
        "gaps    none",
        "II  mV, 0 to 0.7 mV",
        "score   takes II",
    ):
        assert words in out


def test_several_files_one_after_another_and_a_bad_one_stops_none(files, capsys):
    arguments = ["inspect", files / "h.ecg", files / "none.csv", files / "m.json", "--lead", "ECG"]
    assert ended(arguments) == 2
    out, err = capsys.readouterr()
    assert err == f"error: {files / 'none.csv'}: found no such file; expected a recording.\n"
    assert out.count("warning ") == 2 and "score   refuses: " in out and "score   takes ECG" in out
    assert "gaps    1, together 3.84 s: 3.84 s at 0:00:06.4" in out


def test_lines_of_json_for_machines(files, capsys):
    assert ended(["inspect", "--json", files / "h.ecg", files / "none.csv", files / "m.json"]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("format") for row in rows] == ["ISHNE", None, "Movesense"]
    assert rows[0]["leads"][1] == {
        "name": "II",
        "unit": "mV",
        "rate": 200.0,
        "samples": 6000,
        "missing": 0,
        "lowest": 0.0,
        "highest": pytest.approx(0.7),
        "in_millivolts": True,
    }
    assert rows[0]["taken"] == ["II"] and "checksum" in rows[0]["warnings"][0]
    assert rows[1]["error"].endswith("expected a recording.")
    assert rows[2]["gaps"] == [{"start": 6.4, "seconds": pytest.approx(3.84)}]


def test_rate_and_unit_can_be_given(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("ECG\n100\n-200\n")
    assert ended(["inspect", tmp_path / "a.csv", "--rate", "130", "--unit", "uV"]) == 0
    out = capsys.readouterr().out
    assert "130 Hz, by the option" in out and "ECG  uV, -0.2 to 0.1 mV" in out
    assert ended(["inspect", tmp_path / "a.csv", "--rate", "0"]) == 2


def test_a_length_just_below_a_minute_is_a_minute(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("MLII\n" + "0.1\n" * 29_999)
    assert ended(["inspect", tmp_path / "a.csv", "--rate", "250"]) == 0
    assert "length  0:02:00.0 (119.996 s)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sample Rate,250 hertz\n\nMLII\n0.1\n0.2\n", "250 Hz, by the lines above the rows"),
        ("time,MLII\n0,0.1\n0.004,0.2\n0.008,0.1\n", "250 Hz, by the clock"),
    ],
)
def test_what_told_the_rate_is_named(tmp_path, capsys, text, words):
    (tmp_path / "a.csv").write_text(text)
    assert ended(["inspect", tmp_path / "a.csv"]) == 0
    assert words in capsys.readouterr().out


def test_the_formats_are_listed(capsys):
    assert ended(["score", "--list-formats"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["format", "endings", "what", "it", "is", "needs"]
    for form, row in zip(FORMATS, rows, strict=False):
        assert row.startswith(form.name) and " ".join(form.endings) in row
        assert ("sibeat_edge[formats]" in row) == bool(form.needs)
        assert ("not installed" in row) != form.is_installed
    assert "(.gz)" in rows[-1]


def test_the_error_on_an_unknown_format_names_the_list(tmp_path, capsys):
    (tmp_path / "a.mp3").write_bytes(b"abc")
    for command in ("score", "inspect"):
        assert ended([command, tmp_path / "a.mp3"]) == 2
        assert re.fullmatch(
            r"error: .*a\.mp3: found .*sibeat score --list-formats.*\n", capsys.readouterr().err
        )


@pytest.mark.parametrize(
    ("options", "words"), [([], "score   needs --lead: "), (["--lead", "V5"], "score   takes V5")]
)
def test_standard_input_is_read_once_whether_scoring_takes_it_or_not(monkeypatch, capsys, options, words):
    text = b"V5 (uV),V2 (uV)\n" + b"100,7\n-200,8\n" * 200
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text)))
    assert ended(["inspect", "-", "--rate", "200", *options]) == 0
    out, err = capsys.readouterr()
    assert err == "" and out.startswith("-\n") and words in out
    assert "length  0:00:02.0 (2 s)" in out and "V5  uV, -0.2 to 0.1 mV" in out
    assert "format  text, by default for standard input" in out
