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
from keras_sibeat.presets.__main__ import main as preset_command
from keras_sibeat.presets.card import render_card
from keras_sibeat.presets.loading import FOLDER, describe_preset, list_presets, load_preset
from keras_sibeat.presets.making import LARGEST, open_preset, preset_config
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
    preset_command([str(run), "tiny", "--folder", str(folder)])
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
        "no medical device",
        "Open Data Commons",
        f"{about['metrics']['auc']:.4f}",
        "MLII",
        "320, 1",
    ):
        assert text in card
    assert "{" not in card


def test_it_is_measured_again_by_name(shelf, monkeypatch, capsys):
    for function in (list_presets, describe_preset, load_preset, preset_config, open_preset):
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
    assert stopped.value.code == 2 and "expected either a run or --preset" in capsys.readouterr().err


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
        preset_command([str(tmp_path), "tiny", "--folder", str(tmp_path)])
    assert "found no config.json; expected a run's folder" in capsys.readouterr().err
    metrics = run / "fold0-seed0" / "metrics.json"
    metrics.rename(tmp_path / "metrics.json")
    try:
        with pytest.raises(SystemExit):
            preset_command([str(run), "tiny", "--folder", str(tmp_path)])
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
def test_what_ships_scores_as_its_card_says(name, mitdb, monkeypatch):
    from keras_sibeat.evaluate.runs import evaluate_preset

    results = evaluate_preset(name, mitdb)
    for metric in {"auc", "ap", "auc_record"} & set(results["ships"]["metrics"]):
        measured, ships = (results[key]["metrics"][metric]["mean"] for key in ("measured", "ships"))
        assert measured == pytest.approx(ships, abs=1e-4)
