"""Runs are measured beside each other on the same beats, and what does not go together is refused."""

import json
import shutil
from unittest import mock

import keras
import numpy as np
import pytest
from checkpoints import CONTRASTIVE, SMALL

from keras_sibeat.config import read_config
from keras_sibeat.data.planted import BY_CLASS, KINDS
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.evaluate import explain as command
from keras_sibeat.evaluate.explained import Beats, Explained, explained_models
from keras_sibeat.evaluate.explaining import PLANTED, explain, measure_maps
from keras_sibeat.evaluate.explaining_series import explain_series, measure_series
from keras_sibeat.evaluate.judges import Judge
from keras_sibeat.evaluate.known_places import Known
from keras_sibeat.evaluate.maps import difference
from keras_sibeat.train.run import Run
from keras_sibeat.train.training import train

OF_WEARERS = ["protocol.name=inter_patient", "data.wearers=6", "data.seconds=180", "train.epochs=1"]
TINY = ["contrastive.units=3", "student.width=4", "student.depth=3", "student.epochs=1"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of a BeatGAN, a contrastive run and a student that gives residuals, on simulated wearers."""
    folder = tmp_path_factory.mktemp("runs")
    settings = {
        "beatgan": [*SMALL, "train.jit_compile=false"],
        "contrastive": [*CONTRASTIVE, TINY[0]],
        "student": [*CONTRASTIVE, *TINY],
    }
    for name, own in settings.items():
        train(read_config(overrides=[*own, *OF_WEARERS, f"name={name}"]), folder / name)
    return folder


def test_runs_stand_beside_each_other_in_one_result(runs, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_sibeat.evaluate.known_places.WEARERS", 2)
    folders = [str(runs / name) for name in ("contrastive", "beatgan")]
    command.main([*folders, "--report", str(tmp_path / "results")])
    result = json.loads((tmp_path / "results" / "explain.json").read_text())
    assert set(result["maps"]) == {"simulated", "recorded"} and result["seeds"] == [0]
    rows = result["maps"]["recorded"]
    assert {"beatgan: rebuild error", "contrastive: gradients, smoothed", "difference", "chance"} <= set(rows)
    counts = result["beats"]["recorded"]
    assert set(counts) <= {*KINDS, *BY_CLASS} and len(counts) >= len(KINDS) - 2
    for row in rows.values():
        assert set(row) == {PLANTED, *counts}
        assert all(0 <= row[PLANTED][name]["mean"] <= 1 for name in ("pointing", "overlap"))
    # The difference needs no training, and finds what is planted in simulated beats.
    assert rows["difference"][PLANTED]["pointing"]["mean"] > 0.7 > rows["chance"][PLANTED]["pointing"]["mean"]
    assert {"contrastive/fold0-seed0/scorer.keras", "beatgan/fold0-seed0/label_free.keras"} <= set(
        result["models_sha256"]
    )
    assert "recorded beats" in (tmp_path / "RESULTS.md").read_text()
    assert (tmp_path / "results" / "explain.png").stat().st_size > 10_000


def test_a_student_that_rebuilds_has_its_residuals(runs):
    run = Run(runs / "student")
    part = next(iter(run.parts().values()))
    with pytest.raises(RunError, match="expected python -m keras_sibeat.export"):
        explained_models(run, part)


def test_a_student_that_the_gate_refused_has_no_int8_map(runs, tmp_path):
    shutil.copytree(runs / "student", tmp_path / "student")
    run = Run(tmp_path / "student")
    part = next(iter(run.parts().values()))
    (part / "export").mkdir()
    (part / "export" / "student-refused.json").write_text(json.dumps({"gate": {"failures": ["auc"]}}))
    models = explained_models(run, part)
    assert set(models) == {"student"} and set(models["student"].maps) == {
        "gradients",
        "residuals",
        "occlusion",
    }
    windows = np.random.default_rng(0).uniform(-1, 1, (3, 320, 1)).astype("float32")
    beats = Beats((windows,), np.zeros_like(windows))
    assert all(draw(beats).shape == (3, 320) for draw in models["student"].maps.values())
    assert models["student"].score(windows).shape == (3,)


def test_runs_of_other_seeds_are_refused(runs, tmp_path):
    shutil.copytree(runs / "beatgan", tmp_path / "other")
    file = tmp_path / "other" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "seeds": [1]}))
    with pytest.raises(RunError, match=r"found the seeds \[1\]; expected those of .*, \[0\]"):
        explain([Run(runs / "contrastive"), Run(tmp_path / "other")])


def test_a_run_that_has_learnt_from_a_recording_that_validates_is_refused(runs, tmp_path):
    shutil.copytree(runs / "beatgan", tmp_path / "other")
    file = tmp_path / "other" / "config.json"
    config = json.loads(file.read_text())
    config["protocol"]["train_records"] = ["s000", "s001", "s002", "s003", "s004"]
    config["protocol"]["split_seed"] = 3
    file.write_text(json.dumps(config))
    with pytest.raises(RunError, match="found that it has learnt from record s00"):
        explain([Run(runs / "contrastive"), Run(tmp_path / "other")])


def test_wearers_that_are_not_kept_apart_are_refused(runs, tmp_path):
    shutil.copytree(runs / "beatgan", tmp_path / "other")
    file = tmp_path / "other" / "config.json"
    config = json.loads(file.read_text())
    config["protocol"]["name"] = "beatgan"
    file.write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="found beatgan; expected inter_patient or databases"):
        explain([Run(tmp_path / "other")])


def test_a_run_that_is_missing_ends_the_command_with_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main([str(tmp_path / "none")])
    assert (
        ended.value.code == 2 and "found no config.json; expected a run's folder" in capsys.readouterr().err
    )


def test_no_kind_counts_more_than_another_in_their_mean():
    windows = np.zeros((4, 320, 2), np.float32)
    windows[:, 100:110, 0] = 1
    truth = np.zeros((4, 320), bool)
    truth[:, 100:110] = [[True], [False], [False], [False]]
    truth[1:, :10] = True
    beats = Beats((windows,), windows[:, :, 1:])
    known = Known(np.array(["bump", "cut", "cut", "cut"]), truth, beats)
    model = Explained(lambda changed: np.square(changed[:, :, 0]).sum(axis=1), {})
    found = measure_maps([{"m": model}], [known])
    assert found["beats"] == {"bump": 1, "cut": 3} and found["agreement"] == {}
    row = found["maps"]["difference"]
    assert (row["bump"]["pointing"], row["cut"]["pointing"], row[PLANTED]["pointing"]) == (1, 0, 0.5)
    assert (difference(windows, beats.usual).argmax(axis=1) == 100).all()


def walks(count, seed):
    phase = np.random.default_rng(seed).uniform(0, 0.1, (count, 1, 1))
    return np.sin(phase + np.arange(64)[:, None] * [0.2, 0.3]).astype("float32")


def test_a_perfect_rebuild_of_a_series_names_the_channel_and_the_time():
    normal = np.sin(np.arange(64)[:, None] * [0.2, 0.3]).astype("float32")
    window = keras.Input((64, 2))
    generator = keras.Model(window, keras.layers.Lambda(lambda x: 0 * x + normal)(window))
    rows = measure_series(generator, walks(20, 0), walks(50, 1), np.random.default_rng(0))
    found = rows["rebuild error"][PLANTED]
    assert found["pointing"] == found["channel"] == 1 and found["overlap"] > 0.5
    assert rows["difference from the nearest"][PLANTED]["channel"] == 1
    assert rows["chance"][PLANTED]["pointing"] < 0.4


def test_beats_are_no_series(runs):
    with pytest.raises(RunError, match="found the protocol inter_patient; expected series"):
        explain_series(Run(runs / "beatgan"))


def test_a_run_without_a_rebuild_is_refused(tmp_path):
    time = np.arange(300)
    for number in range(5):
        rows = np.sin(time[:, None] * [0.2, 0.3] + number)
        np.savetxt(tmp_path / f"a{number}.csv", rows, delimiter=",", header="x,y", comments="")
    settings = [
        'data.groups={a=["a*.csv"]}',
        "data.source=series",
        "protocol.name=series",
        "protocol.normal=a",
        "window.before=32",
        "window.after=32",
        "model.kind=dense",
        "model.units=[8]",
        "model.latent=2",
        "train.epochs=1",
        "train.batch_size=16",
        "train.jit_compile=false",
    ]
    run = train(read_config(overrides=settings, data=tmp_path), tmp_path / "run")
    network = keras.Sequential([keras.Input((64, 2)), keras.layers.Flatten(), keras.layers.Dense(1)])
    silent = Judge(network, None, lambda windows: {})
    with (
        mock.patch("keras_sibeat.evaluate.explaining_series.open_judge", return_value=silent),
        pytest.raises(RunError, match="found a model that rebuilds nothing"),
    ):
        explain_series(run)
    result = explain_series(run, each=8)
    assert result["maps"]["rebuild error"][PLANTED]["pointing"]["values"][0] >= 0
