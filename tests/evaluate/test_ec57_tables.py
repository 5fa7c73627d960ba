"""The tables of EC57, against figures worked out by hand and a matching by brute force."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wfdb.processing import compare_annotations

from keras_sibeat.evaluate.ec57_tables import (
    CALLED,
    CLASSES,
    Marks,
    average,
    beat_matrix,
    burden,
    class_figures,
    false_abnormal,
    limits_of_agreement,
    match,
    run_counts,
    runs,
)

WINDOW = 0.15  # s
FULL = np.array(
    [  # called N, S, V, nothing
        [900, 12, 7, 20],  # N
        [10, 40, 4, 6],  # S
        [9, 3, 80, 8],  # V
        [5, 2, 11, 1],  # F
        [4, 13, 6, 3],  # Q
        [30, 15, 17, 2],  # no beat
    ]
)


def marks(times, labels):
    return Marks(np.array(times, float), np.array(list(labels), "U1"))


def spaced(labels, begin=0.0, step=0.8):
    return marks(begin + step * np.arange(len(labels)), labels)


NOTHING = marks([], "")


# Figures of a matrix


def test_the_figures_of_a_full_matrix_are_those_worked_out_by_hand():
    """VEB: 80 of 100 found, 28 false (7 N, 4 S, 17 of no beat), 1031 others called N or S.
    SVEB: 40 of 60, 32 false (12 N, 3 V, 2 F, 15 of no beat), 1069 others called N or V.
    Abnormal: 140 of 179 called S or V, and 51 false (12 + 7 N, 15 + 17 of no beat)."""
    assert class_figures(FULL) == pytest.approx(
        {
            "veb_se": 0.8,
            "veb_pp": 80 / 108,
            "veb_fpr": 28 / 1059,
            "sveb_se": 40 / 60,
            "sveb_pp": 40 / 72,
            "sveb_fpr": 32 / 1101,
            "se": 140 / 179,
            "pp": 140 / 191,
            "f1": 280 / 370,
        },
        abs=1e-12,
    )
    assert false_abnormal(FULL) == 12 + 7 + 15 + 17


@pytest.mark.parametrize(
    "true, called, name, is_false",
    [
        *((true, "V", "veb", False) for true in "FQ"),
        *((true, "V", "veb", True) for true in "NSO"),
        ("Q", "S", "sveb", False),
        *((true, "S", "sveb", True) for true in "NVFO"),
    ],
)
def test_which_beats_called_so_are_false(true, called, name, is_false):
    more = FULL.copy()
    more["NSVFQO".index(true), "NSVO".index(called)] += 100
    before, after = class_figures(FULL), class_figures(more)
    assert (after[f"{name}_pp"] < before[f"{name}_pp"]) == is_false
    assert (after[f"{name}_fpr"] > before[f"{name}_fpr"]) == is_false
    if not is_false:
        assert (after[f"{name}_pp"], after[f"{name}_fpr"]) == (before[f"{name}_pp"], before[f"{name}_fpr"])


def test_of_abnormal_beats_the_figures_leave_out_what_is_unknown():
    more = FULL.copy()
    more[CLASSES.index("Q")] += 1000
    kept = ("se", "pp", "f1")
    assert [class_figures(more)[name] for name in kept] == [class_figures(FULL)[name] for name in kept]
    assert false_abnormal(more) == false_abnormal(FULL)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 50), min_size=24, max_size=24))
def test_figures_are_those_of_the_beats_one_by_one(cells):
    matrix = np.reshape(cells, (6, 4))
    pairs = Counter({("NSVFQO"[r], "NSVO"[c]): int(matrix[r, c]) for r in range(6) for c in range(4)})
    beats = list(pairs.elements())
    figures = class_figures(matrix)
    for name, label, excused in (("veb", "V", "FQ"), ("sveb", "S", "Q")):
        of = [called for true, called in beats if true == label]
        found = [true for true, called in beats if called == label and true not in excused]
        others = [called for true, called in beats if true != label and called in set("NSV") - {label}]
        false = sum(true != label for true in found)
        assert figures[f"{name}_se"] == pytest.approx(ratio(of.count(label), len(of)), nan_ok=True)
        assert figures[f"{name}_pp"] == pytest.approx(ratio(found.count(label), len(found)), nan_ok=True)
        assert figures[f"{name}_fpr"] == pytest.approx(ratio(false, false + len(others)), nan_ok=True)


def ratio(part, whole):
    return part / whole if whole else np.nan


def test_without_beats_every_figure_is_unknown():
    assert all(np.isnan(value) for value in class_figures(np.zeros((6, 4), int)).values())
    assert false_abnormal(np.zeros((6, 4), int)) == 0


# Which beat is which


@st.composite
def separated(draw, rate):
    """Samples of experts' beats half a second apart or more, and of what was found near some of them."""
    gaps = draw(st.lists(st.integers(round(0.5 * rate), round(2 * rate)), min_size=1, max_size=40))
    true = np.cumsum(gaps)
    reach = round(0.24 * rate)
    moved = [draw(st.one_of(st.none(), st.integers(-reach, reach))) for _ in gaps]
    found = [sample + move for sample, move in zip(true.tolist(), moved, strict=True) if move is not None]
    return true, np.array(found, int)


