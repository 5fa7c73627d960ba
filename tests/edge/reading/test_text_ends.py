"""Text recordings that end too early, or hold nothing: what was read before the fault is kept."""

import gzip

import numpy as np
import pytest

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

VALUES = np.round(np.random.default_rng(0).normal(0, 0.4, 20_000), 4)
ROWS = [f"{row / 250:.3f},{value:.4f}\n" for row, value in enumerate(VALUES)]
TEXT = "time,MLII\n" + "".join(ROWS)


def check(path, count, words):
    record = read_record(path)
    found = np.concatenate([part for _, part in record.blocks(10)])
    np.testing.assert_array_equal(found[:, 0], VALUES[:count])
    assert words in record.cut and record.cut.startswith(str(path)) and record.cut.endswith(".")
    assert record.cut.count(". ") == 0 and "\n" not in record.cut


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("79.9", "line 20002: found 1 of 2 columns"),
        ("79.996,-0.1,5,6\n", "line 20002: found 4 cells; expected 2"),
        ("End of recording\n", "line 20002: found 1 of 2 columns"),
        ("Patient,Erika\n", "line 20002: found a word; expected a number"),
        ("\n\nbeats;12\nEnd\n\n", "line 20004: found 1 of 2 columns"),
        ("\0" * 200_000, "line 20002: found"),
        ("79.996," + "\0" * 50, "line 20002: found"),
    ],
)
def test_a_last_line_that_is_cut_and_a_footer_keep_what_is_before_them(tmp_path, ending, words):
    (tmp_path / "a.csv").write_text(TEXT + ending)
    check(tmp_path / "a.csv", len(VALUES), words)


def test_a_last_stamp_that_is_cut(tmp_path):
    rows = [f"{value:.4f},{1767600000 + row / 250:.3f}\n" for row, value in enumerate(VALUES)]
    (tmp_path / "a.csv").write_text("MLII,timestamp\n" + "".join(rows)[:-6])
    check(tmp_path / "a.csv", len(VALUES) - 1, "found a last line that is cut")


@pytest.mark.parametrize("left", [1, 30, 5000])
def test_compressed_data_that_end_too_early(tmp_path, left):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TEXT.encode())[:-left])
    record = read_record(tmp_path / "a.csv.gz")
    found = np.concatenate([part for _, part in record.blocks(10)])[:, 0]
    assert len(found) > 10_000 and "compressed data that are damaged or end too early" in record.cut
    np.testing.assert_array_equal(found[:-1], VALUES[: len(found) - 1])


FAULTY = ["x,y\n", "5\n", "40.0,1,2\n", "time,MLII\n", "40.0\n"]


@pytest.mark.parametrize(
    ("row", "clocked"),
    [
        *((row, clocked) for row in FAULTY for clocked in (True, False)),
        (",0.1\n", True),
        ("\0\0\0,1\n", True),
    ],
)
def test_a_faulty_line_in_the_middle_is_a_gap_of_a_sample(tmp_path, row, clocked):
    rows = ROWS if clocked else [f"0,{value:.4f}\n" for value in VALUES]
    text = "".join(["time,MLII\n" if clocked else "id,MLII\n", *rows[:10_000], row, *rows[10_001:]])
    (tmp_path / "a.csv").write_text(text)
    record = read_record(tmp_path / "a.csv", lead="MLII", rate=None if clocked else 250)
    found = np.concatenate([part for _, part in record.blocks(10)])[:, 0]
    np.testing.assert_array_equal(np.delete(found, 10_000), np.delete(VALUES, 10_000))
    assert np.isnan(found[10_000])
    assert f"{tmp_path / 'a.csv'}, line 10002: found" in record.cut and record.cut.endswith("missing.")


@pytest.mark.parametrize("count", [2, 15, 20])
def test_up_to_one_line_in_a_thousand_may_be_faulty(tmp_path, count):
    places, rows = np.arange(1, count + 1) * 900, list(ROWS)
    for place in places:
        rows[place] = "?,?\n"
    (tmp_path / "a.csv").write_text("time,MLII\n" + "".join(rows) + "End of recording\n")
    record = read_record(tmp_path / "a.csv")
    found = np.concatenate([part for _, part in record.blocks(10)])[:, 0]
    assert np.flatnonzero(np.isnan(found)).tolist() == places.tolist()
    np.testing.assert_array_equal(np.delete(found, places), np.delete(VALUES, places))
    assert record.cut == (
        f"{tmp_path / 'a.csv'}, line 902: found '?'; expected a number; this and {count - 1} more of 20,000 "
        "rows are taken for missing, and line 20002: found 1 of 2 columns; expected all, so the recording "
        "ends there."
    )


