"""Packets that came in another order, or twice: each sample once, at its own time, and a warning."""

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.text.stream import TextStream

RATE, PACKET = 250, 16
COUNT = 16_000
TIMES = np.arange(COUNT) / RATE
LEAD = np.round(np.random.default_rng(0).normal(size=COUNT).cumsum() / 10, 3)
PACKETS = [np.arange(first, first + PACKET) for first in range(0, COUNT, PACKET)]


def pairs_swapped(packets):
    return [packet for first in range(0, len(packets), 2) for packet in packets[first : first + 2][::-1]]


def one_swapped(packets):
    return [*packets[:100], packets[101], packets[100], *packets[102:]]


def one_twice(packets):
    return [*packets[:101], packets[100], *packets[101:]]


def many_twice(packets):
    again = np.random.default_rng(1).random(len(packets)) < 0.1
    return [packet for packet, twice in zip(packets, again, strict=True) for _ in range(1 + twice)]


def late(packets):
    return [*packets[:100], *packets[101:200], packets[100], *packets[200:]]


def row_twice(packets):
    return [*packets[:100], packets[100][[0, 1, 1, *range(2, PACKET)]], *packets[101:]]


def read(folder, rows, stamps=TIMES, **options):
    text = "".join(f"{stamps[row]:.3f},{LEAD[row]}\n" for row in rows)
    (folder / "a.csv").write_text("time [s],ECG [mV]\n" + text)
    record = read_record(folder / "a.csv", "ECG", **options)
    return record, record.signal[:, 0]


@pytest.mark.parametrize("change", [pairs_swapped, one_swapped, one_twice, many_twice, late, row_twice])
def test_samples_stand_at_their_times(tmp_path, change):
    record, found = read(tmp_path, np.concatenate(change(PACKETS)))
    np.testing.assert_array_equal(found, LEAD)
    assert record.rate == RATE
    assert any("in another order than their stamps, or twice" in told for told in record.warnings)


def test_a_gap_is_one_still(tmp_path):
    rows = np.concatenate([*one_swapped(PACKETS)[:300], *PACKETS[400:]])
    _, found = read(tmp_path, rows)
    np.testing.assert_array_equal(found[: 300 * PACKET], LEAD[: 300 * PACKET])
    assert np.isnan(found[300 * PACKET : 400 * PACKET]).all()
    np.testing.assert_array_equal(found[400 * PACKET :], LEAD[400 * PACKET :])


def test_the_parts_of_a_long_file_do_not_matter(tmp_path, monkeypatch):
    monkeypatch.setattr(TextStream.chunks, "__defaults__", (5000,))
    _, found = read(tmp_path, np.concatenate(many_twice(PACKETS)))
    np.testing.assert_array_equal(found, LEAD)


def test_a_clock_that_is_set_back_by_some_samples_moves_none(tmp_path):
    stamps = np.where(TIMES > 30, TIMES - 0.02, TIMES)
    record, found = read(tmp_path, np.arange(COUNT), stamps)
    np.testing.assert_array_equal(found, LEAD)
    assert not any("another order" in told for told in record.warnings)


def test_stamps_of_several_samples_each_are_left_as_they_are(tmp_path):
    record, found = read(tmp_path, np.arange(COUNT), np.repeat(TIMES[::PACKET], PACKET))
    np.testing.assert_array_equal(found, LEAD)
    assert not any("another order" in told for told in record.warnings)


def test_packets_around_midnight_may_be_swapped(tmp_path):
    seconds = [divmod(86_380 + time, 86_400)[1] for time in TIMES]
    stamps = [f"{int(s // 3600):02d}:{int(s // 60 % 60):02d}:{s % 60:06.3f}" for s in seconds]
    packets = list(PACKETS)
    behind = 20 * RATE // PACKET
    packets[behind], packets[behind + 1] = packets[behind + 1], packets[behind]
    packets[behind - 1], packets[behind] = packets[behind], packets[behind - 1]
    text = "".join(f"{stamps[row]},{LEAD[row]}\n" for row in np.concatenate(packets))
    (tmp_path / "a.csv").write_text("time,ECG [mV]\n" + text)
    record = read_record(tmp_path / "a.csv", "ECG")
    np.testing.assert_array_equal(record.signal[:, 0], LEAD)
