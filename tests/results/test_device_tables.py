"""The device's tables hold the figures of the results, and nothing where there are none."""

from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.results import device_tables

PERIOD = {"false_alarms_per_hour": 20.0, "false_alarms_per_hour_median": 10.0}
PERIOD |= {"false_alarms_per_hour_worst": 40.0, "sensitivity": 0.75}


def test_int8_stands_beside_float():
    parts = [
        {"auc": 0.5, "auc_float": 0.75, "ap": 0.25, "ap_float": 0.5, "decisions_flipped": 0.125}
        | {"flash_bytes": 24_000 + seed, "arena_bytes": 6000}
        for seed in range(2)
    ]
    row = {"name": "student-int8", "protocol": "beatgan", "metrics": summarise(parts)}
    text = device_tables.exported({"student-int8": row, "other": {"metrics": {}}})
    ranks = "| beatgan | 0.7500 ± 0.0000 | 0.5000 ± 0.0000 | 0.5000 ± 0.0000 | 0.2500 ± 0.0000 |"
    assert f"| `student-int8` {ranks}" in text.splitlines()
    assert text.splitlines()[-1] == "| `student-int8` | 0.1250 ± 0.0000 | 24,001 | 6,000 |"


def test_no_export_no_table():
    assert device_tables.exported({"student": {"metrics": {"auc": {}}}}) == ""


def test_every_condition_has_its_row():
    rows = [
        dict.fromkeys(device_tables.CONDITIONS, 0.5)
        | {"beats": 1000, "abnormal": 100, "auc": 0.25 + seed / 2}
        for seed in range(2)
    ]
    rows = [row | dict.fromkeys(device_tables.COUNTS, 1234) for row in rows]
    lost = [row | {"auc_record": None} for row in rows]
    result = {
        "name": "end-to-end-student",
        "format": 2,
        "config": {"wearer": None},
        "records": ["100", "103"],
        "seeds": [0, 1],
        "false_alarms_per_hour": 40.0,
        "conditions": {"detected R-peaks": summarise(rows), "em, 0 dB": summarise(lost)},
        "calibration": {
            "the model's": {
                "first": summarise([PERIOD]),
                "rest": summarise([PERIOD, PERIOD | {"sensitivity": None}]),
            }
        },
    }
    lines = device_tables.end_to_end(result).splitlines()
    for wanted in (
        "| em, 0 dB | 0.5000 ± 0.3536 | 0.5000 ± 0.0000 | – " + 4 * "| 0.5000 ± 0.0000 " + "|",
        "| em, 0 dB | 0.5000 ± 0.0000 | 0.5000 ± 0.0000 | 0.5 ± 0.0 | 0.5 ± 0.0 | 0.5 ± 0.0 |",
        "| em, 0 dB | 1,234 | 1,234 | 1,234 | 1,234 |",
        "| the model's | 10.0 | 40.0 | 20.0 | 0.7500 |",
    ):
        assert wanted in lines
    assert lines[-1] == "| the model's | 10.0 ± 0.0 | 40.0 ± 0.0 | 20.0 ± 0.0 |"
    assert "2 recordings" in lines[2] and "1,000 annotated beats, 100 of them abnormal; 2 models" in lines[2]
    assert "In all rows the threshold is the model's, set for 40" in lines[2]
    lines = device_tables.end_to_end({**result, "config": {"wearer": {"waits": True}}}).splitlines()
    assert "In all rows a wearer is judged by an own threshold: the model's, set for 40" in lines[2]


def test_alarms_on_what_people_wear_have_a_row_for_each_activity_and_rhythm():
    rest = {"alarms_per_hour": 1.25, "coverage": 0.5, "with_an_alarm": 0.25}
    rest |= {"recordings": 22, "hours": 1.5, "beats": 6000}
    noisy = {"alarms_per_hour": 0.0, "coverage": 0.0, "with_an_alarm": 0.0}
    noisy |= {"recordings": 3, "hours": 0.0251, "beats": 0}
    rows = {
        "rest": summarise([rest, rest | {"alarms_per_hour": 2.25, "beats": 6002}]),
        "too noisy": summarise([noisy, noisy]),
    }
    result = {"name": "alarms-student", "seeds": [0, 1], "worn": rows}
    lines = device_tables.worn(result).splitlines()
    assert lines[0] == "## On what people wear: `alarms-student`" and lines[2].startswith("2 models, at the")
    assert lines[-4:] == [
        "|  | alarms an hour | beats scored | recordings with an alarm | recordings | hours | beats found |",
        "|---|---|---|---|---|---|---|",
        "| rest | 1.8 ± 0.7 | 0.5000 ± 0.0000 | 0.2500 ± 0.0000 | 22 | 1.50 | 6,001 |",
        "| too noisy | 0.0 ± 0.0 | 0.0000 ± 0.0000 | 0.0000 ± 0.0000 | 3 | 0.03 | 0 |",
    ]
    alone = device_tables.worn({**result, "seeds": [0], "worn": {"rest": summarise([rest])}})
    assert "1 model, at" in alone and "| rest | 1.2 | 0.5000 | 0.2500 | 22 | 1.50 | 6,000 |" in alone
