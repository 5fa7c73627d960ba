"""Text files as devices and programs write them: preambles, units, decimal commas, compressed or piped."""

import gzip
import io
import json
import time
from types import SimpleNamespace

import numpy as np
import pytest

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.text.numbers import number

VALUES = np.round(np.random.default_rng(0).normal(0, 0.4, 2000), 3)
NAME = "Erika Mustermann"


def write(folder, text, name="a.csv", encoding="utf-8"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return folder / name


def check(path, hertz, name, values=VALUES, **arguments):
    record = read_record(path, **{"lead": "first", **arguments})
    assert (record.rate, record.leads) == (hertz, (name,)) and not record.cut
    np.testing.assert_allclose(record.signal[:, 0], values, atol=1e-9)
    assert not any(word in told for told in record.warnings for word in NAME.split())
    return record


def lines(values, form="{}"):
    return "\n".join(form.format(value) for value in values) + "\n"


# name, recorded, rate, lead, unit, and the mark of decimals
APPLE = {
    "en": ("Name", "Sample Rate", "512 hertz", "Lead,Lead I", "Unit", "."),
    "de": ("Name", "Abtastrate", "512 Hertz", "Ableitung,Ableitung I", "Einheit", ","),
    "fr": ("Nom", "Fréquence d’échantillonnage", "512 hertz", "Dérivation,Dérivation I", "Unité", ","),
    "es": (
        "Nombre",
        "Frecuencia de muestreo",
        "512 hercios (512 Hz)",
        "Derivación,Derivación I",
        "Unidad",
        ",",
    ),
    "it": ("Nome", "Frequenza di campionamento", "512 hertz", "Derivazione,Derivazione I", "Unità", ","),
    "pl": (
        "Imię i nazwisko",
        "Częstotliwość próbkowania",
        "512 Hz",
        "Odprowadzenie,Odprowadzenie I",
        "J",
        ",",
    ),
    "ru": ("Имя", "Частота дискретизации", "512 герц", "Отведение,Отведение I", "Единица", ","),
    "ja": ("名前", "サンプルレート", "512ヘルツ", "リード,第I誘導", "単位", "."),
    "zh": ("姓名", "采样率", "512赫兹", "导联,I导联", "单位", "."),
    "unknown": ("Xyzzy", "Foo", "512 Hz", "Bar,Lead I", "Baz", "."),
}


@pytest.mark.parametrize("language", APPLE)
@pytest.mark.parametrize("minus", ["-", "\u2212"])
def test_apple_watch_in_any_language(tmp_path, language, minus):
    name, rate, hertz, lead, unit, mark = APPLE[language]
    head = f'{name},{NAME}\nX,"1 Jan 1970"\nY,2026-01-05 08:00:00 +0100\nSoftware,1.90\nDevice,"Watch6,7"\n'
    head += f"{rate},{hertz}\n\n\n{lead}\n{unit},µV\n\n"
    text = head + lines(VALUES * 1000, "{:.3f}").replace(".", mark).replace("-", minus)
    found = "1" if language in ("ja", "zh") else "Lead I"
    record = read_record(write(tmp_path, text), lead="first")
    assert record.leads[0] in ("Lead I", found)
    check(tmp_path / "a.csv", 512, record.leads[0])
    with pytest.raises(RecordError) as caught:
        read_record(tmp_path / "a.csv", lead="V5")
    assert "Erika" not in str(caught.value)


def test_a_rate_with_decimals_in_a_preamble(tmp_path):
    head = f"Name,{NAME}\nAbtastrate,510,227 Hertz\nAbleitung,Ableitung I\nEinheit,µV\n\n"
    check(write(tmp_path, head + lines(VALUES * 1000, "{:.3f}").replace(".", ",")), 510.227, "Lead I")


@pytest.mark.parametrize(
    ("head", "rate"),
    [
        ("# Sampling rate: 250 Hz\n", 250),
        ("% fs = 360 (sampling frequency)\n", 360),
        ("Sampling Frequency;0.5 kHz\n\n", 500),
        ("# Heart rate: 72\n# Sample rate 128\n", 128),
        ("// Notch 50 Hz\n// samples per second: 256\n", 256),
        ("Device,X\nFilter,0.5-40 Hz\nSampling rate (Hz),300\n\n", 300),
    ],
)
def test_a_rate_is_taken_from_a_preamble(tmp_path, head, rate):
    path = write(tmp_path, head + "MLII\n" + lines(VALUES))
    check(path, rate, "MLII", rate=None)
    with pytest.raises(RecordError, match="the leads MLII; expected V1"):
        read_record(path, lead="V1")


@pytest.mark.parametrize("head", ["# Heart rate: 72 bpm\n", "# Filter 50 Hz, 40 Hz\n", "# made in 2026\n"])
def test_other_numbers_in_a_preamble_are_no_rate(tmp_path, head):
    with pytest.raises(RecordError, match="no column of time; expected one, or the rate"):
        read_record(write(tmp_path, head + "MLII\n" + lines(VALUES)))


@pytest.mark.parametrize(
    ("device", "bits", "gain"), [("bitalino_rev", 10, 3.3 / 1.1), ("biosignalsplux", 16, 3 / 1.019)]
)
def test_opensignals(tmp_path, device, bits, gain):
    header = {
        "00:00": {"sensor": ["EDA", "ECG"], "column": ["nSeq", "I1", "A1", "A2"], "sampling rate": 1000}
    }
    header["00:00"] |= {"resolution": [4, 1, bits, bits], "device": device}
    head = f"# OpenSignals Text File Format\n# {json.dumps(header)}\n# EndOfHeader\n"
    counts = np.round((VALUES / gain + 0.5) * 2**bits)
    rows = "".join(f"{row % 16}\t0\t512\t{count:.0f}\t\n" for row, count in enumerate(counts))
    record = check(write(tmp_path, head + rows, "a.txt"), 1000, "A2", counts / 2**bits * gain)
    assert "found counts of an ECG sensor; took" in record.warnings[0]


def test_openbci(tmp_path):
    head = "%OpenBCI Raw EXG Data\n%Number of channels = 2\n%Sample Rate = 250 Hz\n%Board = Cyton\n"
    head += "Sample Index, EXG Channel 0, EXG Channel 1, Accel Channel 0, Other, Timestamp, "
    head += "Timestamp (Formatted)\n"
    rows = [
        f"{row % 256}, {value * 1000 - 61000:.3f}, 5.5, 0.1, 0, {1767600000 + row // 10 / 25:.4f}, "
        f"2026-01-05 08:00:{row / 250:06.3f}\n"
        for row, value in enumerate(VALUES)
    ]
    record = check(write(tmp_path, head + "".join(rows), "a.txt"), 250, "EXG Channel 0", VALUES - 61)
    assert len(record.source.leads) == 4


def test_polar_sensor_logger(tmp_path):
    rows = [
        f"2026-01-05T08:00:{row / 130:06.3f};{599616000000000000 + round(row / 130 * 1e9)};"
        f"{row / 130 * 1000:.6f};{value * 1000:.0f}\n"
        for row, value in enumerate(VALUES)
    ]
    head = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n"
    check(write(tmp_path, head + "".join(rows), "a.txt"), 130, "ecg")


def test_the_leads_that_are_an_ecg_come_first(tmp_path):
    rows = "".join(f"{row * 4},60,0.1,{value}\n" for row, value in enumerate(VALUES))
    check(write(tmp_path, "time_ms,HR,AccX (g),chest_ecg_mV\n" + rows), 250, "chest_ecg_mV")


@pytest.mark.parametrize("number", ["4", "chest"])
def test_a_lead_may_be_told_by_the_number_of_its_column(tmp_path, number):
    rows = "".join(f"{row * 4},60,0.1,{value}\n" for row, value in enumerate(VALUES))
    check(write(tmp_path, "time_ms,HR,x,chest\n" + rows), 250, "chest", lead=number)


def test_units_in_a_row_below_the_headings(tmp_path):
    rows = "".join(f"{row * 4}\t9.81\t{value * 1000}\n" for row, value in enumerate(VALUES))
    head = "S1\tS1\tS1\nTimestamp\tAccel X\tECG LL-RA\nCAL\tCAL\tCAL\nmSecs\tm/(s^2)\tuV\n"
    check(write(tmp_path, "sep=\t\n" + head + rows, "a.tsv"), 250, "ECG LL-RA")


@pytest.mark.parametrize("unit", ["uV", "µV", "\u03bcV", "Âµv", "UV"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16", "utf-16-le"])
def test_a_micro_sign_in_any_encoding(tmp_path, unit, encoding):
    if encoding == "latin-1" and "\u03bc" in unit:
        return
    text = f"MLII [{unit}]\n" + lines(VALUES * 1000, "{:.6f}")
    check(write(tmp_path, text, encoding=encoding), 250, "MLII", rate=250)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", "  \t "])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_separator_and_ending_of_lines(tmp_path, separator, ending):
    rows = [f"{row / 250:.3f}{separator}{value}" for row, value in enumerate(VALUES)]
    check(write(tmp_path, ending.join([f"time{separator}MLII", *rows]), "a.txt"), 250, "MLII")


@pytest.mark.parametrize("head", ["MLII\n", "", "MLII (mV)\n"])
def test_decimal_commas_of_a_single_column(tmp_path, head):
    text = head + lines(VALUES, "{:.4f}").replace(".", ",")
    check(write(tmp_path, text), 250, "MLII" if head else "1", rate=250)


def test_decimal_commas_beside_quotes(tmp_path):
    rows = [f'"{row / 250:.3f}","{value}"'.replace(".", ",") for row, value in enumerate(VALUES)]
    check(write(tmp_path, "time,MLII\n" + lines(rows)), 250, "MLII")


@pytest.mark.parametrize("index", [True, False])
def test_a_frame_of_pandas_whose_only_heading_is_a_number(tmp_path, index):
    rows = [f"{row},{value}" if index else f"{value}" for row, value in enumerate(VALUES)]
    path = write(tmp_path, (",0\n" if index else "0\n") + lines(rows))
    check(path, 250, "0", rate=250)
    assert "took its column 0 for MLII" in read_record(path, rate=250).warnings[0]


@pytest.mark.parametrize(("name", "stem"), [("a.csv.gz", "a"), ("b.tsv.gz", "b"), ("c.TXT.GZ", "c")])
def test_gzip_of_any_text(tmp_path, name, stem):
    text = "time\tMLII\n" + lines([f"{row / 250:.3f}\t{value}" for row, value in enumerate(VALUES)])
    assert check(write(tmp_path, gzip.compress(text.encode()), name), 250, "MLII").name == stem


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input(monkeypatch, pack):
    text = "time,MLII\n" + lines([f"{row / 250:.3f},{value}" for row, value in enumerate(VALUES)])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(pack(text.encode()))))
    assert check("-", 250, "MLII").name == "stdin"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(RecordError, match="standard input: found no row of text"):
        read_record("-")


def test_cells_of_all_formats_are_the_nearest_numbers(tmp_path):
    rng = np.random.default_rng(0)
    cells = [
        f"{x:.{d}{f}}"
        for x, d, f in zip(rng.normal(0, 3, 999), rng.integers(0, 19, 999), "feg" * 333, strict=True)
    ]
    cells += [
        "+1.5",
        "-0",
        "1.",
        ".5",
        "-.25",
        "00012.50",
        "1e-3",
        "123456789012345678",
        "NA",
        "",
        "inf",
        "-",
    ]
    missing = {"NA", "", "inf", "-"}
    path = write(tmp_path, "x,MLII\n" + lines(cells, "1,{}"))
    expected = [np.nan if cell in missing else float(cell) for cell in cells]
    np.testing.assert_array_equal(read_record(path, rate=250, unit="mV").signal[:, 0], expected)


def test_a_line_of_many_separators_takes_no_time(tmp_path):
    path = write(tmp_path, "%" + "," * 60_000 + "\n%Sample Rate = 250 Hz\n" + lines(VALUES))
    begin = time.monotonic()
    check(path, 250, "1", unit="mV")
    assert time.monotonic() - begin < 4


NUMBERED = "".join(f"{number},{value}\n" for number, value in enumerate(VALUES))


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ('"x"\n' + "".join(f'"{number}" {value}\n' for number, value in enumerate(VALUES, 1)), "x"),
        (",0.0\n" + NUMBERED, "0.0"),
        ("Mustermann,Erika\nindex,MLII\n" + NUMBERED, "MLII"),
        (f"{NAME}\n" + lines(VALUES), "1"),
        ("(sec) (mV)\n" + "".join(f"{number / 250} {value}\n" for number, value in enumerate(VALUES)), "2"),
    ],
    ids=["R's row names", "pandas' float", "a name above the headings", "a name alone", "units alone"],
)
def test_headings_as_programs_and_people_write_them(tmp_path, text, lead):
    check(write(tmp_path, text), 250, lead, rate=250, unit="mV")


