"""When a recording began, as each format states it."""

from datetime import date, datetime, timedelta

import numpy as np
import pyedflib
import pytest
import wfdb

from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.start import Start, start_of

RATE, SIGNAL = 250, np.sin(np.arange(2500) / 20)


def csv(folder, stamps, heading="time"):
    """A text file with this column of time; returns its path."""
    path = folder / "a.csv"
    rows = [f"{stamp},{value:.3f}" for stamp, value in zip(stamps, SIGNAL, strict=False)]
    path.write_text("\n".join([f"{heading},ECG (mV)", *rows]) + "\n")
    return path


def steps(begin):
    return [begin + timedelta(seconds=n / RATE) for n in range(len(SIGNAL))]


def write_wfdb(folder, **header):
    lead = {"units": ["mV"], "sig_name": ["II"], "p_signal": SIGNAL[:, None], "fmt": ["16"]}
    wfdb.wrsamp("a", fs=RATE, write_dir=str(folder), **lead, **header)


def test_a_wfdb_header_states_time_and_date_as_wfdb_reads_them(tmp_path):
    write_wfdb(tmp_path, base_time=datetime(1, 1, 1, 23, 59, 58).time(), base_date=date(2024, 2, 28))
    start = read_record(tmp_path / "a", "first").start
    header = wfdb.rdheader(str(tmp_path / "a"))
    assert start.day == header.base_date and start.at(0) == f"{header.base_time}"
    assert start.at(2.25, tenths=True) == "00:00:00.2 +1 d"


def test_a_wfdb_header_without_a_time_states_none(tmp_path):
    write_wfdb(tmp_path)
    assert read_record(tmp_path / "a", "first").start is None


@pytest.mark.parametrize("moment", [datetime(2024, 2, 28, 14, 3, 22), datetime(1999, 12, 31, 0, 0, 1)])
def test_an_edf_header_states_date_and_time(tmp_path, moment):
    writer = pyedflib.EdfWriter(str(tmp_path / "a.edf"), 1)
    head = {"label": "II", "dimension": "mV", "sample_frequency": RATE, "physical_max": 5, "physical_min": -5}
    writer.setSignalHeader(0, {**head, "digital_max": 32767, "digital_min": -32768})
    writer.setStartdatetime(moment)
    writer.writeSamples([SIGNAL])
    writer.close()
    start = read_record(tmp_path / "a.edf", "first").start
    assert (start.day, start.at(0)) == (moment.date(), f"{moment:%H:%M:%S}")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("%Y-%m-%d %H:%M:%S.%f", "28 February 2024, 14:03:22"),
        ("%d.%m.%Y %H:%M:%S.%f", "28 February 2024, 14:03:22"),
        ("%Y-%m-%dT%H:%M:%S.%f+02:00", "28 February 2024, 14:03:22"),  # as the clock on the wall had it
        ("%I:%M:%S.%f %p", "14:03:22"),
    ],
)
def test_stamps_of_a_text_state_the_time_of_day(tmp_path, form, told):
    stamps = [f"{moment:{form}}" for moment in steps(datetime(2024, 2, 28, 14, 3, 22))]
    assert read_record(csv(tmp_path, stamps), "first").start.told() == told


def test_a_count_of_milliseconds_since_1970_is_told_in_utc(tmp_path):
    stamps = [f"{1709128800000 + 4 * n}" for n in range(len(SIGNAL))]
    start = read_record(csv(tmp_path, stamps), "first").start
    assert start.told() == "28 February 2024, 14:00:00 UTC"


@pytest.mark.parametrize(
    ("stamps", "heading"),
    [
        ([f"{n / RATE:.3f}" for n in range(2500)], "time (s)"),
        ([f"0:00:{n / RATE:06.3f}" for n in range(2500)], "time"),
        ([f"{4 * n}" for n in range(2500)], "time (ms)"),
    ],
)
def test_a_clock_that_counts_from_zero_states_none(tmp_path, stamps, heading):
    assert read_record(csv(tmp_path, stamps, heading), "first").start is None


@pytest.mark.parametrize("day", ["", "31.02.24", "xx.xx.xx", "99/99/9999"])
def test_a_date_that_is_none_leaves_the_time(day):
    assert start_of("14.03.22", day) == Start(50602.0)


@pytest.mark.parametrize("time", ["", "24:00:00", "25.00.00", "now", "1:2"])
def test_what_is_no_time_is_no_start(time):
    assert start_of(time, "28.02.24") is None
