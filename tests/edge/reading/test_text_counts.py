"""Numbers of rows, and clocks that no heading tells: a gap that they know of is one, or is told."""

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record

RATE, COUNT = 250, 15_000
VALUES = np.round(np.sin(np.arange(COUNT) / 30), 4)
ALL, EARLY, LATER = np.arange(COUNT), np.r_[0:40, 1290:COUNT], np.r_[0:5000, 6250:COUNT]
KEPT = pytest.mark.parametrize("kept", [ALL, EARLY, LATER], ids=["whole", "early", "later"])


def read(folder, row_of, kept, heading="", lead="first", rate=RATE):
    rows = "".join(row_of(row, VALUES[row]) + "\n" for row in kept)
    (folder / "a.csv").write_text(heading + rows)
    return read_record(folder / "a.csv", lead, rate=rate)


def check(record, kept, within=0.001):
    blocks = list(record.blocks(1e9))
    times = np.concatenate([time + np.arange(len(part)) / record.rate for time, part in blocks])
    values = np.concatenate([part[:, 0] for _, part in blocks])
    np.testing.assert_allclose(values, VALUES[kept], atol=1e-9)
    np.testing.assert_allclose(times, kept / RATE, atol=within)


@KEPT
@pytest.mark.parametrize("heading", ["sample,ecg\n", "index,ecg\n"])
def test_numbers_of_rows_tell_gaps_near_the_beginning(tmp_path, heading, kept):
    record = read(tmp_path, lambda row, value: f"{row},{value}", kept, heading)
    check(record, kept)


BARE = {
    "numbers": lambda row, value: f"{row},{value}",
    "rounded": lambda row, value: f"{row / RATE:.2f},{value}",
    "last": lambda row, value: f"{value},{row / RATE:.3f}",
    "rounded, last": lambda row, value: f"{value},{row / RATE:.2f}",
    "between": lambda row, value: f"{row % 7},{row / RATE:.2f},{value}",
}


@KEPT
@pytest.mark.parametrize("form", BARE)
def test_a_clock_in_any_place_is_told_by_its_even_rise(tmp_path, form, kept):
    lead = {"last": "1", "rounded, last": "1", "between": "3"}.get(form, "2")
    record = read(tmp_path, BARE[form], kept, lead=lead)
    assert record.rate == RATE and record.leads == (lead,)
    check(record, kept)


@pytest.mark.parametrize("decimals", [0, 1])
def test_a_lead_that_rises_now_and_then_is_no_clock(tmp_path, decimals):
    drift = np.round(np.cumsum(np.random.default_rng(0).random(COUNT) < 0.2) / 10**decimals, decimals)
    text = "".join(f"{value},{other}\n" for value, other in zip(drift, VALUES, strict=True))
    (tmp_path / "a.csv").write_text(text)
    assert read_record(tmp_path / "a.csv", "1", rate=RATE).source.leads == ["1", "2"]


@pytest.mark.parametrize("size", [16, 256])
@pytest.mark.parametrize("kept", [EARLY, LATER], ids=["early", "later"])
def test_numbers_that_begin_again_tell_of_lost_samples(tmp_path, size, kept):
    record = read(tmp_path, lambda row, value: f"{row % size},{value}", kept, "nSeq,ecg\n")
    list(record.blocks(60))
    assert any("1 of the numbers in column nSeq to jump" in told for told in record.warnings)


@pytest.mark.parametrize("size", [16, 256, 1024, 2048, 4096])
def test_numbers_that_begin_again_are_no_clock(tmp_path, size):
    text = "%OpenBCI Raw EXG Data\n%Sample Rate = 250 Hz\nSample Index, EXG Channel 0\n"
    for rate in (RATE, None):
        record = read(tmp_path, lambda row, value: f"{row % size}, {1000 * value}", ALL, text, rate=rate)
        check(record, ALL)
        assert not any("jump" in told or "back" in told for told in record.warnings)
