"""Whole numbers with a mark between their thousands: those of 1 mV and more are no thousandth of it."""

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.text.numbers import number

BEATS = np.round(1400 * np.exp(-(((np.arange(100_000) % 210) - 100) ** 2) / 20) - 130).astype(int)


def grouped(value, mark):
    return f"{value:,}".replace(",", mark)


def read(folder, head, form, cells):
    rows = "".join(form.format(cell) + "\n" for cell in cells)
    (folder / "a.csv").write_text(head + rows, encoding="utf-8")
    return read_record(folder / "a.csv", "first", rate=250)


@pytest.mark.parametrize("mark", [".", ",", " ", "\u202f", "'"])
@pytest.mark.parametrize(
    ("head", "form"), [("EKG [µV]\n", "{}"), ("ecg_uV\tresp\n", "{}\t5"), ("ecg_uV;resp\n", "{};5")]
)
@pytest.mark.parametrize("late", [0, 50_000])
def test_marked_thousands_of_whole_numbers(tmp_path, mark, head, form, late):
    values = np.concatenate([np.zeros(late, int), BEATS])
    if late and mark == ",":
        return  # where no comma is seen at first, none is one of decimals: refused
    record = read(tmp_path, head, form, [grouped(value, mark) for value in values])
    signal = np.concatenate([part for _, part in record.blocks()])[:, 0]
    np.testing.assert_allclose(signal, values / 1000, atol=1e-12)
    told = [warning for warning in record.source.warnings if "took its mark for one of thousands" in warning]
    assert len(told) == (mark in ".,") and len(record.source.warnings) == len(told)


@pytest.mark.parametrize("other", ["0.056", "1.5", "12.50"])
def test_decimals_beside_whole_numbers_are_none_of_thousands(tmp_path, other):
    cells = ["987", "1.056", "-1.024", other] * 100
    signal = read(tmp_path, "ecg_uV;resp\n", "{};5", cells).signal[:, 0]
    np.testing.assert_allclose(signal * 1000, [float(cell) for cell in cells])


def test_decimals_that_lost_their_zeros_are_none_of_thousands(tmp_path):
    cells = ["1", "1.056", "2", "-1.024"] * 100
    signal = read(tmp_path, "ecg_mV;resp\n", "{};5", cells).signal[:, 0]
    np.testing.assert_allclose(signal, [float(cell) for cell in cells])


def test_a_number_that_is_neither_is_told(tmp_path):
    cells = [grouped(value, ".") for value in BEATS]
    cells[60_000] = "12.5"
    record = read(tmp_path, "ecg_uV;resp\n", "{};5", cells)
    signal = np.concatenate([part for _, part in record.blocks()])[:, 0]
    assert np.flatnonzero(np.isnan(signal)).tolist() == [60_000]
    assert "line 60002: found '12.5'; expected a number" in record.cut


def test_blanks_between_thousands():
    assert number("1 234,5", ",") == 1234.5 and number("-12 345") == -12345 and number("1 23") is None


def test_two_columns_of_whole_numbers_with_a_cut_last_line_are_two(tmp_path):
    (tmp_path / "a.csv").write_text("".join(f"{row},{512 + row % 90}\n" for row in range(1, 900)) + "900")
    signal = read_record(tmp_path / "a.csv", "2", rate=250).signal[:, 0]
    assert len(signal) == 899 and signal.max() > 0
