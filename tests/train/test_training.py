"""A run from start to end: what it leaves, how it resumes, how it refuses."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import checkpoints
import keras
import numpy as np
import pytest
from checkpoints import losses, rows, trained, weights

from keras_sibeat.config import read_config
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.__main__ import main as evaluate_command
from keras_sibeat.evaluate.runs import evaluate
from keras_sibeat.train.__main__ import main as train_command
from keras_sibeat.train.run import Run, read_history
from keras_sibeat.train.training import train

SMALL = [*checkpoints.SMALL, "model.time_warp=4", "train.epochs=3"]
PLAIN = "train.jit_compile=false"


def small(*more):
    return read_config(overrides=[*SMALL, *more])


def arguments(folder, *more):
    return checkpoints.command([*SMALL, *more], folder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a small finished run, and its result."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    return folder, trained(small(), folder, ("python", "-m", "keras_sibeat.train"), plots=True)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What the same run without XLA found, which takes less time to compile."""
    return trained(small(PLAIN), tmp_path_factory.mktemp("runs") / "plain")


def test_a_run_leaves_configuration_history_models_metrics_and_plots(finished):
    folder, result = finished
    part = folder / "fold0-seed0"
    assert json.loads((folder / "config.json").read_text())["train"]["epochs"] == 3
    assert set(json.loads((folder / "run.json").read_text())) == {
        "command",
        "data_sha256",
        "versions",
        "commit",
        "notes",
    }
    history = read_history(part / "history.csv")
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert history[-1]["rebuild_loss"] < history[0]["rebuild_loss"]
    assert list((part / "tensorboard").rglob("events.*"))
    assert {path.name for path in (part / "plots").iterdir()} == {
        "history.png",
        "curves.png",
        "scores.png",
        "calibration.png",
        "rebuilt.png",
    }
    assert json.loads((part / "metrics.json").read_text())["auc"] == result["metrics"]["auc"]["mean"]
    assert not list(folder.rglob(".partial-*"))


def test_the_default_selection_looks_at_no_label(finished):
    folder, result = finished
    rows = read_history(folder / "fold0-seed0" / "history.csv")
    best = min(rows, key=lambda row: row["validation_rebuild_loss"])
    assert result["selection"] == "label_free"
    assert result["metrics"]["selected_epoch"]["values"] == [best["epoch"]]


def test_evaluating_again_gives_the_same_metrics(finished):
    folder, result = finished
    again = evaluate(Run(folder))
    assert again["metrics"] == result["metrics"]


def test_another_selection_is_reported_under_another_name(finished, tmp_path):
    folder, _ = finished
    evaluate_command([str(folder), "--selection", "labelled", "--report", str(tmp_path / "results")])
    result = json.loads((tmp_path / "results" / "unnamed-labelled.json").read_text())
    rows = read_history(folder / "fold0-seed0" / "history.csv")
    best = max(rows, key=lambda row: row["validation_auc"])
    assert result["metrics"]["selected_epoch"]["values"] == [best["epoch"]]
    assert (tmp_path / "RESULTS.md").exists()


def test_the_baselines_are_scored_on_the_same_folds(finished, tmp_path):
    folder, _ = finished
    evaluate_command([str(folder), "--baselines", "--report", str(tmp_path / "results")])
    for name in ("pca", "knn", "ocsvm", "iforest"):
        result = json.loads((tmp_path / "results" / f"baseline-{name}-unnamed.json").read_text())
        assert 0.5 < result["metrics"]["auc"]["mean"] <= 1, name
        assert "--baselines" in result["command"]


def test_the_saved_generator_rebuilds_in_a_project_that_lacks_this_one(finished, tmp_path):
    folder, _ = finished
    file = folder / "fold0-seed0" / "generator.keras"
    beats = np.linspace(-1, 1, 2 * 320, dtype="float32").reshape(2, 320, 1)
    np.save(tmp_path / "beats.npy", beats)
    code = (
        "import sys, keras, numpy as np\n"
        "sys.modules['keras_sibeat'] = None\n"
        "generator = keras.saving.load_model(sys.argv[1], safe_mode=True)\n"
        "np.save(sys.argv[3], generator.predict(np.load(sys.argv[2]), verbose=0))\n"
    )
    out = tmp_path / "rebuilt.npy"
    subprocess.run([sys.executable, "-c", code, file, tmp_path / "beats.npy", out], check=True, timeout=1800)
    here = keras.saving.load_model(folder / "fold0-seed0" / "model.keras")(beats)
    np.testing.assert_allclose(np.load(out), here, atol=1e-6)


CHATTER = re.compile(r"^[IWE]0000|absl::|oneDNN|retracing|cuda|XLA", re.MULTILINE)


