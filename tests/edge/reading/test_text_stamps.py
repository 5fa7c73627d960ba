"""Stamps in the forms that programs write, each of which keeps every sample in its place."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record

RATE, COUNT = 250, 10_000
KEPT = np.r_[0:4000, 5250:COUNT]
START = datetime(2026, 1, 5, 23, 59, 45)
FORMS = {
    "CET": "%Y-%m-%d %H:%M:%S.%f CET",
    "a zone's place": "%Y-%m-%dT%H:%M:%S.%f+01:00[Europe/Berlin]",
    "English": '"%b %d, %Y %I:%M:%S.%f %p"',
    "short year": "%d-%b-%y %H:%M:%S.%f",
    "underscore": "%Y-%m-%d_%H:%M:%S.%f",
    "date without separators": "%Y%m%d %H:%M:%S.%f",
}


def read(folder, stamp_of):
    rows = [f"{stamp_of(row)},{row % 97 / 100}" for row in KEPT]
    (folder / "a.csv").write_text("\n".join(["time,MLII", *rows]) + "\n")
    record = read_record(folder / "a.csv")
    blocks = list(record.blocks(1e9))
    times = np.concatenate([time + np.arange(len(part)) / record.rate for time, part in blocks])
    np.testing.assert_allclose(times, KEPT / RATE, atol=0.002)
    assert record.rate == RATE and not record.warnings
    return record


@pytest.mark.parametrize("form", FORMS)
def test_a_gap_and_midnight(tmp_path, form):
    record = read(tmp_path, lambda row: f"{START + timedelta(seconds=row / RATE):{FORMS[form]}}")
    assert record.start.told() == "5 January 2026, 23:59:45"


def test_a_zone_whose_summer_ends_is_no_jump(tmp_path):
    def stamp(row):
        is_summer = row < 5500
        time = START + timedelta(seconds=row / RATE, hours=int(is_summer))
        return f"{time:%Y-%m-%d %H:%M:%S.%f} {'CEST' if is_summer else 'CET'}"

    read(tmp_path, stamp)


@pytest.mark.parametrize("begin", [0, 86_390])
def test_times_gone_by_of_pandas(tmp_path, begin):
    def stamp(row):
        time = timedelta(seconds=begin + row / RATE)
        return f"{time.days} days {datetime.min + time % timedelta(days=1):%H:%M:%S.%f}"

    assert read(tmp_path, stamp).start is None


def test_minutes_of_a_spreadsheet_go_on_at_the_full_hour(tmp_path):
    read(tmp_path, lambda row: f"{START + timedelta(seconds=row / RATE):%M:%S.%f}"[:-3])
