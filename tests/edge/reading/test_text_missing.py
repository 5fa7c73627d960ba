"""Missing samples of texts without a clock: they take up time, whatever they are written as."""

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record

VALUES = np.round(np.random.default_rng(0).normal(0, 0.4, 90_000), 4)
LOST = slice(40_000, 40_250)
SPELLINGS = (
    "#N/A #VALUE! #DIV/0! #NUM! #NV #WERT! ? . -- * NaT <NA> (null) N.A. missing nan(ind) -nan(ind) "
    "-1.#IND 1.#QNAN"
).split()


def read(folder, cells, head, empty="{}", end=""):
    lines = [empty if cell is None else cell for cell in cells]
    (folder / "a.csv").write_text(head + "\n".join(lines) + "\n" + end)
    return read_record(folder / "a.csv", "first", rate=250)


def check(record):
    signal = np.concatenate([part for _, part in record.blocks()])[:, 0]
    assert len(signal) == len(VALUES) and np.isnan(signal[LOST]).all() and not record.cut
    np.testing.assert_array_equal(np.delete(signal, LOST), np.delete(VALUES, LOST))


def cells(form="{:.4f}"):
    rows = [form.format(value) for value in VALUES]
    return [*rows[: LOST.start], *[None] * 250, *rows[LOST.stop :]]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", range(3))
def test_a_missing_cell_is_a_sample(tmp_path, spelling, place):
    head, form, empty = [
        ("ECG [mV]\n", "{:.4f}", "{}"),
        ("ECG [mV],Resp\n", "{:.4f},0.5", "{},0.5"),
        ("Resp;ECG [mV]\n", "0.5;{:.4f}", "0.5;{}"),
    ][place]
    record = read(tmp_path, cells(form), head, empty.format(spelling))
    check(record)
    assert not record.source.warnings


@pytest.mark.parametrize("end", ["", ",\n" * 300])
def test_rows_of_empty_cells_are_samples_but_at_the_end(tmp_path, end):
    record = read(tmp_path, cells("{:.4f},0.5"), "ECG [mV],Resp\n", ",", end)
    check(record)
    assert not record.source.warnings


@pytest.mark.parametrize("end", ["", "\n" * 300])
def test_empty_lines_of_a_single_column_are_samples_but_at_the_end(tmp_path, end):
    record = read(tmp_path, cells(), "ECG [mV]\n", "", end)
    check(record)
    (told,) = record.source.warnings
    assert told.endswith("found empty lines among the rows; took them for missing samples.")


def test_empty_lines_in_another_part_of_the_file_than_a_faulty_one(tmp_path):
    rows = cells()
    rows[LOST.start - 1] = "x"
    record = read(tmp_path, rows, "ECG [mV]\n", "")
    signal = np.concatenate([part for _, part in record.blocks()])[:, 0]
    assert "line 40001: found 'x'" in record.cut
    np.testing.assert_array_equal(signal[LOST.stop :], VALUES[LOST.stop :])
    assert np.isnan(signal[LOST.start - 1 : LOST.stop]).all()


@pytest.mark.parametrize("every", [1, 10])
def test_blank_lines_between_rows_are_none(tmp_path, every):
    lines = [f"{v:.4f}" + ("\n" if (i + 1) % every == 0 else "") for i, v in enumerate(VALUES[:5000])]
    record = read(tmp_path, lines, "ECG [mV]\n")
    np.testing.assert_array_equal(record.signal[:, 0], VALUES[:5000])
    assert not record.source.warnings


def test_a_few_blank_lines_are_missing_samples(tmp_path):
    lines = [f"{value:.4f}" for value in VALUES[:5000]]
    lines[700] = lines[1400] = ""
    signal = read(tmp_path, lines, "ECG [mV]\n").signal[:, 0]
    assert len(signal) == 5000 and np.flatnonzero(np.isnan(signal)).tolist() == [700, 1400]


def test_signs_above_the_headings_are_no_missing_samples(tmp_path):
    record = read(tmp_path, [f"{value:.4f}" for value in VALUES[:100]], "--\nECG [mV]\n")
    assert record.leads == ("ECG",) and record.signal[:, 0].tolist() == VALUES[:100].tolist()