def nearest(true, found, rate):
    """For each of the experts' samples the number of the nearest one found, if it is near enough."""
    numbers = []
    for sample in true:
        apart = [abs(sample - other) for other in found]
        numbers.append(int(np.argmin(apart)) if apart and min(apart) < int(WINDOW * rate) else -1)
    return numbers


@settings(max_examples=80)
@given(st.data(), st.sampled_from([128.0, 250.0, 360.0]))
def test_beats_far_apart_are_matched_to_the_nearest_within_150_ms(data, rate):
    true, found = data.draw(separated(rate))
    numbers = match(spread(true, rate), spread(found, rate), rate)
    assert numbers.tolist() == nearest(true, found, rate)
    if len(found):
        theirs = compare_annotations(true, found, int(WINDOW * rate))
        assert numbers.tolist() == theirs.matching_sample_nums.tolist()
        assert (np.sum(numbers >= 0), np.sum(numbers < 0)) == (theirs.tp, theirs.fn)


def spread(samples, rate, labels=None):
    return marks(np.asarray(samples) / rate, labels or "N" * len(samples))


@pytest.mark.parametrize("experts, found", [(NOTHING, NOTHING), (spaced("NNV"), NOTHING)])
def test_where_nothing_was_found_nothing_matches(experts, found):
    assert match(experts, found, 360.0).tolist() == [-1] * len(experts.times)


def test_without_experts_beats_all_that_was_found_is_false():
    matrix = beat_matrix(NOTHING, spaced("NVV"), 360.0, learning=0)
    assert matrix[-1].tolist() == [1, 0, 2, 0] and matrix.sum() == 3


@settings(max_examples=60)
@given(st.data())
def test_a_matrix_counts_each_beat_once(data):
    true, found = data.draw(separated(360.0))
    classes = "".join(data.draw(st.sampled_from(CLASSES)) for _ in true)
    called = [data.draw(st.sampled_from(["N", "S", "V", ""])) for _ in found]
    matrix = beat_matrix(spread(true, 360.0, classes), spread(found, 360.0, called), 360.0, learning=0)
    numbers = nearest(true, found, 360.0)
    wanted = Counter(
        (name, (called[number] or "O") if number >= 0 else "O")
        for name, number in zip(classes, numbers, strict=True)
    )
    extra = set(range(len(found))) - set(numbers)
    wanted += Counter(("O", called[number]) for number in extra if called[number])
    assert {pair: matrix["NSVFQO".index(pair[0]), CALLED.index(pair[1])] for pair in wanted} == wanted
    assert matrix.sum() == wanted.total()


def test_a_beat_that_was_found_but_not_judged_counts_as_not_found():
    experts = spaced("NVS")
    matrix = beat_matrix(experts, marks(experts.times, ["N", "", "S"]), 360.0, learning=0)
    assert matrix[CLASSES.index("V")].tolist() == [0, 0, 0, 1] and matrix[-1].sum() == 0
    alone = beat_matrix(experts, marks([0.0, 0.4, 1.6], ["N", "", "S"]), 360.0, learning=0)
    assert alone[CLASSES.index("V")].tolist() == [0, 0, 0, 1] and alone[-1].sum() == 0


def test_a_false_detection_is_called_without_being_a_beat():
    matrix = beat_matrix(spaced("NNN"), marks([0, 0.4, 0.8, 1.2, 1.6], "NVNSN"), 360.0, learning=0)
    assert matrix[0].tolist() == [3, 0, 0, 0] and matrix[-1].tolist() == [0, 1, 1, 0]


