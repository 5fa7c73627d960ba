import tempfile
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_sibeat.data.series import find_records, load_series, read_series
from keras_sibeat.data.tables import TIMES, Table
from keras_sibeat.errors import ConfigError, DataError
from sibeat_edge.reading.text.numbers import MISSING
from sibeat_edge.reading.text.preamble import PERSONAL

STEPS = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)


def write(file, values, separator=" "):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(separator.join(str(v) for v in row) for row in values) + "\n")
    return file


def scaled(values):
    low, high = values.min(axis=0), values.max(axis=0)
    return 2 * (values - low) / (high - low) - 1


@pytest.fixture
def folder(tmp_path):
    """Two walks and a run, as CSV, with blanks, and with tabs."""
    write(tmp_path / "walk" / "01.txt", STEPS)
    write(tmp_path / "walk" / "02.csv", 2 * STEPS[:20], ",")
    write(tmp_path / "run" / "03.more.tsv", STEPS[::-1], "\t")
    return tmp_path


@pytest.mark.parametrize("separator", [",", ", ", " ", "   ", "\t", " ,\t"])
def test_reads_commas_and_blanks(tmp_path, separator):
    values = read_series(write(tmp_path / "a", STEPS, separator))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, STEPS)


def test_one_channel_and_one_step_stay_two_dimensional(tmp_path):
    assert read_series(write(tmp_path / "a", STEPS[:, :1])).shape == (30, 1)
    assert read_series(write(tmp_path / "b", STEPS[:1])).shape == (1, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n3 4\n1 2 3\n5 6\n", "line 3: found 3 columns; expected 2"),
        ("x,y\n1,2\n\n3\n", "line 4: found 1 columns; expected 2"),
        ("x,y\nz,w\n", "found no row of numbers; expected one step a line"),
        ("1,2\n3,,4\n5,6\n", "line 2: found 3 columns; expected 2"),
        ("1,2\n3,\n", "line 2: found an empty field in column 2; expected a number"),
        ("1,,3\n,2,3\n", "line 1: found an empty field in column 2; expected"),
        ("# c\nx;y\n1;2,5\n;2,5", "line 4: found an empty field in column x; expected"),
        ("1 2\n3 nan\n", "line 2: found 'nan' in column 2; expected a number"),
        ("inf 2\n3 4\n", "line 1: found 'inf' in column 1; expected"),
        ("1 1e39\n", "line 1: found '1e39' in column 2; expected"),
        ("x,y\n1,2\n3,OK\n", "line 3: found 'OK' in column y; expected"),
        ("x,y,state\n1,2,OK\n3,4,OK\n", "line 2: found 'OK' in column state; expected"),
        ("x,y,state\n1,2,OK\n3,4,0\n", "line 2: found 'OK' in column state; expected"),
        ("1,5;2,5\n1.50,0;2", "line 2: found '1.50,0' in column 1; expected"),
        ("1,5;2,5\n1.500;2", "line 2: found '1.500' in column 1; expected"),
        ("1 2\n1_0 2\n", "line 2: found '1_0' in column 1; expected"),
        ("0.5,x.5\n1,2\n", "line 1: found 'x.5' in column 2; expected"),
        ("time\n1\n2\n", "found no column but the time; expected a channel"),
        ("1\0,2\n", "found no row of numbers"),
    ],
)
def test_what_is_no_series_is_told_in_one_sentence_that_names_file_and_line(tmp_path, text, message):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=rf"bad\.csv.*{message}") as error:
        read_series(file)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_binary_files_are_no_series(tmp_path):
    (tmp_path / "bad.bin").write_bytes(bytes(range(128, 256)))
    with pytest.raises(DataError, match=r"bad\.bin: found no row of numbers; expected one step a line"):
        read_series(tmp_path / "bad.bin")


