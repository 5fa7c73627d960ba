"""``python -m sibeat_edge score``: what it prints and writes, and how it fails."""

import csv
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import wfdb
from examples import write_edf, write_wfdb
from int8_models import tiny_model

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.__main__ import main
from sibeat_edge.errors import ModelError, RecordError
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.record import read_record
from sibeat_edge.report import recording
from sibeat_edge.report.recording import score_file
from sibeat_edge.scorer import score_recording

SECONDS = 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, and a wearer's recording as WFDB (both leads), EDF and CSV; 10 s of it are flat."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "tiny.tflite").write_bytes(tiny_model(rebuilds=True))
    signal = simulate_wearer(seed=5, seconds=SECONDS).signal.astype(np.float64)
    signal[60 * 360 : 70 * 360] = signal[60 * 360]
    write_wfdb(folder, "wearer", signal, ("MLII", "V1"))
    write_edf(folder / "edf.edf", [signal[:, 0]], [360])
    rows = (f"{n / 360:.4f},{value:.4f}" for n, value in enumerate(signal[:, 0]))
    (folder / "clock.csv").write_text("time,MLII\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def scored(folder):
    return score_file(folder / "wearer", folder / "tiny.tflite")


def run(folder, *arguments, record="wearer"):
    main(["score", str(folder / record), "--model", str(folder / "tiny.tflite"), *map(str, arguments)])


def test_the_beats_are_those_of_the_scorer_on_the_whole_signal(folder, scored):
    model = Model(folder / "tiny.tflite")
    signal = wfdb.rdrecord(str(folder / "wearer")).p_signal[:, 0]
    wanted = score_recording(model, signal, 360)
    assert len(wanted) > 100 and scored.beats == wanted
    assert scored.alarms == [beat for beat in wanted if beat.alarm] and scored.alarms
    assert scored.threshold == model.manifest["threshold"]["score"] and scored.threshold_from == "model"


def test_the_worst_beats_carry_residuals_and_the_others_do_not(scored):
    assert all(beat.residuals is None for beat in scored.beats)
    assert {excerpt.beat.residuals.shape for excerpt in scored.worst} == {(320,)}
    assert scored.worst[0].beat.score == max(beat.score for beat in scored.beats if not beat.reason)


def test_what_was_not_scored_adds_up(scored):
    assert scored.seconds == SECONDS and len(scored.reasons) == SECONDS
    assert scored.not_scored["flat"] == pytest.approx(10, abs=3)
    assert scored.summary["scored_seconds"] == SECONDS - sum(scored.not_scored.values())


@pytest.mark.parametrize("record", ["edf.edf", "clock.csv"])
def test_every_format_gives_the_same_beats(folder, scored, record):
    other = score_file(folder / record, folder / "tiny.tflite")
    assert len(other.beats) == len(scored.beats)
    for a, b in zip(other.beats, scored.beats, strict=True):
        assert abs(a.time - b.time) <= 1 / 360 and a.reason == b.reason
    pairs = [
        (a.score, b.score) for a, b in zip(other.beats, scored.beats, strict=True) if a.score is not None
    ]
    # The formats round the samples differently, to some of int8's levels.
    levels = np.abs(np.diff(pairs)) / scored.manifest["score"]["scale"]
    assert np.mean(levels <= 4.5) > 0.9 and levels.max() < 25


def test_progress_is_told(folder):
    calls = []
    score_file(folder / "wearer", folder / "tiny.tflite", progress=lambda *call: calls.append(call))
    assert calls == [(60, SECONDS), (120, SECONDS), (SECONDS, SECONDS)]


def test_a_table_is_printed(folder, scored, capsys):
    run(folder)
    out, err = capsys.readouterr()
    assert "wearer: scored beats" in out and "flat" in out and "Not a medical device." in out
    assert str(len(scored.beats)) in out and f"{scored.alarms[0].time:.2f}" in out
    assert "AUC                              0.988" in out and "22 recordings of wearers" in out
    assert "median 22, mean 64, worst wearer 412 per hour" in " ".join(out.split())
    assert len(out.splitlines()) < 60 and err == ""


def test_json_is_printed(folder, scored, capsys):
    run(folder, "--format", "json")
    found = json.loads(capsys.readouterr().out)
    known = scored.manifest["expected"]["false_alarms_per_hour"]
    assert found["false_alarms_per_hour_on_new_wearers"] == known
    assert found["threshold_set_for_false_alarms_per_hour"] == 400
    assert [beat["score"] for beat in found["beats"]] == [beat.score for beat in scored.beats]
    assert found["episodes"] == [] and "ventricular_beats" not in found


def test_csv_is_written(folder, scored, tmp_path, capsys):
    run(folder, "--format", "csv", "--out", tmp_path / "beats.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "beats.csv").read_text())))
    assert len(rows) == len(scored.beats) and capsys.readouterr().out == ""
    assert {row["kind"] for row in rows} == {""} and os.listdir(tmp_path) == ["beats.csv"]


def test_annotations_lie_beside_the_record_by_default(folder, scored):
    run(folder, "--format", "wfdb")
    found = wfdb.rdann(str(folder / "wearer"), "sib")
    np.testing.assert_array_equal(found.sample[1:], [round(beat.time * 360) for beat in scored.beats])
    assert found.symbol.count("?") == len(scored.alarms) and set(found.symbol[1:]) == set("N?Q")
    (folder / "wearer.sib").unlink()


def test_a_report_is_written(folder, tmp_path):
    run(folder, "--report", tmp_path / "a.html", "--out", tmp_path / "table.txt")
    assert "<h1>Record wearer</h1>" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert sorted(os.listdir(tmp_path)) == ["a.html", "table.txt"]


def test_another_lead_is_scored_with_a_warning(folder, capsys):
    run(folder, "--lead", "V1", "--format", "json")
    out, err = capsys.readouterr()
    assert err.startswith("warning: ") and "V1" in err and "MLII" in err and err.count("\n") == 1
    assert json.loads(out)["leads"] == ["V1"] and json.loads(out)["warnings"] == [err[9:-1]]


def test_a_threshold_can_be_given(folder, scored, capsys):
    run(folder, "--threshold", "1e9", "--format", "json")
    found = json.loads(capsys.readouterr().out)
    assert found["alarms"] == 0 and found["threshold_from"] == "option"
    assert found["threshold_set_for_false_alarms_per_hour"] is None
    assert found["false_alarms_per_hour_on_new_wearers"] is None


def test_false_alarms_per_hour_set_the_threshold(folder, scored, capsys):
    """Of the model's 4000 normal beats an hour 2000 score above the middle one."""
    run(folder, "--false-alarms-per-hour", "2000", "--format", "json")
    found = json.loads(capsys.readouterr().out)
    known = scored.manifest["calibration"]
    assert abs(found["threshold"] - known["scores"][1]) <= scored.manifest["score"]["scale"]
    assert found["threshold_set_for_false_alarms_per_hour"] == 2000 and found["threshold_from"] == "rate"
    assert found["false_alarms_per_hour_on_new_wearers"] is None
    assert found["alarms"] > len(scored.alarms)


def test_more_or_fewer_false_alarms_than_the_model_knows_are_an_error(folder, capsys):
    for asked in ("1", "3999"):
        with pytest.raises(SystemExit) as ended:
            run(folder, "--false-alarms-per-hour", asked)
        out, err = capsys.readouterr()
        assert ended.value.code == 2 and out == "" and err.count("\n") == 1
        assert f"found a request for {asked} false alarms" in err and "expected 400 to 3600," in err


def test_the_wearers_own_threshold(folder):
    model = Model(folder / "tiny.tflite")
    scored = score_file(folder / "wearer", model, personal=50)
    signal = wfdb.rdrecord(str(folder / "wearer")).p_signal[:, 0]
    assert scored.beats == score_recording(model, signal, 360, personal=50)
    assert scored.threshold_from == "wearer" and scored.threshold != model.manifest["threshold"]["score"]


def test_too_few_beats_for_the_wearers_own_threshold_are_told(folder):
    scored = score_file(folder / "wearer", folder / "tiny.tflite", personal=5000)
    assert scored.threshold_from == "model" and "expected 5000" in scored.warnings[0]


def test_a_model_of_two_leads_takes_both(folder):
    one = Model(folder / "tiny.tflite").manifest["signal"]
    content = tiny_model(signal={**one, "leads": ["MLII", "V1"]})
    scored = score_file(folder / "wearer", content)
    assert scored.leads == ("MLII", "V1") and len(scored.beats) > 100
    assert scored.strip.samples.shape == (30 * 360, 2)


def test_a_rate_too_low_for_the_models_band_is_told(folder, tmp_path):
    signal = wfdb.rdrecord(str(folder / "wearer")).p_signal[::6, :1]
    scored = score_file(write_wfdb(tmp_path, "slow", signal, rate=60), folder / "tiny.tflite")
    assert "found a rate of 60 Hz; expected 90 Hz or more" in scored.warnings[0]


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_recording_without_heartbeats(folder, tmp_path, value):
    path = write_wfdb(tmp_path, "still", np.full((7200, 1), value))
    if np.isnan(value):
        with pytest.raises(RecordError, match="still: found no finite sample"):
            score_file(path, folder / "tiny.tflite")
    else:
        scored = score_file(path, folder / "tiny.tflite")
        assert scored.beats == [] and scored.not_scored == {"flat": 20}
        run(tmp_path, "--model", folder / "tiny.tflite", "--report", tmp_path / "a.html", record="still")
        assert (tmp_path / "a.html").is_file()


def test_memory_does_not_grow_with_the_signal(folder):
    """A block is read only after the block before it has been scored."""
    order = []
    record = read_record(folder / "wearer")
    blocks = record.blocks

    def watched(seconds):
        for block in blocks(seconds):
            order.append("read")
            yield block

    object.__setattr__(record, "blocks", watched)
    model = Model(folder / "tiny.tflite")
    recording.score_record(record, model, progress=lambda *_: order.append("scored"))
    assert order == ["read", "scored"] * 3


def test_a_missing_preset_is_told(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(recording, "PRESET", tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="none.tflite: found no such file; expected the package's preset"):
        score_file(folder / "wearer")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none"], "none: found no such file"),
        (["wearer", "--lead", "V6"], "found the leads MLII, V1; expected V6"),
        (["wearer", "--rate", "250"], "found a rate of 360 Hz; expected 250 Hz"),
        (["wearer", "--model", "none.tflite"], "none.tflite: No such file or directory"),
        (["wearer", "--model", "clock.csv"], "clock.csv: found no TensorFlow Lite model"),
        (["wearer", "--out", "clock.csv/a.txt"], "clock.csv"),
        (["wearer", "--report", "clock.csv/a.html"], "clock.csv"),
    ],
)
def test_a_failure_is_one_sentence_and_exit_code_2(folder, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(folder)
    before = sorted(os.listdir(folder))
    defaults = [] if "--model" in arguments else ["--model", "tiny.tflite"]
    with pytest.raises(SystemExit) as caught:
        main(["score", *arguments, *defaults])
    out, err = capsys.readouterr()
    assert caught.value.code == 2 and out == ""
    assert err.startswith("error: ") and words in err and err.count("\n") == 1
    assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize(("lead", "is_damaged"), [("MLII", False), ("V1", True)])
def test_a_damaged_end_costs_no_results(folder, tmp_path, capsys, lead, is_damaged):
    """The checksum is known only at the end, when all beats are scored."""
    for name in ("wearer.hea", "wearer.dat"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    data = bytearray((tmp_path / "wearer.dat").read_bytes())
    data[-2] ^= 1  # of V1, the last lead
    (tmp_path / "wearer.dat").write_bytes(data)
    command = ["score", str(tmp_path / "wearer"), "--model", str(folder / "tiny.tflite"), "--lead", lead]
    command += ["--format", "csv", "--out", str(tmp_path / "a.csv")]
    record = read_record(tmp_path / "wearer", lead)
    assert record.signal.size and ("found the checksum" in record.cut) == is_damaged
    try:
        main(command)
    except SystemExit as partial:
        assert partial.code == 3 and is_damaged
    assert len((tmp_path / "a.csv").read_text().splitlines()) > 10


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threshold", "nan"],
        ["--threshold", "1", "--false-alarms-per-hour", "5"],
        ["--personal", "-1"],
        ["--rate", "0"],
        ["--format", "xml"],
        ["--x"],
    ],
)
def test_an_option_out_of_range_is_refused(folder, capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        run(folder, *arguments)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


def test_the_command_runs_without_tensorflow(folder):
    code = (
        "import sys; from sibeat_edge.__main__ import main; main(sys.argv[1:]); "
        "print([n for n in ('tensorflow', 'keras', 'keras_sibeat', 'sklearn') if n in sys.modules])"
    )
    arguments = ["score", folder / "wearer", "--model", folder / "tiny.tflite", "--format", "csv"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[0].startswith("time,") and done.stdout.splitlines()[-1] == "[]"


def test_help_of_a_command_has_an_example_that_is_right(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["score", "--help"])
    (example,) = re.findall("^example: sibeat (.+)$", capsys.readouterr().out, re.MULTILINE)
    assert ended.value.code == 0
    with pytest.raises(SystemExit) as ended:  # it parses: the one thing that is wrong is the absent file
        main(example.split())
    assert ended.value.code == 2
    assert re.fullmatch(r"error: watch\.csv: found no such file; [^\n]+\n", capsys.readouterr().err)


def test_the_package_is_a_command(folder):
    command = [sys.executable, "-m", "sibeat_edge", "score", folder / "none"]
    command += ["--model", folder / "tiny.tflite"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
