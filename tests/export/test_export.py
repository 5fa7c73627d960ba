"""A student on its way to the device: what leaves, what the gate refuses, what is written."""

import json
from dataclasses import replace

import checkpoints
import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from checkpoints import trained
from conversions import convert_once
from rich.console import Console
from sklearn.metrics import roc_auc_score

from keras_sibeat.config import read_config
from keras_sibeat.config.sections import Data
from keras_sibeat.data.beatset import recorded_hours
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, ExportError, RunError
from keras_sibeat.evaluate.__main__ import main as evaluate_command
from keras_sibeat.evaluate.int8 import evaluate_exported, find_export
from keras_sibeat.export import sources as export_sources
from keras_sibeat.export.__main__ import main as export_command
from keras_sibeat.export.embedding import for_flash
from keras_sibeat.export.exporting import ExportSettings, export
from keras_sibeat.export.manifest import licence
from keras_sibeat.export.printing import print_report
from keras_sibeat.presets.card import expected
from keras_sibeat.train.run import Run
from sibeat_edge.model.manifest import read_manifest
from sibeat_edge.model.runtime import Model

SMALL = [*checkpoints.STUDENT, "name=small", "student.epochs=4"]


@pytest.fixture(scope="module", autouse=True)
def lenient():
    """A few epochs on a few beats make no student worth the gate's limits, which have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, limit in {"AUC_LOSS": 0.1, "CORRELATION": 0.95, "FLIPPED": 0.1}.items():
            patch.setattr(f"keras_sibeat.export.gate.{name}", limit)
        yield


@pytest.fixture(scope="module", autouse=True)
def once():
    """Most tests export the same student: it is converted once to each format."""
    with pytest.MonkeyPatch.context() as patch:
        convert_once(patch)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "small"
    trained(read_config(overrides=SMALL), folder, ("python", "-m", "keras_sibeat.train"))
    return folder


@pytest.fixture(scope="module")
def fold():
    return load_folds(read_config(overrides=SMALL))[0]


@pytest.fixture(scope="module")
def exported(run):
    """The folder of the int8 export, made by the command, and its report."""
    export_command([str(run)])
    folder = run / "fold0-seed0" / "export"
    return folder, json.loads((folder / "small-report.json").read_text())


def test_an_export_leaves_the_model_its_manifest_its_report_and_the_firmware(exported):
    folder, report = exported
    content = (folder / "small.tflite").read_bytes()
    assert read_manifest(content) == json.loads((folder / "small.json").read_text())
    assert report["flash_bytes"] == len(for_flash(content)) < min(28 * 1024, len(content))
    assert f"SIBEAT_MODEL_BYTES {report['flash_bytes']}" in (folder / "firmware/sibeat_model.h").read_text()
    assert 1000 < report["arena_bytes"] < 8 * 1024
    assert report["gate"]["failures"] == []


def test_the_report_s_figures_are_those_of_the_float_and_the_exported_model(run, exported, fold):
    folder, report = exported
    is_abnormal = fold.is_abnormal(fold.validation)
    model, student = (
        Model(folder / "small.tflite"),
        keras.saving.load_model(run / "fold0-seed0" / "student.keras"),
    )
    scores = np.array([model.score(window) for window in fold.validation.windows])
    floats = student.predict(fold.validation.windows, verbose=0)[:, 0]
    gate = report["gate"]
    assert gate["auc"] == pytest.approx(roc_auc_score(is_abnormal, scores), abs=1e-9)
    assert gate["auc_float"] == pytest.approx(roc_auc_score(is_abnormal, floats), abs=1e-6)
    flipped = (scores > gate["threshold"]) != (floats > gate["threshold_float"])
    assert gate["decisions_flipped"] == pytest.approx(flipped.mean(), abs=1e-9)
    assert model.manifest["validation"] == pytest.approx({"auc": gate["auc"], "ap": gate["ap"]}, abs=1e-5)


def test_the_manifest_states_the_test_figures_of_the_float_student(run, exported):
    metrics = json.loads((run / "fold0-seed0" / "metrics.json").read_text())
    stated = read_manifest((exported[0] / "small.tflite").read_bytes())["expected"]
    assert (stated["auc"], stated["ap"]) == pytest.approx((metrics["auc"], metrics["ap"]), abs=1e-5)
    assert stated["on"]


def test_a_student_that_was_not_evaluated_states_no_test_figures(run, fold):
    source = replace(export_sources.open_sources(run)[0][0], metrics={})
    stated = expected(source.config, source.metrics)
    assert stated["auc"] is None and stated["ap"] is None and stated["false_alarms_per_hour"] is None


def test_a_model_of_own_recordings_is_not_said_to_be_of_mit_bih():
    mitdb = licence(Data(source="wfdb", folder="mitdb"), is_mitbih=True)
    assert mitdb.startswith("MIT; trained on the MIT-BIH Arrhythmia Database")
    own = licence(Data(source="wfdb", folder="mine"), is_mitbih=False)
    assert own == "MIT; trained on recordings without a stated licence"
    sources = {"mine": {"trains": ("*",), "licence": "CC0"}}
    named = licence(Data(source="wfdb", folder=".", sources=sources), is_mitbih=False)
    assert (named, licence(Data(), is_mitbih=False)) == ("MIT; trained on mine, CC0", "MIT")


def test_the_threshold_lets_the_stated_false_alarms_pass(run, fold, tmp_path):
    export_command([str(run), "--out", str(tmp_path), "--false-alarms-per-hour", "400"])
    model, normals = Model(tmp_path / "small.tflite"), fold.validation_normals
    threshold = model.manifest["threshold"]
    assert threshold["false_alarms_per_hour"] == 400
    alarms = np.sum([model.score(window) > threshold["score"] for window in normals.windows])
    assert abs(alarms - 400 * recorded_hours(fold.validation)) <= 1


def test_the_runtimes_agree(exported):
    runtimes = exported[1]["runtimes"]
    assert set(runtimes) == {"litert-xnnpack", "tflm"}
    assert runtimes["tflm"]["largest_difference"] <= 1 and runtimes["tflm"]["decisions_flipped"] <= 0.005


@pytest.mark.parametrize("kind", ["int16x8", "float16", "float32"])
def test_other_formats_pass_the_gate_too_and_have_no_manifest(run, kind, tmp_path):
    export_command([str(run), "--format", kind, "--out", str(tmp_path)])
    names = [f"small-{kind}-report.json", f"small-{kind}.tflite"]
    assert sorted(file.name for file in tmp_path.iterdir()) == names
    report = json.loads((tmp_path / names[0]).read_text())
    assert report["format"] == kind and report["gate"]["correlation"] > 0.99
    assert report["gate"]["runtimes_differ"] is None
    entry = Interpreter(model_path=str(tmp_path / names[1])).get_input_details()[0]
    assert entry["dtype"] == (np.int16 if kind == "int16x8" else np.float32)


def test_residuals_leave_with_the_student_that_gives_them(run, tmp_path):
    export_command([str(run), "--residuals", "--out", str(tmp_path)])
    model = Model(tmp_path / "small.tflite")
    model.score(np.sin(np.linspace(0, 9, 320, dtype="float32"))[:, None])
    assert model.residuals().shape == (320,)


def spoilt(run):
    """A source that int8 cannot hold: two units cancel, and their weights leave the others no levels."""
    source, _ = export_sources.open_sources(run)[0]
    network = keras.models.clone_model(source.network)
    network.set_weights(source.network.get_weights())
    hidden, score = network.get_layer("hidden"), network.get_layer("score")
    kernel, bias = hidden.get_weights()
    kernel[:, 1], bias[1] = kernel[:, 0], bias[0]
    hidden.set_weights([kernel, bias])
    kernel, bias = score.get_weights()
    kernel[:2] += [[160.0], [-160.0]]
    score.set_weights([kernel, bias])
    return export_sources.Source("spoilt", network, source.config, source.fold)


def test_the_gate_refuses_what_quantisation_has_spoilt_and_leaves_an_earlier_export(run, tmp_path):
    (tmp_path / "spoilt.tflite").write_bytes(b"earlier")
    with pytest.raises(ExportError, match="spoilt: refused by the gate .*rank correlation: found"):
        export(spoilt(run), tmp_path, ExportSettings(fine_tunes=False))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["spoilt-refused.json", "spoilt.tflite"]
    assert (tmp_path / "spoilt.tflite").read_bytes() == b"earlier"
    report = json.loads((tmp_path / "spoilt-refused.json").read_text())
    assert report["gate"]["failures"] and not report["fine_tuned"]


def test_fine_tuning_brings_the_scores_nearer_where_quantisation_has_spoilt_them(run, tmp_path):
    try:
        report = export(spoilt(run), tmp_path)
    except ExportError:
        report = json.loads((tmp_path / "spoilt-refused.json").read_text())
    assert report["fine_tuned"]
    assert report["gate"]["correlation"] > report["before_fine_tuning"]["correlation"]


def test_a_refusal_ends_the_command_with_code_2_and_the_reason(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("keras_sibeat.export.gate.CORRELATION", 1.1)
    with pytest.raises(SystemExit) as stopped:
        export_command([str(run), "--out", str(tmp_path), "--no-fine-tuning"])
    told = capsys.readouterr().err
    assert stopped.value.code == 2
    assert told.startswith("error: small: refused by the gate (rank correlation: found")
    assert not (tmp_path / "small.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere: found no run and no preset of that name"),
        (["RUN", "--false-alarms-per-hour", "0"], "--false-alarms-per-hour: found 0.0; expected more than 0"),
        (["RUN", "--false-alarms-per-hour", "1e5"], "100000 false alarms an hour asked for; expected less"),
        (["RUN", "--tflite-runtime", "/no/python"], "/no/python: No such file"),
    ],
)
def test_bad_arguments_are_told_in_one_sentence(run, arguments, told, tmp_path, capsys):
    arguments = [str(run) if argument == "RUN" else argument for argument in arguments]
    with pytest.raises(SystemExit) as stopped:
        export_command([*arguments, "--out", str(tmp_path)])
    assert stopped.value.code == 2 and told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_student_is_refused(tmp_path):
    config = read_config(overrides=checkpoints.SMALL)
    Run.open(tmp_path / "run", config, load_folds(config), ["python", "-m", "keras_sibeat.train"])
    with pytest.raises(RunError, match="found a run without a student"):
        export_sources.open_sources(tmp_path / "run")


@pytest.mark.parametrize("option", ["--out", "--firmware"])
def test_one_folder_for_several_seeds_is_refused(run, option, tmp_path, monkeypatch, capsys):
    sources = export_sources.open_sources(run)
    monkeypatch.setattr(export_sources, "open_sources", lambda *arguments: sources * 2)
    with pytest.raises(SystemExit):
        export_command([str(run), option, str(tmp_path)])
    assert f"{option}: found 2 folds and seeds; expected one" in capsys.readouterr().err


def test_a_refused_seed_keeps_no_other_from_being_exported(run, tmp_path, monkeypatch, capsys):
    ((source, _),) = export_sources.open_sources(run)
    folders = [tmp_path / f"fold0-seed{seed}" / "export" for seed in range(3)]
    monkeypatch.setattr(
        export_sources, "open_sources", lambda *arguments: [(source, folder) for folder in folders]
    )
    exported = []

    def export_or_refuse(source, folder, settings):
        if folder == folders[1]:
            raise ExportError("tiny: refused by the gate.")
        exported.append(folder)

    monkeypatch.setattr("keras_sibeat.export.exporting.export", export_or_refuse)
    monkeypatch.setattr("keras_sibeat.export.printing.print_report", lambda *arguments: None)
    with pytest.raises(SystemExit) as stopped:
        export_command([str(run)])
    assert stopped.value.code == 2 and exported == [folders[0], folders[2]]
    assert capsys.readouterr().err == "error: fold0-seed1: tiny: refused by the gate.\n"


def test_where_the_bundle_has_no_place_nothing_is_exported(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="found notes.txt, expected an empty folder or an earlier bundle"):
        export(
            export_sources.open_sources(run)[0][0],
            tmp_path / "out",
            ExportSettings(fine_tunes=False, firmware=other),
        )
    assert not list((tmp_path / "out").glob("*"))


def normals_alone(fold):
    """The fold without its abnormal beats."""
    return replace(
        fold, validation=fold.validation_normals, test=fold.test.take(~fold.is_abnormal(fold.test))
    )


def test_shifted_beats_stand_for_abnormal_ones_where_there_are_none(run, fold):
    source = replace(export_sources.open_sources(run)[0][0], fold=normals_alone(fold))
    validation = source.fold.validation.windows
    windows, is_abnormal = export_sources.judging_inputs(source)
    np.testing.assert_array_equal(windows[~is_abnormal], validation)
    shifted = windows[is_abnormal]
    assert shifted.shape == validation.shape and np.ptp(shifted, axis=1).min() > 1.9
    apart = np.abs(shifted[:, None] - validation).max(axis=(2, 3)).min(axis=1)
    assert np.median(apart) > 0.1  # no copy is one of the normal beats
    np.testing.assert_array_equal(export_sources.judging_inputs(source)[0], windows)


def test_beats_that_are_abnormal_need_no_stand_ins(run, fold):
    source = export_sources.open_sources(run)[0][0]
    inputs, is_abnormal = export_sources.judging_inputs(source)
    assert inputs is source.fold.validation.windows
    np.testing.assert_array_equal(is_abnormal, fold.is_abnormal(fold.validation))


def test_a_student_of_normal_beats_alone_is_exported(run, fold, tmp_path, capsys):
    source = replace(export_sources.open_sources(run)[0][0], fold=normals_alone(fold), metrics={})
    report = export(source, tmp_path, ExportSettings(fine_tunes=False))
    gate, validation = report["gate"], source.fold.validation
    assert gate["stand_ins"] == len(validation) and gate["failures"] == []
    model, (windows, is_abnormal) = Model(tmp_path / "small.tflite"), export_sources.judging_inputs(source)
    scores = np.array([model.score(window) for window in windows])
    assert gate["auc"] == pytest.approx(roc_auc_score(is_abnormal, scores), abs=1e-9)
    manifest = model.manifest
    assert manifest["validation"] == {"auc": None, "ap": None} and manifest["expected"]["auc"] is None
    normals = scores[~is_abnormal]  # they alone set the threshold
    assert np.mean(normals > manifest["threshold"]["score"]) == pytest.approx(0.01, abs=1 / len(normals))
    assert (tmp_path / "firmware" / "sibeat_model.c").exists()
    print_report(Console(), report)
    assert "No validation beat is abnormal" in capsys.readouterr().out


def test_an_exported_model_is_measured_on_normal_beats_alone(run, exported, fold):
    result = evaluate_exported(Run(run), {0: normals_alone(fold)})
    assert set(result["metrics"]) == {
        *("false_alarm_rate", "false_alarms_per_hour", "decisions_flipped", "flash_bytes", "arena_bytes")
    }
    assert result["not_measured"].startswith("No test beat is abnormal: ")


def test_too_few_normal_validation_beats_tell_no_threshold(run, tmp_path):
    source = export_sources.open_sources(run)[0][0]
    validation = source.fold.validation
    is_abnormal = source.fold.is_abnormal(validation)
    few = np.sort([*np.flatnonzero(is_abnormal), *np.flatnonzero(~is_abnormal)[:9]])
    fold = replace(source.fold, validation=validation.take(few))
    with pytest.raises(ExportError, match="found 9 normal validation beats; expected 10 or more"):
        export(replace(source, fold=fold), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_calibration_lets_the_stated_shares_of_normal_beats_pass(exported, fold):
    model = Model(exported[0] / "small.tflite")
    known, level = model.manifest["calibration"], model.manifest["score"]["scale"]
    scores = np.array([model.score(window) for window in fold.validation_normals.windows])
    for share, limit in zip(known["shares"], known["scores"], strict=True):
        assert (1 - share) * len(scores) >= 5
        assert np.mean(scores > limit) <= 1 - share + 1 / len(scores)
        assert np.mean(scores > limit - 1.01 * level) >= 1 - share - 1 / len(scores)
    normals_per_hour = len(fold.validation_normals) / recorded_hours(fold.validation)
    assert known["beats_per_hour"] == pytest.approx(normals_per_hour, 1e-5)


def test_a_preset_without_residuals_or_data_is_told(monkeypatch):
    monkeypatch.setattr(export_sources, "list_presets", lambda: ["some"])
    with pytest.raises(ConfigError, match="Preset some: found no residuals"):
        export_sources.open_sources("some", residuals=True)


def test_the_exported_model_is_measured_on_the_test_fold(run, exported, fold, tmp_path):
    evaluate_command([str(run), "--exported", "--report", str(tmp_path / "results")])
    result = json.loads((tmp_path / "results" / "small-int8.json").read_text())
    model, is_abnormal = Model(exported[0] / "small.tflite"), fold.is_abnormal(fold.test)
    scores = np.array([model.score(window) for window in fold.test.windows])
    metrics = {name: metric["mean"] for name, metric in result["metrics"].items()}
    assert metrics["auc"] == pytest.approx(roc_auc_score(is_abnormal, scores), abs=1e-9)
    student = keras.saving.load_model(run / "fold0-seed0" / "student.keras")
    floats = student.predict(fold.test.windows, verbose=0)[:, 0]
    assert metrics["auc_float"] == pytest.approx(roc_auc_score(is_abnormal, floats), abs=1e-6)
    gate = exported[1]["gate"]
    flipped = (scores > gate["threshold"]) != (floats > gate["threshold_float"])
    assert metrics["decisions_flipped"] == pytest.approx(flipped.mean(), abs=1e-9)
    assert metrics["flash_bytes"] == exported[1]["flash_bytes"]


def test_a_run_that_was_not_exported_has_no_exported_model_to_measure(run, tmp_path):
    with pytest.raises(RunError, match="no such file; expected python -m keras_sibeat.export"):
        find_export(Run(run), tmp_path)


def test_golden_beats_are_simulated_and_of_several_kinds():
    (windows,) = export_sources.golden_beats(read_config(overrides=SMALL))
    assert windows.shape == (16, 320, 1) and windows.min() == -1 and windows.max() == 1
    assert len(np.unique(windows.round(3), axis=0)) == 16
