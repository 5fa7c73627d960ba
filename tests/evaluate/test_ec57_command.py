"""``python -m keras_sibeat.evaluate.ec57``: what it prints and writes, and how it fails."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from int8_models import tiny_model

from keras_sibeat.config import read_config
from keras_sibeat.data.mitbih import DS2
from keras_sibeat.data.recording import read_recording, write_recording
from keras_sibeat.data.sources import load_folds
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError
from keras_sibeat.evaluate import ec57, stress
from keras_sibeat.evaluate.decision_figures import decide_folder, decision_tables
from keras_sibeat.evaluate.decisions import decide_all
from keras_sibeat.evaluate.int8 import find_refusals
from keras_sibeat.results import decision_tables as tables
from keras_sibeat.results import writing
from keras_sibeat.results.commands import names_written
from keras_sibeat.train.run import part_folders
from sibeat_edge.model.runtime import Model
from sibeat_edge.report.recording import PRESET


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model without a template, and records of two wearers with 60 s behind the learning period."""
    folder = tmp_path_factory.mktemp("wearers")
    (folder / "tiny.tflite").write_bytes(tiny_model())
    for name, seed in (("a", 1), ("b", 2)):
        recording = simulate_wearer(seed, 360.0, abnormal={"V": 0.2, "A": 0.1})
        write_recording(replace(recording, name=name), folder)
    return folder


def test_a_file_s_model_is_measured_on_the_records_of_a_folder(folder, capsys):
    assert ec57.main([str(PRESET), "--data", str(folder)]) is None
    out, err = capsys.readouterr()
    assert err == "" and folder.name in out
    (table,) = decide_folder(PRESET, folder).values()
    rows = dict(line.strip("│┃ ").split("│") for line in out.splitlines() if line.startswith("│"))
    rows = {name.strip(): cell.strip() for name, cell in rows.items()}
    assert list(rows) == list(ec57.SHOWN)
    for name, cell in rows.items():
        assert float(cell.split()[0]) == pytest.approx(table["metrics"][name]["mean"], abs=6e-4)


def test_some_of_the_records_can_be_named(folder, capsys):
    ec57.main([str(PRESET), "--data", str(folder), "--records", "b"])
    alone = capsys.readouterr().out
    ec57.main([str(PRESET), "--data", str(folder)])
    assert alone != capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tiny.tflite", "--data", "."], "tiny.tflite: found a model without a template"),
        (["none.tflite", "--data", "."], "none.tflite"),
        (["a.hea.tflite", "--data", "."], "a.hea.tflite"),
        ([str(PRESET), "--data", "none"], "none: no such folder"),
        ([str(PRESET), "--data", ".", "--records", "c"], "c.hea: found no such file"),
        (["none"], "none: "),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(folder, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(folder)
    (folder / "a.hea.tflite").write_text("no model")
    with pytest.raises(SystemExit) as stopped:
        ec57.main(arguments)
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and out == ""
    assert err.startswith("error: ") and words in err and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], [str(PRESET)], [str(PRESET), "--x"]])
def test_a_line_that_lacks_something_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        ec57.main(arguments)
    assert stopped.value.code == 2 and "usage:" in capsys.readouterr().err


def test_records_shorter_than_the_learning_period_are_refused_in_a_sentence(tmp_path, capsys):
    write_recording(simulate_wearer(1, 60.0), tmp_path)
    with pytest.raises(SystemExit) as stopped:
        ec57.main([str(PRESET), "--data", str(tmp_path)])
    assert stopped.value.code == 2 and capsys.readouterr().err.count("\n") == 1


# Runs


WEARER = ["name=small", "wearer={}", "contrastive={}", "student={}", "seeds=[0, 1]"]
SOURCES = ["data.source=wfdb", "protocol.name=databases", "data.sources.one.trains=['a']"]
SOURCES += ["data.sources.one.validates=['b']", "data.sources.two.tests=['a', 'b']"]


