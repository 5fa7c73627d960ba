"""The scripts in examples/ run as they stand, from anywhere, and are short."""

import ast
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest

from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.evaluate.beat_files import read_beats
from keras_sibeat.evaluate.int8 import evaluate_exported
from keras_sibeat.train.run import Run
from sibeat_edge import Model

EXAMPLES = Path(__file__).parents[1] / "examples"
MOST_LINES = 30


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs an example in an empty folder, and returns what it prints."""

    def go(name, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return go


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_a_script_is_short(script):
    text = script.read_text(encoding="utf-8")
    first = ast.parse(text).body[0].end_lineno  # behind what it says of itself
    code = [line.strip() for line in text.splitlines()[first:]]
    assert sum(bool(line) and not line.startswith("#") for line in code) <= MOST_LINES


def test_images_are_learnt_by_contrast(run):
    told = run("contrastive_images.py", "--epochs", 4)
    trained, random = map(
        float, re.fullmatch(r".*accuracy (\S+), of a random network (\S+)\n", told).groups()
    )
    assert trained > random + 0.02


def test_the_presets_trunk_tells_classes_apart(run):
    told = run("fine_tune_classifier.py", "--wearers", 4, "--epochs", 10)
    f1 = {
        name: float(row.split()[2]) for name in "NSVF" for row in re.findall(rf"^ +{name} +(.*)$", told, re.M)
    }
    assert set(f1) == set("NSVF")
    assert f1["N"] > 0.9 and f1["V"] > 0.8 and f1["S"] > 0.3


def test_a_csv_becomes_an_int8_model_and_a_scored_recording(run, tmp_path):
    signal = simulate_wearer(7, seconds=3000.0, rate=250.0).signal[:, 0]
    np.savetxt(tmp_path / "mine.csv", signal, fmt="%.4f", header="ECG", comments="")
    small = ["train.epochs=1", "student.epochs=4", "student.width=4", "model.width=4"]
    settings = [word for setting in small for word in ("--set", setting)]
    told = run("own_csv_to_device.py", "mine.csv", "--rate", 250, "--out", "made", *settings)
    beats = pandas.read_csv(tmp_path / "made" / "beats.csv")
    assert len(beats) > 2500 and set(beats["record"]) == {"mine"}
    assert f"{beats['alarm'].sum()} alarms among {len(beats)} beats of mine.csv" in told
    folder = tmp_path / "made" / "run"
    model = Model(folder / "fold0-seed0" / "export" / "own.tflite")
    result = evaluate_exported(
        Run(folder), beats_file=tmp_path / "int8.csv"
    )  # the same model on its test beats
    tested = read_beats(tmp_path / "int8.csv")
    assert (tested["alarm"] == (tested["score"] > model.manifest["threshold"]["score"])).all()
    assert tested["alarm"].mean() == pytest.approx(result["metrics"]["false_alarm_rate"]["mean"])
