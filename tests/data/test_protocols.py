"""Splits, against the published counts and against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_sibeat.config import read_config
from keras_sibeat.data.beatset import BeatSet, recorded_hours
from keras_sibeat.data.mitbih import DS1, DS2, PACED, RECORDS, wearer_of
from keras_sibeat.data.protocols import (
    Fold,
    beatgan,
    contaminate,
    databases,
    inter_patient,
    leave_out,
    map_classes,
    series,
)
from keras_sibeat.data.sources import load_fold_beats
from keras_sibeat.errors import ConfigError, DataError

PUBLISHED = {"N": 86_717, "S": 3026, "V": 7008, "F": 802, "Q": 15}
SYMBOL = {"N": "N", "S": "A", "V": "V", "F": "F", "Q": "Q"}
PARTS = ("train", "validation", "test")
SIDES = (DS1, DS2)


def make(symbols, records=None, detected=None):
    """Beats with these symbols; ``samples`` numbers them, so that each can be recognised after a split."""
    symbols = np.array(list(symbols), dtype="U4")
    count = len(symbols)
    return BeatSet(
        windows=np.zeros((count, 1, 1), np.float32),
        rhythm=np.zeros((count, 0), np.float32),
        samples=np.arange(count),
        rr_before=np.full(count, np.nan),
        rr_after=np.full(count, np.nan),
        seconds=np.full(count, 0.8),
        records=np.full(count, "100") if records is None else np.asarray(records, dtype="U8"),
        symbols=symbols,
        classes=symbols,
        detected=np.full(count, True) if detected is None else np.asarray(detected),
        sha256="data",
        worn_by={name: wearer_of(name) for name in RECORDS},
    )


def of_classes(counts):
    return make(np.concatenate([np.full(count, SYMBOL[name]) for name, count in counts.items()]))


def counts(beats):
    return dict(zip(*(part.tolist() for part in np.unique(beats.classes, return_counts=True)), strict=True))


def ids(beats):
    return set(beats.samples.tolist())


def assert_disjoint(fold):
    sets = [ids(getattr(fold, part)) for part in PARTS]
    assert len(set.union(*sets)) == sum(len(getattr(fold, part)) for part in PARTS)


def in_order(fold):
    return [getattr(fold, part).samples.tolist() for part in PARTS]


@pytest.fixture(scope="module")
def published():
    return beatgan(of_classes(PUBLISHED))


# Classes


@pytest.mark.parametrize(
    ("class_map", "name"), [("published", "S"), ("aami", "N")], ids=["published", "aami"]
)
def test_the_two_maps_differ_in_the_escape_beats_only(class_map, name):
    symbols = list("NLRaAJSejVEF/fQ")
    expected = dict(zip(symbols, "N N N S S S S . . V V F Q Q Q".split(), strict=True))
    expected |= {"e": name, "j": name}
    mapped = map_classes(make(symbols), class_map)
    assert dict(zip(mapped.symbols.tolist(), mapped.classes.tolist(), strict=True)) == expected


def test_symbols_without_a_class_are_left_out_and_noted():
    mapped = map_classes(make(list("NBnnV")), "published")
    assert mapped.symbols.tolist() == ["N", "V"] and mapped.samples.tolist() == [0, 4]
    assert mapped.notes == (
        "Left out 1 beats of symbol B, which the published classes lack.",
        "Left out 2 beats of symbol n, which the published classes lack.",
    )


# BeatGAN's protocol


def test_fold_0_has_the_published_sizes(published):
    fold = published[0]
    assert counts(fold.train) == {"N": 62_436}
    assert len(fold.validation) == 8025
    assert counts(fold.test) == {"N": 17_343, "S": 2723, "V": 6307, "F": 721, "Q": 13}
    assert fold.normal == "N"


def test_every_fold_uses_every_beat_once(published):
    for fold in published:
        assert_disjoint(fold)
        assert sum(len(getattr(fold, part)) for part in PARTS) == sum(PUBLISHED.values())
        assert len(fold.validation_normals) == int(np.ceil((PUBLISHED["N"] - counts(fold.test)["N"]) / 10))


def test_the_folds_test_every_normal_beat_once(published):
    tested = [ids(fold.test.take(~fold.is_abnormal(fold.test))) for fold in published]
    assert len(tested) == 5 and sum(map(len, tested)) == len(set.union(*tested)) == PUBLISHED["N"]


def test_abnormal_beats_validate_and_test_alike_in_every_fold(published):
    for part in ("validation", "test"):
        sets = [ids(beats.take(beats.classes != "N")) for beats in (getattr(f, part) for f in published)]
        assert all(each == sets[0] for each in sets)
    abnormal = counts(published[0].validation)
    abnormal.pop("N")
    assert abnormal == {name: -(-PUBLISHED[name] // 10) for name in "SVFQ"}


@settings(max_examples=40, deadline=None)
@given(normal=st.integers(0, 200), abnormal=st.integers(0, 50), seed=st.integers(0, 9))
def test_fold_sizes_for_any_number_of_beats(normal, abnormal, seed):
    for number, fold in enumerate(beatgan(of_classes({"N": normal, "V": abnormal}), seed)):
        test = normal * (number + 1) // 5 - normal * number // 5
        validation = int(np.ceil(0.1 * (normal - test)))
        held = int(np.ceil(0.1 * abnormal))
        assert len(fold.train) == normal - test - validation
        assert (len(fold.validation), len(fold.test)) == (validation + held, test + abnormal - held)
        assert_disjoint(fold)


def test_the_seed_decides_the_split():
    beats = of_classes({"N": 300, "V": 40})
    first, again, other = (in_order(beatgan(beats, seed)[2]) for seed in (1, 1, 2))
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_the_training_beats_are_shuffled():
    train = beatgan(of_classes({"N": 300, "V": 40}))[0].train.samples
    assert (np.diff(train) < 0).sum() > 50


def test_normal_beats_count_only_where_the_detector_finds_them():
    rng = np.random.default_rng(0)
    detected = rng.random(400) < 0.7
    beats = make(["N"] * 300 + ["V"] * 100, detected=detected)
    for fold in beatgan(beats):
        used = set.union(*(ids(getattr(fold, part)) for part in PARTS))
        assert used == set(np.flatnonzero(detected[:300]).tolist()) | set(range(300, 400))


def test_the_aami_map_makes_escape_beats_normal():
    beats = make(["N"] * 40 + ["j"] * 10 + ["A"] * 10)
    assert counts(beatgan(beats, class_map="published")[0].test)["S"] == 18
    assert counts(beatgan(beats, class_map="aami")[0].test) == {"N": 10, "S": 9}


@pytest.fixture(scope="module")
def recorded(mitdb):
    """The beats of MIT-BIH's 44 records without a pacemaker."""
    return load_fold_beats(read_config(data=mitdb))