def run_of(*settings, data=None):
    about = {"command": "python -m keras_sibeat.train mine.toml", "data_sha256": "0" * 64, "commit": "c"}
    config = read_config(overrides=settings, data=data)
    parts = part_folders(Path("runs/small"), config)
    return SimpleNamespace(config=config, folder="runs/small", about=about, parts=lambda: parts)


@pytest.fixture
def of_presets(monkeypatch):
    """Each part's model is the shipped one, and measured in this process."""

    def in_processes(measure, models, *columns):
        return [
            stress._on_model(measure, model, *those) for model, *those in zip(models, *columns, strict=True)
        ]

    monkeypatch.setattr(stress, "_in_processes", in_processes)
    monkeypatch.setattr(stress, "find_export", lambda run, part: (PRESET, {}))
    monkeypatch.setattr(stress, "_provenance", lambda *_: {"seeds": [0, 1]})


def test_a_run_has_a_result_for_each_database_that_tests(folder, tmp_path, of_presets):
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(folder)
    results = stress.decide_run(run_of(*WEARER, *SOURCES, data=tmp_path))
    assert list(results) == ["two"]
    (table,) = decide_folder(PRESET, folder).values()
    for name, value in table["metrics"].items():
        assert results["two"]["metrics"][name]["values"] == value["values"] * 2
    assert results["two"]["matrices"] == table["matrices"] * 2 and results["two"]["seeds"] == [0, 1]
    assert list(results["two"]["records"]) == ["a", "b"]


def test_mit_bih_s_inter_patient_test_is_called_ds2(monkeypatch, of_presets):
    def decided(measure, models, columns):
        assert measure is decide_all and len(models) == len(columns) == 2
        return columns

    def tables(recordings):
        each = {"records": {r.record: {"veb_se": None} for r in recordings}, "matrices": {}}
        return {"metrics": {"veb_se": 0.5}, **each}

    recordings = [SimpleNamespace(record=name) for name in DS2]
    monkeypatch.setattr(stress, "_test_recordings", lambda config: {"": recordings, "x": recordings[:2]})
    monkeypatch.setattr(stress, "_in_processes", decided)
    monkeypatch.setattr(stress, "decision_tables", tables)
    results = stress.decide_run(run_of(*WEARER, "protocol.name=inter_patient"))
    assert list(results) == ["ds2", "x"] and results["ds2"]["metrics"]["veb_se"]["mean"] == 0.5


def test_under_leave_out_each_fold_s_model_decides_about_its_own_wearers(tmp_path, of_presets, monkeypatch):
    for seed in range(9):
        recording = simulate_wearer(seed, 330.0, abnormal={"V": 0.2, "A": 0.1})
        write_recording(replace(recording, name=f"w{seed}"), tmp_path)
    settings = [*WEARER, "protocol.name=leave_out", "protocol.folds=[0, 1, 2]", "data.leads=['MLII']"]
    run = run_of(*settings, data=tmp_path)
    folds = load_folds(run.config)
    seen = []

    def watched(model, recordings):
        seen.append([recording.name for recording in recordings])
        return decide_all(model, recordings)

    monkeypatch.setattr(stress, "decide_all", watched)
    results = stress.decide_run(run)
    table = results["folds"]
    assert list(results) == ["folds"]
    tested = [sorted(set(fold.test.records.tolist())) for fold in folds.values()]
    assert seen == [names for names in tested for _ in run.config.seeds]
    assert sorted(table["records"]) == [f"w{seed}" for seed in range(9)]
    read = [read_recording(tmp_path / name) for names in tested for name in names]
    wanted = decision_tables(decide_all(Model(PRESET), read))
    for name, value in wanted["metrics"].items():
        assert table["metrics"][name]["values"] == [value] * 2
    assert table["matrices"] == [wanted["matrices"]] * 2


