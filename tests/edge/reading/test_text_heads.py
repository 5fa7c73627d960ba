"""Headings of programs, and numbers above the rows that are no samples."""

import numpy as np
import pytest

from sibeat_edge.reading.headings import name_and_unit
from sibeat_edge.reading.record import read_record

VALUES = np.round(np.random.default_rng(0).normal(0, 0.4, 3000), 4)


def rows(form):
    return "".join(form.format(i / 250, value) + "\n" for i, value in enumerate(VALUES))


def check(folder, text, lead="ECG", **arguments):
    (folder / "a.txt").write_text(text)
    record = read_record(folder / "a.txt", lead, **arguments)
    assert (record.rate, record.leads) == (250, (lead,)) and not record.cut
    np.testing.assert_allclose(record.signal[:, 0], VALUES, atol=1e-9)
    return record.source.warnings


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("ECG\n15000\n" + rows("{1:.4f}"), "ECG"),
        ("15000\n" + rows("{1:.4f}"), "1"),
        ("ECG;Resp\nmV;V\n15000;15000\n" + rows("{1:.4f};0.5"), "ECG"),
        ("ECG,Resp\n15000,15000\n" + rows("{1:.4f},1"), "ECG"),
    ],
)
def test_a_number_of_samples_above_them_is_none(tmp_path, text, lead):
    (told,) = check(tmp_path, text, lead, rate=250)
    assert told == f"{tmp_path / 'a.txt'}: found 15000 above the rows, which is no sample; left it out."


@pytest.mark.parametrize("first", ["1", "1.5000", "15000.0000"])
def test_a_first_sample_that_may_be_one_is_kept(tmp_path, first):
    (tmp_path / "a.txt").write_text("ECG (mV)\n" + first + "\n" + rows("{1:.4f}"))
    signal = read_record(tmp_path / "a.txt", "ECG", rate=250).signal[:, 0]
    np.testing.assert_allclose(signal, [float(first), *VALUES])


def test_a_whole_first_sample_among_decimal_commas_is_kept(tmp_path):
    table = "".join(f"{value:.4f}\t{value:.4f}\n" for value in VALUES).replace(".", ",")
    (tmp_path / "a.txt").write_text("ECG (mV)\tResp\n2\t2\n" + table)
    signal = read_record(tmp_path / "a.txt", "ECG", rate=250).signal[:, 0]
    np.testing.assert_allclose(signal, [2, *VALUES])


@pytest.mark.parametrize("columns", [1, 2])
def test_a_start_and_a_rate_above_the_samples(tmp_path, columns):
    head = ", ".join(["1767600000.000000"] * columns) + "\n" + ", ".join(["250.000000"] * columns) + "\n"
    assert not check(tmp_path, head + rows("{1:.4f}" + ", 0.5" * (columns - 1)), "1")
    start = read_record(tmp_path / "a.txt", "1").start
    assert start is not None and start.told() == "5 January 2026, 08:00:00 UTC"


@pytest.mark.parametrize("unit", ["sec", "min"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_acqknowledge(tmp_path, unit, separator):
    head = "ecg.acq\n4 msec/sample\n2 channels\nECG\nmV\nResp\nVolts\n"
    table = "".join(f"{i / (250 if unit == 'sec' else 15000):.9f},{v},5.5,\n" for i, v in enumerate(VALUES))
    table = f"{unit},CH1,CH2,\n,15000,15000,\n" + table
    assert not check(tmp_path, head + table.replace(",", separator))
    record = read_record(tmp_path / "a.txt", "Resp")
    assert record.signal[0] == 5500  # volts


def test_acqknowledge_without_a_clock(tmp_path):
    head = "ecg.acq\n4 msec/sample\n1 channels\nECG\nmV\nCH1,\n15000,\n"
    assert not check(tmp_path, head + rows("{1:.4f},"))


LABCHART = (
    "Interval=\t0.004 s\nExcelDateTime=\t4.6027333e+04\t1/5/2026 8:00:00.000\nTimeFormat=\tStartOfBlock\n"
    "DateFormat=\t\nChannelTitle=\tECG\nRange=\t10.000 mV\n"
)


@pytest.mark.parametrize("rate", [None, 250])
@pytest.mark.parametrize(
    "text",
    [
        "Interval=\t0.004 s\nChannelTitle=\tECG\nRange=\t10.000 mV\n" + rows("{:.3f}\t{:.4f}"),
        LABCHART + rows("{:.3f}\t{:.4f}"),
        LABCHART + rows("{1:.4f}"),
        LABCHART + rows("8:00:{:06.3f}\t{:.4f}"),
        LABCHART.replace("10.000 mV", "10.000 µV") + "UnitName=\tmV\nTopValue=\t5\n" + rows("{:.3f}\t{:.4f}"),
        LABCHART + rows("{:.3f}\t{:.4f}").replace("\n", "\t#* one, two\n", 1),
        (LABCHART + rows("{:.3f}\t{:.4f}")).replace(".", ","),
    ],
    ids=["short", "whole", "no clock", "time of day", "unit of its own", "a remark", "decimal commas"],
)
def test_labchart(tmp_path, text, rate):
    assert not check(tmp_path, text, rate=rate)


def test_a_gap_in_labcharts_clock_is_kept(tmp_path):
    table = (LABCHART + rows("{:.3f}\t{:.4f}")).splitlines(keepends=True)
    (tmp_path / "a.txt").write_text("".join(table[:1006] + table[1256:]))
    signal = read_record(tmp_path / "a.txt", "ECG", rate=250).signal[:, 0]
    assert np.flatnonzero(np.isnan(signal)).tolist() == list(range(1000, 1250))


@pytest.mark.parametrize(
    ("heading", "name", "steps"),
    [
        ("ECG_mV (filtered)", "ECG_mV", 1),
        ("ECG (µV, 0.5-40 Hz)", "ECG", 1000),
        ("ECG (filtered, mV)", "ECG", 1),
        ("ECG [mV] (Ch1)", "ECG (Ch1)", 1),
        ("ECG (10^-6 V)", "ECG", 1000),
        ("ECG (×10⁻⁵ V)", "ECG", 100),
        ("ECG (x10 µV)", "ECG", 100),
        ("ECG / V", "ECG", 0.001),
        ("ECG/µV", "ECG", 1000),
        ("ECG_in_V", "ECG_in_V", 0.001),
        ("ECG in µV", "ECG in µV", 1000),
    ],
)
def test_a_unit_anywhere_in_a_heading(tmp_path, heading, name, steps):
    table = "".join(f"{i / 250:.3f};{value * steps:.9f}\n" for i, value in enumerate(VALUES))
    assert not check(tmp_path, f"t / s;{heading}\n" + table, name)


@pytest.mark.parametrize("heading", ["ECG_V", "ECG min_V", "samples/s", "HR/min", "V5 [raw]"])
def test_words_that_are_no_units(heading):
    assert name_and_unit(heading)[1] == ""
