"""The unit of a recording that states none is guessed by the size of its beats, and told."""

import numpy as np
import pytest
from examples import write_edf

from keras_sibeat.data.synthetic import simulate_wearer
from sibeat_edge.errors import RecordError
from sibeat_edge.reading.headings import name_and_unit
from sibeat_edge.reading.record import read_record
from sibeat_edge.reading.units import guess_unit

RATE = 250
TIME = np.arange(30 * RATE) / RATE
BEATS = np.exp(-np.square((TIME % 0.8 - 0.4) / 0.012)) + 0.1 * np.sin(2 * np.pi * 0.3 * TIME)
NOISE = np.random.default_rng(0).normal(0, 0.003, len(TIME))


def write(folder, values, heading="MLII", form="%.4f"):
    np.savetxt(folder / "a.csv", values, fmt=form, header=heading, comments="")
    return folder / "a.csv"


@pytest.mark.parametrize("offset", [0, 300, -61])
@pytest.mark.parametrize("size", [0.1, 1, 5])
def test_values_that_can_be_millivolts_are(tmp_path, size, offset):
    record = read_record(write(tmp_path, size * BEATS + NOISE + offset), rate=RATE)
    assert not record.warnings and record.unit == "mV"


@pytest.mark.parametrize("offset", [0, 5000.5])
def test_microvolts_are_told_by_their_size(tmp_path, offset):
    record = read_record(write(tmp_path, 1000 * (BEATS + NOISE) + offset), rate=RATE)
    assert (
        "without a unit" in record.warnings[0]
        and "took them for uV (--unit UNIT settles" in record.warnings[0]
    )
    np.testing.assert_allclose(record.signal[:, 0], BEATS + NOISE + offset / 1000, atol=1e-6)


def test_volts_are_told_by_their_size(tmp_path):
    record = read_record(write(tmp_path, (BEATS + NOISE) / 1000, form="%.9f"), rate=RATE)
    assert "took them for V" in record.warnings[0]
    np.testing.assert_allclose(record.signal[:, 0], BEATS + NOISE, atol=1e-5)


@pytest.mark.parametrize(("steps", "offset"), [(200, 1024), (20_000, 1 << 23), (1000, 32768)])
def test_counts_become_beats_of_about_a_millivolt(tmp_path, steps, offset):
    path = write(tmp_path, np.round(BEATS * steps + offset), form="%d")
    record = read_record(path, rate=RATE)
    assert "took them for counts" in record.warnings[0]
    assert 0.7 < np.ptp(record.signal[:500]) < 1.6
    exact = read_record(path, rate=RATE, unit=f"{steps}/mV")
    assert not exact.warnings
    np.testing.assert_allclose(exact.signal[:, 0] - offset / steps, BEATS, atol=0.51 / steps)


def test_noise_and_constants_are_no_volts():
    assert guess_unit(NOISE[:, None], RATE).unit == "mV"
    assert guess_unit(np.full((500, 1), 1024.0), RATE).unit == "mV"
    assert guess_unit(np.full((500, 1), np.nan), RATE).unit == "mV"
    assert guess_unit(np.zeros((1, 1)), RATE).unit == "mV"


def test_a_unit_that_is_unknown_is_settled_by_the_one_that_is_given(tmp_path):
    path = write(tmp_path, np.round(BEATS * 200), "MLII (ADC)", "%d")
    with pytest.raises(
        RecordError, match=r"lead MLII in 'ADC'; expected mV, uV or V \(--unit UNIT settles it\)"
    ):
        read_record(path, rate=RATE)
    np.testing.assert_allclose(read_record(path, rate=RATE, unit="200/mV").signal[:, 0], BEATS, atol=0.0026)


def test_a_unit_that_is_stated_goes_before_one_that_is_given(tmp_path):
    record = read_record(write(tmp_path, 1000 * BEATS, "MLII (uV)"), rate=RATE, unit="mV")
    np.testing.assert_allclose(record.signal[:, 0], BEATS, atol=1e-4)


def test_an_edf_file_without_a_unit_is_guessed_as_well(tmp_path):
    path = write_edf(tmp_path / "a.edf", [BEATS], [RATE], unit="")
    assert read_record(path).unit == "mV"
    np.testing.assert_allclose(read_record(path, unit="uV").signal[:, 0], BEATS / 1000, atol=1e-6)


@pytest.mark.parametrize("seed", range(1, 9))
def test_volts_of_a_wearer_are_told(tmp_path, seed):
    lead = simulate_wearer(seed=seed, seconds=20, rate=RATE).signal[:, 0]
    record = read_record(write(tmp_path, lead / 1000, form="%.9f"), rate=RATE)
    assert "took them for V (--unit UNIT settles it)" in record.warnings[0]
    np.testing.assert_allclose(record.signal[:, 0], lead, atol=1e-5)


def test_what_is_too_small_for_beats_in_millivolts_is_told(tmp_path):
    record = read_record(write(tmp_path, NOISE / 10, form="%.9f"), rate=RATE)
    assert record.unit == "mV" and "too small for beats in mV; took them for mV" in record.warnings[0]


@pytest.mark.parametrize(
    "heading", ["ECG / V", "ECG/V", "ECG_in_V", "ECG in V", "ecg_volts", "ECG / mV", "II in uV"]
)
def test_a_unit_behind_a_name(tmp_path, heading):
    scale = {"mV": 1, "uV": 1000}.get(heading[-2:], 1e-3)
    record = read_record(write(tmp_path, scale * BEATS, heading, "%.9f"), "first", RATE)
    assert not [warning for warning in record.warnings if " unit" in warning]
    np.testing.assert_allclose(record.signal[:, 0], BEATS, atol=1e-5)


@pytest.mark.parametrize("heading", ["counts/mV", "ADC / mV", "ECG_V", "lead V", "V1/V2", "bits/mV"])
def test_what_is_no_unit_behind_a_name(heading):
    assert name_and_unit(heading) == (heading, "")