def test_the_wearers_of_a_refused_fold_are_left_out_and_named(tmp_path, of_presets, monkeypatch):
    for seed in range(9):
        recording = simulate_wearer(seed, 330.0, abnormal={"V": 0.2})
        write_recording(replace(recording, name=f"w{seed}"), tmp_path)
    settings = [*WEARER, "protocol.name=leave_out", "protocol.folds=[0, 1]", "data.leads=['MLII']"]
    run = run_of(*settings, data=tmp_path)
    refused = {f"fold1-seed{seed}": ["rank correlation: found 0.9"] for seed in run.config.seeds}
    monkeypatch.setattr(stress, "find_refusals", lambda run: refused)
    table = stress.decide_run(run)["folds"]
    assert sorted(table["records"]) == sorted(set(load_folds(run.config)[0].test.records.tolist()))
    assert table["refused"] == refused
    told = tables.ec57({**table, "name": "ec57-folds"})
    assert "The gate refused the model of fold1-seed0 (rank correlation: found 0.9)" in told


def test_a_refused_part_is_one_without_a_model(tmp_path):
    parts = {(fold, 0): tmp_path / f"fold{fold}-seed0" for fold in range(3)}
    for part in parts.values():
        (part / "export").mkdir(parents=True)
    failures = {"gate": {"failures": ["too different"]}}
    for fold in (1, 2):
        (parts[fold, 0] / "export" / "tiny-refused.json").write_text(json.dumps(failures))
    (parts[2, 0] / "export" / "tiny.tflite").touch()  # exported before; the earlier model stays
    run = SimpleNamespace(parts=lambda: parts, config=SimpleNamespace(name="tiny"))
    assert find_refusals(run) == {"fold1-seed0": ["too different"]}


@pytest.mark.parametrize(
    "settings", [WEARER, ["protocol.name=inter_patient", "contrastive={}", "student={}"]]
)
def test_a_run_without_a_template_or_without_whole_recordings_is_refused(settings):
    with pytest.raises(
        ConfigError, match="expected a wearer's student under inter_patient, leave_out or databases"
    ):
        stress.decide_run(run_of(*settings))


def test_a_run_s_results_are_written_with_the_command(monkeypatch, tmp_path, capsys):
    table = {
        "metrics": {"veb_se": {"mean": 0.5, "sd": 0.0, "values": [0.5]}},
        "config": {},
        "data_sha256": "",
    }
    monkeypatch.setattr("keras_sibeat.train.run.Run", lambda folder, data: run_of(*WEARER))
    monkeypatch.setattr(stress, "decide_run", lambda run: {"ds2": table, "svdb": table})
    monkeypatch.setattr(writing, "renew_pages", lambda folder: None)
    ec57.main(["runs/small", "--report", str(tmp_path)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ec57-ds2.json", "ec57-svdb.json"]
    result = json.loads((tmp_path / "ec57-ds2.json").read_text())
    assert result["name"] == "ec57-ds2" and result["metrics"] == table["metrics"]
    assert result["command"].endswith(f"python -m keras_sibeat.evaluate.ec57 runs/small --report {tmp_path}")
    assert "0.500" in capsys.readouterr().out


def test_a_command_s_results_are_known_by_name(tmp_path):
    (tmp_path / "mine.toml").write_text(
        "[data]\nsource = 'wfdb'\n[data.sources.one]\ntrains = ['a']\nvalidates = ['b']\n"
        "[data.sources.two]\ntests = ['c']\n[protocol]\nname = 'databases'\n"
    )
    text = (
        "python -m keras_sibeat.train mine.toml && python -m keras_sibeat.evaluate.ec57 runs/mine --report x"
    )
    assert names_written(text, tmp_path) == {"ec57-ds2", "ec57-two"}
    (tmp_path / "mine.toml").write_text("[data]\nsource = 'wfdb'\n[protocol]\nname = 'leave_out'\n")
    assert names_written(text, tmp_path) == {"ec57-folds"}
