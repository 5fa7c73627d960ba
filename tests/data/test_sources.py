"""Several databases as one: which of their records train, validate and test, and the beats they give."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.data.beats import extract_beats
from keras_sibeat.data.mitbih import DS1, DS2
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.sources import load_fold_beats, load_folds, source_folder, source_records
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.errors import ConfigError, DataError
from sibeat_edge.beats.rhythm import FEATURES

SETTINGS = ["data.source=wfdb", "protocol.name=databases"]
TRAINS, VALIDATES, TESTS = (f"data.sources.one.{role}=" for role in ("trains", "validates", "tests"))
ROLES = [f"{TRAINS}['s1']", f"{VALIDATES}['s2']", f"{TESTS}['s3']"]
DETECTED = ["data.sources.two.annotator=none", "data.sources.two.trains=['t*']"]
WEARER = ["wearer={}", "contrastive={}"]
ABNORMAL = {"V": 0.1, "A": 0.1}


def config(root, *overrides):
    return read_config(overrides=[*SETTINGS, *overrides], data=root)


def records(root, *names, reference=""):
    """A folder with headers of these names alone, which is enough to choose from."""
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / f"{name}.hea").touch()
    if reference:
        (root / "REFERENCE.csv").write_text(reference)


# Roles


def test_each_pattern_gives_the_records_that_it_fits_a_role(tmp_path):
    records(tmp_path / "one", "a1", "a2", "b1", "b2", "c1")
    given = config(tmp_path, f"{TRAINS}['a*']", f"{VALIDATES}['b1']", f"{TESTS}['b2']")
    roles = {"a1": "train", "a2": "train", "b1": "validate", "b2": "test"}  # c1 has none
    assert source_records(given, "one") == roles


def test_de_chazals_parts_are_patterns_too(tmp_path):
    records(tmp_path / "one", *DS1, *DS2, "102")
    given = config(tmp_path, f"{TRAINS}['DS1']", f"{TESTS}['DS2']")
    roles = source_records(given, "one")
    assert roles == dict.fromkeys(DS1, "train") | dict.fromkeys(DS2, "test")


def test_a_record_that_is_listed_but_has_no_role_needs_no_files(tmp_path):
    records(tmp_path / "one")
    (tmp_path / "one" / "RECORDS").write_text("b\na\n")
    assert source_records(config(tmp_path, f"{TESTS}['a']"), "one") == {"a": "test"}


def test_a_pattern_without_a_record_is_an_error(tmp_path):
    records(tmp_path / "one", "a1")
    with pytest.raises(DataError, match=r"found no record z\*; expected some"):
        source_records(config(tmp_path, f"{TRAINS}['a1', 'z*']"), "one")


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ([f"{TRAINS}['a*']", f"{TESTS}['a2']"], "found record a2 to train and to test"),
        ([f"{TRAINS}['a1', 'a2']", f"{VALIDATES}['a1']"], "found record a1 to train and to validate"),
        ([f"{VALIDATES}['*']", f"{TESTS}['b1']"], "found record b1 to validate and to test"),
    ],
)
def test_a_record_has_one_role(tmp_path, roles, told):
    records(tmp_path / "one", "a1", "a2", "b1")
    with pytest.raises(ConfigError) as error:
        source_records(config(tmp_path, *roles), "one")
    assert str(error.value) == f"data.sources.one: {told}; expected one of them."


def test_only_records_of_the_reference_label_have_a_role(tmp_path):
    records(tmp_path / "one", "a1", "a2", "a3", "a4", reference="a1,N\na2,A\na4,N\nz9,N\n")
    given = config(tmp_path, f"{TRAINS}['*']", "data.sources.one.reference=N")
    assert source_records(given, "one") == {"a1": "train", "a4": "train"}
    with pytest.raises(DataError, match="found no record a2; expected some"):
        source_records(config(tmp_path, f"{TRAINS}['a2']", "data.sources.one.reference=N"), "one")


@pytest.mark.parametrize(
    ("reference", "told"),
    [("", r"REFERENCE\.csv: no such file"), ("a1,A\n", r"REFERENCE\.csv: found no record labelled 'N'")],
)
def test_a_reference_that_tells_nothing_is_an_error(tmp_path, reference, told):
    records(tmp_path / "one", "a1", reference=reference)
    with pytest.raises(DataError, match=told):
        source_records(config(tmp_path, f"{TRAINS}['*']", "data.sources.one.reference=N"), "one")


def test_a_source_lies_in_a_folder_of_its_name_or_of_another(tmp_path):
    given = config(
        tmp_path, f"{TESTS}['a']", "data.sources.two.folder=deep/er", "data.sources.two.tests=['b']"
    )
    assert source_folder(given, "one") == tmp_path / "one"
    assert source_folder(given, "two") == tmp_path / "deep" / "er"
    records(tmp_path / "deep" / "er", "b")
    assert source_records(given, "two") == {"b": "test"}
    with pytest.raises(DataError, match="one: no such folder"):
        source_records(given, "one")


# Beats


def annotated(seed):
    return replace(simulate_wearer(seed, 100, abnormal=ABNORMAL), name=f"s{seed}")


def unannotated(seed):
    """A wearer of normal beats alone, whose R-peaks the simulator knows."""
    return replace(simulate_wearer(seed, 100, rate=250, abnormal={}), name=f"t{seed}")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of two databases: one annotated, the other at another rate and without annotations."""
    folder = tmp_path_factory.mktemp("databases")
    for seed in (1, 2, 3):
        write_recording(annotated(seed), folder / "one")
    for seed in (4, 5):
        write_recording(replace(unannotated(seed), annotations=None), folder / "two")
    return folder


