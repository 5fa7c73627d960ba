"""``python -m keras_sibeat.evaluate.ec57``: what it prints and writes, and how it fails."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from int8_models import tiny_model

from keras_sibeat.config import read_config
from keras_sibeat.data.mitbih import DS2
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError
from keras_sibeat.evaluate import ec57, stress
from keras_sibeat.evaluate.decisions import decide_folder, measure_decisions
from keras_sibeat.results import writing
from keras_sibeat.results.commands import names_written
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
        ([str(PRESET), "--data", ".", "--records", "c"], "c.hea: no such file"),
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
    return SimpleNamespace(config=config, folder="runs/small", about=about)


@pytest.fixture
def of_presets(monkeypatch):
    """Each seed's model is the shipped one, and measured in this process."""

    def on_each(measure, models, *arguments):
        return [stress._on_model(measure, model, *arguments) for model in models]

    monkeypatch.setattr(stress, "_on_each", on_each)
    monkeypatch.setattr(stress, "_models", lambda run: [PRESET, PRESET])
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
    def measured(measure, models, recordings):
        assert measure is measure_decisions and len(models) == 2
        each = {"records": {r.name: {"veb_se": None} for r in recordings}, "matrices": {}}
        return [{"metrics": {"veb_se": 0.5}, **each}] * 2

    recordings = [SimpleNamespace(name=name) for name in DS2]
    monkeypatch.setattr(stress, "_test_recordings", lambda config: {"": recordings, "x": recordings[:2]})
    monkeypatch.setattr(stress, "_on_each", measured)
    results = stress.decide_run(run_of(*WEARER, "protocol.name=inter_patient"))
    assert list(results) == ["ds2", "x"] and results["ds2"]["metrics"]["veb_se"]["mean"] == 0.5


@pytest.mark.parametrize(
    "settings", [WEARER, ["protocol.name=inter_patient", "contrastive={}", "student={}"]]
)
def test_a_run_without_a_template_or_without_whole_recordings_is_refused(settings):
    with pytest.raises(ConfigError, match="expected a wearer's student under inter_patient or databases"):
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
