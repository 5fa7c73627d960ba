"""EDF, EDF+ and BDF files as recorders write them, compared with EDFlib or with what was written."""

import numpy as np
import pyedflib
import pytest
from examples import write_edf
from hypothesis import given, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.edffile import EdfFile
from sibeat_edge.reading.record import read_record

RATE = 250
PLACES = {"patient": 8, "date": 168, "reserved": 192, "records": 236, "duration": 244}
FIELDS = {"label": 0, "unit": 96, "low": 104, "high": 112, "least": 120, "most": 128}


def values(seconds=10, rate=RATE, seed=0):
    return np.round(np.random.default_rng(seed).uniform(-2, 2, seconds * rate), 3)


@pytest.fixture
def path(tmp_path):
    """Of a file of 10 s, a lead MLII in mV."""
    return write_edf(tmp_path / "a.edf", [values()], [RATE])


def put(path, field, raw, channel=0):
    """Write ``raw`` bytes into a field of the header, or of a channel of it."""
    data = bytearray(path.read_bytes())
    count = int(data[252:256])
    if field in PLACES:
        data[PLACES[field] : PLACES[field] + len(raw)] = raw
    else:
        width = 16 if field == "label" else 8
        place = 256 + FIELDS[field] * count + width * channel
        data[place : place + width] = raw.ljust(width)
    path.write_bytes(data)
    return path


def gapped(path, onsets, seed=0, samples=RATE, duration="1", width=2, annotate=lambda text: text):
    """A file of one lead, of which each data record has a time of its own; returns the lead's steps."""
    label = b"EDF Annotations" if width == 2 else b"BDF Annotations"
    columns = [
        (16, [b"ECG II", label]), (80, [b"", b""]), (8, [b"mV", b""]), (8, [b"-3.2768", b"-1"]),
        (8, [b"3.2767", b"1"]), (8, [b"-32768", b"-32768"]), (8, [b"32767", b"32767"]), (80, [b"", b""]),
        (8, [b"%d" % samples, b"20"]), (32, [b"", b""]),
    ]  # fmt: skip
    kind, version = (b"EDF+D", b"0") if width == 2 else (b"BDF+D", b"\xffBIOSEMI")
    head = (
        version.ljust(8) + b"X X X X".ljust(80) + b"Startdate X X X X".ljust(80) + b"01.01.25" + b"10.00.00"
    )
    head += b"768".ljust(8) + kind.ljust(44) + b"%-8d" % len(onsets) + duration.encode().ljust(8) + b"2   "
    head += b"".join(cell.ljust(size) for size, cells in columns for cell in cells)
    steps = np.random.default_rng(seed).integers(-9999, 9999, (len(onsets), samples)).astype("<i4")
    body = b""
    for onset, row in zip(onsets, steps, strict=True):
        wide = row.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
        body += wide + annotate(b"%+g\x14\x14\0" % onset).ljust(20 * width, b"\0")
    path.write_bytes(head + body)
    return steps


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=10 / 65535)


# What EDFlib reads


@given(
    rates=st.lists(st.sampled_from([1, 50, 128, 250, 361]), min_size=1, max_size=4),
    kind=st.sampled_from(["edf", "bdf"]),
    seconds=st.sampled_from([0.1, 0.9, 2.5, 60]),
    high=st.sampled_from([5.0, -5.0, 0.07]),
)
@settings(max_examples=60)
def test_samples_are_those_that_edflib_reads(tmp_path_factory, rates, kind, seconds, high):
    path = tmp_path_factory.mktemp("a", numbered=True) / f"a.{kind}"
    filetype = pyedflib.FILETYPE_EDFPLUS if kind == "edf" else pyedflib.FILETYPE_BDFPLUS
    digital = 32767 if kind == "edf" else 8388607
    with pyedflib.EdfWriter(str(path), len(rates), file_type=filetype) as writer:
        for number, rate in enumerate(rates):
            writer.setSignalHeader(number, {
                "label": f"L{number}", "dimension": "mV", "sample_frequency": rate, "physical_max": high,
                "physical_min": -high - 0.01, "digital_max": digital, "digital_min": -digital - 1,
                "transducer": "", "prefilter": "",
            })  # fmt: skip
        writer.writeSamples([values(3, rate) * abs(high) / 3 for rate in rates])
    source = EdfFile(path)
    assert source.leads == [f"L{number}" for number in range(len(rates))] and not source.cut
    with pyedflib.EdfReader(str(path)) as reader:
        for number, rate in enumerate(rates):
            assert source.rates[number] == reader.getSampleFrequency(number) == rate
            found = np.concatenate([samples[:, 0] for _, samples in source.blocks([number], seconds)])
            np.testing.assert_allclose(found, reader.readSignal(number), rtol=1e-9, atol=1e-9)