def of(beats, record):
    return beats.take(beats.records == record)


@pytest.mark.parametrize("more", [[], WEARER], ids=["alone", "beside a template"])
def test_two_databases_give_one_fold(root, more):
    (fold,) = load_folds(config(root, *ROLES, *DETECTED, *more)).values()
    assert set(fold.train.records) == {"one/s1", "two/t4", "two/t5"}
    assert set(fold.validation.records) == {"one/s2"} and set(fold.test.records) == {"one/s3"}
    assert set(fold.train.classes) == {"N"}
    assert set(fold.learning_abnormal.records) == {"one/s1"}
    for part in (fold.learning_abnormal, fold.validation, fold.test):
        assert {"S", "V"} <= set(part.classes)
    for part in (fold.train, fold.validation, fold.test):
        assert part.windows.shape[1:] == (320, 2 if more else 1)
        assert part.rhythm.shape[1] == (len(FEATURES) if more else 0)


@pytest.mark.parametrize("more", [[], WEARER], ids=["alone", "beside a template"])
def test_without_annotations_every_beat_is_found_where_it_is_and_counts_as_normal(root, more):
    (fold,) = load_folds(config(root, *ROLES, *DETECTED, *more)).values()
    for seed in (4, 5):
        beats, truth = of(fold.train, f"two/t{seed}"), unannotated(seed).annotations.samples * 360 / 250
        assert set(beats.symbols) == set(beats.classes) == {"N"} and beats.detected.all()
        distances = np.abs(beats.samples[:, None] - truth)
        assert distances.min(axis=1).max() <= 3
        assert len(np.unique(distances.argmin(axis=1))) == len(beats) >= len(truth) - 4  # but for the ends


def test_the_beats_are_those_of_each_recording_by_itself(root):
    beats = load_fold_beats(config(root, *ROLES, *DETECTED))
    assert list(dict.fromkeys(beats.records)) == ["one/s1", "one/s2", "one/s3", "two/t4", "two/t5"]
    for seed in (1, 3):
        alone = extract_beats(annotated(seed), Preprocessing())
        found = of(beats, f"one/s{seed}")
        np.testing.assert_array_equal(found.samples, alone.samples)
        np.testing.assert_allclose(found.windows, alone.windows, atol=0.02)  # the file holds steps of 1 µV


def test_each_source_has_leads_of_its_own(root):
    first, second = (
        load_fold_beats(config(root, *ROLES, *more)) for more in ([], ["data.sources.one.leads=['V1']"])
    )
    wanted = extract_beats(annotated(1), Preprocessing(leads=("V1",)))
    found = of(second, "one/s1")
    np.testing.assert_allclose(found.windows, wanted.windows, atol=0.05)
    assert np.abs(of(first, "one/s1").windows - found.windows).max() > 0.5  # by default the first lead