def test_real_counts(recorded):
    beats = map_classes(recorded, "published")
    found = counts(beats.take((beats.classes != "N") | beats.detected))
    assert {name: found[name] for name in "SVFQ"} == {name: PUBLISHED[name] for name in "SVFQ"}
    assert found["N"] == pytest.approx(PUBLISHED["N"], rel=0.005)
    assert not set(beats.records.tolist()) & set(PACED)


# Inter-patient protocol


def mit_bih(records=None, each=5):
    """A few beats of each class from every record."""
    records = records or [*DS1, *DS2]
    return make("NNNVA" * len(records), np.repeat(records, each))


def records_of(beats):
    return set(beats.records.tolist())


def test_ds1_and_ds2_are_the_44_records_without_a_pacemaker():
    assert len(DS1) == len(DS2) == 22
    assert not set(DS1) & set(DS2) and not set(PACED) & {*DS1, *DS2}


def test_ds2_is_22_records_of_30_minutes_and_6_seconds(recorded):
    (fold,) = inter_patient(recorded, *SIDES)
    assert records_of(fold.test) == set(DS2)
    assert recorded_hours(fold.test) == pytest.approx(22 * 650_000 / 360 / 3600)
    for name in DS2:
        record = fold.test.take(fold.test.records == name)
        assert recorded_hours(record) == pytest.approx(650_000 / 360 / 3600)
    learning = recorded_hours(fold.train) + recorded_hours(fold.learning_abnormal)
    assert learning + recorded_hours(fold.validation) == pytest.approx(22 * 650_000 / 360 / 3600)


def test_wearers_of_ds1_train_and_validate_and_those_of_ds2_test():
    (fold,) = inter_patient(mit_bih(), *SIDES)
    train, validation, test = (records_of(getattr(fold, part)) for part in PARTS)
    assert test == set(DS2) and train | validation == set(DS1) and not train & validation
    assert len(validation) == 4
    assert counts(fold.train) == {"N": 3 * 18}
    assert counts(fold.validation) == {"N": 12, "V": 4, "S": 4}
    assert counts(fold.test) == {"N": 66, "V": 22, "S": 22}


def test_the_seed_decides_who_validates():
    chosen = [records_of(inter_patient(mit_bih(), *SIDES, seed)[0].validation) for seed in (0, 0, 1, 2, 3)]
    assert chosen[0] == chosen[1] and len({frozenset(each) for each in chosen}) >= 3


