"""Whole recordings of several databases: which test, by which lead, and how their rows are named."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.data.recording import Recording, write_recording
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.evaluate import stress
from keras_sibeat.evaluate.conditions import measure_robustness
from keras_sibeat.evaluate.thresholds import measure_calibration

SOURCES = [
    "data.source=wfdb",
    "protocol.name=databases",
    "data.sources.one.trains=['a']",
    "data.sources.one.tests=['b', 'c']",
    "data.sources.three.validates=['d']",
    "data.sources.two.leads=['V1']",
    "data.sources.two.tests=['e']",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three databases, the second one without a recording that tests."""
    folder = tmp_path_factory.mktemp("databases")
    for database, names in {"one": "abc", "three": "d", "two": "e"}.items():
        for name in names:
            write_recording(replace(simulate_wearer(ord(name), 12), name=name), folder / database)
    return folder


def config(root, *more):
    return read_config(overrides=[*SOURCES, *more], data=root)


def test_the_recordings_that_test_come_by_database_with_the_lead_to_score(root):
    found = stress._test_recordings(config(root))
    assert {name: [r.name for r in recordings] for name, recordings in found.items()} == {
        "one": ["b", "c"],
        "two": ["e"],
    }
    for recordings, lead in ((found["one"], 0), (found["two"], 1)):
        for recording in recordings:
            whole = simulate_wearer(ord(recording.name), 12)
            assert recording.leads == (whole.leads[lead],)
            np.testing.assert_allclose(recording.signal[:, 0], whole.signal[:, lead], atol=1e-3)
            np.testing.assert_array_equal(recording.annotations.samples, whole.annotations.samples)


def test_of_one_database_the_recordings_are_those_of_the_protocol(root):
    settings = [
        "protocol.name=inter_patient",
        "protocol.train_records=['a']",
        "protocol.test_records=['c', 'b']",
    ]
    given = read_config(overrides=[*settings, "data.leads=['V1']"], data=root / "one")
    (recordings,) = stress._test_recordings(given).values()
    assert sorted((recording.name, recording.leads) for recording in recordings) == [
        ("b", ("V1",)),
        ("c", ("V1",)),
    ]


def test_a_lead_that_is_missing_is_named(root):
    with pytest.raises(DataError, match=r"Record e: lead V9 is missing; found MLII, V1"):
        stress._test_recordings(config(root, "data.sources.two.leads=['V9']"))


def test_the_recordings_that_test_know_their_wearers(root):
    given = config(root, "data.wearer=/([a-e])")
    found = stress._test_recordings(given)
    assert [recording.person for recording in found["one"] + found["two"]] == ["b", "c", "e"]


def test_recordings_without_annotations_cannot_be_judged(root):
    given = read_config(overrides=["protocol.name=inter_patient", "data.annotator=none"], data=root / "one")
    with pytest.raises(ConfigError, match="found none; expected test recordings whose beats are annotated"):
        stress._test_recordings(given)


@pytest.fixture
def calls(monkeypatch):
    """What is measured by which model, on what, without measuring it."""
    seen = []

    def on_each(measure, models, recordings, *arguments):
        seen.append((measure, models, [recording.name for recording in recordings], arguments))
        row = {"first": {"sensitivity": 0.5}} if measure is measure_calibration else {"auc": 0.5}
        return [{"clean": row} for _ in models]

    monkeypatch.setattr(stress, "_on_each", on_each)
    monkeypatch.setattr(stress, "_models", lambda run: ["model 0", "model 1"])
    monkeypatch.setattr(stress, "_provenance", lambda *_: {})
    manifest = {"threshold": {"false_alarms_per_hour": 4.0}}
    monkeypatch.setattr(stress, "Model", lambda file: SimpleNamespace(manifest=manifest))
    return seen


def test_each_database_has_rows_of_its_own_and_the_first_one_noise(root, tmp_path, calls):
    noise = np.arange(200, dtype=np.float32)[:, None] / 100
    write_recording(Recording("em", noise, 360.0, ("x",)), tmp_path)
    result = stress.robustness(SimpleNamespace(config=config(root), folder=Path("run")), tmp_path)
    assert list(result["conditions"]) == ["one: clean", "two: clean"] and result["records"] == ["b", "c", "e"]
    assert result["conditions"]["two: clean"]["auc"]["values"] == [0.5, 0.5]
    first, second, calibration = calls
    assert first[:3] == (measure_robustness, ["model 0", "model 1"], ["b", "c"])
    np.testing.assert_allclose(first[3][0]["em"], noise[100:, 0], atol=1e-3)  # what training never saw
    assert second[2:] == (["e"], ({},))
    assert calibration[0] is measure_calibration and calibration[2] == ["b", "c"]


def test_of_a_single_database_the_rows_have_the_conditions_names(root, calls):
    alone = config(root, "data.sources.two.tests=[]", "data.sources.two.trains=['e']")
    result = stress.robustness(SimpleNamespace(config=alone, folder=Path("run")))
    assert list(result["conditions"]) == ["clean"] and calls[0][3] == ({},)