def test_the_first_lead_is_the_first_whatever_its_name(root, tmp_path):
    named = replace(annotated(1), leads=("ECG", "V9"))
    write_recording(named, tmp_path / "one")
    with pytest.raises(DataError, match="lead MLII is missing; found ECG, V9"):
        load_fold_beats(config(tmp_path, f"{TRAINS}['s1']", "data.sources.one.leads=['MLII']"))
    beats = load_fold_beats(config(tmp_path, f"{TRAINS}['s1']"))
    same = of(load_fold_beats(config(root, *ROLES)), "one/s1")
    np.testing.assert_array_equal(beats.windows, same.windows)


def test_the_checksum_is_of_all_the_databases(root):
    both, one = (load_fold_beats(config(root, *ROLES, *more)) for more in (DETECTED, []))
    fewer = load_fold_beats(config(root, *ROLES, *DETECTED[:1], "data.sources.two.trains=['t4']"))
    assert len({both.sha256, one.sha256, fewer.sha256}) == 3
    assert load_fold_beats(config(root, *ROLES, *DETECTED)).sha256 == both.sha256


# A folder of own recordings


def write_own(folder, *names, annotated=True, **settings):
    for seed, name in enumerate(names):
        recording = replace(simulate_wearer(seed, 20, **settings), name=Path(name).name)
        if not annotated:
            recording = replace(recording, annotations=None)
        write_recording(recording, folder / Path(name).parent)
    return folder


def test_records_of_one_name_in_several_folders_do_not_collide(tmp_path):
    folder = write_own(tmp_path, "p1/day1", "p1/day2", "p2/day1", "p2/day2", abnormal=ABNORMAL)
    beats = load_fold_beats(read_config(data=folder))
    assert set(beats.records) == {"p1/day1", "p1/day2", "p2/day1", "p2/day2"}
    alone = load_fold_beats(read_config(data=folder / "p2"))
    np.testing.assert_array_equal(of(beats, "p2/day1").windows, of(alone, "day1").windows)
    (folder / "p1" / "day1.atr").write_bytes((folder / "p2" / "day1.atr").read_bytes())
    assert load_fold_beats(read_config(data=folder)).sha256 != beats.sha256


def test_a_database_has_one_checksum_in_one_folder_and_in_several(tmp_path):
    write_own(tmp_path / "flat", "a", "b")
    write_own(tmp_path / "deep", "x/a", "y/b")
    flat, deep = (load_fold_beats(read_config(data=tmp_path / name)) for name in ("flat", "deep"))
    assert flat.sha256 == deep.sha256 and set(deep.records) == {"x/a", "y/b"}


@pytest.mark.parametrize("protocol", ["beatgan", "inter_patient"])
def test_without_annotations_every_protocol_takes_all_beats_for_normal(tmp_path, protocol):
    folder = write_own(tmp_path, *"abcdef", annotated=False, abnormal={})
    settings = [f"protocol.name={protocol}", "data.annotator=none"]
    (fold,) = load_folds(read_config(overrides=settings, data=folder)).values()
    for part in (fold.train, fold.validation, fold.test):
        assert len(part) and set(part.classes) == {"N"}
    assert f"{folder}: no annotations are read; every beat that the detector finds counts as normal." in (
        fold.train.notes
    )


def test_own_records_that_are_named_as_mit_bihs_are_all_there(tmp_path):
    names = [str(number) for number in range(100, 109)]
    folder = write_own(tmp_path, *names, abnormal=ABNORMAL)
    for protocol in ("beatgan", "leave_out", "inter_patient"):
        (fold,) = load_folds(read_config(overrides=[f"protocol.name={protocol}"], data=folder)).values()
        parts = (fold.train, fold.validation, fold.test)
        assert set.union(*(set(part.records) for part in parts)) == set(names)
        assert any(note.startswith("Records 100, 101, 102") for note in fold.train.notes)


def test_a_folder_alone_is_one_of_wfdb_records(tmp_path):
    folder = write_own(tmp_path, *"abcd", abnormal=ABNORMAL)
    given = read_config(overrides=[f"data.folder={folder}"])
    assert given.data.source == "wfdb" and set(load_fold_beats(given).records) == set("abcd")