def test_the_ending_may_be_in_capitals_and_the_rate_is_that_of_the_lead(tmp_path):
    path = write_edf(tmp_path / "A.EDF", [values(10, 10), values()], [10, RATE], ["Resp", "ECG II"])
    record = read_record(path)
    assert (record.rate, record.leads, record.source.leads) == (RATE, ("ECG II",), ["Resp", "ECG II"])


# Headers that EDFlib refuses


@pytest.mark.parametrize("raw", [b"\xb5V", b"\xc2\xb5V", "\u03bcV".encode(), b"\xe6V", b"uV", b"UV\0\0"])
@pytest.mark.parametrize("channel", [0, 1])
def test_microvolts_are_told_in_any_encoding(tmp_path, raw, channel):
    path = write_edf(tmp_path / "a.edf", [values(), values()], [RATE] * 2, ["MLII", "Fpz"])
    record = read_record(put(path, "unit", raw, channel))
    assert [unit.casefold() for unit in record.source.units] == [
        "mv" if channel else "uv",
        "uv" if channel else "mv",
    ]
    close(record.signal[:, 0], values() * (1 if channel else 0.001))


@pytest.mark.parametrize("raw", ["мкВ".encode("cp1251"), "мкВ".encode("cp866"), "мкВ".encode(), b"MicroVol"])
def test_microvolts_may_be_in_cyrillic_or_longer_than_the_field(path, raw):
    close(read_record(put(path, "unit", raw)).signal[:, 0], values() / 1000)


@pytest.mark.parametrize("unit", ["mmHg", "%", "\u00b0C", "\u03a9", "nonsense"])
def test_a_channel_of_another_unit_keeps_no_other_from_being_read(tmp_path, unit):
    path = write_edf(tmp_path / "a.edf", [values(), values()], [RATE] * 2, ["MLII", "Other"])
    put(path, "unit", unit.encode("utf-8")[:8], 1)
    close(read_record(path).signal[:, 0], values())
    with pytest.raises(RecordError, match=f"found lead Other in '{unit}'; expected mV"):
        read_record(path, "Other")


def test_a_unit_that_is_not_stated_is_the_one_that_is_given(path):
    put(path, "unit", b"")
    assert EdfFile(path).units == [""]
    close(read_record(path).signal[:, 0], values())
    close(read_record(path, unit="uV").signal[:, 0], values() / 1000)