def test_a_killed_run_ends_with_the_same_weights_to_the_last_bit(finished, tmp_path):
    folder, told = tmp_path / "killed", tmp_path / "stderr"
    command = [sys.executable, "-m", "keras_sibeat.train", *arguments(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_CPP")}
    with told.open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
    part = folder / "fold0-seed0"
    deadline = time.monotonic() + 1800
    while not list(part.glob("epoch-000[12].weights.h5")):
        assert process.poll() is None and time.monotonic() < deadline, told.read_text()
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not CHATTER.search(told.read_text())
    assert not (part / "metrics.json").exists()
    trained(small(), folder)
    whole, resumed = weights(finished[0] / "fold0-seed0"), weights(part)
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(value, resumed[name], err_msg=name)
    assert rows(finished[0] / "fold0-seed0") == losses(part)


def test_a_finished_run_is_not_trained_again(finished):
    folder, _ = finished
    before = (folder / "fold0-seed0" / "history.csv").read_text()
    trained(small(), folder)
    assert (folder / "fold0-seed0" / "history.csv").read_text() == before


def test_a_full_disk_leaves_nothing_half_written_and_the_run_goes_on(plain, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "full"
    save = keras.Model.save_weights

    def fail(self, path, **options):
        path.write_bytes(b"half a file")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(keras.Model, "save_weights", fail)
    with pytest.raises(SystemExit) as stopped:
        train_command(arguments(folder, PLAIN))
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert re.search(r"^error: .*epoch-0001\.weights\.h5: found no space left on device; expected room", told)
    assert not list(folder.rglob(".partial-*")) and not list(folder.rglob("epoch-*"))
    monkeypatch.setattr(keras.Model, "save_weights", save)
    assert trained(small(PLAIN), folder)["metrics"] == plain["metrics"]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (["train.epochs=2"], "another configuration"),
        (["model.width=3"], "another configuration"),
    ],
)
def test_a_folder_of_another_run_is_refused(finished, extra, told):
    with pytest.raises(RunError, match=told):
        trained(small(*extra), finished[0])


def test_a_run_can_be_trained_on_and_ends_as_if_never_stopped(plain, tmp_path):
    folder = tmp_path / "longer"
    trained(small(PLAIN, "train.epochs=2"), folder)
    assert trained(small(PLAIN), folder)["metrics"] == plain["metrics"]
    assert Run(folder).config.train.epochs == 3


def test_a_folder_in_which_another_process_trains_is_refused(finished):
    with Run(finished[0]).locked(), pytest.raises(RunError, match="another process"):
        trained(small(), finished[0])


def test_what_a_killed_start_left_is_no_obstacle(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_sibeat.train.training.train_beatgan", lambda *_: None)
    folder = tmp_path / "started"
    folder.mkdir()
    (folder / "config.json").write_text((finished[0] / "config.json").read_text())
    (folder / ".partial-1-run.json").write_text("{")
    assert train(small(), folder).about["data_sha256"]
    assert not list(folder.rglob(".partial-*"))


def test_a_folder_with_foreign_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="no run's"):
        trained(small(), tmp_path)


def test_a_run_on_other_data_is_refused(finished, tmp_path):
    folder, _ = finished
    about = json.loads((folder / "run.json").read_text())
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_text((folder / "config.json").read_text())
    (copy / "run.json").write_text(json.dumps({**about, "data_sha256": "0" * 64}))
    with pytest.raises(RunError, match="000000000000"):
        trained(small(), copy)


def test_an_unfinished_run_is_not_evaluated(finished, tmp_path):
    folder, _ = finished
    for name in ("config.json", "run.json"):
        (tmp_path / name).write_text((folder / name).read_text())
    with pytest.raises(RunError, match="found 0 epochs of 3"):
        evaluate(Run(tmp_path))


def test_a_corrupt_model_is_named(finished, tmp_path):
    folder, _ = finished
    part = tmp_path / "fold0-seed0"
    part.mkdir()
    for name in ("config.json", "run.json"):
        (tmp_path / name).write_text((folder / name).read_text())
    (part / "history.csv").write_text((folder / part.name / "history.csv").read_text())
    (part / "label_free.keras").write_bytes((folder / part.name / "label_free.keras").read_bytes()[:1000])
    with pytest.raises(RunError, match="label_free.keras: found no model that loads"):
        evaluate(Run(tmp_path))


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (["--set", "train.epoch=3"], "unknown key train.epoch"),
        (["--set", "train.learning_rate=0"], "train.learning_rate: found 0"),
        (["--data", "nowhere"], "nowhere: no such folder"),
        (["--set", 'data.leads=["aVF"]'], "lead aVF is missing; found MLII, V1"),
        (["--set", "protocol.folds=[5]"], "has 5 folds; found fold 5"),
        (["--set", "seeds=[1, 1]"], "expected different values"),
        (["--set", "model.time_warp=100"], "model.time_warp"),
        (["--set", "protocol.split_seed=-1"], "protocol.split_seed"),
    ],
)
def test_bad_input_ends_the_command_with_one_sentence_and_code_2(tmp_path, capsys, extra, told):
    with pytest.raises(SystemExit) as stopped:
        train_command([*arguments(tmp_path / "run"), *extra])
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and told in error
    assert not (tmp_path / "run").exists()


def test_without_a_configuration_the_quickstart_is_trained(tmp_path, monkeypatch):
    trained_on = []
    monkeypatch.setattr("keras_sibeat.train.training.train", lambda config, *_: trained_on.append(config))
    train_command(["--run", str(tmp_path)])
    assert trained_on == [read_config(Path(__file__).parents[2] / "configs" / "quickstart.toml")]
    assert trained_on[0].name == "quickstart"


def test_a_configuration_that_is_not_there_ends_the_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        train_command(["nowhere.toml"])
    assert stopped.value.code == 2 and "nowhere.toml: no such file" in capsys.readouterr().err


def test_several_folds_and_seeds_are_trained_and_summed_up(tmp_path):
    config = small("protocol.folds=[0, 3]", "seeds=[1, 2]", "train.epochs=1", PLAIN)
    result = trained(config, tmp_path / "many")
    assert len(result["metrics"]["auc"]["values"]) == 4
    assert result["metrics"]["auc"]["sd"] == pytest.approx(np.std(result["metrics"]["auc"]["values"], ddof=1))
    assert set(result["history"]) == {"fold0-seed1", "fold0-seed2", "fold3-seed1", "fold3-seed2"}
    assert len(set(result["metrics"]["auc"]["values"])) == 4
