"""Names of leads that mean the same, and units of samples."""

import pytest

from sibeat_edge.reading.leads import find_lead, millivolts, plain

SAME = [
    ("II", "ii", "MLII", "mlII", "ML II", "ML-II", "ECG II", "EKG_II", "ecg:ii", "Lead II", "DII", "d ii"),
    ("I", "MLI", "ECG I", "DI", "lead i"),
    ("III", "MLIII", "DIII"),
    ("aVR", "AVR", "avr", "ECG aVR"),
    ("V1", "v1", "V-1", "ECG V1", "ECGV1"),
    ("ECG1", "ECG 1", "ecg_1", "EKG1"),
    ("ECG2", "ecg2"),
    ("ECG", "EKG", " ecg "),
    ("MLV1",),
    ("1",),
]


@pytest.mark.parametrize("names", SAME, ids=lambda names: names[0])
def test_names_of_one_lead_are_the_same_and_differ_from_all_others(names):
    assert len({plain(name) for name in names}) == 1
    others = {plain(name) for group in SAME if group is not names for name in group}
    assert plain(names[0]) not in others


def test_a_name_letter_by_letter_comes_before_one_that_means_the_same():
    assert find_lead("II", ["MLII", "II"]) == 1 and find_lead("MLII", ["II", "MLII"]) == 1
    assert find_lead("ecg ii", ["V5", "II", "MLII"]) == 1
    assert find_lead("ECG", ["ECG", "ECG"]) == 0


@pytest.mark.parametrize("names", [[], ["V5", "V2"]])
def test_a_lead_that_is_not_there(names):
    assert find_lead("MLII", names) is None


def test_first_is_the_first_unless_a_lead_has_that_name():
    assert find_lead("first", ["V5", "MLII"]) == 0 and find_lead("first", ["V5", "first"]) == 1
    assert find_lead("first", []) is None


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        *[("V", 1e3), ("mV", 1), ("MV", 1), ("uV", 1e-3), ("\u00b5V", 1e-3), ("\u03bcV", 1e-3), ("nV", 1e-6)],
        *[("Volts", 1e3), ("millivolt", 1), ("Millivolts", 1), ("mVolt", 1), ("microvolts", 1e-3)],
        *[
            ("\u00b5Volt", 1e-3),
            ("microV", 1e-3),
            ("\u00e6V", 1e-3),
            ("\ufffdV", 1e-3),
            ("мкВ", 1e-3),
            ("мВ", 1),
        ],
        ("200/millivolts", 0.005),
    ],
)
def test_units_of_voltage(unit, factor):
    assert millivolts(unit) == factor


@pytest.mark.parametrize("unit", ["", "mmHg", "NU", "adu"])
def test_other_units_are_none(unit):
    assert millivolts(unit) is None