@pytest.mark.parametrize("name", ["Jürgen Weiß", "Žofie", "\u6797"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1250"])
def test_names_in_any_encoding_are_passed_over(path, name, encoding):
    put(path, "patient", name.encode(encoding, errors="replace"))
    close(read_record(path).signal[:, 0], values())


@pytest.mark.parametrize("date", [b"00.00.00", b"xx.xx.xx", b"32.13.99", b"        ", b"01/02/25", b"\0" * 8])
def test_anonymised_dates_are_passed_over(path, date):
    put(path, "date", date)
    close(read_record(path).signal[:, 0], values())


def test_a_channel_without_a_name_has_a_number(path):
    put(path, "label", b"")
    source = EdfFile(path)
    assert (source.leads, source.named) == (["1"], False)
    assert "took its column 1 for MLII" in read_record(path).warnings[0]


def test_a_range_with_decimal_commas_or_from_high_to_low(path):
    put(path, "high", b"5,0"), put(path, "low", b"-5,0")
    close(read_record(path).signal[:, 0], values())
    put(path, "high", b"-5"), put(path, "low", b"5")
    close(read_record(path).signal[:, 0], -values())


def test_a_channel_without_a_range_keeps_no_other_from_being_read(tmp_path):
    path = write_edf(tmp_path / "a.edf", [values(), values()], [RATE] * 2, ["MLII", "Other"])
    put(path, "least", b"32767", 1)
    close(read_record(path).signal[:, 0], values())
    with pytest.raises(RecordError, match="found no range of values of channel Other"):
        read_record(path, "Other").signal  # noqa: B018


# Numbers of data records


@pytest.mark.parametrize("declared", [b"-1", b"4", b"0", b"", b"?"])
def test_all_data_records_of_an_unfinished_or_old_header_are_read(path, declared):
    put(path, "records", declared.ljust(8))
    record = read_record(path)
    close(record.signal[:, 0], values())
    assert record.seconds == 10 and "found 10 data records" in record.cut
    assert (
        "too (an unfinished" if declared in (b"-1", b"", b"?") else f"expected {int(declared or 0)} as"
    ) in record.cut


@given(size=st.integers(0, 5100), declared=st.sampled_from([b"10", b"-1"]))
@settings(max_examples=60)
def test_of_a_cut_file_is_read_what_is_there(tmp_path_factory, size, declared):
    folder = tmp_path_factory.mktemp("a", numbered=True)
    path = write_edf(folder / "a.edf", [values()], [RATE])
    put(path, "records", declared.ljust(8))
    header = 256 * (int(path.read_bytes()[252:256]) + 1)
    each = (path.stat().st_size - header) // 10
    path.write_bytes(path.read_bytes()[: header + size])
    count = size // each * RATE + min(RATE, size % each // 2)
    if not size:
        with pytest.raises(RecordError, match="found no samples"):
            read_record(path)
        return
    record = read_record(path)
    if not count:
        with pytest.raises(RecordError, match="found no samples of channel"):
            record.signal  # noqa: B018
        return
    close(record.signal[:, 0], values()[:count])
    assert record.seconds == pytest.approx(count / RATE)
    assert record.cut if size < 10 * each or declared == b"-1" else not record.cut


def test_a_few_bytes_behind_the_last_data_record_are_none(path):
    with open(path, "ab") as file:
        file.write(b"\r\n")
    record = read_record(path)
    assert not record.cut and len(record.signal) == 10 * RATE


# Gaps


@pytest.mark.parametrize("seconds", [0.3, 1, 60])
@pytest.mark.parametrize("width", [2, 3])
def test_gaps_between_data_records_are_gaps_in_time(tmp_path, seconds, width):
    onsets = [0.5, 1.5, 2.5, 62.5, 63.5, 70.25]
    path = tmp_path / ("a.edf" if width == 2 else "a.bdf")
    steps = gapped(path, onsets, width=width)
    record = read_record(path, wanted=("II",))
    assert record.seconds == 70.75 and record.source.leads == ["ECG II"]
    starts = {time: len(samples) for time, samples in record.blocks(seconds)}
    assert {0.0, 62.0, 69.75} <= set(starts) and (seconds < 60 or list(starts.values()) == [750, 500, 250])
    whole = record.signal[:, 0]
    for onset, row in zip(onsets, steps, strict=True):
        first = round((onset - 0.5) * RATE)
        np.testing.assert_allclose(whole[first : first + RATE], row / 10000, atol=1e-9)
    assert np.isfinite(whole).sum() == 6 * RATE and not record.cut


def undeclared(path, kind=b"EDF+C"):
    """With a header that declares no gaps."""
    path.write_bytes(path.read_bytes().replace(b"EDF+D", kind, 1))
    return read_record(path, wanted=("II",))


@pytest.mark.parametrize("kind", [b"EDF+C", b"     "])
def test_gaps_that_the_header_does_not_declare_are_gaps_with_a_warning(tmp_path, kind):
    path = tmp_path / "a.edf"
    gapped(path, [0.5, 1.5, 2.5, 62.5, 63.5, 70.25])
    declared = read_record(path, wanted=("II",)).signal
    record = undeclared(path, kind)
    np.testing.assert_array_equal(record.signal, declared)
    assert (
        record.seconds == 70.75
        and "found data records with times that leave out 64.75 s" in record.warnings[0]
    )


@pytest.mark.parametrize("onsets", [[0] * 5, [0, 1, 9, 2, 3], [0, 0.1, 5], [0, 1, 1e9], [3, 4, 5], [7]])
def test_times_of_a_file_without_gaps_that_mean_nothing_are_passed_over(tmp_path, onsets):
    steps = gapped(tmp_path / "a.edf", onsets, annotate=lambda text: text.replace(b"e+09", b"0" * 9))
    record = undeclared(tmp_path / "a.edf")
    assert [time for time, _ in record.blocks(60)] == [0.0] and len(record.signal) == steps.size
    assert not record.warnings


def test_times_that_are_rounded_make_no_gap(tmp_path):
    onsets = [round(n * 128 / 250, 2) for n in range(50)]
    gapped(tmp_path / "a.edf", onsets, samples=128, duration="0.512")
    record = read_record(tmp_path / "a.edf", wanted=("II",))
    assert [time for time, _ in record.blocks(60)] == [0.0] and record.rate == 250


def test_a_clock_that_runs_a_little_slow_is_even(tmp_path):
    steps = gapped(tmp_path / "a.edf", [n * 0.99 for n in range(20)])
    blocks = list(read_record(tmp_path / "a.edf", wanted=("II",)).blocks(60))
    assert [time for time, _ in blocks] == [0.0] and len(blocks[0][1]) == steps.size


def test_a_channel_of_which_nothing_is_there(tmp_path):
    path = write_edf(tmp_path / "a.edf", [values(), values()], [RATE] * 2, ["MLII", "V1"])
    header = 256 * (int(path.read_bytes()[252:256]) + 1)
    path.write_bytes(path.read_bytes()[: header + 300])
    assert len(read_record(path).signal) == 150
    with pytest.raises(RecordError, match="found no samples of channel V1"):
        read_record(path, "V1").signal  # noqa: B018


def test_a_first_data_record_without_a_time_is_the_beginning(tmp_path):
    path = tmp_path / "a.edf"
    gapped(path, [0, 31, 32, 60], annotate=lambda text: b"" if text.startswith(b"+0") else text)
    assert [time for time, _ in read_record(path, wanted=("II",)).blocks(60)] == [0.0, 30.0]


def test_other_annotations_beside_a_time_do_not_matter(tmp_path):
    path = tmp_path / "a.edf"
    gapped(
        path, [0, 9], annotate=lambda text: text.replace(b"\x14\x14", b"\x14\x14\0+3\x1514\x14Noise\x14", 1)
    )
    assert [time for time, _ in read_record(path, wanted=("II",)).blocks(60)] == [0.0, 9.0]


def test_gaps_that_are_declared_but_have_no_times_cannot_be_told(tmp_path):
    steps = gapped(tmp_path / "a.edf", [0, 1, 2])
    (tmp_path / "a.edf").write_bytes(
        (tmp_path / "a.edf").read_bytes().replace(b"EDF Annotations", b"Other".ljust(15))
    )
    record = read_record(tmp_path / "a.edf", "ECG II")
    assert len(record.signal) == steps.size and "gaps cannot be told" in record.warnings[0]


def test_a_data_record_without_a_time_follows_the_one_before(tmp_path):
    path = tmp_path / "a.edf"
    gapped(path, [0, 1, 2, 8], annotate=lambda text: b"" if text.startswith(b"+1") else text)
    record = read_record(path, wanted=("II",))
    assert [time for time, _ in record.blocks(60)] == [0.0, 8.0]
    assert "found 1 data records without a time" in record.warnings[0]


@pytest.mark.parametrize(
    ("onset", "words"),
    [(1.5, "1.5 s, not behind the one before"), (1e9, "1e+09 s, beyond any recording")],
)
def test_nothing_is_read_behind_a_clock_that_goes_back_or_far_ahead(tmp_path, onset, words):
    annotate = lambda text: text.replace(b"e+09", b"0" * 9)  # noqa: E731
    gapped(tmp_path / "a.edf", [0, 1, 2, onset, 4], annotate=annotate)
    record = read_record(tmp_path / "a.edf", wanted=("II",))
    assert len(record.signal) == 3 * RATE
    assert f"found data record 4 at {words}; expected" in record.cut


def test_a_cut_file_with_gaps_is_read_to_its_last_whole_data_record_as_the_time_stands_at_the_end(tmp_path):
    path = tmp_path / "a.edf"
    steps = gapped(path, [0, 1, 20])
    path.write_bytes(path.read_bytes()[:-340])
    record = read_record(path, wanted=("II",))
    assert "found 2 data records; expected 3" in record.cut
    np.testing.assert_allclose(record.signal[:, 0], steps[:2].ravel() / 10000, atol=1e-9)
