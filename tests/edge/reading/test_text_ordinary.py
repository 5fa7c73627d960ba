"""Ordinary files that the guesses on odd ones leave as they are."""

import json

import numpy as np
import pytest

from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.text.rates import find_rate

TIMES = np.arange(5000) / 250
LEAD = np.round(np.exp(-np.square((TIMES % 0.8 - 0.4) / 0.02)) + 0.1 * np.sin(TIMES), 4)


def write(folder, headings, *columns):
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    (folder / "a.csv").write_text("\n".join([*([headings] if headings else []), *rows, ""]))
    return folder / "a.csv"


@pytest.mark.parametrize("name", ["V5 / mV", "CH1 / mV", "Sensor 1 / mV", "Kanal 2/mV"])
def test_a_unit_stands_behind_a_slash_also_where_the_name_ends_in_a_number(tmp_path, name):
    record = read_record(write(tmp_path, f"time / s,Resp,{name}", TIMES, 0 * TIMES + 1, LEAD), "first")
    assert record.unit == "mV" and record.rate == 250
    np.testing.assert_array_equal(record.signal[:, 0], LEAD)


@pytest.mark.parametrize("name", ["counts/mV", "ADC / mV"])
def test_a_gain_is_no_unit(tmp_path, name):
    assert read_record(write(tmp_path, f"time (s),{name}", TIMES, LEAD), "first").source.units == [""]


@pytest.mark.parametrize("other", ["battery_volts", "Supply / V", "GSR (V)", "temp_mV"])
@pytest.mark.parametrize("name", ["ecg", "MLII"])
def test_what_is_called_an_ecg_goes_before_what_is_in_volts(tmp_path, name, other):
    path = write(tmp_path, f"time,{other},{name}", TIMES, 0 * TIMES + 3.7, LEAD)
    np.testing.assert_array_equal(read_record(path, "first").signal[:, 0], LEAD)


def test_an_ecg_that_begins_late_is_still_the_first_lead(tmp_path):
    late = ["" if place < 3000 else value for place, value in enumerate(LEAD)]
    record = read_record(write(tmp_path, "time,V1,MLII", TIMES, 2 * LEAD, late), "MLII")
    assert record.source.leads == ["V1", "MLII"] and np.isnan(record.signal[:3000]).all()
    assert read_record(write(tmp_path, "time,chest,MLII", TIMES, 2 * LEAD, late), "first").leads == ("MLII",)


def test_sound_numbers_that_begin_again_are_told_of_in_no_pass(tmp_path):
    source = read_record(write(tmp_path, "seq,ecg_mV", np.arange(5000) % 256, LEAD), "first", rate=250).source
    for _ in range(3):
        list(source.blocks([0], seconds=5))
    assert not source.warnings


@pytest.mark.parametrize(
    "lines", [["ECG frequency: 250 Hz"], ["Holter rate 250 Hz"], ["Frequency of ECG: 250 Hz"]]
)
def test_a_rate_may_be_called_by_what_has_it(lines):
    assert find_rate(lines) == 250


@pytest.mark.parametrize("headings", ["timestamp_ms,ecg,channel", "timestamp_ms,ecg,sensor"])
def test_a_label_beside_an_ecg_is_no_sensor(tmp_path, headings):
    times = np.int64(np.arange(5000) * 1000 / 360)
    record = read_record(write(tmp_path, headings, times, LEAD, np.arange(5000) // 7 % 2), "ecg")
    assert record.rate == pytest.approx(360, rel=1e-3)


def test_a_breath_that_rises_at_first_is_no_clock(tmp_path):
    breath = np.round(np.sin(2 * np.pi * TIMES / 4 - 1.5), 6)
    assert read_record(write(tmp_path, "", LEAD, breath), "1", rate=250).source.leads == ["1", "2"]


def test_numbers_of_packets_are_no_clock(tmp_path):
    path = write(tmp_path, "", np.arange(5000) // 10, LEAD)
    assert read_record(path, "2", rate=250).rate == 250
    with pytest.raises(Exception, match="--rate HZ"):
        read_record(path, "2")


@pytest.mark.parametrize("name", ["sampleRate", "n_samples", "patient_id", "record_no"])
def test_a_number_beside_the_signal_is_no_array(tmp_path, name):
    (tmp_path / "a.json").write_text(json.dumps({name: 250, "fs": 250, "ecg": LEAD.tolist()}))
    assert read_record(tmp_path / "a.json", "first").rate == 250
    np.savez(tmp_path / "a.npz", **{name: 250, "fs": 250, "ecg": LEAD})
    assert read_record(tmp_path / "a.npz", "first").rate == 250