@pytest.mark.parametrize(("all_beats", "normal"), [(False, 22), (True, 66)])
def test_normal_beats_that_the_detector_misses_count_only_where_asked_for(all_beats, normal):
    detected = np.tile([True, False, False, False], 44)
    beats = make("NNNV" * 44, np.repeat([*DS1, *DS2], 4), detected)
    (fold,) = inter_patient(beats, *SIDES, all_beats=all_beats)
    assert counts(fold.test) == {"N": normal, "V": 22}
    assert len(fold.train) + len(fold.validation_normals) == normal


def test_records_are_of_the_sides_that_are_given():
    (fold,) = inter_patient(mit_bih(["a", "b", "c", "d", "e"]), ("a", "b"), ("d",))
    assert records_of(fold.test) == {"d"}
    assert records_of(fold.train) | records_of(fold.validation) == {"a", "b"}
    assert len(records_of(fold.train)) == len(records_of(fold.validation)) == 1


def worn(beats, **records):
    """The beats with the ``records`` of each wearer."""
    return replace(beats, worn_by={name: wearer for wearer, names in records.items() for name in names})


def test_all_records_of_a_wearer_validate_together():
    beats = worn(mit_bih(["a1", "a2", "b1", "c1", "c2", "d1"]), a=["a1", "a2"], c=["c1", "c2"])
    for seed in range(6):
        (fold,) = inter_patient(beats, ("a1", "a2", "b1", "c1", "c2"), ("d1",), seed)
        train, validation = (set(part.persons) for part in (fold.train, fold.validation))
        assert len(validation) == 1 and train | validation == {"a", "b1", "c"} and not train & validation


def test_one_wearer_alone_cannot_train_and_validate():
    beats = worn(mit_bih(["a1", "a2", "b1"]), a=["a1", "a2"])
    with pytest.raises(DataError, match="found 1 wearers to train; expected 2 or more"):
        inter_patient(beats, ("a1", "a2"), ("b1",))


# Several databases


ROLES = {"one/a": "train", "one/b": "validate", "two/a": "test", "two/c": "train"}


def of_roles(symbols="NNNVAe", detected=None):
    return make(symbols * len(ROLES), np.repeat(list(ROLES), len(symbols)), detected)


def test_each_record_of_several_databases_has_its_role():
    (fold,) = databases(of_roles(), ROLES)
    assert records_of(fold.train) == {"one/a", "two/c"} == records_of(fold.learning_abnormal)
    assert records_of(fold.validation) == {"one/b"} and records_of(fold.test) == {"two/a"}
    assert counts(fold.train) == {"N": 8} and fold.normal == "N"  # the escape beats are normal to AAMI
    assert counts(fold.learning_abnormal) == {"V": 2, "S": 2}
    assert counts(fold.validation) == counts(fold.test) == {"N": 4, "V": 1, "S": 1}
    assert_disjoint(fold)


def test_of_several_databases_no_beat_is_lost_but_those_the_detector_misses():
    detected = np.tile([True, False, True, False, False, True], len(ROLES))
    (fold,) = databases(of_roles(detected=detected), ROLES)
    parts = [ids(part) for part in (fold.train, fold.validation, fold.test, fold.learning_abnormal)]
    beats = of_roles()
    assert set.union(*parts) == set(np.flatnonzero(detected | np.isin(beats.symbols, ["V", "A"])).tolist())


def test_the_classes_of_several_databases_may_be_the_published_ones():
    (fold,) = databases(of_roles(), ROLES, "published")
    assert counts(fold.train) == {"N": 6} and counts(fold.test) == {"N": 3, "V": 1, "S": 2}


# Series


def walks_and_runs():
    names = [*(f"walk{k:02d}" for k in range(16)), *(f"run{k:02d}" for k in range(5))]
    return make(np.repeat(["walk"] * 16 + ["run"] * 5, 4), np.repeat(names, 4))


def test_whole_files_of_the_normal_class_train():
    (fold,) = series(walks_and_runs(), "walk", ("walk14", "walk15"))
    train, validation, test = (records_of(getattr(fold, part)) for part in PARTS)
    assert test == {"walk14", "walk15", *(f"run{k:02d}" for k in range(5))}
    assert train | validation == {f"walk{k:02d}" for k in range(14)} and not train & validation
    assert len(validation) == 2 and fold.normal == "walk"
    assert fold.is_abnormal(fold.test).sum() == 20 and not fold.is_abnormal(fold.validation).any()
    assert sum(len(getattr(fold, part)) for part in PARTS) == 84