def test_windows_of_every_file_with_its_class(folder):
    beats = load_series(folder, {"walk": ["walk/*"], "run": ["run/*.tsv"]}, length=8, stride=5)
    per_file = [(n - 8) // 5 + 1 for n in (30, 20, 30)]
    assert beats.windows.shape == (sum(per_file), 8, 3)
    assert beats.records.tolist() == np.repeat(["01", "02", "03"], per_file).tolist()
    assert beats.classes.tolist() == np.repeat(["walk", "walk", "run"], per_file).tolist()
    np.testing.assert_array_equal(beats.samples[: per_file[0]], 5 * np.arange(per_file[0]))
    assert np.isnan(beats.rr_before).all() and beats.detected.all() and len(beats.sha256) == 64


def test_each_channel_is_scaled_over_its_file(folder):
    beats = load_series(folder, {"walk": ["walk/*"]}, length=8, stride=5)
    first, second = (beats.windows[beats.records == name] for name in ("01", "02"))
    np.testing.assert_allclose(first[2], scaled(STEPS)[10:18], atol=1e-6)
    np.testing.assert_allclose(second[1], scaled(STEPS[:20])[5:13], atol=1e-6)


def test_the_checksum_is_the_content_s(folder):
    groups = {"walk": ["walk/*"]}
    before = load_series(folder, groups, 8, 5).sha256
    assert load_series(folder, groups, 10, 2).sha256 == before
    write(folder / "walk" / "01.txt", STEPS + 1)
    assert load_series(folder, groups, 8, 5).sha256 != before


@pytest.mark.parametrize("length", [20, 21])
def test_a_file_shorter_than_a_window(folder, length):
    if length == 20:
        assert (load_series(folder, {"walk": ["walk/*"]}, length, 5).records == "02").sum() == 1
        return
    with pytest.raises(DataError, match=r"02\.csv: found 20 steps; expected at least one window of 21"):
        load_series(folder, {"walk": ["walk/*"]}, length, 5)


def test_an_empty_file(folder):
    (folder / "walk" / "00.txt").touch()
    with pytest.raises(DataError, match=r"00\.txt: found no row of numbers; expected one step a line"):
        load_series(folder, {"walk": ["walk/*"]}, 8, 5)


def test_a_pattern_without_files(folder):
    with pytest.raises(DataError, match=r"jump/\*: no such file; expected series of class jump"):
        load_series(folder, {"walk": ["walk/*"], "jump": ["jump/*"]}, 8, 5)


def test_another_number_of_channels(folder):
    write(folder / "walk" / "03.txt", STEPS[:, :2])
    with pytest.raises(DataError, match=r"03\.txt: found 2 channels; expected 3"):
        load_series(folder, {"walk": ["walk/*"]}, 8, 5)


def test_motion_capture(mocap):
    groups = {"walk": ["walk/*.4d"], "run": ["run/*.4d"], "jump": ["other/*.4d"]}
    beats = load_series(mocap, groups, length=64, stride=5)
    assert beats.windows.shape[1:] == (64, 4)
    files = dict(zip(beats.records.tolist(), beats.classes.tolist(), strict=True))
    assert [list(files.values()).count(name) for name in groups] == [16, 10, 1]
    lines = len((mocap / "walk" / "35_15.amc.4d").read_text().splitlines())
    assert (beats.records == "35_15").sum() == (lines - 64) // 5 + 1
    assert np.abs(beats.windows).max() == 1


NAMES = (  # without "ad", which is Turkish for name: a line of it may hold a wearer's
    st.text("abcdefgyzXYZ _-°µ", min_size=1, max_size=6)
    .map(str.strip)
    .filter(lambda name: name.casefold() not in {*MISSING, *TIMES} and not PERSONAL.match(name))
)


@st.composite
def tables(draw):
    """Numbers of float32, and a text file in which a spreadsheet or logger may have written them."""
    width = draw(st.integers(1, 4))
    values = draw(
        hnp.arrays(
            np.float32, (draw(st.integers(1, 8)), width), elements=st.floats(width=32, allow_nan=False)
        ).filter(lambda values: np.isfinite(values).all())
    )
    separator = draw(st.sampled_from(";\t, "))
    quoted = draw(st.booleans())
    has_commas = (separator in ";\t" and width > 1) or (separator == "," and quoted)
    decimal = draw(st.sampled_from(".,")) if has_commas else "."
    quote = '"{}"'.format if quoted else str
    headings = draw(st.lists(NAMES, min_size=width, max_size=width, unique=True) | st.just([]))
    if separator == " ":
        headings = [name.replace(" ", "") or "x" for name in headings]
    end = separator if separator != " " and draw(st.booleans()) else ""
    rows = [[repr(float(value)).replace(".", decimal) for value in row] for row in values]
    lines = [separator.join(map(quote, row)) + end for row in [*([headings] if headings else []), *rows]]
    lines = [*draw(st.sampled_from([[], ["# 1,2,3"], ["Logger of the house", ""]])), *lines]
    lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(["", "# a comment", "% 3"])))
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return values, headings, text, draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))