def test_a_row_of_units_may_have_one_that_is_none(tmp_path):
    path = write(tmp_path, "time,MLII\ns,mmHg\n" + "".join(f"{n / 250},{v}\n" for n, v in enumerate(VALUES)))
    with pytest.raises(RecordError, match="found lead MLII in 'mmHg'; expected mV"):
        read_record(path)


@pytest.mark.parametrize(
    ("rate", "lead"),
    [
        ("Frecuencia de muestreo;512 hercios", "Derivación;Derivación I"),
        ("Taajuus;512 hertsiä", "Kytkentä;Kytkentä I"),
        ("Sample Rate;512 hertz", "Elvezetés;I. elvezetés"),
        ("Sample Rate;512 hertz", "誘導;誘導I"),
    ],
)
def test_more_spellings_of_hertz_and_of_leads(tmp_path, rate, lead):
    text = f"{rate}\n\n{lead}\nUnit;mV\n\n" + lines(VALUES).replace(".", ",")
    check(write(tmp_path, text, encoding="utf-16"), 512, "Lead I")


def test_commas_between_columns_and_before_decimals_are_told(tmp_path):
    rows = "".join(f"{n / 250:.3f},{v:.3f}\n".replace(".", ",") for n, v in enumerate(VALUES))
    for lead in ("1", "2", "first"):
        with pytest.raises(RecordError, match="commas between the columns and before decimals"):
            read_record(write(tmp_path, rows), lead, rate=250)


