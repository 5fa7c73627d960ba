"""Clocks of text recordings: whatever their form, gaps are gaps, jitter is smoothed, and no sample moves."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

RATE, COUNT, PACKET = 130, 130 * 90, 73
VALUES = np.round(np.sin(np.arange(COUNT) / 7), 4)
TRUE = np.arange(COUNT) / RATE
ALL = np.arange(COUNT)
GAP = np.r_[0:4000, 6000:COUNT]  # the rows that are left
START = datetime(2026, 1, 5, 23, 59, 30)
PACKETS = ALL // PACKET
ENDS = (PACKETS + 1) * PACKET / RATE  # when a packet has arrived


def of_packets(most, seed=0):
    """An offset of up to so many s of each packet."""
    return np.random.default_rng(seed).uniform(-most, most, PACKETS[-1] + 1)[PACKETS]


def write(folder, stamps, heading="time", kept=ALL, separator=","):
    rows = [f"{heading}{separator}MLII"]
    rows += [f"{stamps[row]}{separator}{VALUES[row]}" for row in kept]
    (folder / "a.csv").write_text("\n".join(rows) + "\n")
    return folder / "a.csv"


def seconds(times, digits=3):
    return [f"{time:.{digits}f}" for time in times]


def days(form):
    return [(START + timedelta(seconds=time)).strftime(form) for time in TRUE]


def place_of_each(record):
    """The time of each sample, and the samples, without those that are missing."""
    blocks = list(record.blocks(7))
    times = np.concatenate([time + np.arange(len(part)) / record.rate for time, part in blocks])
    values = np.concatenate([part[:, 0] for _, part in blocks])
    assert (np.diff(times) > 0.5 / record.rate).all()  # no sample twice, none before another
    return times[~np.isnan(values)], values[~np.isnan(values)]


def check(path, kept=ALL, within=0.002, **arguments):
    record = read_record(path, **arguments)
    times, values = place_of_each(record)
    assert record.rate == RATE and not record.cut
    np.testing.assert_array_equal(values, VALUES[kept])
    np.testing.assert_allclose(times, TRUE[kept], atol=within)
    return record


FORMS = {
    "s": ("time", seconds(TRUE)),
    "ms": ("Elapsed time (ms)", seconds(TRUE * 1e3, 0)),
    "us": ("timestamp [µs]", seconds(TRUE * 1e6, 0)),
    "ns": ("sensor timestamp [ns]", [str(599616000000000000 + round(time * 1e9)) for time in TRUE]),
    "unit_in_the_name": ("time_ms", seconds(TRUE * 1e3)),
    "camel_case": ("sensorTimeMs", seconds(TRUE * 1e3)),
    "German": ("Zeit [ms]", seconds(TRUE * 1e3)),
    "iso": ("Phone timestamp", days("%Y-%m-%dT%H:%M:%S.%f")),
    "iso_zone": ("t", days("%Y-%m-%d %H:%M:%S.%f+01:00")),
    "iso_Z": ("datetime", days("%Y-%m-%dT%H:%M:%S.%fZ")),
    "slashes": ("Timestamp (Formatted)", days("%Y/%m/%d %H:%M:%S.%f")),
    "MATLAB": ("Time", days("%d-%b-%Y %H:%M:%S.%f")),
    "German_date": ("Zeitstempel", days("%d.%m.%Y %H:%M:%S.%f")),
    "time_of_day": ("clock", days("%H:%M:%S.%f")),  # goes on behind midnight
    "time_of_day_American": ("Uhrzeit", days("%I:%M:%S.%f %p")),
    "any_heading": ("when", days("%H:%M:%S.%f")),
    "two_columns": ("date,time", days("%Y-%m-%d,%H:%M:%S.%f")),
    "minutes": ("Elapsed time", [f"'{int(time // 60)}:{time % 60:06.3f}'" for time in TRUE]),
    "epoch_s": ("timestamp", seconds(1767600000 + TRUE, 4)),
    "epoch_ms": ("timestamp", seconds((1767600000 + TRUE) * 1e3, 0)),
    "epoch_us": ("timestamp", [str(1767600000000000 + round(time * 1e6)) for time in TRUE]),
    "epoch_ns": ("timestamp", [str(1767600000000000000 + round(time * 1e9)) for time in TRUE]),
    "32_bits_of_us": (
        "micros [us]",
        [str((round(time * 1e6) + 2**32 - 20_000_000) % 2**32) for time in TRUE],
    ),
    "16_bits": ("timestamp [ms]", [str((round(time * 1e3) + 60_000) % 2**16) for time in TRUE]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [ALL, GAP], ids=["whole", "gap"])
def test_a_clock_of_any_form_keeps_every_sample_in_its_place(tmp_path, form, kept):
    heading, stamps = FORMS[form]
    record = check(write(tmp_path, stamps, heading, kept), kept)
    assert not record.warnings and record.leads == ("MLII",)


@pytest.mark.parametrize("tick", [1e-3, 1e-6, 1e-9])
def test_a_unit_of_time_that_is_not_stated_is_told_by_the_rate_with_a_warning(tmp_path, tick):
    record = check(write(tmp_path, seconds(TRUE / tick, 0), kept=GAP), GAP)
    assert "found no unit of time in column time; took it for" in record.warnings[0]
    assert not check(tmp_path / "a.csv", GAP, rate=RATE).warnings


@pytest.mark.parametrize(
    ("heading", "tick"), [("seconds", 1), ("ms", 1e-3), ("usec", 1e-6), ("x", 1), ("Zyklus", 1)]
)
def test_a_first_column_that_rises_evenly_is_a_clock_whatever_its_name(tmp_path, heading, tick):
    path = write(tmp_path, seconds(TRUE / tick), heading, GAP)
    for arguments in ({}, {"rate": RATE}):
        record = check(path, GAP, **arguments)
        assert record.leads == ("MLII",) and not record.warnings


@pytest.mark.parametrize("heading", ["ECG", "x [mV]", "V5"])
def test_a_lead_that_rises_evenly_is_no_clock(tmp_path, heading):
    path = write(tmp_path, seconds(TRUE), heading)
    assert len(read_record(path, rate=RATE).source.leads) == 2


def test_a_unit_of_time_is_told_by_the_rate_that_is_given(tmp_path):
    rows = "".join(f"{row * 20},1\n" for row in range(100))
    (tmp_path / "a.csv").write_text("time,MLII\n" + rows)
    assert read_record(tmp_path / "a.csv").rate == 50
    with pytest.raises(RecordError, match="expected 51 Hz as given"):
        read_record(tmp_path / "a.csv", rate=51)


def test_a_summer_time_that_ends_is_no_jump(tmp_path):
    def stamp(row):
        is_summer = row < 5000
        time = START + timedelta(seconds=row / RATE, hours=int(is_summer))
        return time.strftime("%Y-%m-%dT%H:%M:%S.%f") + ("+02:00" if is_summer else "+01:00")

    check(write(tmp_path, [stamp(row) for row in ALL]))


@pytest.mark.parametrize("most", [0.01, 0.06, 0.1])
@pytest.mark.parametrize("kept", [ALL, np.r_[0 : 40 * PACKET, 60 * PACKET : COUNT]], ids=["whole", "gap"])
@pytest.mark.parametrize("arguments", [{}, {"rate": RATE}], ids=["told", "given"])
def test_packets_on_a_clock_that_is_off_are_smoothed(tmp_path, most, kept, arguments):
    record = check(
        write(tmp_path, seconds(TRUE + of_packets(most)), kept=kept), kept, 1.5 * most, **arguments
    )
    assert most < 0.05 or "smoothed" in record.warnings[0]


def test_a_clock_that_wanders_is_smoothed(tmp_path):
    ends = np.arange(0, COUNT + PACKET, PACKET)
    off = np.random.default_rng(0).uniform(-0.1, 0.1, len(ends))
    check(write(tmp_path, seconds(np.interp(ALL, ends, np.sort(ends / RATE + off)))))


@pytest.mark.parametrize(
    "kept", [ALL, np.r_[0 : 40 * PACKET, 41 * PACKET : COUNT], GAP], ids=["all", "one", "many"]
)
def test_samples_with_one_stamp_a_packet_are_spread(tmp_path, kept):
    check(write(tmp_path, seconds(ENDS), kept=kept), kept, 0.3)


def test_packets_that_were_held_up_are_no_gap(tmp_path):
    stamps = TRUE.copy()
    stamps[5000:5400] = TRUE[5400]
    check(write(tmp_path, seconds(stamps)))


@pytest.mark.parametrize("kept", [ALL, np.r_[0:4030, 5010:COUNT]], ids=["whole", "gap"])
def test_stamps_in_whole_seconds_are_enough(tmp_path, kept):
    check(write(tmp_path, days("%H:%M:%S"), kept=kept), kept, 1.0, rate=RATE)


def test_a_few_lost_samples_are_missing_ones_in_the_same_block(tmp_path):
    kept = ALL[ALL // 5 % 100 != 50]
    record = check(write(tmp_path, seconds(TRUE), kept=kept), kept)
    assert len(list(record.blocks(1e9))) == 1
    whole = record.signal[:, 0]
    np.testing.assert_array_equal(whole[kept], VALUES[kept])
    assert np.isnan(np.delete(whole, kept)).all()


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(st.tuples(st.integers(100, COUNT - 100), st.integers(10, 3000)), min_size=1, max_size=6))
@example([(7020, 17), (7059, 18), (8522, 12), (9204, 26), (10004, 15)])
def test_any_dropouts_move_no_sample(tmp_path_factory, dropouts):
    is_kept = np.full(COUNT, True)
    for first, length in dropouts:
        is_kept[first : first + length] = False
    kept = ALL[is_kept]
    check(write(tmp_path_factory.mktemp("a"), seconds(TRUE), kept=kept), kept)


def test_a_clock_faster_than_the_rate_given_is_followed(tmp_path):
    path = write(tmp_path, seconds(TRUE * 130 / 129.8))
    assert read_record(path, rate=130).rate == pytest.approx(129.8, rel=1e-4)


def test_the_rate_goes_before_a_clock_that_tells_no_time(tmp_path):
    for stamps in (TRUE * 0, np.where(ALL > 5000, TRUE - 20, TRUE), np.sort(of_packets(60)) + 60):
        path = write(tmp_path, seconds(stamps))
        record = check(path, rate=RATE)
        assert f"took {RATE} Hz and left out column time" in record.warnings[0]
        with pytest.raises(RecordError, match="or the rate"):
            read_record(path)


def test_of_several_clocks_the_one_with_the_least_jitter_is_taken(tmp_path):
    phone = [(START + timedelta(seconds=float(time))).isoformat() for time in ENDS + of_packets(0.06)]
    both = [f"{one},{other}" for one, other in zip(phone, seconds(TRUE * 1e3, 6), strict=True)]
    record = check(write(tmp_path, both, "Phone timestamp,timestamp [ms]", GAP), GAP, 1e-5)
    assert not record.warnings


def test_a_clock_that_does_not_know_of_gaps_is_not_taken(tmp_path):
    counted = dict(zip(GAP, seconds(TRUE), strict=False))
    both = [f"{counted.get(row)},{stamp}" for row, stamp in enumerate(seconds(1767600000 + TRUE, 4))]
    check(write(tmp_path, both, "time,timestamp", GAP), GAP)


@pytest.mark.parametrize("heading", ["", "Sample Index", "Packet Counter", "nSeq", "time"])
def test_numbers_of_rows_are_neither_a_lead_nor_seconds_but_tell_gaps(tmp_path, heading):
    path = write(tmp_path, ALL, heading, GAP)
    assert check(path, GAP, rate=RATE).leads == ("MLII",)
    if heading != "time":
        with pytest.raises(RecordError, match="no column of time; expected one, or the rate"):
            read_record(path)


@pytest.mark.parametrize("size", [16, 256])
def test_numbers_that_begin_again_are_left_out(tmp_path, size):
    assert check(write(tmp_path, ALL % size, "nSeq"), rate=RATE).leads == ("MLII",)


def test_a_clock_without_a_heading_is_told_by_its_even_rise(tmp_path):
    rows = "".join(f"{time} {value}\n" for time, value in zip(seconds(TRUE), VALUES, strict=True))
    (tmp_path / "a.csv").write_text(rows)
    record = read_record(tmp_path / "a.csv")
    assert (record.rate, record.leads) == (RATE, ("2",)) and "took its column 2 for MLII" in record.warnings[
        0
    ]


def test_a_clock_goes_wrong_late_in_a_file_whose_rate_is_given(tmp_path):
    count = 250_000
    stamps = np.arange(count) / RATE
    stamps[-1000:] -= 500
    rows = "".join(f"{stamp:.3f},{row % 7}\n" for row, stamp in enumerate(stamps))
    (tmp_path / "a.csv").write_text("time,MLII\n" + rows)
    with pytest.raises(RecordError, match="about line 249002: found .* go back, or the rate"):
        list(read_record(tmp_path / "a.csv").blocks())
    record = read_record(tmp_path / "a.csv", rate=RATE)
    times, _ = place_of_each(record)
    np.testing.assert_allclose(times, np.arange(count) / RATE, atol=0.002)
    assert "took 130 Hz from about line 249002 on" in record.warnings[-1]


ROUNDED = [(1024, 1, 20), (1024, 1, 60), (1025, 1, 20), (1005, 1, 20), (1002, 1, 20), (1000.3, 1, 60)]


@pytest.mark.parametrize(("rate", "tick", "seconds"), [*ROUNDED, (101, 10, 20), (102.4, 10, 20)])
@pytest.mark.parametrize("form", ["{:.3f}", "2026-01-05T08:00:{:06.3f}"])
@pytest.mark.parametrize("digits", [0, 4])
def test_stamps_rounded_to_more_than_a_sample_tell_the_rate(tmp_path, rate, tick, seconds, form, digits):
    samples = np.round(np.sin(np.arange(int(rate * seconds)) / 40) * 3, digits)
    stamps = np.round(np.arange(len(samples)) / rate * 1000 / tick).astype(int) * tick / 1000
    rows = "".join(f"{form.format(t)},{v:.4f}\n" for t, v in zip(stamps, samples, strict=True))
    (tmp_path / "a.csv").write_text("time,MLII\n" + rows)
    record = read_record(tmp_path / "a.csv")
    times, values = place_of_each(record)
    assert record.rate == pytest.approx(rate, rel=1e-5) and not record.warnings
    np.testing.assert_array_equal(values, samples)
    np.testing.assert_allclose(times, np.arange(len(samples)) / rate, atol=tick / 1000)


NET, WINDOWS = 639_031_968_000_000_000, 134_122_752_000_000_000  # 100 ns, in 2026


@pytest.mark.parametrize("begin", [NET, WINDOWS])
@pytest.mark.parametrize("rate", [50, 100, 130, 250, 1000])
def test_a_clock_of_100_ns_is_told_by_its_size_and_the_rate(tmp_path, begin, rate):
    count = 20 * rate
    kept = np.r_[0 : 5 * rate, 9 * rate : count]
    stamps = [str(begin + round(row * 1e7 / rate)) for row in range(count)]
    rows = "".join(f"{stamps[row]},{VALUES[row % COUNT]}\n" for row in kept)
    (tmp_path / "a.csv").write_text("timestamp,MLII\n" + rows)
    for arguments in ({}, {"rate": rate}):
        record = read_record(tmp_path / "a.csv", **arguments)
        times, _ = place_of_each(record)
        assert record.rate == rate
        np.testing.assert_allclose(times, kept / rate, atol=2e-5)


def test_a_clock_of_ns_since_2000_is_none_of_100_ns(tmp_path):
    stamps = [str(820_497_600_000_000_000 + round(time * 1e9)) for time in TRUE]
    assert not check(write(tmp_path, stamps, "timestamp", GAP), GAP).warnings


SINCE_BOOT = {"µs": (123_456_789, 1e6), "us, 20 min": (1_234_567_890, 1e6), "ms": (102_345_678, 1e3)}
SINCE_BOOT["ns"] = 123_456_789_012_345, 1e9


@pytest.mark.parametrize("form", SINCE_BOOT)
def test_a_clock_since_a_device_began_is_none_since_1970(tmp_path, form):
    begin, ticks = SINCE_BOOT[form]
    path = write(tmp_path, [str(begin + round(time * ticks)) for time in TRUE], "timestamp", GAP)
    record = check(path, GAP)
    assert "took it for" in record.warnings[0] and "130 Hz" in record.warnings[0] and record.start is None
    assert not check(path, GAP, rate=RATE).warnings


def test_the_rate_told_of_a_unit_that_was_guessed_is_the_one_used(tmp_path):
    rows = "".join(f"{round(row / 0.36)},1\n" for row in range(7200))
    (tmp_path / "a.csv").write_text("time,MLII\n" + rows)
    record = read_record(tmp_path / "a.csv")
    assert record.rate == 360 and "took it for ms, 360 Hz" in record.warnings[0]


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05])
@pytest.mark.parametrize("arguments", [{}, {"rate": RATE}], ids=["told", "given"])
@pytest.mark.parametrize("digits", [3, 6])
def test_rows_that_were_left_out_here_and_there_are_missing_ones(tmp_path, share, arguments, digits):
    kept = np.flatnonzero(np.random.default_rng(0).random(COUNT) >= share)
    assert not check(write(tmp_path, seconds(TRUE, digits), kept=kept), kept, **arguments).warnings


def test_a_date_that_goes_back_is_told_by_how_far(tmp_path):
    stamps = [START + timedelta(seconds=row / RATE, hours=-int(row >= 5000)) for row in ALL]
    path = write(tmp_path, [f"{stamp:%Y-%m-%d %H:%M:%S.%f}" for stamp in stamps])
    with pytest.raises(RecordError, match="a time 3600 s before that of the row above"):
        read_record(path)
