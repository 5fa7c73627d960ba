"""Beats relative to their wearer, from recordings to a student: what it learns from and what it leaves."""

import json
from pathlib import Path

import checkpoints
import keras
import numpy as np
import pytest
from checkpoints import trained

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError
from keras_sibeat.export.__main__ import main as export_command
from keras_sibeat.models.inference import predict, score_parts
from keras_sibeat.models.scorer import SCORES
from keras_sibeat.models.tflite import convert, predict_tflite
from keras_sibeat.presets.card import render_card
from keras_sibeat.presets.loading import load_preset
from keras_sibeat.presets.making import make_preset
from keras_sibeat.train.run import Run
from sibeat_edge.model.manifest import BESIDE
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import score_recording

SMALL = [
    *checkpoints.CONTRASTIVE,
    "seeds=[2]",
    "protocol.name=inter_patient",
    "data.wearers=6",
    "data.seconds=240",
    "wearer.sequences=12",
    "contrastive.pretrain.epochs=1",
    "contrastive.pretrain.shift_weight=1",
    "contrastive.shifts=['wide_qrs', 'other_wearer']",
    "score.combine=['shift', 'template', 'rhythm']",
    "score.measure=spread",
    "student.width=4",
    "student.depth=3",
    "student.units=12",
    "student.epochs=20",
    "student.learning_rate=3e-3",
    "student.batch_size=16",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The part's folder of a small finished run, and its result."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    return folder / "fold0-seed2", trained(read_config(overrides=SMALL), folder)


@pytest.fixture(scope="module")
def fold():
    return load_folds(read_config(overrides=SMALL))[0]


def test_beats_come_with_template_and_rhythm(fold):
    for beats in (fold.train, fold.validation, fold.test):
        assert beats.windows.shape[1:] == (320, 2) and beats.rhythm.shape == (len(beats), 8)
        template = beats.windows[:, :, 1]
        assert np.allclose(template.min(axis=1), -1) and np.allclose(template.max(axis=1), 1)
    is_premature = fold.test.symbols == "A"
    assert np.median(fold.test.rhythm[is_premature, 0]) < -0.1 < np.median(fold.test.rhythm[~is_premature, 0])


def test_a_scorer_and_a_student_of_two_inputs_come_of_it(finished, fold):
    part, result = finished
    scorer = keras.saving.load_model(part / "teacher" / "scorer.keras", safe_mode=True)
    assert set(score_parts(scorer, fold.test.inputs)) == {*SCORES, "score"}
    student = keras.saving.load_model(part / "student.keras", safe_mode=True)
    assert predict(student, fold.test.inputs).shape == (len(fold.test), 1)
    assert not (part / "residuals.keras").exists()
    assert result["metrics"]["auc"]["mean"] > 0.6 and result["metrics"]["teacher_auc"]["mean"] > 0.8


def test_too_few_beats_to_learn_a_rhythm_from_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="normal RR intervals of a wearer; expected 100 or more"):
        trained(read_config(overrides=[*SMALL, "data.seconds=60"]), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_premature_beats_of_the_usual_shape_are_told_by_their_rhythm(finished, fold):
    scorer = keras.saving.load_model(finished[0] / "teacher" / "scorer.keras", safe_mode=True)
    normals = fold.test.take(fold.test.classes == "N").inputs
    late = {**normals, "rhythm": normals["rhythm"] + np.float32([-0.5, 0.2, 0.7, -0.5, 0, 0, 0, 0])}
    before, after = score_parts(scorer, normals), score_parts(scorer, late)
    np.testing.assert_array_equal(before["shift"], after["shift"])
    assert np.mean(after["rhythm"] > np.quantile(before["rhythm"], 0.95)) > 0.8
    assert np.all(after["score"] > before["score"])


def test_the_student_computes_the_same_in_int8(finished, fold):
    student = keras.saving.load_model(finished[0] / "student.keras")
    content = convert(student, fold.test.inputs)  # normal beats alone would not show how high a score goes
    wanted = predict(student, fold.test.inputs)[:, 0]
    found = predict_tflite(content, fold.test.inputs)[:, 0]
    assert np.corrcoef(found, wanted)[0, 1] > 0.99


@pytest.fixture(scope="module")
def exported(finished):
    """The folder of the export, made by the command; so small a run is not worth the gate's limits."""
    part, _ = finished
    with pytest.MonkeyPatch.context() as patch:
        for name, limit in {
            "AUC_LOSS": 0.2,
            "CORRELATION": 0.9,
            "FLIPPED": 0.2,
            "KINDS_FLIPPED": 0.5,
        }.items():
            patch.setattr(f"keras_sibeat.export.gate.{name}", limit)
        export_command([str(part.parent), "--no-fine-tuning"])
    return part / "export"


def test_the_exported_model_scores_a_wearer_s_recording(exported):
    model = Model(exported / "unnamed.tflite")
    assert model.manifest["wearer"]["waits"] and model.manifest["normalisation"] == BESIDE
    recording = simulate_wearer(seed=99, seconds=180)
    beats = score_recording(model, recording.signal[:, 0].astype(float), recording.rate)
    assert np.mean([beat.score is not None for beat in beats]) > 0.95
    assert {beat.why for beat in beats if beat.alarm} <= {"shape", "timing", "both"}


def test_the_report_counts_the_kinds_that_int8_names_otherwise(exported, fold):
    gate = json.loads((exported / "unnamed-report.json").read_text())["gate"]
    assert 0 <= gate["kinds_flipped"] < 0.2
    assert len(fold.validation) * 0.9 < gate["kinds_played"] < len(fold.validation) * 1.2


def test_the_usual_score_is_that_of_the_validation_wearers(exported, fold):
    model = Model(exported / "unnamed.tflite")
    threshold = model.manifest["threshold"]
    scores = np.array([model.score(*beat) for beat in zip(*fold.validation.arrays, strict=True)])
    middles = [
        np.median(scores[fold.validation.records == record][:50])
        for record in np.unique(fold.validation.records)
    ]
    assert min(middles) - 1 < threshold["usual"] < max(middles) + 1
    assert threshold["usual"] < threshold["score"]


def test_the_bundle_of_a_wearer_s_model_is_complete(exported):
    bundle = exported / "firmware"
    config = (bundle / "sibeat_config.h").read_text()
    assert "#define SIBEAT_RHYTHM_FEATURES 8" in config and "#define SIBEAT_CHANNELS 2" in config
    readme = (bundle / "README.md").read_text()
    assert "sibeat_push" in readme and "`sibeat_quantise_window`" not in readme


def test_metrics_within_a_record_are_told_of_every_part(finished):
    metrics = finished[1]["metrics"]
    assert {"auc_record", "teacher_auc_record"} <= set(metrics) and "auc_low" in metrics
    assert {"own_sensitivity", "own_false_alarms_per_hour"} <= set(metrics)


def test_a_wearer_s_preset_says_on_its_card_what_it_takes(finished, tmp_path):
    part, _ = finished
    about = make_preset(Run(part.parent), "tiny", tmp_path)
    card = render_card(about)
    assert "beside the wearer's template" in card and "mean AUC within a record" in card
    assert (
        "| normal beats of new wearers above the threshold, an hour, before the device's judgement |" in card
    )
    network = load_preset("tiny", tmp_path)
    assert {tensor.name for tensor in network.inputs} == {"window", "rhythm"}


def test_wearers_left_out_four_at_a_time_are_measured_together(tmp_path):
    settings = [s for s in SMALL if not s.startswith(("student", "protocol", "data"))]
    settings += ["data.wearers=10", "data.seconds=160", "protocol.name=leave_out", "protocol.folds=[0, 1]"]
    settings += ["contrastive.pretrain.epochs=0", "wearer.sequences=4"]
    result = trained(read_config(overrides=settings), tmp_path / "run")
    whole, each = result["all_wearers"], result["metrics"]
    assert len(each["auc"]["values"]) == 2 and len(whole["auc"]["values"]) == 1
    assert whole["auc_low"]["mean"] <= whole["auc"]["mean"] <= whole["auc_high"]["mean"]


CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("wearer*.toml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_the_configurations_that_ship_are_of_one_model(file):
    """The student's may have nothing that its teacher has otherwise, nor the other protocols' but these."""
    sections = read_config(file, data="data").describe()
    teacher = read_config(file.with_name("wearer-inter.toml"), data="data").describe()
    for own in ("name", "protocol", "seeds", "student"):
        del sections[own], teacher[own]
    assert sections == teacher


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["data.leads=all"], "expected data.leads by name"),
        (["student.distil=false"], "expected student.distil"),
        (["wearer.beats=3"], "unknown key wearer.beats"),
        (["wearer.sequences=0"], "wearer.sequences: found 0"),
    ],
)
def test_what_does_not_fit_a_wearer_is_an_error(more, told):
    with pytest.raises(ConfigError, match=told):
        read_config(overrides=[*SMALL, *more])


@pytest.mark.parametrize("more", ["score.combine=['rhythm']", "contrastive.shifts=['other_wearer']"])
def test_what_needs_a_wearer_is_an_error_without_one(more):
    with pytest.raises(ConfigError, match=r"expected \[wearer\]"):
        read_config(overrides=[*checkpoints.CONTRASTIVE, more])
