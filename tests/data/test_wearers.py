"""Who wears which record: by a pattern or a table, and never in two parts of a split."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.data.recording import write_recording
from keras_sibeat.data.sources import load_fold_beats, load_folds, load_unlabelled
from keras_sibeat.data.synthetic import simulate_wearer
from keras_sibeat.data.wearers import check_apart, name_wearers
from keras_sibeat.errors import ConfigError, DataError

NAMES = ["ann_1", "ann_2", "bob_1", "cy_1", "cy_2", "dan_1"]
PATTERN = "^([a-z]+)_"


def named(rule, names=NAMES, folder="."):
    return name_wearers({name: Path(name) for name in names}, rule, folder)


# Names


def test_without_a_rule_each_record_has_a_wearer_of_its_own():
    assert named(None) == {name: name for name in NAMES}


@pytest.mark.parametrize("pattern", [PATTERN, r"([a-z]+)_\d", "^([^_]*)"])
def test_a_pattern_names_the_wearer_by_its_group(pattern):
    assert list(named(pattern).items()) == [(name, name[:-2]) for name in NAMES]


def test_a_folder_may_be_the_wearer():
    assert named("^(.+)/", ["p1/day1", "p1/day2", "p2/day1"]) == {
        "p1/day1": "p1",
        "p1/day2": "p1",
        "p2/day1": "p2",
    }


@pytest.mark.parametrize("name", ["9", "_1"])
def test_a_record_that_the_pattern_gives_no_wearer(name):
    with pytest.raises(DataError, match=f"found no wearer in the name of record {name}, by '"):
        named("^([a-z]*)_", [*NAMES, name])


def test_a_table_names_the_wearers(tmp_path):
    (tmp_path / "worn.csv").write_text(
        "\ufeffwearer,record,age\nAnn,a,50\nAnn,b,51\nBob,c,\nNo,z,\n", "utf-8"
    )
    assert named("worn.csv", ["a", "c", "b"], tmp_path) == {"a": "Ann", "c": "Bob", "b": "Ann"}
    assert named(str(tmp_path / "worn.csv"), ["a"]) == {"a": "Ann"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such file; expected the columns record and wearer"),
        ("", "found the columns none; expected record and wearer"),
        ("record;wearer\na;Ann\n", "found the columns record;wearer; expected"),
        ("record,wearer\nb,Bob\n", "found no wearer of record a; expected a row"),
        ("record,wearer\na,\n", "found no wearer of record a"),
        ("record,wearer\na,Ann\na,Bob\n", "found record a of Ann and of Bob; expected one"),
        (b"record,wearer\n\xff\xfe,1\n", "expected CSV"),
    ],
)
def test_a_table_that_does_not_say_it(tmp_path, text, told):
    file = tmp_path / "worn.csv"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        named("worn.csv", ["a"], tmp_path)
    assert str(error.value).startswith(f"{file}: ") and told in str(error.value)


# Parts


def test_the_records_of_a_wearer_have_one_role():
    wearers = {"a1": "a", "a2": "a", "b1": "b"}
    assert check_apart({"a1": "train", "a2": "train", "b1": "test"}, wearers) == []
    with pytest.raises(ConfigError) as error:
        check_apart({"a1": "train", "b1": "test", "a2": "validate"}, wearers)
    assert str(error.value) == (
        "Wearer a: found record a1 to train and a2 to validate; expected all of a wearer's records in one "
        "part."
    )


def test_mit_bihs_published_split_is_told_not_refused():
    wearers = {"101": "MIT-BIH 101", "201": "MIT-BIH 201", "202": "MIT-BIH 201"}
    (told,) = check_apart({"101": "train", "201": "train", "202": "test"}, wearers)
    assert told.startswith("Records 201 and 202 are of one wearer: found 201 to train and 202 to test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Several recordings of each of nine wearers, of different rates."""
    folder = tmp_path_factory.mktemp("own")
    for number in range(9):
        for take in range(1 + number % 2):
            rate = (250.0, 360.0, 500.0)[take + number % 2]
            recording = simulate_wearer(10 * number + take, 20, rate=rate, abnormal={"V": 0.2})
            write_recording(replace(recording, name=f"{chr(97 + number)}_{take}"), folder)
    return folder


def config(folder, *overrides, protocol="inter_patient"):
    return read_config(
        overrides=[f"protocol.name={protocol}", f"data.wearer={PATTERN}", *overrides], data=folder
    )


@pytest.mark.parametrize("protocol", ["inter_patient", "leave_out"])
def test_no_wearer_is_in_two_parts(folder, protocol):
    folds = "[0, 1, 2]" if protocol == "leave_out" else "[0]"
    for fold in load_folds(config(folder, f"protocol.folds={folds}", protocol=protocol)).values():
        parts = [set(part.persons) for part in (fold.train, fold.validation, fold.test)]
        assert set.union(*parts) == set("abcdefghi") and sum(map(len, parts)) == 9
        assert set(fold.learning_abnormal.persons) <= parts[0]


@pytest.mark.parametrize("key", ["train_records", "test_records"])
def test_lists_that_part_a_wearer_are_refused(folder, key):
    with pytest.raises(ConfigError, match="Wearer b: found record b_[01] to (train|test) and b_[01] to"):
        load_fold_beats(config(folder, f"protocol.{key}=['b_1', 'c_0']"))
    assert load_folds(config(folder, f"protocol.{key}=['b_0', 'b_1', 'c_0']"))


def test_databases_may_not_part_a_wearer_either(folder):
    roles = [f"data.sources.one.{role}=['{names}']" for role, names in
             (("trains", "[abc]_*"), ("validates", "d_0"), ("tests", "[ef]_*"))]  # fmt: skip
    settings = [f"data.sources.one.folder={folder.name}", *roles]
    wearer = "data.wearer=/([a-z]+)_"
    given = config(folder.parent, *settings, wearer, protocol="databases")
    (fold,) = load_folds(given).values()
    assert set(fold.train.persons) == {"a", "b", "c"} and set(fold.train.records) >= {"one/b_0", "one/b_1"}
    settings.append("data.sources.one.tests=['[ef]_*', 'd_1']")
    with pytest.raises(ConfigError, match="Wearer d: found record one/d_0 to validate and one/d_1 to test"):
        load_fold_beats(config(folder.parent, *settings, wearer, protocol="databases"))


def test_unlabelled_records_are_of_other_wearers(folder):
    given = config(folder, "protocol.train_records=['a_0', 'c_0']", "protocol.test_records=['d_0', 'd_1']")
    assert set(load_unlabelled(given, ["b_0"]).records) == {"b_0"}
    given = config(folder, "protocol.train_records=['a_0', 'c_0']", "protocol.test_records=['d_0']")
    with pytest.raises(ConfigError, match="found record d_1 of wearer d, whose record d_0 protocol"):
        load_unlabelled(given, ["d_1"])


def test_another_table_makes_other_data(folder):
    first, again = (load_fold_beats(config(folder)) for _ in range(2))
    plain = load_fold_beats(read_config(overrides=["protocol.name=inter_patient"], data=folder))
    other = load_fold_beats(config(folder, "data.wearer=^([a-z])"))
    assert first.sha256 == again.sha256 == other.sha256 != plain.sha256
    np.testing.assert_array_equal(np.sort(first.samples), np.sort(plain.samples))
