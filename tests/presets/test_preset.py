"""Presets: made of a run, loaded by name, described by a card, measured again."""

import json
import subprocess
import sys

import checkpoints
import keras
import numpy as np
import pytest
from checkpoints import trained

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.evaluate.__main__ import main as evaluate_command
from keras_sibeat.evaluate.presets import evaluate_preset
from keras_sibeat.presets.__main__ import main as preset_command
from keras_sibeat.presets.card import expected, expected_of, render_card
from keras_sibeat.presets.loading import FOLDER, describe_preset, list_presets, load_preset
from keras_sibeat.presets.making import LARGEST, preset_config
from keras_sibeat.train.run import Run

SMALL = [*checkpoints.STUDENT, "student.epochs=1"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    trained(read_config(overrides=SMALL), folder, ("python", "-m", "keras_sibeat.train"))
    return folder


@pytest.fixture(scope="module")
def shelf(run, tmp_path_factory):
    """A folder of presets that holds one."""
    folder = tmp_path_factory.mktemp("presets")
    preset_command(["make", str(run), "tiny", "--folder", str(folder)])
    return folder


def test_a_preset_is_the_runs_student(run, shelf):
    assert list_presets(shelf) == ["tiny"]
    beats = load_folds(read_config(overrides=SMALL))[0].test.windows[:9]
    student = keras.saving.load_model(run / "fold0-seed0" / "student.keras")
    np.testing.assert_array_equal(
        load_preset("tiny", shelf).predict(beats, verbose=0), student.predict(beats, verbose=0)
    )


def test_what_describes_it_is_what_the_run_measured(run, shelf):
    about = describe_preset("tiny", shelf)
    assert about["metrics"] == json.loads((run / "fold0-seed0" / "metrics.json").read_text())
    assert about["data_sha256"] == Run(run).about["data_sha256"]
    assert "folder" not in about["config"]["data"]


def test_the_card_says_what_it_is_and_what_it_is_not(shelf):
    about, card = describe_preset("tiny", shelf), (shelf / "tiny.md").read_text()
    assert card == render_card(about)
    for text in (
        "not a medical device",
        "normal beats of simulated wearers",
        "simulated, no recording",
        f"{about['metrics']['auc']:.4f}",
        "MLII",
        "320, 1",
    ):
        assert text in card
    assert "{" not in card and "MIT-BIH" not in card


def test_the_card_of_own_recordings_names_no_database(shelf):
    about = describe_preset("tiny", shelf)
    data = {**about["config"]["data"], "source": "wfdb"}
    data = {key: value for key, value in data.items() if key not in ("wearers", "seconds")}
    for leads, is_mitbih in ((["ECG1"], False), (["MLII"], True)):
        card = render_card({**about, "config": {**about["config"], "data": {**data, "leads": leads}}})
        assert ("MIT-BIH recorded 43 people" in card) == ("Open Data Commons" in card) == is_mitbih
        assert ("recordings of one's own" in card) != is_mitbih


def test_of_normal_test_beats_the_card_states_false_alarms_alone(run, shelf, tmp_path, monkeypatch, capsys):
    metrics = run / "fold0-seed0" / "metrics.json"
    before = metrics.read_bytes()
    known = {key: json.loads(before)[key] for key in ("false_alarm_rate", "threshold")}
    metrics.write_text(json.dumps({**known, "not_measured": "No test beat is abnormal."}))
    try:
        preset_command(["make", str(run), "plain", "--folder", str(tmp_path)])
    finally:
        metrics.write_bytes(before)
    assert "bytes, no AUC, as no test beat is abnormal" in capsys.readouterr().out
    card = (tmp_path / "plain.md").read_text()
    assert "| test figures | none but false alarms, as no test beat is abnormal |" in card
    assert "| by class (AUC) | none |" in card
    for function in (evaluate_preset, list_presets, describe_preset, load_preset):
        monkeypatch.setattr(function, "__defaults__", (*function.__defaults__[:-1], tmp_path))
    evaluate_command(["--preset", "plain"])
    assert "No test beat is abnormal." in capsys.readouterr().out


def test_it_is_measured_again_by_name(shelf, monkeypatch, capsys):
    for function in (evaluate_preset, list_presets, describe_preset, load_preset):
        monkeypatch.setattr(function, "__defaults__", (*function.__defaults__[:-1], shelf))
    evaluate_command(["--preset", "tiny"])
    rows = [line.split("│") for line in capsys.readouterr().out.splitlines() if "│" in line]
    found = {cells[1].strip(): [cell.strip() for cell in cells[2:4]] for cells in rows}
    assert found["auc"][0] == found["auc"][1] == f"{describe_preset('tiny')['metrics']['auc']:.4f}"


def test_a_name_that_no_preset_has_is_an_error_that_lists_them(shelf):
    with pytest.raises(ConfigError, match="Preset 'big': no such; expected one of tiny"):
        load_preset("big", shelf)


def test_the_command_names_the_presets(capsys):
    with pytest.raises(SystemExit) as stopped:
        evaluate_command(["--preset", "big"])
    assert stopped.value.code == 2
    assert "Preset 'big': no such; expected one of" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["runs/x", "--preset", "tiny"]])
