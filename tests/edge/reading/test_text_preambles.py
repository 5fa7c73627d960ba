"""What lines above the rows of a text state: its rate among other numbers."""

import json

import numpy as np
import pytest

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

VALUES = np.round(np.random.default_rng(0).normal(0, 0.4, 2000), 4)
ROWS = "".join(f"{value:.4f}\n" for value in VALUES)


def write(folder, text):
    (folder / "a.csv").write_text(text)
    return folder / "a.csv"


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("# Filter: 0.05-150 Hz; Sampling rate: 500 Hz", 500),
        ("# Bandwidth 0.05-100 Hz, 250 samples/s", 250),
        ("# 0.5 - 100 Hz, sampling frequency 250 Hz", 250),
        ("# lowpass 100 Hz, resampled, rate 250 Hz", 250),
        ("# Sampled at 1000 Hz and downsampled to 250 Hz", 250),
        ("# Resampled from 1000 Hz to 250 Hz", 250),
        ("# Sampling rate: 250 Hz (downsampled from 1000 Hz)", 250),
        ("# sampling rate ACC: 100 Hz, sampling rate ECG: 250 Hz", 250),
        ("# fs_acc: 100, fs_ecg: 250", 250),
        ("# samples=2500 fs=250", 250),
        ("# n_samples: 7500, sampling_rate: 250", 250),
        ("Number of samples,15000,Sampling rate (Hz),250", 250),
        ("Sampling rate [Hz];250", 250),
        ("Sampling rate;250;Hz", 250),
        ("Frequency (Hz),250", 250),
        ("# rate: 250", 250),
        ("# 250 Hz sampling rate", 250),
        ("Sampling interval: 4 ms", 250),
        ("Sampling interval (ms): 4", 250),
        ("Sample period: 0,004 s", 250),
        ("Sampling interval: 2.78 ms", 360),
        ("Sampling interval: 3 ms", 1000 / 3),
        ("Sampling Rate: 1,000 Hz", 1000),
        ("Sampling Rate: 1.000 Hz", 1000),
        ("Sampling Rate: 1,024.00 Hz", 1024),
        ("Sampling Rate: 128.000 Hz", 128),
        ("Abtastrate;510,227 Hertz", 510.227),
    ],
)
def test_the_rate_is_that_of_sampling_among_other_numbers(tmp_path, line, rate):
    record = read_record(write(tmp_path, f"{line}\nECG [mV]\n{ROWS}"), "first")
    assert record.rate == pytest.approx(rate, rel=1e-9) and record.leads == ("ECG",)
    np.testing.assert_array_equal(record.signal[:, 0], VALUES)


@pytest.mark.parametrize(
    "line",
    [
        "LED frequency: 500 Hz",
        "Accelerometer: 500 Hz",
        "# ACC sampling rate: 100 Hz",
        "# Heart rate: 250",
        "# rate: 72",
        "# Notch 60 Hz, samples: 7500",
        "# sampling rate: 500 Hz, sampling rate: 250 Hz",
        "Sampling rate,250,500",
        "Sampling duration: 30 s",
    ],
)
def test_no_other_number_is_a_rate(tmp_path, line):
    with pytest.raises(RecordError, match="no column of time; expected one, or the rate"):
        read_record(write(tmp_path, f"{line}\nECG [mV]\n{ROWS}"), "first")


def _opensignals(folder, cells, **said):
    header = {"sensor": ["EDA", "ECG"], "column": ["nSeq", "I1", "A1", "A2"], "sampling rate": 1000}
    header |= {"resolution": [4, 1, 10, 10], "device": "bitalino_rev", **said}
    head = f"# OpenSignals Text File Format\n# {json.dumps({'00:00': header})}\n# EndOfHeader\n"
    rows = "".join(f"{row % 16}\t0\t5\t{cell}\t\n" for row, cell in enumerate(cells))
    return read_record(write(folder, head + rows), "first")


def test_opensignals_converted_values_are_mv(tmp_path):
    record = _opensignals(tmp_path, VALUES, convertedValues=1)
    assert (record.rate, record.leads) == (1000, ("A2",)) and not record.source.warnings
    np.testing.assert_array_equal(record.signal[:, 0], VALUES)


@pytest.mark.parametrize("said", [{}, {"convertedValues": 0}])
def test_opensignals_cells_with_decimals_are_no_counts(tmp_path, said):
    record = _opensignals(tmp_path, VALUES, **said)
    np.testing.assert_array_equal(record.signal[:, 0], VALUES)
    (told,) = record.source.warnings
    assert told.endswith("found decimals in A2, which is said to be in counts; took them for mV.")


def test_the_value_of_influxdbs_table_comes_first(tmp_path):
    head = "#group,false,false,true,false,false,true\n#datatype,string,long,dateTime:RFC3339,"
    head += (
        "dateTime:RFC3339,double,string\n#default,_result,,,,,\n,result,table,_start,_time,_value,_field\n"
    )
    rows = "".join(
        f",,0,2026-01-05T08:00:00Z,2026-01-05T08:00:{row / 250:06.3f}Z,{value},ecg\n"
        for row, value in enumerate(VALUES)
    )
    record = read_record(write(tmp_path, head + rows), "first")
    assert (record.rate, record.leads) == (250, ("_value",))
    np.testing.assert_array_equal(record.signal[:, 0], VALUES)


def test_an_empty_column_comes_last(tmp_path):
    rows = "".join(f"{row / 250:.3f},,{value}\n" for row, value in enumerate(VALUES))
    assert read_record(write(tmp_path, "time,note,chest\n" + rows), "first").leads == ("chest",)
