"""``sibeat score`` on what people have: short, empty, cut, flat and shifted recordings; its exit codes."""

import json

import numpy as np
import pytest
from examples import write_wfdb
from heartbeats import ecg
from score_command import run

from sibeat_edge.errors import ModelError, RecordError
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.record import Record
from sibeat_edge.report.recording import score_file
from sibeat_edge.scorer import BeatScorer


def write_csv(path, signal, heading="MLII (mV)"):
    np.savetxt(path, signal, fmt="%.4f", header=heading, comments="")
    return path


def once(pairs):
    """An object of JSON in which no key stands twice."""
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


def parsed(text):
    return json.loads(text, object_pairs_hook=once, parse_constant=pytest.fail)


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """A clinical ECG of 10 s with a ventricular beat."""
    signal = ecg(10, 500, ectopic=(5,))
    return write_wfdb(tmp_path_factory.mktemp("clinic"), "ten", signal[:, None], rate=500)


def test_a_short_recording_is_scored_by_the_preset_that_judges_beats_alone(ten, capsys):
    assert run(ten, "--format", "json") == 0
    out, err = capsys.readouterr()
    found = parsed(out)
    assert (
        found["model"] == "mitdb-beat" and found["scored"] == found["beats_found"] == len(found["beats"]) > 8
    )
    assert [round(beat["time"]) for beat in found["beats"] if beat["alarm"]] == [4]
    assert err == f"warning: {found['warnings'][0]}\n" and "mitdb-beat judged each beat alone" in err


def test_the_same_scores_as_by_that_preset_s_name(ten):
    assert score_file(ten).beats == score_file(ten, "mitdb-beat").beats


@pytest.mark.parametrize("seconds", [3, 5, 15])
def test_however_short_a_recording_with_beats_is_scored(tmp_path, seconds):
    scored = score_file(write_csv(tmp_path / "a.csv", ecg(seconds, pulse=60)), rate=250)
    assert scored.manifest["name"] == "mitdb-beat" and scored.summary["scored"] >= 1


def test_half_a_minute_of_a_watch_is_enough_for_the_wearer_s_preset(tmp_path):
    scored = score_file(write_csv(tmp_path / "a.csv", ecg(30, pulse=60)), rate=250)
    assert scored.manifest["name"] == "mitdb-wearer" and scored.summary["scored"] > 25


def test_a_model_that_was_chosen_stays_and_the_other_is_proposed(ten, capsys):
    assert run(ten, "--model", "mitdb-wearer", "--format", "json") == 0
    out, err = capsys.readouterr()
    assert "--model mitdb-beat judges each beat alone" in err and err.count("\n") == 1
    found = parsed(out)
    assert found["scored"] == 0 and found["alarms_per_hour"] is None and found["heart_rate"] is None


def test_a_threshold_that_was_chosen_is_not_given_to_another_model(ten):
    assert score_file(ten, threshold=3.0).manifest["name"] == "mitdb-wearer"
    assert score_file(ten, false_alarms_per_hour=40).manifest["name"] == "mitdb-wearer"


def test_where_nothing_was_scored_rates_are_unknown(ten, tmp_path, capsys):
    assert run(ten, "--model", "mitdb-wearer", "--report", tmp_path / "a.html") == 0
    table = " ".join(capsys.readouterr().out.split())
    assert "alarms per hour unknown" in table and "heart rate, beats/min unknown" in table
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "<td>Alarms per hour</td><td>unknown</td>" in page and "The first 30 s" in page


def test_presets_go_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mitdb-beat").write_text("a file of that name beside you")
    assert Model("mitdb-beat").manifest["name"] == "mitdb-beat"
    assert BeatScorer("mitdb-wearer", rate=250).model.manifest["name"] == "mitdb-wearer"
    with pytest.raises(ModelError, match="found no TensorFlow Lite model"):
        Model("./mitdb-beat")


