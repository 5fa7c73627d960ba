"""Dates beside times of day, in any order and place: a gap of days is one."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record

RATE, COUNT, BREAK = 250, 6000, 3000
VALUES = np.round(np.sin(np.arange(COUNT) / 30), 4)
FORMS = {
    "%m/%d/%Y %H:%M:%S.%f": "time",
    "%d/%m/%Y %H:%M:%S.%f": "time",
    "%m/%d/%Y %I:%M:%S.%f %p": "time",
    "%d-%m-%Y %H:%M:%S.%f": "time",
    "%d.%m.%y %H:%M:%S.%f": "time",
    "%y-%m-%d %H:%M:%S.%f": "time",
    "[%H:%M:%S.%f %d/%m/%Y]": "time",
    "%Y-%m-%d,%H:%M:%S.%f": "Date,Time",
    "%m/%d/%Y,%H:%M:%S.%f": "Date,Time",
    "%H:%M:%S.%f,%d.%m.%Y": "Zeit,Datum",
    "%Y%m%d,%H:%M:%S.%f": "Date,Time",
}
HOURS = [12, 13, 24, 26, 48, 61]


def gap(folder, form, start, pause=timedelta(0)):
    """The s from the first sample to the one behind the pause, and the last; how many there are."""
    times = [start + timedelta(seconds=row / RATE) + (row >= BREAK) * pause for row in range(COUNT)]
    rows = [f"{time:{form}},{value}" for time, value in zip(times, VALUES, strict=True)]
    (folder / "a.csv").write_text("\n".join([f"{FORMS[form]},MLII", *rows]) + "\n")
    record = read_record(folder / "a.csv")
    assert record.rate == RATE and record.leads == ("MLII",) and not record.warnings
    blocks = list(record.blocks(1e9))
    np.testing.assert_array_equal(np.concatenate([part[:, 0] for _, part in blocks]), VALUES)
    return [begin for begin, _ in blocks]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("day", [5, 12, 31])  # both may be the month, until the gap, never
def test_a_gap_of_days_is_one(tmp_path, form, day):
    for hours in HOURS:
        found = gap(tmp_path, form, datetime(2026, 1, day, 8), timedelta(hours=hours))
        assert found == pytest.approx([0, hours * 3600 + BREAK / RATE], abs=0.002)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("day", [datetime(2026, 1, 5), datetime(2026, 12, 31)])
def test_midnight_is_no_gap(tmp_path, form, day):
    assert gap(tmp_path, form, day.replace(hour=23, minute=59, second=50)) == [0]


@pytest.mark.parametrize("form", ["2026-01-05,%H:%M:%S.%f", "05/01/2026,%H:%M:%S.%f"])
def test_a_date_of_the_beginning_alone_stops_no_clock(tmp_path, form, monkeypatch):
    monkeypatch.setitem(FORMS, form, "Date,Time")
    assert gap(tmp_path, form, datetime(2026, 1, 5, 23, 59, 50)) == [0]
