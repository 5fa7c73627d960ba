"""Parquet tables as pandas, Polars and Spark write them."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from device_files import beats, write_parquet

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.record import read_record

pa = pytest.importorskip("pyarrow", reason="no pyarrow: pip install 'sibeat_edge[formats]'")
parquet = pytest.importorskip("pyarrow.parquet")

SIGNAL = beats(10, 250)


def saved(folder, metadata=None, **columns):
    table = pa.table(columns)
    parquet.write_table(table.replace_schema_metadata(metadata), folder / "a.parquet", row_group_size=700)
    return folder / "a.parquet"


def stamps(kind, rate=250):
    """A clock of ten seconds that jumps by 30 s after four."""
    times = np.arange(2500) / rate
    times[1000:] += 30
    start = datetime(2024, 4, 16, 15, 19, 9, tzinfo=timezone.utc)
    if kind == "text":
        return [(start + timedelta(seconds=time)).strftime("%Y-%m-%d %H:%M:%S.%f") for time in times]
    if kind in ("ns", "us", "ms"):
        scale = {"ns": 10**9, "us": 10**6, "ms": 1000}[kind]
        values = 1_713_280_749 * scale + np.round(times * scale).astype("i8")
        return pa.array(values, pa.timestamp(kind, "UTC"))
    if kind == "duration":
        return pa.array(np.round(times * 1000).astype("i8"), pa.duration("ms"))
    return times if kind == "s" else np.round(1000 * (1.7e9 + times)).astype("i8")


@pytest.mark.parametrize("kind", ["ns", "us", "ms", "duration", "s", "epoch ms", "text"])
def test_any_clock_gives_rate_and_gaps(tmp_path, kind):
    path = saved(tmp_path, timestamp=stamps(kind), II=SIGNAL[:, 1])
    record = read_record(path)
    found = record.signal[:, 0]
    assert record.rate == 250 and record.seconds == pytest.approx(40)
    assert np.isnan(found[1000:8500]).all()
    np.testing.assert_array_equal(found[8500:], SIGNAL[1000:, 1])


def test_the_unit_of_a_clock_may_stand_in_its_heading(tmp_path):
    path = saved(tmp_path, **{"time [ms]": np.arange(2500) * 4.0, "II [uV]": SIGNAL[:, 1]})
    record = read_record(path)
    assert record.rate == 250 and record.source.units == ["uV"]


def test_a_pandas_index_is_the_clock(tmp_path):
    pd = pytest.importorskip("pandas", reason="no pandas")
    index = pd.date_range("2024-04-16", periods=2500, freq="4ms")
    pd.DataFrame({"II": SIGNAL[:, 1]}, index=index).to_parquet(tmp_path / "a.parquet")
    assert read_record(tmp_path / "a.parquet").rate == 250


def test_a_rate_in_the_metadata_or_the_option(tmp_path):
    path = saved(tmp_path, {"sampling_rate": "500"}, II=SIGNAL[:, 1], event=["x"] * 2500)
    record = read_record(path)
    assert record.rate == 500 and record.source.told["rate"] == "the file's metadata"
    path = saved(tmp_path, II=SIGNAL[:, 1])
    with pytest.raises(RecordError, match="no column of time"):
        read_record(path)
    assert read_record(path, rate=250).source.told["rate"] == "the option"


def test_missing_values_are_nan(tmp_path):
    values = pa.array([0.5, None, 1.5, None] * 100, pa.float32())
    found = read_record(saved(tmp_path, II=values), rate=250).signal[:, 0]
    np.testing.assert_array_equal(found[:4], [0.5, np.nan, 1.5, np.nan])
    counts = pa.array([5, None, 15, None] * 100, pa.int16())
    found = read_record(saved(tmp_path, II=counts), rate=250).signal[:, 0]
    np.testing.assert_array_equal(found[:4], [5, np.nan, 15, np.nan])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"name": ["Erika"] * 9}, "no column of numbers"),
        ({"II": np.zeros(0)}, "no samples"),
        ({"time": pa.array([1.0, None, 2.0]), "II": np.zeros(3)}, "a row without a time"),
        ({"time": ["a", "b", "c"], "II": np.zeros(3)}, "expected a column of time"),
    ],
)
def test_faults_are_told(tmp_path, columns, words):
    with pytest.raises(RecordError, match=words):
        read_record(saved(tmp_path, **columns))


def test_it_is_read_in_parts(tmp_path, monkeypatch):
    path = write_parquet(tmp_path / "a.parquet", SIGNAL, ("I", "II"), 250, lost=range(300, 1100))
    whole = read_record(path).signal
    monkeypatch.setattr("sibeat_edge.reading.datasets.parquetfile.ROWS", 111)
    source, _ = open_source(path, None)
    blocks = list(source.blocks([1], 1.3))
    assert max(len(block) for _, block in blocks) == 325
    np.testing.assert_array_equal(
        np.concatenate([block for _, block in blocks]), whole[~np.isnan(whole)][:, None]
    )


@pytest.mark.parametrize(
    ("name", "stamps"),
    [
        ("sensor timestamp [ns]", lambda t: 599_616_000 * 10**9 + np.round(t * 1e9).astype("i8")),
        ("Phone timestamp", lambda t: [f"2026-01-05T08:00:{s:06.3f}" for s in t]),
        ("ts", lambda t: np.round(1000 * (1.7e9 + t)).astype("i8")),
        ("Zeit", lambda t: t),
    ],
)
@pytest.mark.parametrize("rate", [None, 250])
def test_a_clock_of_any_name_tells_gaps_whether_the_rate_is_given_or_not(tmp_path, name, stamps, rate):
    times = np.arange(2500) / 250 + np.where(np.arange(2500) < 1000, 0, 30)
    path = saved(tmp_path, **{name: stamps(times), "II": SIGNAL[:, 1]})
    record = read_record(path, rate=rate)
    assert record.leads == ("II",) and record.rate == 250 and record.seconds == pytest.approx(40)


@pytest.mark.parametrize("heading", ["II_uV", "II uV", "II [uV]"])
def test_the_unit_of_a_heading_is_read_as_in_a_text(tmp_path, heading):
    path = saved(tmp_path, time=np.arange(2500) / 250, **{heading: SIGNAL[:, 1] * 10.0})  # 10 µV: no guess
    found = read_record(path, lead="first").signal[:, 0]
    np.testing.assert_allclose(found, SIGNAL[:, 1] / 100)


@pytest.mark.parametrize(
    ("stamps", "words"),
    [
        (np.r_[np.arange(1000), np.arange(1500)] / 250, "after a later time"),
        (pa.array([None, *np.arange(2499) / 250]), "a row without a time"),
    ],
)
def test_a_rate_that_is_given_goes_before_a_clock_that_tells_no_time(tmp_path, stamps, words):
    path = saved(tmp_path, time=stamps, II=SIGNAL[:, 1])
    with pytest.raises(RecordError, match=words):
        read_record(path)
    record = read_record(path, rate=250)
    assert record.seconds == 10 and any(words in told and "took 250 Hz" in told for told in record.warnings)


def test_of_several_clocks_the_first_that_tells_the_time_is_taken(tmp_path):
    path = saved(tmp_path, date=np.full(2500, 20260105), time=np.arange(2500) / 250, II=SIGNAL[:, 1])
    assert read_record(path).rate == 250


@pytest.mark.parametrize("kind", ["s", "ms", "us", "ns"])
def test_a_time_of_day_is_a_clock(tmp_path, kind):
    import datetime as dt

    times = np.arange(25_000) / 100 + np.where(np.arange(25_000) < 10_000, 0, 30)
    if kind == "s":
        times = np.floor(times)
    day = [(dt.datetime(2026, 1, 5, 8) + timedelta(seconds=time)).time() for time in times]
    form = pa.time32(kind) if kind in ("s", "ms") else pa.time64(kind)
    path = saved(tmp_path, when=pa.array(day, form), II=np.resize(SIGNAL[:, 1], 25_000))
    record = read_record(path, rate=100)
    assert record.rate == pytest.approx(100) and record.seconds == pytest.approx(280, abs=1.1)


@pytest.mark.parametrize("index", [lambda numbers: numbers, lambda numbers: numbers / 250])
def test_the_index_of_a_frame_tells_gaps_if_the_rate_is_given(tmp_path, index):
    pd = pytest.importorskip("pandas", reason="no pandas")
    numbers = np.r_[0:1000, 8500:10_000]
    pd.DataFrame({"II": SIGNAL[:, 1]}, index=index(numbers)).to_parquet(tmp_path / "a.parquet")
    assert read_record(tmp_path / "a.parquet", rate=250).seconds == pytest.approx(40)
    with pytest.raises(RecordError, match="no column of time"):
        read_record(tmp_path / "a.parquet")


def test_numbers_of_rows_tell_gaps_if_the_rate_is_given(tmp_path):
    path = saved(tmp_path, **{"Sample Index": np.r_[0:1000, 8500:10_000], "II": SIGNAL[:, 1]})
    assert read_record(path, rate=250).seconds == pytest.approx(40)


def over_midnight(day, clock):
    """Texts of ten seconds around a midnight, with the 30 s that are left out of ``stamps``."""
    begin = datetime(2024, 4, 30, 23, 59, 58)
    times = [begin + timedelta(seconds=time) for time in stamps("s")]
    return [time.strftime(day) for time in times], [time.strftime(clock)[:-3] for time in times]


@pytest.mark.parametrize(
    ("day", "clock", "names"),
    [
        ("%Y-%m-%d", "%H:%M:%S.%f", ("date", "time")),
        ("%d.%m.%Y", "%H:%M:%S,%f", ("Datum", "Uhrzeit")),
        ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.%f", ("date", "timestamp")),
    ],
)
def test_a_date_and_a_time_of_day_in_two_columns_are_one_clock_over_midnight(tmp_path, day, clock, names):
    """The dates alone tell no time; a row a day would be 0.03 Hz."""
    days, clocks = over_midnight(day, clock)
    path = saved(tmp_path, **{names[0]: days, names[1]: clocks, "II": SIGNAL[:, 1]})
    record = read_record(path)
    assert record.rate == 250 and record.seconds == pytest.approx(40)
    np.testing.assert_array_equal(record.signal[8500:, 0], SIGNAL[1000:, 1])


@pytest.mark.parametrize("has_date", [False, True])
def test_a_column_of_times_of_day_goes_on_behind_midnight(tmp_path, has_date):
    begin = datetime(2024, 4, 30, 23, 59, 58)
    times = [begin + timedelta(seconds=time) for time in stamps("s")]
    days = {"day": pa.array([time.date() for time in times])} if has_date else {}
    path = saved(tmp_path, **days, time=pa.array([time.time() for time in times]), II=SIGNAL[:, 1])
    assert read_record(path).rate == 250 and read_record(path).seconds == pytest.approx(40)


def test_dates_alone_are_no_clock(tmp_path):
    days, _ = over_midnight("%Y-%m-%d", "%H:%M:%S.%f")
    with pytest.raises(RecordError, match="column of time"):
        read_record(saved(tmp_path, date=days, II=SIGNAL[:, 1]))


@pytest.mark.parametrize("rate", [100, 250, 1000])
def test_a_clock_of_100_ns_is_told_by_its_size_and_the_rate(tmp_path, rate):
    times = np.arange(2500) / rate
    times[1000:] += 3
    ticks = 639_031_968_000_000_000 + np.round(times * 1e7).astype("i8")
    path = saved(tmp_path, timestamp=ticks, II=SIGNAL[:, 1])
    for arguments in ({}, {"rate": rate}):
        record = read_record(path, **arguments)
        assert record.rate == rate and record.seconds == pytest.approx(3 + 2500 / rate, abs=0.01)
