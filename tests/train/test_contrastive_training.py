"""The contrastive stage from start to end: what it leaves, how it resumes, how it refuses."""

import json
import zipfile

import checkpoints
import keras
import numpy as np
import pytest
from checkpoints import losses, rows, trained, weights

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError
from keras_sibeat.layers.augmentation import Augmentation
from keras_sibeat.layers.names import SCORES_OF_A_BEAT, SHIFT_NAMES, VIEW_SETTINGS
from keras_sibeat.layers.shifts import SHIFTS
from keras_sibeat.layers.views import VIEWS
from keras_sibeat.models.contrastive import ContrastiveBeatGAN
from keras_sibeat.models.inference import rebuild_scores, score_parts
from keras_sibeat.models.simclr import SimCLR
from keras_sibeat.optimizers import LARS
from keras_sibeat.train.__main__ import main as train_command
from keras_sibeat.train.contrastive import build_contrastive, check_contrastive, train_contrastive
from keras_sibeat.train.run import read_history
from keras_sibeat.train.separation import separation

SMALL = [
    *checkpoints.CONTRASTIVE,
    "contrastive.pretrain.epochs=2",
    "contrastive.views={gain={strength=0.2}}",
    "contrastive.shifts=['early_next']",
]


def small(*more):
    return read_config(overrides=[*SMALL, *more])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a small finished run, and its result."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    return folder, trained(small(), folder, plots=True)


@pytest.fixture(scope="module")
def fold():
    return load_folds(small())[0]


def test_a_run_leaves_models_histories_and_metrics(finished):
    folder, result = finished
    part = folder / "fold0-seed0"
    for name in ("model.keras", "generator.keras", "scorer.keras"):
        assert (part / name).stat().st_size
    alone, joint = read_history(part / "pretrain" / "history.csv"), read_history(part / "history.csv")
    assert [row["epoch"] for row in alone] == [row["epoch"] for row in joint] == [1, 2]
    assert alone[-1]["nt_xent"] < alone[0]["nt_xent"] and alone[-1]["shift_loss"] == 0
    columns = {"adversarial_loss", "nt_xent", "shift_loss", "validation_rebuild_loss", "validation_auc"}
    assert {*columns, "validation_false_shifts", "validation_shift_auc"} <= set(joint[0])
    assert joint[-1]["discriminator_loss"] < joint[0]["discriminator_loss"]
    assert result["seconds"] == pytest.approx(sum(row["seconds"] for row in [*alone, *joint]), abs=0.1)
    assert result["metrics"]["selected_epoch"]["values"] == [2]
    metrics = json.loads((part / "metrics.json").read_text())
    assert {f"{name}_{metric}" for name in SCORES_OF_A_BEAT for metric in ("auc", "ap")} <= set(metrics)
    assert not list(folder.rglob(".partial-*"))


