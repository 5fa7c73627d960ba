"""Folds without one abnormal beat: every protocol has them, and says what is missing where it has none."""

import numpy as np
import pytest
from normal_recordings import SOME, write_normals

from keras_sibeat.config import read_config
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import ConfigError, DataError

WFDB = ["data.source=wfdb"]
SOURCES = [
    *WFDB,
    "protocol.name=databases",
    "data.sources.one.folder=.",
    "data.sources.one.trains=['n0', 'n3']",
    "data.sources.one.validates=['n1']",
    "data.sources.one.tests=['n2']",
]
SERIES = ["protocol.name=series", "window.before=16", "window.after=16"]
PARTS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def normals(tmp_path_factory):
    return write_normals(tmp_path_factory.mktemp("normals"), 9)


def folds(folder, *overrides):
    return load_folds(read_config(overrides=overrides, data=folder))


@pytest.mark.parametrize(
    "protocol",
    [
        [*WFDB],
        [*WFDB, "protocol.name=inter_patient"],
        [*WFDB, "protocol.name=inter_patient", "wearer={}", "contrastive={}"],
        [*WFDB, "protocol.name=leave_out", "protocol.folds=[0, 1, 2]"],
        SOURCES,
    ],
    ids=["beatgan", "inter_patient", "wearer", "leave_out", "databases"],
)
def test_every_protocol_splits_recordings_of_normal_beats(normals, protocol):
    for fold in folds(normals, *protocol).values():
        for part in PARTS:
            beats = getattr(fold, part)
            assert len(beats) and set(beats.classes) == {"N"}
        assert len(fold.validation_normals) == len(fold.validation)


def series(folder, groups, *overrides):
    for name in groups:
        (folder / name).mkdir()
        for number in range(3):
            walk = np.random.default_rng(number).normal(size=(80, 2)).cumsum(axis=0)
            np.savetxt(folder / name / f"{name}{number}.csv", walk, delimiter=",")
    patterns = [f"data.groups.{name}=['{name}/*.csv']" for name in groups]
    return folds(folder, "data.source=series", *patterns, *SERIES, *overrides)


def test_series_of_one_class_are_tested_by_the_records_named_for_it(tmp_path):
    (fold,) = series(tmp_path, ["walk"], "protocol.normal=walk", "protocol.test_records=['walk1']").values()
    assert set(fold.test.records) == {"walk1"} and not fold.is_abnormal(fold.test).any()


def test_series_of_one_class_need_records_to_test(tmp_path):
    with pytest.raises(DataError, match="Class walk: found no file to test; expected protocol.test_rec"):
        series(tmp_path, ["walk"], "protocol.normal=walk")


def test_abnormal_beats_may_be_in_one_part_alone(tmp_path):
    for tested in (1, 2):  # validates, tests
        folder = write_normals(tmp_path / str(tested), 4, abnormal={tested: SOME})
        (fold,) = folds(folder, *SOURCES).values()
        assert fold.is_abnormal(fold.validation).any() == (tested == 1)
        assert fold.is_abnormal(fold.test).any() == (tested == 2)


def test_a_selection_by_labels_needs_abnormal_beats(normals):
    with pytest.raises(ConfigError, match="no abnormal beats to validate in fold 0; expected label_free"):
        folds(normals, *WFDB, "protocol.selection=labelled")


def test_contamination_needs_abnormal_beats(normals):
    with pytest.raises(DataError, match="contamination: 10.0% needs .* abnormal beats; there are 0"):
        folds(normals, *WFDB, "protocol.contamination=0.1")


@pytest.mark.parametrize("abnormal, verb", [([0, 3], "train"), ([1], "validate"), ([2], "test")])
def test_each_part_needs_normal_beats(tmp_path, abnormal, verb):
    folder = write_normals(tmp_path, 4, abnormal={number: {"V": 1.0} for number in abnormal})
    with pytest.raises(DataError, match=f"Fold 0: found no normal beats to {verb}; expected at least one"):
        folds(folder, *SOURCES)