def test_an_unknown_preset_lists_those_that_ship(ten, capsys):
    assert run(ten, "--model", "mitdb-beet") == 2
    err = capsys.readouterr().err
    assert "mitdb-beat, mitdb-wearer (did you mean mitdb-beat?)" in err and err.count("\n") == 1


CUT = "ten: found an end in the middle of a row; expected a whole one."


def test_a_recording_that_ends_too_early_is_scored_so_far(ten, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Record, "cut", property(lambda record: CUT))
    assert run(ten, "--format", "json", "--report", tmp_path / "a.html") == 3
    out, err = capsys.readouterr()
    found = parsed(out)
    assert found["partial"] is True and CUT in found["warnings"] and f"warning: {CUT}" in err
    assert found["scored"] > 8 and CUT in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_whole_recording_is_not_partial(ten):
    assert score_file(ten).summary["partial"] is False


def test_where_nothing_can_be_scored_before_the_cut_nothing_is(tmp_path, monkeypatch):
    monkeypatch.setattr(Record, "cut", property(lambda record: CUT))
    with pytest.raises(RecordError, match="found an end in the middle"):
        score_file(write_csv(tmp_path / "a.csv", np.full(500, np.nan)), rate=250)


@pytest.mark.parametrize("offset", [300, -300, 1e4])
def test_an_offset_changes_no_beat(tmp_path, offset):
    signal = ecg(40, ectopic=(20,))
    plain, shifted = (
        score_file(write_csv(tmp_path / f"{n}.csv", signal + level), rate=250)
        for n, level in enumerate((0, offset))
    )
    assert len(plain.alarms) == 1
    assert [(b.time, b.alarm, b.reason) for b in shifted.beats] == [
        (b.time, b.alarm, b.reason) for b in plain.beats
    ]


@pytest.mark.parametrize("rows", [1, 2, 100, 250])
@pytest.mark.parametrize("value", [0.0, 1.5])
def test_a_constant_lead_of_any_length_gives_no_scores_and_no_rates(tmp_path, capsys, rows, value):
    path = write_csv(tmp_path / "a.csv", np.full(rows, value))
    assert run(path, "--rate", 250, "--format", "json", "--report", tmp_path / "a.html") == 0
    found = parsed(capsys.readouterr().out)
    assert (found["scored"], found["alarms"], found["alarms_per_hour"]) == (0, 0, None)
    assert (tmp_path / "a.html").is_file()


@pytest.mark.parametrize("text", ["", "\n\n", "MLII (mV)\n", "MLII (mV)\nnan\n"])
def test_a_file_without_samples_is_one_sentence(tmp_path, capsys, text):
    (tmp_path / "a.csv").write_text(text)
    assert run(tmp_path / "a.csv", "--rate", 250, "--report", tmp_path / "a.html") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and err.count("\n") == 1 and not (tmp_path / "a.html").exists()


def test_the_unit_can_be_told(tmp_path, capsys):
    path = write_csv(tmp_path / "a.csv", 1000 * ecg(10), "MLII")
    found = score_file(path, rate=250, unit="uV")
    wanted = score_file(write_csv(tmp_path / "b.csv", ecg(10), "MLII (mV)"), rate=250)
    assert [b.time for b in found.beats] == [b.time for b in wanted.beats]
    assert np.ptp(found.strip.samples[:2500]) == pytest.approx(np.ptp(wanted.strip.samples[:2500]), rel=1e-2)
    assert (found.assumed_unit, wanted.assumed_unit) == ("uV", "")
    assert run(path, "--rate", 250, "--unit", "mmHg") == 2
    assert "given the unit 'mmHg'; expected mV, uV, V or counts" in capsys.readouterr().err


@pytest.mark.parametrize("where", [".", "..", "folder"])
def test_a_folder_is_no_recording_in_python(tmp_path, monkeypatch, where):
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecordError, match="found a folder; expected one recording"):
        score_file(where)


def test_an_empty_folder_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(".") == 2
    assert capsys.readouterr().err == (
        "error: .: found a folder without a recording; expected one or more in it.\n"
    )
