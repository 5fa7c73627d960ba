"""Which records train and test: MIT-BIH's own lists, for its own records alone, and every second wearer."""

import numpy as np
import pytest

from keras_sibeat.config import read_config
from keras_sibeat.data.mitbih import DS1, DS2, PACED, RECORDS, wearer_of
from keras_sibeat.data.recording import Recording, read_recording, write_recording
from keras_sibeat.data.sources import record_wearers
from keras_sibeat.data.splits import chosen, describe_lists, is_of_mitbih, select_records, split_records
from keras_sibeat.errors import ConfigError, DataError

MIT_BIH = [*DS1, *DS2, *PACED]
OWN = {name: wearer_of(name) for name in MIT_BIH}


def alone(*names):
    """Records that each have a wearer of their own."""
    return {name: name for name in names}


# Which are MIT-BIH's


def header(folder, name, rate=360, samples=650_000):
    path = folder / f"{name}.hea"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{path.stem} 1 {rate} {samples}\n{path.stem}.dat 16 1000/mV 16 0 0 0 0 MLII\n")


def wearers_in(folder):
    return record_wearers(read_config(data=folder))


def test_a_record_is_mit_bihs_by_its_name_rate_and_length(tmp_path):
    header(tmp_path, "102")
    header(tmp_path, "104", rate=250)
    header(tmp_path, "107", samples=30_000)
    header(tmp_path, "110")  # MIT-BIH has no such record
    header(tmp_path, "deep/202")
    (tmp_path / "217.hea").touch()
    found = wearers_in(tmp_path)
    assert found == {
        **alone("104", "107", "110", "217"),
        "102": "MIT-BIH 102",
        "deep/202": "MIT-BIH 201",
    }
    assert [name for name in found if is_of_mitbih(name, found)] == ["102", "deep/202"]


def test_the_real_ones_are_its_own(mitdb):
    assert wearers_in(mitdb) == {name: wearer_of(name) for name in sorted(RECORDS)}


def test_a_part_of_mit_bih_means_what_the_whole_does(tmp_path):
    for name in ("100", "101", "102", "103"):
        header(tmp_path, name)
    assert select_records("leave_out", wearers_in(tmp_path)) == ["100", "101", "103"]
    with pytest.raises(DataError, match="found 4 records of MIT-BIH, but no record 106; expected the 44"):
        split_records(wearers_in(tmp_path))


# Which are needed


def test_the_paced_of_mit_bih_are_left_out():
    wearers = {name: OWN[name] for name in ("100", *PACED)} | alone("x")
    assert select_records("beatgan", wearers) == ["100", "x"]


@pytest.mark.parametrize("protocol", ["beatgan", "leave_out", "inter_patient"])
def test_own_records_of_the_same_names_are_all_used(protocol):
    names = [str(number) for number in range(100, 109)]
    assert sorted(select_records(protocol, alone(*names))) == names


def test_inter_patient_uses_both_sides():
    assert select_records("inter_patient", OWN) == [*DS1, *DS2]
    assert select_records("inter_patient", alone("a", "b", "c")) == ["a", "c", "b"]
    assert select_records("inter_patient", alone("a", "b", "c"), ("c",), ("a",)) == ["c", "a"]


def test_of_other_records_those_of_every_second_wearer_test():
    assert split_records(alone(*"fedcba")) == (("a", "c", "e"), ("b", "d", "f"))
    worn = {"a1": "a", "b1": "b", "a2": "a", "c1": "c", "b2": "b"}
    assert split_records(worn) == (("a1", "a2", "c1"), ("b1", "b2"))


def test_where_one_side_is_given_the_other_has_the_rest():
    assert split_records(alone(*"abcd"), ("b",)) == (("b",), ("a", "c", "d"))
    assert split_records(alone(*"abcd"), (), ("d", "a")) == (("b", "c"), ("d", "a"))


def test_a_record_may_not_both_train_and_test():
    with pytest.raises(ConfigError, match="found record b in both parts; expected it in one"):
        split_records(alone(*"abc"), ("a", "b"), ("b", "c"))


def test_a_record_that_is_not_there():
    with pytest.raises(DataError, match="found no record z; expected some of a, b"):
        select_records("inter_patient", alone("a", "b"), ("a",), ("z",))


def test_what_is_told_of_mit_bihs_lists():
    assert describe_lists(OWN, [*DS1, *DS2], is_listed=False) == []
    (told,) = describe_lists(OWN | alone("x", "y"), [*DS1, *DS2], is_listed=False)
    assert told == "Left out 2 records that are in neither DS1 nor DS2: x, y."
    (told,) = describe_lists(alone("102", "x"), ["102", "x"], is_listed=False)
    assert told.startswith("Records 102: named as some of MIT-BIH's, but not of 360 Hz and 650,000 samples")
    assert describe_lists(alone("x", "y"), ["x"], is_listed=True) == []


# By pattern


def test_records_are_chosen_by_name_and_by_pattern_in_their_own_order():
    names = ["a02", "b1", "a01", "a10", "100", "101"]
    assert chosen(names, ["b1", "a01"]) == ["b1", "a01"]
    assert chosen(names, ["a0*"]) == ["a02", "a01"]
    assert chosen(names, ["a?0", "10[1-9]"]) == ["a10", "101"]
    assert chosen(names, ["a*", "a01", "a01"]) == ["a02", "a01", "a10"]  # each once
    assert chosen(names, ["*"]) == names and chosen(names, []) == []


def test_ds1_and_ds2_choose_de_chazals_records_of_those_that_are_there():
    assert chosen(MIT_BIH, ["DS1"]) == list(DS1) and chosen(MIT_BIH, ["DS2"]) == list(DS2)
    assert chosen(MIT_BIH, ["DS1", "DS2"]) == [*DS1, *DS2]
    assert chosen(["100", "101", "DS1"], ["DS1"]) == ["101"]
    assert not set(chosen(MIT_BIH, ["DS1"])) & set(PACED)


@pytest.mark.parametrize("pattern", ["b", "A0*", "", "a", "[z]*", "DS2"])
def test_a_pattern_that_fits_no_record_is_named(pattern):
    with pytest.raises(DataError) as error:
        chosen(["a01", "101"], ["a01", pattern])
    assert str(error.value).startswith(f"Protocol databases: found no record {pattern}; expected")


def test_a_recording_that_is_read_knows_that_it_is_mit_bihs(tmp_path):
    zeros = np.zeros((650_000, 1), np.float32)
    for signal, person in ((zeros, "MIT-BIH 201"), (zeros[:9000], "202")):
        path = write_recording(Recording("202", signal, 360.0, ("II",)), tmp_path / person)
        assert read_recording(path, None).person == person
