"""Recordings are read as they were written, in blocks of any size."""

import numpy as np
import pytest
import wfdb
from examples import write_edf, write_wfdb

from sibeat_edge.reading.record import read_record

RATE = 360


def signal(samples=3600, leads=1, seed=0):
    """Rounded to 1 uV, so that every format holds it."""
    return np.round(np.random.default_rng(seed).uniform(-2, 2, (samples, leads)), 3)


def write_csv(path, columns, heads, separator=","):
    rows = [separator.join(heads)] if heads else []
    rows += [separator.join(str(cell) for cell in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join(rows) + "\n")
    return path


def clock(samples, rate=RATE, digits=4, start=0.0):
    return np.round(start + np.arange(samples) / rate, digits)


def joined(record, seconds):
    return np.concatenate([samples for _, samples in record.blocks(seconds)])


class TestWfdb:
    @pytest.mark.parametrize("ending", ["", ".hea", ".dat"])
    def test_a_record_is_what_wfdb_reads(self, tmp_path, ending):
        path = write_wfdb(tmp_path, "a", signal(leads=2), ("V5", "MLII"))
        record = read_record(f"{path}{ending}")
        assert (record.name, record.rate, record.leads, record.seconds) == ("a", 360, ("MLII",), 10)
        np.testing.assert_array_equal(record.signal[:, 0], wfdb.rdrecord(str(path)).p_signal[:, 1])

    def test_leads_come_in_the_models_order(self, tmp_path):
        path = write_wfdb(tmp_path, "a", signal(leads=3), ("V5", "MLII", "V1"))
        record = read_record(path, wanted=("V1", "V5"))
        assert record.leads == ("V1", "V5") and not record.warnings
        np.testing.assert_array_equal(record.signal, wfdb.rdrecord(str(path)).p_signal[:, [2, 0]])

    def test_missing_samples_are_nan(self, tmp_path):
        values = signal()
        values[100:200] = np.nan
        record = read_record(write_wfdb(tmp_path, "a", values))
        np.testing.assert_array_equal(np.isnan(record.signal), np.isnan(values))

    def test_segments_follow_one_another(self, tmp_path):
        parts = signal(1000, seed=1), signal(800, seed=2)
        for name, part in zip(("one", "two"), parts, strict=True):
            write_wfdb(tmp_path, name, part)
        (tmp_path / "both.hea").write_text("both/2 1 360 1800\none 1000\ntwo 800\n")
        record = read_record(tmp_path / "both")
        np.testing.assert_allclose(joined(record, 0.7), np.concatenate(parts), atol=1e-9)

    def test_a_segment_without_signal_is_missing(self, tmp_path):
        write_wfdb(tmp_path, "one", signal(1000))
        (tmp_path / "layout.hea").write_text("layout 1 360 0\n~ 0 1000/mV 16 0 0 0 0 MLII\n")
        (tmp_path / "gap.hea").write_text("gap/3 1 360 1500\nlayout 0\none 1000\n~ 500\n")
        found = read_record(tmp_path / "gap").signal
        np.testing.assert_allclose(found[:1000], signal(1000), atol=1e-9)
        assert len(found) == 1500 and np.isnan(found[1000:]).all()

    def test_a_lead_with_several_samples_a_frame_keeps_them_all(self, tmp_path):
        fast, slow = signal(4000), signal(1000, seed=1)
        wfdb.wrsamp(
            "a",
            fs=125,
            units=["mV", "mV"],
            sig_name=["MLII", "resp"],
            e_p_signal=[fast[:, 0], slow[:, 0]],
            samps_per_frame=[4, 1],
            fmt=["16", "16"],
            adc_gain=[1000.0, 1000.0],
            baseline=[0, 0],
            write_dir=str(tmp_path),
        )
        record = read_record(tmp_path / "a")
        assert (record.rate, record.seconds) == (500, 8)
        np.testing.assert_allclose(joined(record, 3), fast, atol=1e-9)


class TestEdf:
    def test_a_file_is_what_was_written(self, tmp_path):
        values = signal()[:, 0]
        path = write_edf(tmp_path / "a.edf", [np.zeros(100), values], [10, 360], ["Resp", "ECG MLII"])
        record = read_record(path)
        assert (record.rate, record.leads, record.seconds) == (360, ("ECG MLII",), 10)
        assert not record.warnings
        np.testing.assert_allclose(record.signal[:, 0], values, atol=10 / 65535)

    def test_microvolts_become_millivolts(self, tmp_path):
        path = write_edf(tmp_path / "a.EDF", [np.full(720, 4.0)], [360], unit="uV")
        np.testing.assert_allclose(read_record(path).signal, 0.004, rtol=1e-4)


class TestCsv:
    def test_a_clock_and_named_leads(self, tmp_path):
        values = signal(leads=2)
        path = write_csv(tmp_path / "a.csv", [clock(3600), *values.T], ["time", "V5", "MLII"])
        record = read_record(path)
        assert (record.name, record.rate, record.leads) == ("a", 360, ("MLII",))
        np.testing.assert_array_equal(record.signal, values[:, 1:])

    def test_units_separators_and_missing_cells(self, tmp_path):
        values = ["500", "", "NaN", "-250", "null"] * 200
        times = np.arange(1000) * 4
        path = write_csv(tmp_path / "a.csv", [times, values], ["Time (ms)", '"MLII [uV]"'], ";")
        record = read_record(path)
        assert record.rate == 250
        np.testing.assert_array_equal(record.signal[:5, 0], [0.5, np.nan, np.nan, -0.25, np.nan])

    def test_a_table_as_a_german_spreadsheet_writes_it(self, tmp_path):
        values = signal(500)
        rows = [
            f'{time};"{row}";'.replace(".", ",") for time, row in zip(clock(500), values[:, 0], strict=True)
        ]
        text = "Logger 7\r\n\r\ntime;MLII;\r\n# a comment\r\n" + "\r\n".join(rows)
        (tmp_path / "a.csv").write_bytes(("\ufeff" + text).encode())
        record = read_record(tmp_path / "a.csv")
        assert (record.rate, record.leads) == (RATE, ("MLII",))
        np.testing.assert_array_equal(record.signal, values)

    def test_a_single_column_without_a_name_is_taken_with_a_warning(self, tmp_path):
        values = signal()
        record = read_record(write_csv(tmp_path / "a.csv", values.T, None), rate=200)
        assert record.rate == 200 and "took its column 1 for MLII" in record.warnings[0]
        np.testing.assert_array_equal(record.signal, values)

    def test_a_column_can_be_chosen_by_its_number(self, tmp_path):
        values = signal(leads=3)
        record = read_record(write_csv(tmp_path / "a.csv", values.T, None), lead="2", rate=200)
        np.testing.assert_array_equal(record.signal, values[:, 1:2])

    @pytest.mark.parametrize(("rate", "digits"), [(360, 3), (128, 3), (250, 6), (1000, 3), (100.5, 4)])
    def test_the_clocks_rounding_does_not_spoil_the_rate(self, tmp_path, rate, digits):
        times = clock(8000, rate, digits, start=1.7e6)
        record = read_record(write_csv(tmp_path / "a.csv", [times, signal(8000)[:, 0]], ["time", "MLII"]))
        assert record.rate == pytest.approx(rate, rel=0 if rate == round(rate) else 1e-5)
        assert [time for time, _ in record.blocks(1e9)] == [0.0]

    def test_after_a_gap_in_the_clock_a_block_begins_there(self, tmp_path):
        values = signal(3000)
        times = np.concatenate([clock(1000), clock(2000, start=1000 / RATE + 60)])
        record = read_record(write_csv(tmp_path / "a.csv", [times, values[:, 0]], ["time", "MLII"]))
        starts = [(time, len(samples)) for time, samples in record.blocks(1e9)]
        assert starts == [(0.0, 1000), (pytest.approx(62.7778), 2000)]
        whole = record.signal[:, 0]
        assert len(whole) == 3000 + 60 * RATE and np.isnan(whole[1000 : 1000 + 60 * RATE]).all()
        np.testing.assert_array_equal(whole[np.isfinite(whole)], values[:, 0])

    def test_blank_lines_are_left_out(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("MLII\n1\n\n2\n\n")
        np.testing.assert_array_equal(read_record(path, rate=100).signal[:, 0], [1, 2])


def test_every_format_gives_the_same_signal(tmp_path):
    values = signal()
    paths = [
        write_wfdb(tmp_path, "a", values),
        write_edf(tmp_path / "a.edf", values.T, [RATE]),
        write_csv(tmp_path / "a.csv", [clock(3600), values[:, 0]], ["time", "MLII"]),
    ]
    for path in paths:
        np.testing.assert_allclose(read_record(path).signal, values, atol=10 / 65535)


@pytest.mark.parametrize("unit", ["V", "uV", "mV"])
def test_units_are_converted(tmp_path, unit):
    factor = {"V": 1e3, "mV": 1.0, "uV": 1e-3}[unit]
    path = write_wfdb(tmp_path, "a", signal() / factor, units=unit, gain=1000.0 * factor)
    np.testing.assert_allclose(read_record(path).signal, signal(), atol=1e-9)


@pytest.mark.parametrize("kind", ["wfdb", "edf", "csv"])
@pytest.mark.parametrize("seconds", [0.02, 0.9, 3.3, 60])
def test_blocks_of_any_length_join_to_the_same_signal(tmp_path, kind, seconds):
    values = signal(1440)
    path = {
        "wfdb": lambda: write_wfdb(tmp_path, "a", values),
        "edf": lambda: write_edf(tmp_path / "a.edf", values.T, [RATE]),
        "csv": lambda: write_csv(tmp_path / "a.csv", [clock(1440), values[:, 0]], ["time", "MLII"]),
    }[kind]()
    record, seen = read_record(path), 0
    for time, samples in record.blocks(seconds):
        assert time == pytest.approx(seen / RATE, abs=1e-4)
        assert 1 <= len(samples) <= seconds * RATE
        seen += len(samples)
    np.testing.assert_array_equal(joined(record, seconds), record.signal)
    assert seen == 1440


def test_another_lead_is_taken_with_a_warning_that_names_both(tmp_path):
    path = write_wfdb(tmp_path, "a", signal(leads=2), ("V5", "V2"))
    record = read_record(path, lead="v2")
    assert record.leads == ("V2",)
    assert len(record.warnings) == 1 and "V2" in record.warnings[0] and "MLII" in record.warnings[0]


@pytest.mark.parametrize("name", ["II", "ECG II", "mlii"])
def test_a_lead_of_another_name_that_means_the_same_is_taken_without_a_warning(tmp_path, name):
    record = read_record(write_wfdb(tmp_path, "a", signal(leads=2), ("V5", name)))
    assert record.leads == (name,) and not record.warnings


def test_a_model_of_the_first_lead_takes_the_first_whatever_its_name(tmp_path):
    path = write_wfdb(tmp_path, "a", signal(leads=2), ("V5", "V2"))
    record = read_record(path, wanted=("first",))
    assert record.leads == ("V5",) and not record.warnings
    record = read_record(path, lead="first", wanted=("MLII",))
    assert record.leads == ("V5",) and "found lead V5; expected MLII" in record.warnings[0]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_header_with_a_micro_sign_is_in_microvolts(tmp_path, encoding):
    path = write_wfdb(tmp_path, "a", signal() * 1000, units="uV", gain=1.0)
    header = path.with_suffix(".hea")
    header.write_text(header.read_text().replace("/uV", "/\u00b5V"), encoding=encoding)
    np.testing.assert_allclose(read_record(path).signal, signal(), atol=0.00051)