def _grouped(value, decimal):
    """A number with its thousands marked: 1.234,50 or 1,234.50."""
    text = f"{value:,.2f}"
    return text if decimal == "." else text.translate(str.maketrans(",.", ".,"))


@pytest.mark.parametrize(
    ("decimal", "separator", "quote"), [(",", ";", ""), (",", "\t", ""), (".", ";", ""), (".", ",", '"')]
)
def test_marked_thousands_are_no_decimals(tmp_path, decimal, separator, quote):
    times, volts = np.arange(3000) / 250, np.round(1500 * np.sin(np.arange(3000) / 80), 2)
    rows = [
        separator.join(f"{quote}{_grouped(value, decimal)}{quote}" for value in row)
        for row in zip(1000 * times, volts, strict=True)
    ]
    (tmp_path / "a.csv").write_text("\n".join([separator.join(["time (ms)", "ECG (µV)"]), *rows, ""]))
    record = read_record(tmp_path / "a.csv", "ECG")
    assert record.rate == 250 and not record.source.warnings
    np.testing.assert_allclose(record.signal[:, 0], volts / 1000, atol=1e-9)


@pytest.mark.parametrize("cell", ["1.23,5", "1.2345,5", ".123,5", "1.234.5,5", "1,5.000", "1.234"])
def test_what_may_be_no_thousands_is_no_number(cell):
    assert number(cell, ",") is None