def test_the_first_five_minutes_are_not_counted():
    """A beat of the experts counts from 300 s on, with what was found just before; so does what is false."""
    experts = marks([100.0, 299.9, 300.0, 310.0], "VVVN")
    found = marks([99.0, 100.0, 299.9, 299.96, 305.0, 310.0], "VVVVSN")
    matrix = beat_matrix(marks([100.0, 299.0, 300.0, 310.0], "VVVN"), found, 360.0)
    assert matrix[CLASSES.index("V")].tolist() == [0, 0, 1, 0]
    assert matrix[0].tolist() == [1, 0, 0, 0] and matrix[-1].tolist() == [0, 1, 0, 0]
    assert beat_matrix(experts, found, 360.0, learning=0).sum() > beat_matrix(experts, found, 360.0).sum()
    assert experts.since(299.9).times.tolist() == [299.9, 300.0, 310.0]


# Runs, burden, agreement


@settings(max_examples=100)
@given(st.text("NSV", max_size=60), st.integers(1, 4), st.sampled_from("SV"))
def test_runs_are_rows_of_as_many_beats(labels, least, label):
    found = runs(spaced(labels), label, least)
    wanted, place = [], 0
    while place < len(labels):
        row = 0
        while labels[place + row : place + row + 1] == label:
            row += 1
        if row >= least:
            wanted.append((place, place + row - 1))
        place += row or 1
    assert [(round(first / 0.8), round(last / 0.8)) for first, last in found] == wanted


def test_runs_that_meet_are_counted_either_way():
    """Two of three runs are met, the first by two short ones; one that was found meets none."""
    experts = spaced("NVVVVVVVVNNNVVVNNNNNVVVNNNNNNNN", 300.0)
    found = spaced("NVVVNVVVNNNNNVVVNNNNNNNNNNNVVVN", 300.0)
    assert run_counts(experts, found, "V") == {"true": 3, "met": 2, "called": 4, "right": 3}
    assert run_counts(experts, found, "S") == {"true": 0, "met": 0, "called": 0, "right": 0}
    assert run_counts(NOTHING, found, "V") == {"true": 0, "met": 0, "called": 4, "right": 0}


@pytest.mark.parametrize("apart, meets", [(0.14, True), (0.16, False)])
def test_runs_meet_that_touch_within_150_ms(apart, meets):
    experts, found = spaced("VVV", 400.0), spaced("VVV", 401.6 + apart)
    assert run_counts(experts, found, "V")["met"] == run_counts(found, experts, "V")["right"] == meets


def test_runs_that_begin_in_the_first_five_minutes_are_not_counted():
    early, late = spaced("VVVV", 299.0), spaced("VVVV", 300.0)
    assert run_counts(early, late, "V") == {"true": 0, "met": 0, "called": 1, "right": 0}


def test_burden_is_the_share_of_the_judged_beats():
    labels = ["V"] * 3 + ["S"] * 2 + ["N"] * 15 + [""] * 7
    assert burden(spaced(labels, 300.0), "V") == pytest.approx(15)
    assert burden(spaced(labels, 300.0), "S") == pytest.approx(10)
    assert burden(marks([1.0, 2.0, 300.0, 301.0], "VVNV"), "V") == pytest.approx(50)
    for none in (NOTHING, spaced("VVV"), spaced(["", ""], 300.0)):
        assert np.isnan(burden(none, "V"))


@settings(max_examples=50)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30))
def test_limits_of_agreement_lie_1_96_standard_deviations_off_the_mean(differences):
    found = limits_of_agreement([*differences, np.nan])
    count, mean = len(differences), sum(differences) / len(differences)
    sd = (sum((value - mean) ** 2 for value in differences) / (count - 1)) ** 0.5
    wanted = {"mean": mean, "low": mean - 1.96 * sd, "high": mean + 1.96 * sd}
    assert found == pytest.approx(wanted, abs=1e-9)


def test_limits_of_known_differences():
    assert limits_of_agreement([1.0, 3.0]) == pytest.approx(
        {"mean": 2.0, "low": 2 - 1.96 * 2**0.5, "high": 2 + 1.96 * 2**0.5}
    )
    for few in ([], [1.0], [np.nan, np.inf]):
        assert all(np.isnan(value) for value in limits_of_agreement(few).values())


def test_an_average_leaves_out_records_without_the_figure():
    rows = [{"a": 1.0, "b": np.nan}, {"a": 0.0, "b": np.nan}, {"a": np.nan, "b": np.nan}]
    assert average(rows)["a"] == 0.5 and np.isnan(average(rows)["b"])