def test_a_run_or_a_preset_is_evaluated(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        evaluate_command(arguments)
    assert stopped.value.code == 2 and "expected either a run, --preset NAME" in capsys.readouterr().err


def test_a_changed_file_is_refused(shelf, tmp_path):
    for file in shelf.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    changed = bytearray((tmp_path / "tiny.keras").read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "tiny.keras").write_bytes(changed)
    with pytest.raises(RunError, match="tiny.keras: found SHA-256 .*, expected"):
        load_preset("tiny", tmp_path)
    (tmp_path / "tiny.keras").unlink()
    with pytest.raises(RunError, match="tiny.keras: found SHA-256 no file"):
        load_preset("tiny", tmp_path)


def test_only_a_finished_student_becomes_a_preset(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        preset_command(["make", str(tmp_path), "tiny", "--folder", str(tmp_path)])
    assert "found no config.json; expected a run's folder" in capsys.readouterr().err
    metrics = run / "fold0-seed0" / "metrics.json"
    metrics.rename(tmp_path / "metrics.json")
    try:
        with pytest.raises(SystemExit):
            preset_command(["make", str(run), "tiny", "--folder", str(tmp_path)])
    finally:
        (tmp_path / "metrics.json").rename(metrics)
    assert "expected the finished run of a student" in capsys.readouterr().err
    assert not list(tmp_path.glob("tiny*"))


@pytest.mark.parametrize("name", list_presets())
def test_what_ships_is_small_whole_and_plain(name, tmp_path):
    """Plain Keras loads it, in a process that has never heard of this project."""
    file = FOLDER / f"{name}.keras"
    assert file.stat().st_size < LARGEST
    assert (FOLDER / f"{name}.md").read_text() == render_card(describe_preset(name))
    draws = np.random.default_rng(0)
    beats = {
        entry.name: draws.uniform(-1, 1, (4, *entry.shape[1:])).astype("float32")
        for entry in load_preset(name).inputs
    }
    beats = beats if len(beats) > 1 else beats["window"]
    np.save(tmp_path / "beats.npy", beats)
    code = (
        "import sys, numpy, keras; "
        "beats = numpy.load('beats.npy', allow_pickle=True); beats = beats if beats.ndim else beats.item(); "
        f"scores = keras.saving.load_model({str(file)!r}).predict(beats, verbose=0); "
        "assert not {'keras_sibeat', 'sibeat_edge'} & set(sys.modules); numpy.save('scores.npy', scores)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    found = np.load(tmp_path / "scores.npy")
    np.testing.assert_allclose(found, load_preset(name).predict(beats, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", list_presets())
def test_what_ships_scores_as_its_card_says(name, request):
    """Measured anew on the test fold; another machine's rounding moves a few beats across a threshold."""
    folder = request.getfixturevalue("databases" if preset_config(name).data.sources else "mitdb")
    results = evaluate_preset(name, folder)
    measured, ships = (
        {key: value["mean"] for key, value in result["metrics"].items()} for result in results.values()
    )
    assert ships.keys() == measured.keys()
    for metric, value in measured.items():
        assert ships[metric] == pytest.approx(value, rel=0.02, abs=1e-3 if metric.startswith("auc") else 5e-3)
    assert [ships[key] for key in ("auc", "ap")] == pytest.approx(
        [measured[key] for key in ("auc", "ap")], abs=1e-4
    )


def copied(shelf, folder):
    for file in shelf.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_a_preset_is_measured_anew_at_the_threshold_that_it_ships_with(shelf, tmp_path, monkeypatch):
    folder, before = copied(shelf, tmp_path), describe_preset("tiny", shelf)
    spoilt = {**before, "metrics": {**before["metrics"], "auc": 0.0, "sensitivity": 2.0}}
    (folder / "tiny.json").write_text(json.dumps(spoilt))
    monkeypatch.setattr("keras_sibeat.evaluate.presets.current_commit", lambda: "c" * 40)
    preset_command(["measure", "tiny", "--folder", str(folder)])
    about = describe_preset("tiny", folder)
    assert about["metrics"] == pytest.approx(before["metrics"]) and about["measured_commit"] == "c" * 40
    assert {key: about[key] for key in ("commit", "model_sha256", "config")} == {
        key: before[key] for key in ("commit", "model_sha256", "config")
    }
    assert (folder / "tiny.md").read_text() == render_card(about) and "c" * 40 in render_card(about)


def test_a_measurement_that_fails_leaves_the_preset_as_it_was(shelf, tmp_path, monkeypatch):
    folder = copied(shelf, tmp_path)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr("keras_sibeat.presets.card.CARD", tmp_path / "absent.txt")
    with pytest.raises(SystemExit):
        preset_command(["measure", "tiny", "--folder", str(folder)])
    assert before == {file: file.read_bytes() for file in folder.iterdir()}


def test_the_former_way_of_making_a_preset_works_and_says_the_present_one(run, tmp_path, capsys):
    preset_command([str(run), "tiny", "--folder", str(tmp_path)])
    assert list_presets(tmp_path) == ["tiny"]
    assert "python -m keras_sibeat.presets make RUN NAME" in capsys.readouterr().err


WEARERS = {"auc": 0.95, "ap": 0.8, "auc_record": 0.98} | {
    f"{own}false_alarms_per_hour{end}": 100.0 * number + bool(own)
    for own in ("", "own_")
    for number, end in enumerate(("", "_median", "_worst"), 1)
}


def test_what_a_user_may_expect_of_a_wearers_model_is_at_each_wearers_own_threshold():
    inter = ["protocol.name=inter_patient", "data.source=wfdb"]
    config = read_config(overrides=[*inter, "contrastive={}", "wearer={}"], data="mitdb")
    found = expected(config, WEARERS)
    assert found["on"] == "22 recordings of wearers it has not seen (MIT-BIH DS2)"
    assert [found[key] for key in ("auc", "ap", "auc_record")] == [0.95, 0.8, 0.98]
    assert found["false_alarms_per_hour"] == {"mean": 101.0, "median": 201.0, "worst": 301.0}
    own = expected(config, WEARERS, is_mitbih=False)
    assert own == {**found, "on": "recordings of wearers it has not seen"}
    alone = expected(read_config(overrides=inter, data="mitdb"), WEARERS)
    assert alone["false_alarms_per_hour"] == {"mean": 100.0, "median": 200.0, "worst": 300.0}


def test_false_alarms_on_new_wearers_are_not_known_of_wearers_that_were_trained_on(shelf):
    found = expected_of("tiny", shelf)
    assert found["false_alarms_per_hour"] is None and found["auc_record"] is None
    assert found["on"] == "beats of the wearers it was trained on (simulated, random split)"
    assert "| false alarms an hour on new wearers | not known |" in (shelf / "tiny.md").read_text()
    assert expected(read_config(overrides=SMALL), {})["auc"] is None