def test_the_seed_decides_which_files_validate():
    chosen = [
        frozenset(records_of(series(walks_and_runs(), "walk", (), seed)[0].validation))
        for seed in (0, 0, 1, 2, 3)
    ]
    assert chosen[0] == chosen[1] and len(set(chosen)) >= 3


@pytest.mark.parametrize(
    ("normal", "test_records", "message"),
    [
        ("jump", (), "Class jump: found 0 files to learn from; expected at least 2"),
        ("walk", tuple(f"walk{k:02d}" for k in range(15)), "Class walk: found 1 files to learn from"),
        ("walk", ("walk99",), "Class walk: found no file walk99"),
        ("walk", ("run00",), "Class walk: found no file run00"),
    ],
)
def test_series_that_cannot_be_split(normal, test_records, message):
    with pytest.raises(DataError, match=message):
        series(walks_and_runs(), normal, test_records)


# Contamination


@pytest.mark.parametrize("share", [0.001, 0.005, 0.01, 0.05])
def test_contamination_moves_abnormal_test_beats_into_training(published, share):
    clean = published[0]
    fold = contaminate(clean, share)
    moved = fold.train.take(fold.is_abnormal(fold.train))
    assert len(moved) / len(fold.train) == pytest.approx(share, abs=1 / len(fold.train))
    assert ids(moved) <= ids(clean.test) and ids(fold.train) == ids(clean.train) | ids(moved)
    assert ids(fold.test) == ids(clean.test) - ids(moved)
    assert fold.validation is clean.validation
    assert_disjoint(fold)


def test_contamination_is_seeded(published):
    first, again, other = (
        ids(f.train) for f in (contaminate(published[0], 0.01, seed) for seed in (1, 1, 2))
    )
    assert first == again and first != other


def test_no_contamination_changes_nothing(published):
    assert in_order(contaminate(published[0], 0)) == in_order(published[0])


def test_contamination_needs_enough_abnormal_beats():
    fold = beatgan(of_classes({"N": 1000, "V": 20}))[0]
    with pytest.raises(DataError, match="10.0% needs 80 abnormal beats; there are 18"):
        contaminate(fold, 0.1)


@pytest.mark.parametrize("share", [-0.1, 0.51, np.nan])
def test_contamination_out_of_range(share):
    fold = Fold(*[make("NV")] * 3, "N")
    with pytest.raises(ConfigError, match=f"found {share}, expected 0 to 0.5"):
        contaminate(fold, share)


def test_every_wearer_is_left_out_once():
    names = [str(number) for number in range(200, 212)]
    rows = [(name, symbol) for name in names for symbol in "NNV"]
    made = make([symbol for _, symbol in rows], records=[name for name, _ in rows])
    folds = leave_out(made, seed=3)
    tested = [set(fold.test.records) for fold in folds]
    assert [len(four) for four in tested] == [4, 4, 4] and set.union(*tested) == set(names)
    assert any({"201", "202"} <= four for four in tested)
    for fold in folds:
        parts = [set(part.records) for part in (fold.train, fold.validation, fold.test)]
        assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
        assert set(fold.train.classes) == {"N"} and set(fold.test.classes) == {"N", "V"}
        assert set(fold.learning_abnormal.records) == parts[0]
    with pytest.raises(DataError, match="found 8 wearers, expected more than 8"):
        leave_out(made.take(np.isin(made.records, names[:9])))  # 201 and 202 are of one


def test_all_records_of_a_wearer_are_left_out_together():
    records = {f"w{k}": [f"w{k}-{n}" for n in range(1 + k % 3)] for k in range(10)}
    beats = worn(mit_bih([name for names in records.values() for name in names]), **records)
    folds = leave_out(beats, seed=1)
    tested = [set(fold.test.persons) for fold in folds]
    assert sorted(map(len, tested)) == [2, 4, 4] and set.union(*tested) == set(records)
    for fold in folds:
        parts = [set(part.persons) for part in (fold.train, fold.validation, fold.test)]
        assert sum(map(len, parts)) == 10 == len(set.union(*parts))


def test_mit_bihs_eleven_fours():
    """They are those of 44 records, the two of one subject put first, four by four."""
    names = np.random.default_rng(0).permutation(sorted([*DS1, *DS2])).tolist()
    names = ["201", "202", *(name for name in names if name not in ("201", "202"))]
    folds = leave_out(mit_bih())
    assert [records_of(fold.test) for fold in folds] == [set(names[k : k + 4]) for k in range(0, 44, 4)]