@pytest.mark.parametrize("every", [900, 100, 2])
def test_more_faulty_lines_are_an_error_that_names_the_first(tmp_path, every):
    rows = [row if number % every else "?,?\n" for number, row in enumerate(ROWS, 1)]
    (tmp_path / "a.csv").write_text("time,MLII\n" + "".join(rows))
    first = f"line {every + 1}: found '\\?'; expected a number; [0-9]+ of [0-9,]+ rows are none\\.$"
    with pytest.raises(RecordError, match=first):
        list(read_record(tmp_path / "a.csv").blocks())


def test_a_faulty_line_before_midnight_does_not_add_a_day(tmp_path):
    seconds = (86_390 * 250 + np.arange(5000)) % (86_400 * 250)
    rows = [
        f"{s // 900_000:02}:{s // 15_000 % 60:02}:{s // 250 % 60:02}.{s % 250 * 4:03},{value:.4f}\n"
        for s, value in zip(seconds.tolist(), VALUES, strict=False)
    ]
    rows[1000] = "?,?\n"
    (tmp_path / "a.csv").write_text("time,MLII\n" + "".join(rows))
    blocks = list(read_record(tmp_path / "a.csv").blocks(10))
    found = np.concatenate([part for _, part in blocks])[:, 0]
    assert blocks[0][0] == 0 and len(found) == 5000 and np.flatnonzero(np.isnan(found)).tolist() == [1000]


def test_lines_that_are_left_out_do_not_count_as_rows(tmp_path):
    rows = [row + ("\n" if number % 3 else "# 1,2\n") for number, row in enumerate(ROWS[:3000])]
    (tmp_path / "a.csv").write_text("time,MLII\n" + "".join(rows) + ",,\n")
    check_all = np.concatenate([part for _, part in read_record(tmp_path / "a.csv").blocks()])
    np.testing.assert_array_equal(check_all[:, 0], VALUES[:3000])


@pytest.mark.parametrize(
    "text", ["", "\n", "MLII\n", "# a comment\n", "time,MLII\n0,1\n", "time,MLII\n", ";;\n"]
)
def test_a_file_without_samples_is_told_in_a_sentence(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(RecordError, match="a.csv: found .*; expected .*\\.$"):
        read_record(tmp_path / "a.csv")


def test_a_single_row_is_a_recording_of_one_sample(tmp_path):
    (tmp_path / "a.csv").write_text("MLII\n0.5\n")
    assert read_record(tmp_path / "a.csv", rate=250).signal.tolist() == [[0.5]]


def test_a_constant_lead_is_read_as_it_is(tmp_path):
    (tmp_path / "a.csv").write_text("MLII\n" + "300\n" * 5000)
    record = read_record(tmp_path / "a.csv", rate=250)
    assert not record.warnings and (record.signal == 300).all()


@pytest.mark.parametrize("separator", [",", ";", " "])
@pytest.mark.parametrize("count", [1, 2])
def test_a_row_a_lead_is_told(tmp_path, separator, count):
    row = separator.join(f"{value:.4f}" for value in VALUES[:2500])
    (tmp_path / "a.csv").write_text((row + "\n") * count)
    found = f"a.csv: found {count} rows? of 2,500 cells; expected a row a sample, and a column a lead\\.$"
    with pytest.raises(RecordError, match=found):
        read_record(tmp_path / "a.csv", "first", rate=250)


def test_a_row_that_is_too_long_is_told(tmp_path):
    (tmp_path / "a.csv").write_text(",".join(f"{value:.4f}" for value in VALUES[:15_000]) + "\n")
    with pytest.raises(
        RecordError, match="no row of text of up to 65,536 letters; expected a row a sample\\.$"
    ):
        read_record(tmp_path / "a.csv", "first", rate=250)


def test_many_columns_are_read_where_rows_are_many(tmp_path):
    row = ",".join(["{0:.4f}"] * 120) + "\n"
    (tmp_path / "a.csv").write_text("".join(row.format(value) for value in VALUES[:500]))
    signal = read_record(tmp_path / "a.csv", "120", rate=250).signal[:, 0]
    np.testing.assert_array_equal(signal, VALUES[:500])