@given(tables())
def test_a_table_written_in_any_way_reads_back_equal(table):
    values, headings, text, encoding = table
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.csv"
        file.write_bytes(text.encode(encoding))
        np.testing.assert_array_equal(read_series(file), values)
        for place, name in enumerate(headings):
            np.testing.assert_array_equal(read_series(file, [name, place + 1])[:, 0], values[:, place])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_table_as_pandas_writes_it_for_a_german_spreadsheet(tmp_path, separator):
    frame = pandas.DataFrame(STEPS.astype(float), columns=["x (g)", "y; up", "z"])
    frame.to_csv(tmp_path / "a.csv", sep=separator, decimal=",", encoding="utf-8-sig", lineterminator="\r\n")
    np.testing.assert_array_equal(read_series(tmp_path / "a.csv"), STEPS)  # without the rows' numbers
    chosen = read_series(tmp_path / "a.csv", ["y; up", "x"])
    np.testing.assert_array_equal(chosen, STEPS[:, [1, 0]])


def timed(folder, times, heading="t", name="a"):
    rows = [f"{time},{','.join(map(str, row))}" for time, row in zip(times, STEPS, strict=True)]
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text("\n".join([f"{heading},x,y,z"] * bool(heading) + rows))
    return folder / f"{name}.csv"


STAMPS = {
    "seconds": ("time (s)", [0.01 * step for step in range(30)]),
    "milliseconds": ("Timestamp", [1.7e12 + 10 * step for step in range(30)]),
    "without a heading": ("", [round(0.01 * step, 2) for step in range(30)]),
    "dates": ("when", [f"2024-01-31 12:00:{step:02d}.5" for step in range(30)]),
    "times of day": ("", [f"23:59:{step + 30}" for step in range(30)]),
    "days": ("day", [f"{step + 1}.1.2024" for step in range(30)]),
}


@pytest.mark.parametrize("kind", STAMPS)
def test_a_column_of_time_is_left_out_with_a_note_unless_it_is_chosen(tmp_path, kind):
    heading, times = STAMPS[kind]
    for name in "ab":
        file = timed(tmp_path / "d", times, heading, name)
    np.testing.assert_array_equal(read_series(file), STEPS)
    beats = load_series(tmp_path / "d", {"n": ["*"]}, 8, 5)
    assert beats.windows.shape[2] == 3
    name = heading or "1"
    assert beats.notes == (
        f"Left out the column {name} of 2 series, which is the time; data.columns takes others.",
    )
    if isinstance(times[0], float):
        assert load_series(tmp_path / "d", {"n": ["*"]}, 8, 5, [1, 2]).windows.shape[2] == 2


def test_gaps_and_jitter_of_the_time_are_told(tmp_path):
    times = np.arange(30) * 0.01
    times[20:] += 5
    timed(tmp_path / "d", times, "time", "a")
    timed(tmp_path / "d", np.arange(30), "time", "b")
    note = load_series(tmp_path / "d", {"n": ["*"]}, 8, 5).notes[1]
    assert note.startswith(f"{tmp_path / 'd' / 'a.csv'}: its time has steps of 0.01 to 5.01, most of 0.01")
    days = [f"2024-01-31 23:59:{second}" for second in range(58, 60)]
    days += [f"2024-02-01 00:00:{second:02d}" for second in range(0, 28)]
    assert Table(timed(tmp_path / "d", days, "when", "b")).uneven(0) is None


def test_a_first_column_that_rises_in_one_file_alone_is_a_channel(tmp_path):
    timed(tmp_path / "d", np.arange(30), "x1", "a")
    timed(tmp_path / "d", STEPS[:, 0], "x1", "b")
    beats = load_series(tmp_path / "d", {"n": ["*"]}, 8, 5)
    assert beats.windows.shape[2] == 4 and beats.notes == ()


