"""WFDB records of every form that the format allows, compared with wfdb or with what was written."""

import numpy as np
import pytest
import wfdb
from examples import write_wfdb
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.wfdbfile import WfdbFile

RATE = 250
BITS = {"16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10, "8": 8}


def steps(samples=1000, leads=1, seed=0, most=1000):
    return np.random.default_rng(seed).integers(-most, most, (samples, leads))


def checksum(values):
    return int(values.sum()) % 65536


def write(folder, lines, samples=None, record="a 1 250 1000", name="a"):
    """A header of these lines, and int16 ``samples`` in ``a.dat``; returns the record's path."""
    (folder / f"{name}.hea").write_text("\n".join([record, *lines]) + "\n")
    if samples is not None:
        samples.astype("<i2").tofile(folder / f"{name}.dat")
    return folder / name


def whole(record, seconds=60):
    return np.concatenate([samples for _, samples in record.blocks(seconds)])


# Formats


def stored(form, frames, per_frame, seed):
    """Random bytes of a signal file that holds ``frames``."""
    count = frames * sum(per_frame)
    size = {"212": -(-count // 2) * 3, "310": -(-count // 3) * 4, "311": -(-count // 3) * 4}.get(
        form, count * max(1, BITS[form] // 8)
    )
    data = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    if form == "311":
        data[3::4] &= 0x3F  # two bits that are not used, which wfdb takes for some of the third sample
    return data


@given(
    form=st.sampled_from(sorted(BITS)),
    frames=st.integers(1, 400),
    per_frame=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    offset=st.sampled_from([0, 24]),
    seconds=st.sampled_from([0.004, 0.1, 0.33, 60]),
    seed=st.integers(0, 99),
)
@settings(max_examples=150)
def test_samples_of_every_format_are_those_that_wfdb_reads(
    tmp_path_factory, form, frames, per_frame, offset, seconds, seed
):
    folder = tmp_path_factory.mktemp("a", numbered=True)
    data = stored(form, frames, per_frame, seed)
    (folder / "a.dat").write_bytes(bytes(offset) + data.tobytes())
    lines = [
        f"a.dat {form}x{count}+{offset} {100 + count}({count})/mV 16 5 7 0 0 L{count}" for count in per_frame
    ]
    path = write(folder, lines, record=f"a {len(per_frame)} {RATE} {frames}")
    expected = wfdb.rdrecord(str(path), smooth_frames=False).e_p_signal
    source = WfdbFile(path)
    assert not source.cut and not source.warnings
    for column, values in enumerate(expected):
        assert source.rates[column] == RATE * per_frame[column]
        found = np.concatenate([samples for _, samples in source.blocks([column], seconds)])
        np.testing.assert_array_equal(found[:, 0], values)


@pytest.mark.parametrize("form", ["516", "524"])
def test_compressed_samples_are_read(tmp_path, form):
    values = steps(3000, 2) / 1000
    wfdb.wrsamp(
        "a", RATE, ["mV", "mV"], ["MLII", "V1"], values, fmt=[form] * 2, adc_gain=[1000.0] * 2,
        baseline=[0, 0], write_dir=str(tmp_path),
    )  # fmt: skip
    record = read_record(tmp_path / "a", "V1")
    np.testing.assert_allclose(whole(record, 1.7), values[:, 1:], atol=1e-9)
    assert not record.cut


def test_leads_of_several_files_are_read_side_by_side(tmp_path):
    values = steps(leads=3)
    values[:, [0, 2]].astype("<i2").tofile(tmp_path / "one.dat")
    values[:, 1].astype(">i2").tofile(tmp_path / "two.dat")
    path = write(tmp_path, ["one.dat 16 100 0 0", "two.dat 61 10 0 0", "one.dat 16 1 0 0"], record="a 3 250")
    record = read_record(path, ["1", "2", "3"], wanted=("I", "II", "V1"))
    np.testing.assert_array_equal(record.signal, values / [100, 10, 1])


@pytest.mark.parametrize("ending", ["", ".mat", ".hea"])
def test_a_matlab_file_beside_a_header_is_read_as_the_header_says(tmp_path, ending):
    values = steps()
    (tmp_path / "A1.mat").write_bytes(b"\x1e" + bytes(23) + values.astype("<i2").tobytes())
    path = write(tmp_path, ["A1.mat 16+24 1000/mV 16 0 0 0 0 II"], record="A1 1 300 1000", name="A1")
    record = read_record(f"{path}{ending}")
    assert (record.name, record.rate, record.leads) == ("A1", 300, ("II",))
    np.testing.assert_array_equal(record.signal, wfdb.rdrecord(str(path)).p_signal)


# Skew


@given(
    skews=st.lists(st.integers(0, 40), min_size=1, max_size=3),
    frames=st.integers(1, 300),
    seconds=st.sampled_from([0.004, 0.05, 0.37, 60]),
)
@settings(max_examples=60)
def test_a_skewed_lead_stands_where_it_belongs_and_its_checksum_is_right(
    tmp_path_factory, skews, frames, seconds
):
    folder = tmp_path_factory.mktemp("a", numbered=True)
    values = steps(frames, len(skews))
    lines = [
        f"a.dat 16:{skew} 200/mV 16 0 0 {checksum(values[:, lead])} 0 L{lead}"
        for lead, skew in enumerate(skews)
    ]
    path = write(folder, lines, values, f"a {len(skews)} 250 {frames}")
    names = [f"L{lead}" for lead in range(len(skews))]
    record = read_record(path, names, wanted=names)
    found = whole(record, seconds)
    assert len(found) == frames and not record.cut
    for lead, skew in enumerate(skews):
        kept = max(0, frames - skew)
        np.testing.assert_array_equal(found[:kept, lead], values[skew:, lead] / 200)
        assert np.isnan(found[kept:, lead]).all()
    if len(set(skews)) == 1 and skews[0] <= frames:  # wfdb fails for leads of several skews
        np.testing.assert_array_equal(found, wfdb.rdrecord(str(path)).p_signal)


def test_skewed_frames_of_several_samples_are_moved_by_frames(tmp_path):
    values = steps(2000)
    path = write(tmp_path, [f"a.dat 16x2:3 200/mV 16 0 0 {checksum(values)} 0 II"], values)
    record = read_record(path)
    found = whole(record, 0.5)
    np.testing.assert_array_equal(found[:-6], values[6:] / 200)
    assert np.isnan(found[-6:]).all() and not record.cut


# What headers leave out


@pytest.mark.parametrize("first", ["a 1", "a 1 250", "a 1 250 0", "a 1 250/1000(5)", "a 1 250.0 0 12:30:01"])
@pytest.mark.parametrize("form", ["16", "212", "310"])
def test_a_length_that_is_not_stated_is_that_of_the_signal_file(tmp_path, first, form):
    path = write(tmp_path, [f"a.dat {form} 200/mV 16 0 0 0 0 II"], record=first)
    (tmp_path / "a.dat").write_bytes(stored(form, 999, [1], 0).tobytes())
    record = read_record(path)
    inferred = {"16": 999, "212": 1000, "310": 999}[form]
    assert (record.rate, record.seconds) == (250, inferred / 250)
    (tmp_path / "b.hea").write_text(f"b 1 250\na.dat {form} 200/mV 16 0 0 0 0 II\n")  # as wfdb infers it
    np.testing.assert_array_equal(record.signal, wfdb.rdrecord(str(tmp_path / "b")).p_signal)


def test_leads_without_names_have_numbers(tmp_path):
    values = steps(leads=2)
    path = write(tmp_path, ["a.dat 16 200/mV", "a.dat 16 200/mV"], values, "a 2 250 1000")
    source = WfdbFile(path)
    assert (source.leads, source.named) == (["1", "2"], False)
    np.testing.assert_array_equal(read_record(path, "2").signal, values[:, 1:] / 200)
    one = write(tmp_path, ["b.dat 16 200/mV"], values[:, :1], name="b")
    assert "found no names of leads; took its column 1 for MLII" in read_record(one).warnings[0]


def test_a_name_among_leads_without_one_is_kept(tmp_path):
    lines = ["a.dat 16 200/mV", "a.dat 16 200/mV 16 0 0 0 0 ECG lead II"]
    source = WfdbFile(write(tmp_path, lines, steps(leads=2), "a 2 250 1000"))
    assert (source.leads, source.named) == (["1", "ECG lead II"], True)


@pytest.mark.parametrize("gain", ["", " 0", " 0/mV", " 0(0)", " 0.0"])
def test_without_a_gain_there_is_no_unit_and_wfdb_takes_200_steps_per_mv(tmp_path, gain):
    values = steps() + 1024
    rest = " 11 1024 0 0 0 II" if gain and "(" not in gain else ""
    path = write(tmp_path, [f"a.dat 16{gain}{rest}"], values)
    source = WfdbFile(path)
    assert source.units == [""]
    record = read_record(path, "first")
    assert record.unit == "200/mV"
    assert any("without a gain; took 200/mV (--unit UNIT" in told for told in record.warnings)
    np.testing.assert_allclose(record.signal, wfdb.rdrecord(str(path)).p_signal, rtol=1e-12)
    told = read_record(path, "first", unit="2000/mV")
    assert not any("took 200/mV" in warning for warning in told.warnings)
    np.testing.assert_allclose(told.signal * 10, record.signal, rtol=1e-12)


def test_a_gain_without_a_unit_is_per_mv(tmp_path):
    path = write(tmp_path, ["a.dat 16 -100(50) 16 0 0 0 0 II"], steps())
    assert WfdbFile(path).units == ["mV"]
    np.testing.assert_array_equal(read_record(path).signal, wfdb.rdrecord(str(path)).p_signal)


MICRO, MU = "\u00b5", "\u03bc"
SIGNS = [
    ("utf-8", MICRO),
    ("utf-8", MU),
    ("latin-1", MICRO),
    ("cp437", MICRO),
    ("cp1253", MU),
    ("shift-jis", MU),
]


@pytest.mark.parametrize(("encoding", "sign"), [*SIGNS, ("gb2312", MU), ("euc-jp", MU)])
def test_microvolts_are_told_in_any_encoding(tmp_path, encoding, sign):
    path = write(tmp_path, ["a.dat 16 1/?V 16 0 0 0 0 MLII"], steps())
    header = path.with_suffix(".hea")
    header.write_bytes(header.read_bytes().replace(b"?", sign.encode(encoding)))
    np.testing.assert_allclose(read_record(path).signal, steps() / 1000)


def test_a_header_with_a_mark_of_byte_order_comments_and_other_line_ends(tmp_path):
    path = write(tmp_path, ["a.dat 16 200/mV 16 0 0 0 0 MLII"], steps())
    text = path.with_suffix(".hea").read_text().replace("\n", "\r\n")
    path.with_suffix(".hea").write_bytes(("\ufeff# Übung\r\n\r\n" + text).encode())
    np.testing.assert_array_equal(read_record(path).signal, steps() / 200)


# Damaged files


@given(size=st.integers(1, 1499), form=st.sampled_from(["16", "212", "310", "311", "24"]))
@settings(max_examples=80)
def test_of_a_truncated_signal_file_is_read_what_is_there(tmp_path_factory, size, form):
    folder = tmp_path_factory.mktemp("a", numbered=True)
    data = stored(form, 1000, [2], 1)[: size if form != "16" else size * 2]
    assume(len(data) > 8)
    line = f"a.dat {form} 200/mV 16 0 0 99 0 MLII\na.dat {form} 200/mV 16 0 0 99 0 V1"
    path = write(folder, [line], record="a 2 250 1000")
    (folder / "a.dat").write_bytes(stored(form, 1000, [2], 1).tobytes())
    complete = read_record(path).signal
    (folder / "a.dat").write_bytes(data.tobytes())
    record = read_record(path)
    found = record.signal
    left = len(data) * 8 - len(found) * 2 * {"310": 32 / 3, "311": 32 / 3}.get(form, BITS[form])
    assert 0 <= left + 11 and left < 2 * BITS[form] + 32 and len(found) == record.seconds * 250
    np.testing.assert_array_equal(found, complete[: len(found)])
    told = f"a.dat: found {len(found)} samples; expected 1000 as a.hea declares (a truncated file?)."
    assert record.cut == f"{folder}/{told}"


def test_a_changed_sample_is_told_by_the_checksum_and_nothing_is_lost(tmp_path):
    path = write_wfdb(tmp_path, "a", steps(leads=2) / 1000, ("MLII", "V1"))
    data = bytearray(path.with_suffix(".dat").read_bytes())
    data[500] ^= 1
    path.with_suffix(".dat").write_bytes(data)
    record = read_record(path)
    assert record.cut == "" and len(record.signal) == 1000
    assert "a.dat: found the checksum" in record.cut and "of lead MLII; expected" in record.cut
    other = read_record(path, "V1")
    assert len(other.signal) == 1000 and not other.cut


def test_a_damaged_compressed_file_is_read_as_far_as_it_goes(tmp_path):
    values = steps(20_000, 2) / 1000
    wfdb.wrsamp(
        "a", RATE, ["mV", "mV"], ["MLII", "V1"], values, fmt=["516"] * 2, adc_gain=[1000.0] * 2,
        baseline=[0, 0], write_dir=str(tmp_path),
    )  # fmt: skip
    data = (tmp_path / "a.dat").read_bytes()
    (tmp_path / "a.dat").write_bytes(data[: len(data) // 2])
    record = read_record(tmp_path / "a")
    blocks = list(record.blocks(4))
    known = np.concatenate([samples for _, samples in blocks[:-1]])
    assert 1000 < len(known) < 20_000 and len(blocks[-1][1]) == 1
    np.testing.assert_allclose(known, values[: len(known), :1], atol=1e-9)
    assert "a.hea: found the end of its signals at" in record.cut


@pytest.mark.parametrize("value", [0x0A0A, 0x200A, 0x0D0A])
def test_a_constant_lead_is_no_text(tmp_path, value):
    path = write(tmp_path, ["a.dat 16 200/mV 16 0 0 0 0 MLII"], np.full(1000, value))
    np.testing.assert_array_equal(read_record(path).signal, value / 200)


def test_a_checksum_that_was_left_zero_is_a_warning(tmp_path):
    record = read_record(write(tmp_path, ["a.dat 16 200/mV 16 0 0 0 0 MLII"], steps() + 1))
    assert len(record.signal) == len(record.signal) == 1000 and not record.cut
    (told,) = record.warnings
    assert "found the checksum" in told and "in a.hea too, and not 0" in told
    record = read_record(write(tmp_path, ["a.dat 16 200/mV 16 0 0 0 0 MLII"], np.zeros(1000, int)))
    assert len(record.signal) == 1000 and not record.warnings


def test_samples_beyond_the_declared_length_are_told(tmp_path):
    values = steps(1500)
    line = f"a.dat 16 200/mV 16 0 0 {checksum(values[:1000])} 0 MLII"
    record = read_record(write(tmp_path, [line], values))
    assert len(record.signal) == 1000 and not record.cut
    assert (
        "a.dat: found 1500 samples; expected 1000 as a.hea declares, and no more are read"
        in record.warnings[0]
    )
    assert not read_record(write(tmp_path, [line], values[:1100])).warnings  # less than a second


# Segments


def segments(folder, *parts, first="both/{} 1 250"):
    (folder / "both.hea").write_text("\n".join([first.format(len(parts)), *parts]) + "\n")
    return folder / "both"


def line(name, lead="MLII", unit="mV", gain=1000):
    return f"{name}.dat 16 {gain}/{unit} 16 0 0 0 0 {lead}"


def test_of_segments_of_which_one_is_cut_the_others_stay_in_their_place(tmp_path):
    for name in ("one", "two"):
        write(tmp_path, [line(name)], steps(), f"{name} 1 250 1000", name)
    truncated = (tmp_path / "one.dat").read_bytes()[:800]
    (tmp_path / "one.dat").write_bytes(truncated)
    record = read_record(segments(tmp_path, "one 1000", "two 1000"))
    found = record.signal[:, 0]
    assert len(found) == 2000 and record.seconds == 8
    np.testing.assert_array_equal(found[:400], steps()[:400, 0] / 1000)
    assert np.isnan(found[400:1000]).all()
    np.testing.assert_array_equal(found[1000:], steps()[:, 0] / 1000)
    assert "one.dat: found 400 samples; expected 1000 as one.hea declares" in record.cut


@pytest.mark.parametrize("missing", ["one.hea", "one.dat"])
def test_a_segment_that_is_missing_is_a_gap(tmp_path, missing):
    for name in ("one", "two"):
        write(tmp_path, [line(name)], steps(), f"{name} 1 250 1000", name)
    (tmp_path / missing).unlink()
    record = read_record(segments(tmp_path, "one 1000", "two 1000"))
    blocks = list(record.blocks(60))
    assert [time for time, _ in blocks] == [4.0] and f"{missing}: found no such file" in record.cut
    (tmp_path / "two.hea").unlink()
    with pytest.raises(RecordError, match="one.hea: found no such file|one.dat: found no such file"):
        read_record(tmp_path / "both")


def test_a_layout_finds_leads_by_their_names(tmp_path):
    values = steps(leads=2)
    write(tmp_path, [line("one", "V1"), line("one")], values, "one 2 250 1000", "one")
    write(tmp_path, [line("two", unit="uV", gain=1)], values[:, :1], "two 1 250 1000", "two")
    write(tmp_path, [line("three", "V1")], values[:, :1], "three 1 250 1000", "three")
    write(tmp_path, ["~ 0 1/mV 0 0 0 0 0 MLII", "~ 0 1/mV 0 0 0 0 0 V1"], None, "layout 2 250 0", "layout")
    path = segments(
        tmp_path, "layout 0", "one 1000", "~ 500", "two 1000", "three 1000", first="both/{} 2 250 3500"
    )
    record = read_record(path, ["MLII", "V1"], wanted=("MLII", "V1"))
    found, none = record.signal, np.full(1000, np.nan)
    np.testing.assert_allclose(found[:1000], values[:, ::-1] / 1000)
    assert np.isnan(found[1000:1500]).all() and len(found) == 3500 and not record.cut
    np.testing.assert_allclose(found[1500:2500], np.stack([values[:, 0] / 1000, none], axis=1))
    np.testing.assert_allclose(found[2500:], np.stack([none, values[:, 0] / 1000], axis=1))
    alone = read_record(path)
    assert len(alone.signal) == 3500 and np.isnan(alone.signal[2500:]).all()


def test_a_segment_shorter_than_listed(tmp_path):
    write(tmp_path, [line("one")], steps(), "one 1 250 1000", "one")
    record = read_record(segments(tmp_path, "one 1500"))
    assert "one.hea: found 1000 samples; expected 1500 as both.hea declares" in record.cut
    assert len(record.signal) == 1500 and np.isnan(record.signal[1000:]).all()


def test_segments_longer_than_any_recording(tmp_path):
    write(tmp_path, [line("one")], steps(), "one 1 250 1000", "one")
    record = read_record(segments(tmp_path, "one 1000", "~ 999999999999", "one 1000"))
    assert "both.hea: found segments of more than 100 days; expected fewer" in record.cut
    assert record.seconds == 4 and len(record.signal) == 1000


def test_fewer_segments_than_the_length_says(tmp_path):
    write(tmp_path, [line("one")], steps(), "one 1 250 1000", "one")
    record = read_record(segments(tmp_path, "one 1000", first="both/{} 1 250 5000"))
    assert "found segments of 1000 samples; expected 5000 as line 1 declares" in record.cut


def test_segments_of_units_that_cannot_be_compared(tmp_path):
    write(tmp_path, [line("one")], steps(), "one 1 250 1000", "one")
    write(tmp_path, [line("two", unit="mmHg")], steps(), "two 1 250 1000", "two")
    with pytest.raises(
        RecordError, match="two.hea: found lead MLII in 'mmHg', 1 samples a frame; expected 'mV'"
    ):
        whole(read_record(segments(tmp_path, "one 1000", "two 1000")))


@pytest.mark.parametrize("path", [".", "..", "/"])
def test_a_folder_is_no_record(path):
    with pytest.raises(RecordError, match=rf"{path}: found a folder; expected a recording"):
        read_record(path)