def test_the_metrics_are_the_scorer_s(finished, fold):
    folder, result = finished
    part = folder / "fold0-seed0"
    scorer = keras.saving.load_model(part / "scorer.keras", safe_mode=True)
    scores, is_abnormal = score_parts(scorer, fold.test.windows), fold.is_abnormal(fold.test)
    assert set(scores) == {*SCORES_OF_A_BEAT, "score"}
    for name, values in scores.items():
        metric = "auc" if name == "score" else f"{name}_auc"
        assert result["metrics"][metric]["mean"] == pytest.approx(separation(values, is_abnormal)["auc"])
    model = keras.saving.load_model(part / "model.keras", safe_mode=True)
    assert type(model) is ContrastiveBeatGAN
    np.testing.assert_allclose(scores["rebuild"], rebuild_scores(model, fold.test.windows), rtol=1e-3)
    shift = model.discriminator.predict(fold.test.windows, verbose=0)[4]
    np.testing.assert_allclose(scores["shift"], shift[:, 0], atol=1e-4)
    with zipfile.ZipFile(part / "generator.keras") as file:
        assert b"keras_sibeat" not in file.read("config.json")


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends the training amid an epoch of one of its phases: only files tell the next one how far it came."""

    def __init__(self, phase, epoch):
        super().__init__()
        self.phase, self.epoch = phase, epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.is_last = isinstance(self.model, self.phase) and epoch + 1 == self.epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.is_last and batch == 5:
            raise Killed


def test_a_training_killed_in_each_phase_ends_with_the_same_weights(finished, fold, tmp_path):
    for phase, epoch in ((SimCLR, 2), (ContrastiveBeatGAN, 1), (ContrastiveBeatGAN, 2)):
        with pytest.raises(Killed):
            train_contrastive(small(), fold, 0, tmp_path, [Kill(phase, epoch)])
        newest = {file.parent.name: file.name for file in tmp_path.rglob("epoch-*.weights.h5")}
        last = "epoch-0001.weights.h5" if phase is SimCLR else "epoch-0002.weights.h5"
        expected = {"pretrain": last}
        if epoch == 2 and phase is ContrastiveBeatGAN:
            expected[tmp_path.name] = "epoch-0001.weights.h5"
        assert newest == expected
        assert not (tmp_path / "scorer.keras").exists()
    train_contrastive(small(), fold, 0, tmp_path)
    whole = finished[0] / "fold0-seed0"
    for part, uninterrupted in ((tmp_path / "pretrain", whole / "pretrain"), (tmp_path, whole)):
        expected, found = weights(uninterrupted), weights(part)
        assert expected.keys() == found.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert rows(part) == losses(uninterrupted)


def test_a_checkpoint_holds_every_random_stream(finished):
    streams = [name for name in weights(finished[0] / "fold0-seed0") if name.endswith("/random")]
    assert len(streams) == len(small().contrastive.views) + len(small().contrastive.shifts) + 1


def test_a_finished_training_is_not_trained_again(finished, fold):
    part = finished[0] / "fold0-seed0"
    before, scored = weights(part), keras.saving.load_model(part / "scorer.keras")
    rows = train_contrastive(small(), fold, 0, part, [Kill(keras.Model, 1)])
    assert rows == read_history(part / "history.csv")
    for name, value in weights(part).items():
        np.testing.assert_array_equal(value, before[name])
    again = keras.saving.load_model(part / "scorer.keras")
    expected = score_parts(scored, fold.test.windows)
    for name, values in score_parts(again, fold.test.windows).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-5)


def test_the_models_are_built_as_configured():
    config = small(
        "contrastive.head=v2",
        "contrastive.optimizer=lars",
        "contrastive.scaling=linear",
        "contrastive.learning_rate=0.32",
        "contrastive.pretrain.learning_rate=0.64",
        "contrastive.temperature=0.5",
        "contrastive.nt_xent_weight=0.25",
        "contrastive.adversarial_weight=0",
        "contrastive.hard_negatives=true",
        "contrastive.warmup_epochs=0.5",
        "model.feature_weight=0.125",
        "contrastive.views={smooth_time_warp={strength=0.3}, noise={}}",
    )
    alone, joint = build_contrastive(config, 320, 1, seed=0, steps=10)
    assert alone.discriminator is joint.discriminator is joint.simclr.discriminator
    assert (alone.views, alone.shifts) == (joint.simclr.views, joint.simclr.shifts)
    assert (alone.nt_xent_weight, alone.shift_weight) == (1, 0)
    assert (joint.simclr.nt_xent_weight, joint.simclr.shift_weight) == (0.25, 1)
    assert (joint.adversarial_weight, joint.feature_weight) == (0, 0.125)
    assert joint.simclr.hard_negatives and joint.simclr.nt_xent.temperature == 0.5
    assert joint.discriminator.get_layer("head_2").units == 8
    warp, noise = alone.views.layers
    assert (warp.strength, warp.centre, noise.strength) == (0.3, 140, VIEWS["noise"]().strength)
    layers = [*alone.views.layers, *alone.shifts.layers, alone.shifts]
    assert len({layer.seed for layer in layers}) == len(layers)
    peaks = [(alone.optimizer, 0.04), (joint.discriminator_optimizer, 0.02), (joint.optimizer, 1e-4)]
    assert [type(optimizer) for optimizer, _ in peaks] == [LARS, LARS, keras.optimizers.Adam]
    for optimizer, peak in peaks:
        rates = []
        for step in (0, 5, 20):  # two epochs of 10 steps, half of one to warm up
            optimizer.iterations.assign(step)
            rates.append(float(optimizer.learning_rate))
        assert rates == pytest.approx([0, peak, 0], abs=1e-9)


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_a_seed_builds_the_same_models(seed):
    models = [build_contrastive(small(), 320, 1, seed, steps=10)[1] for _ in range(2)]
    for first, second in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(first, second)
    windows = np.random.default_rng(0).uniform(-1, 1, (4, 320, 1)).astype("float32")
    for first, second in zip(*(model.simclr.draw(windows) for model in models), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_training_of_one_step_has_no_warm_up():
    _, joint = build_contrastive(small("train.epochs=1"), 320, 1, seed=0, steps=1)
    assert float(joint.optimizer.learning_rate) == pytest.approx(1e-4)


def test_one_beat_has_no_negatives(fold):
    with pytest.raises(ConfigError, match="found 1 beat to learn from; expected 2 or more"):
        check_contrastive(small(), fold.train.take(slice(1)))


class Broken(Augmentation):
    def augment(self, windows):
        return keras.ops.log(windows - 2)


class Longer(Augmentation):
    def augment(self, windows):
        return keras.ops.repeat(windows, 2, axis=1)


def stop(folder, *extra):
    """The sentence with which the command refuses these settings."""
    with pytest.raises(SystemExit) as stopped:
        train_command(checkpoints.command([*SMALL, *extra], folder))
    assert stopped.value.code == 2
    assert not list(folder.rglob("history.csv"))


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("train.batch_size=1", "a batch of 1 has no negatives"),
        ("contrastive.temperature=0", "contrastive.temperature: found 0"),
        ("contrastive.temperature=-1", "contrastive.temperature: found -1"),
        ("contrastive.nt_xent_weight=-1", "contrastive.nt_xent_weight: found -1"),
        ("contrastive.shifts=['bumb']", "found 'bumb' among the shifts; expected some of strong_time_warp,"),
        ("contrastive.views.nois={}", "found 'nois' among the views; expected some of time_warp,"),
        ("contrastive.views.gain.strenght=1", "found 'strenght' among the settings of the view gain"),
        ("contrastive.head=v3", 'contrastive.head: found "v3"'),
    ],
)
def test_a_setting_that_cannot_be_ends_the_command_before_anything_is_written(
    tmp_path, capsys, setting, told
):
    stop(tmp_path / "run", setting)
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and told in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("contrastive.views.broken={}", "Broken: found NaN or infinity in what it returns, expected numbers"),
        ("contrastive.views.longer={}", "Longer: found windows of (182, 640, 1), expected (182, 320, 1)"),
        ("contrastive.shifts=['broken']", "Broken: found NaN or infinity"),
        ("contrastive.views.gain.strength=3", "contrastive.views.gain: Gain: strength: found 3"),
        ("contrastive.views.gain.strength=[1, 2]", "contrastive.views.gain: "),
        ("contrastive.views.lead_dropout={}", "LeadDropout: found windows of 1 lead; expected at least 2"),
        ("contrastive.views.smooth_time_warp.centre=1000", "SmoothTimeWarp: found 1000 ticks before"),
        ("contrastive.views={time_warp={ticks=80}}", "TimeWarp: found 80 ticks on 140"),
    ],
)
def test_a_view_or_shift_that_spoils_beats_ends_the_command_before_training(
    tmp_path, capsys, monkeypatch, setting, told
):
    monkeypatch.setitem(VIEWS, "broken", Broken)
    monkeypatch.setitem(VIEWS, "longer", Longer)
    monkeypatch.setitem(SHIFTS, "broken", lambda centre, seed: Broken(seed))
    for name in ("broken", "longer"):
        monkeypatch.setitem(VIEW_SETTINGS, name, ())
    monkeypatch.setattr("keras_sibeat.config.learning.SHIFT_NAMES", (*SHIFT_NAMES, "broken"))
    stop(tmp_path / "run", setting)
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and told in error


def test_noise_that_is_not_there_ends_the_command_before_training(tmp_path, capsys):
    stop(tmp_path / "run", "contrastive.views={recorded_noise={}}", f"contrastive.noise='{tmp_path}/none'")
    assert "none: no such folder" in capsys.readouterr().err