def test_columns_are_chosen_by_name_or_number_and_else_told(tmp_path):
    file = timed(tmp_path / "d", STEPS[:, 0], "w (mV)")
    np.testing.assert_array_equal(read_series(file, ["z", "w", 2]), STEPS[:, [2, 0, 0]])
    for column, told in (("u", "expected 'u', as data.columns says"), (5, "expected 5, as data.columns")):
        with pytest.raises(DataError, match=rf"a\.csv: found the columns w \(mV\), x, y, z; {told}"):
            read_series(file, [column])
    with pytest.raises(DataError, match="found the columns 3 without headings; expected 'x'"):
        read_series(write(tmp_path / "b", STEPS), ["x"])
    with pytest.raises(DataError, match="found 2 columns 'x'; expected its number"):
        read_series(timed(tmp_path / "d", STEPS[:, 0], "x", "c"), ["x"])


def test_channels_in_another_order_are_told(tmp_path):
    timed(tmp_path / "d", STEPS[:, 0], "u", "a")
    timed(tmp_path / "d", STEPS[:, 0], "v", "b")
    with pytest.raises(DataError, match=r"b\.csv: found the columns v, x, y, z; expected u, x, y, z, as in"):
        load_series(tmp_path / "d", {"n": ["*"]}, 8, 5)
    assert load_series(tmp_path / "d", {"n": ["*"]}, 8, 5, ["x", "z"]).windows.shape[2] == 2


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["2024.01.a.csv", "2024.01.b.csv"], ["2024.01.a", "2024.01.b"]),
        (["sub1/a.csv", "sub2/a.csv", "2024.01.a.csv"], ["2024.01.a", "sub1/a", "sub2/a"]),
        (["a.csv", "a.txt"], ["a.csv", "a.txt"]),
        (["walk/35_15.amc.4d", "run/35_17.amc.4d"], ["35_15", "35_17"]),
    ],
)
def test_files_are_records_of_their_own(tmp_path, files, names):
    for file in files:
        write(tmp_path / file, STEPS, ",")
    (tmp_path / ".DS_Store").write_bytes(b"\\0")
    beats = load_series(tmp_path, {"n": ["**/*"]}, 30, 5)
    assert sorted(beats.records) == names
    for wanted in (names, files, ["*"], [f"*{Path(file).suffix}" for file in files]):
        assert sorted(find_records(tmp_path, {"n": ["**/*"]}, wanted)) == names


def test_a_record_that_is_not_there_is_told_beside_the_nearest(folder):
    with pytest.raises(
        ConfigError, match=r"protocol.test_records: found '1'; expected the name of a file .did you mean 01"
    ):
        find_records(folder, {"walk": ["walk/*"]}, ["1"])
    with pytest.raises(ConfigError, match="found 'quite else'; expected the name of a file, such as 01"):
        find_records(folder, {"walk": ["walk/*"]}, ["quite else"])


def test_a_file_of_two_classes_is_an_error_and_one_that_two_patterns_fit_counts_once(folder):
    with pytest.raises(
        ConfigError, match=r"data.groups: found .*01\.txt in the classes walk and all; expected"
    ):
        load_series(folder, {"walk": ["walk/*"], "all": ["**/*.txt"]}, 8, 5)
    once, twice = (load_series(folder, {"walk": patterns}, 8, 5) for patterns in (["walk/*"], ["walk/*"] * 2))
    np.testing.assert_array_equal(once.windows, twice.windows)


@pytest.mark.parametrize("pattern", ["", "/etc/*", "../walk/*"])
def test_patterns_are_of_files_below_the_folder(folder, pattern):
    with pytest.raises(ConfigError, match="data.groups.walk: found .*; expected a pattern of files below"):
        load_series(folder, {"walk": [pattern]}, 8, 5)


def test_a_flat_channel_is_zero_and_noted(tmp_path):
    write(tmp_path / "d" / "a", np.c_[STEPS, np.full(30, 7)])
    beats = load_series(tmp_path / "d", {"n": ["*"]}, 8, 5)
    assert (beats.windows[:, :, 3] == 0).all() and beats.notes == ("Channel 4 is flat in 1 of 1 series.",)
