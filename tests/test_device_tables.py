"""The device's tables hold the figures of the results, and nothing where there are none."""

from keras_sibeat import device_tables
from keras_sibeat.results import summarise

PERIOD = {"false_alarms_per_hour": 20.0, "false_alarms_median": 10.0, "false_alarms_90": 40.0}
PERIOD |= {"sensitivity": 0.75}


def test_int8_stands_beside_float():
    parts = [
        {"auc": 0.5, "auc_float": 0.75, "ap": 0.25, "ap_float": 0.5, "decisions_flipped": 0.125}
        | {"flash_bytes": 24_000 + seed, "arena_bytes": 6000}
        for seed in range(2)
    ]
    row = {"name": "student-int8", "protocol": "beatgan", "metrics": summarise(parts)}
    text = device_tables.exported({"student-int8": row, "other": {"metrics": {}}})
    assert text.splitlines()[-1] == (
        "| `student-int8` | beatgan | 0.7500 ± 0.0000 | 0.5000 ± 0.0000 | 0.5000 ± 0.0000 | 0.2500 ± 0.0000 "
        "| 0.1250 ± 0.0000 | 24,001 | 6,000 |"
    )


def test_no_export_no_table():
    assert device_tables.exported({"student": {"metrics": {"auc": {}}}}) == ""


def test_every_condition_has_its_row():
    row = dict.fromkeys(device_tables.CONDITIONS, 0.5) | {"beats": 1000, "abnormal": 100, "unscored": 1234}
    result = {
        "name": "end-to-end-student",
        "records": ["100", "103"],
        "threshold": {"false_alarms_per_hour": 40.0},
        "conditions": {"detected R-peaks": row, "em, 0 dB": {**row, "auc_record": None}},
        "calibration": {"the model's": {"first": PERIOD, "rest": PERIOD | {"sensitivity": None}}},
    }
    lines = device_tables.end_to_end(result).splitlines()
    wanted = "| em, 0 dB | 0.5000 | 0.5000 | – | 0.5000 | 0.5 | 0.5000 | 0.5000 | 1,234 | 0.5000 |"
    assert wanted in lines
    assert lines[-1] == "| the model's | 20.0, 10.0, 40.0 | 0.7500 | 20.0, 10.0, 40.0 | – |"
    assert "2 recordings" in lines[2] and "1,000 annotated beats, 100 of them" in lines[2]
