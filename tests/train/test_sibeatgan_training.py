"""SI-BeatGAN and FRSKD through the train command: the teacher's run, the history, resuming, refusals."""

import checkpoints
import keras
import numpy as np
import pytest
from checkpoints import losses, rows, trained, weights

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.models.beatgan import BeatGAN
from keras_sibeat.models.sibeatgan import SIBeatGAN
from keras_sibeat.train.__main__ import main as train_command
from keras_sibeat.train.beatgan import train_beatgan
from keras_sibeat.train.run import read_history

SMALL = [*checkpoints.SMALL, "train.epochs=2", "train.jit_compile=false"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "teacher"
    trained(read_config(overrides=SMALL), folder)
    return folder


def test_a_beatgan_learns_from_the_run_of_its_teacher(teacher, tmp_path):
    config = read_config(overrides=[*SMALL, f"distillation.teacher={teacher}", "distillation.temperature=8"])
    result = trained(config, tmp_path / "run")
    part = tmp_path / "run" / "fold0-seed0"
    rows = read_history(part / "history.csv")
    assert rows[-1]["distillation_loss"] < rows[0]["distillation_loss"]
    assert 0 < result["metrics"]["auc"]["mean"] < 1
    model = keras.saving.load_model(part / "model.keras", safe_mode=True)
    assert type(model) is SIBeatGAN and model.get_config()["temperature"] == 8
    theirs = keras.saving.load_model(teacher / "fold0-seed0" / "generator.keras")
    for got, wanted in zip(model.teacher.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)
    by_file = f"distillation.teacher={teacher}/fold0-seed0/generator.keras"
    again = trained(read_config(overrides=[*SMALL, by_file, "distillation.temperature=8"]), tmp_path / "2")
    assert again["metrics"] == result["metrics"]


@pytest.mark.parametrize("more", [[], ["frskd.temperature=3"]], ids=["soft targets", "with FRSKD"])
def test_it_resumes_to_the_same_weights(teacher, tmp_path, more):
    config = read_config(overrides=[*SMALL, f"distillation.teacher={teacher}", *more])
    fold = load_folds(config)[0]
    shorter = config.model_copy(update={"train": config.train.model_copy(update={"epochs": 1})})
    train_beatgan(shorter, fold, 0, tmp_path / "parts" / "fold0-seed0")
    for name in ("parts", "whole"):
        train_beatgan(config, fold, 0, tmp_path / name / "fold0-seed0")
    found, expected = (weights(tmp_path / name / "fold0-seed0") for name in ("parts", "whole"))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    assert rows(tmp_path / "parts" / "fold0-seed0") == losses(tmp_path / "whole" / "fold0-seed0")


def test_frskd_trains_the_plain_beatgan(teacher, tmp_path):
    config = read_config(overrides=[*SMALL, "frskd.width=1"])
    result = trained(config, tmp_path / "run")
    model = keras.saving.load_model(tmp_path / "run" / "fold0-seed0" / "model.keras", safe_mode=True)
    assert type(model) is BeatGAN and model.self_teacher.network.trainable_variables
    assert result["metrics"]["auc"]["mean"] > 0


def test_without_frskd_and_teacher_nothing_has_changed(teacher, tmp_path):
    """A weight of 0 leaves the student what it would be alone."""
    config = read_config(
        overrides=[*SMALL, f"distillation.teacher={teacher}", "distillation.weight=0", "seeds=[0]"]
    )
    trained(config, tmp_path / "run")
    alone = keras.saving.load_model(teacher / "fold0-seed0" / "generator.keras").get_weights()
    found = keras.saving.load_model(tmp_path / "run" / "fold0-seed0" / "generator.keras").get_weights()
    for got, wanted in zip(found, alone, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["distillation.teacher=none"], "none: no such folder; expected the run of a trained teacher"),
        (["distillation.teacher=none.keras"], "none.keras: no such file; expected a trained teacher"),
        (["distillation.temperature=2"], "distillation.teacher"),
        (["distillation.teacher=x", "distillation.temperature=0"], "distillation.temperature: found 0"),
        (["distillation.teacher=x", "contrastive.head=v1"], "distillation: expected plain BeatGAN"),
        (["frskd.width=0"], "frskd.width: found 0"),
        (["frskd.width=1", "model.kind=dense"], "frskd: expected model.kind conv"),
        (["student.width=4"], "student: expected contrastive, too"),
    ],
)
def test_what_cannot_be_ends_the_command_before_anything_is_written(tmp_path, capsys, settings, told):
    with pytest.raises(SystemExit) as stopped:
        train_command(checkpoints.command([*SMALL, *settings], tmp_path / "run"))
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (tmp_path / "run").exists()
