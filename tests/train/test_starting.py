"""A run begins with the networks of a finished run or a preset: which stay, which learn, what is refused."""

import json
import shutil

import checkpoints
import keras
import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.errors import ConfigError, RunError
from keras_sibeat.files import sha256
from keras_sibeat.presets.loading import FOLDER, load_preset
from keras_sibeat.train.__main__ import main as train_command
from keras_sibeat.train.starting import begin, trunk
from keras_sibeat.train.training import train

PART = "fold0-seed0"
BEATGAN = [*checkpoints.SMALL, "train.epochs=1", "train.jit_compile=false"]
CONTRASTIVE = [*checkpoints.CONTRASTIVE, "train.epochs=1"]
STUDENT = [*checkpoints.STUDENT, "student.units=6", "student.epochs=1"]
OTHERS = ["data.wearers=5"]  # other recordings than those of the first run
STILL = ["train.learning_rate=1e-12", "contrastive.learning_rate=1e-12", "student.learning_rate=1e-12"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with a finished run of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    for name, settings in {"beatgan": BEATGAN, "contrastive": CONTRASTIVE, "student": STUDENT}.items():
        train(read_config(overrides=settings), folder / name)
    return folder


def started(settings, origin, trunk="trained"):
    return read_config(overrides=[*settings, *OTHERS, f"start.from={origin}", f"start.trunk={trunk}"])


def model_of(part, name="model"):
    return keras.saving.load_model(part / f"{name}.keras")


def changes(before, after):
    """How much each of the trained weights has changed, by the layer's place in the network."""
    pairs = zip(before.layers, after.layers, strict=True)
    return [
        float(np.abs(np.subtract(*(layer.get_weights()[0] for layer in pair))).max())
        for pair in pairs
        if pair[0].trainable_weights or pair[0].weights
    ]


@pytest.mark.parametrize("kind", ["contrastive", "beatgan"])
def test_a_beatgan_goes_on_from_a_finished_run(runs, tmp_path, kind):
    settings = {"contrastive": CONTRASTIVE, "beatgan": BEATGAN}[kind]
    still = STILL[:2] if kind == "contrastive" else STILL[:1]
    train(started([*settings, *still], runs / kind), tmp_path / "run")
    before, after = model_of(runs / kind / PART), model_of(tmp_path / "run" / PART)
    for name in ("generator", "discriminator"):
        assert max(changes(getattr(before, name), getattr(after, name))) < 1e-4
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    file = runs / kind / PART / "model.keras"
    assert about["started_from"] == {PART: {"file": str(file), "sha256": sha256(file)}}


def test_a_frozen_trunk_stays_to_the_last_bit_and_the_heads_learn(runs, tmp_path):
    train(started(CONTRASTIVE, runs / "contrastive", "frozen"), tmp_path / "run")
    before, after = model_of(runs / "contrastive" / PART), model_of(tmp_path / "run" / PART)
    for old, new in zip(*(trunk(model.discriminator).weights for model in (before, after)), strict=True):
        np.testing.assert_array_equal(old, new)  # moving statistics among them
    learnt = [variable.path.split("/")[-2] for variable in after.discriminator.trainable_variables]
    assert {"projection", "shift", "shift_1"} <= set(learnt)
    for name in ("projection", "shift"):
        old, new = (model.discriminator.get_layer(name).get_weights()[0] for model in (before, after))
        assert np.abs(new - old).max() > 1e-5
    assert max(changes(before.generator, after.generator)) > 1e-5
    assert max(changes(before.discriminator, after.discriminator)) > 1e-5


def test_a_student_adapts_a_finished_one_and_its_teacher_that_ones_teacher(runs, tmp_path):
    config = started([*STUDENT, *STILL], runs / "student", "frozen")
    run = train(config, tmp_path / "run")
    old, new = runs / "student" / PART, tmp_path / "run" / PART
    before, after = (model_of(part, "residuals") for part in (old, new))
    assert max(changes(before, after)) < 1e-4
    for mine, theirs in zip(trunk(after).weights, trunk(before).weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    teachers = (model_of(part / "teacher").discriminator for part in (old, new))
    assert max(changes(*teachers)) < 1e-4
    begun = run.about["started_from"]
    assert set(begun) == {PART, f"{PART}/teacher"}
    assert begun[PART]["file"].endswith("residuals.keras")
    assert all(layer.trainable for layer in after.layers)  # whoever loads it may train all of it


def test_a_student_adapts_a_preset(tmp_path):
    preset = load_preset("mitdb-beat")
    same = ["student.width=12", "student.depth=6", "student.units=24", "window.band=[0.67,45]"]
    config = started([*STUDENT, *same, "window.order=540", *STILL], "mitdb-beat", "frozen")
    run = train(config, tmp_path / "run")
    part = tmp_path / "run" / PART
    assert max(changes(preset, model_of(part, "student"))) < 1e-4
    file = FOLDER / "mitdb-beat.keras"
    assert run.about["started_from"] == {PART: {"file": str(file), "sha256": sha256(file)}}
    assert train(config, tmp_path / "run").about == run.about  # the same command again


@pytest.fixture
def origin(runs, tmp_path):
    """A copy of the plain BeatGAN's run, to be spoilt."""
    return shutil.copytree(runs / "beatgan", tmp_path / "origin")


def test_a_start_that_is_another_than_at_the_beginning_is_refused(origin, tmp_path):
    config = started(BEATGAN, origin)
    train(config, tmp_path / "run")
    file = origin / PART / "model.keras"
    model = keras.saving.load_model(file)
    model.generator.set_weights([weight * 1.01 for weight in model.generator.get_weights()])
    model.save(file)
    with pytest.raises(RunError, match=r"model\.keras: found a start of SHA-256 .*; expected .*, with which"):
        train(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "name", "told"),
    [
        (CONTRASTIVE, "nothing", r"start\.from: found no run and no preset '.*nothing' \(presets are: mitdb"),
        (CONTRASTIVE, "beatgan", r"\[contrastive\]: found one; expected none, as in"),
        (STUDENT, "contrastive", r"start\.from: found no student in .*contrastive; expected one that has"),
        ([*CONTRASTIVE, "model.width=3"], "contrastive", r"found model\.width = 3; expected 2, as in"),
        ([*STUDENT, "student.units=5"], "student", r"found student\.units = 5; expected 6, as in"),
        (
            [*CONTRASTIVE, "window.before=150", "window.after=170"],
            "contrastive",
            r"found window\.after = 170, window\.before = 150; expected 180, 140, as in",
        ),
        ([*CONTRASTIVE, "wearer.waits=true"], "contrastive", r"\[wearer\]: found one; expected none, as in"),
        (
            [*CONTRASTIVE, "data.leads=all"],
            "contrastive",
            r"found a model of inputs \[\(None, 320, 1\)\]; expected \[\(None, 320, 2\)\]",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_refused_before_training(runs, tmp_path, settings, name, told):
    with pytest.raises(ConfigError, match=told):
        train(started(settings, runs / name), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_preset_is_no_beatgan(tmp_path):
    with pytest.raises(ConfigError, match="found no BeatGAN in mitdb-beat; expected one that has"):
        train(started(CONTRASTIVE, "mitdb-beat"), tmp_path / "run")


def test_a_start_that_has_not_finished_is_refused(origin, tmp_path):
    (origin / PART / "model.keras").unlink()
    with pytest.raises(RunError, match=r"model\.keras: no such file; expected a start that has finished"):
        train(started(BEATGAN, origin), tmp_path / "run")


@pytest.mark.parametrize("setting", ["protocol.folds=[1]", "protocol.split_seed=1"])
def test_a_start_that_may_have_learnt_the_test_beats_is_refused(runs, tmp_path, setting, capsys):
    line = checkpoints.command(
        [*CONTRASTIVE, f"start.from={runs / 'contrastive'}", setting], tmp_path / "run"
    )
    with pytest.raises(SystemExit) as ended:
        train_command(line)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "of the same data but another split or fold" in told and told.count("\n") == 1


def test_without_a_start_networks_stay_as_they_are():
    begin(read_config(), None, student=keras.Sequential())
