"""The same seconds of signal with a gap, in spellings of clocks, units and endings that programs have."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from device_files import beats

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.listing import find_recordings
from sibeat_edge.reading.record import read_record

RATE, LOST = 250, (1500, 2000)  # Hz, samples that are not in the file
SIGNAL = np.round(beats(20, RATE)[:, 0], 4)
KEPT = [place for place in range(len(SIGNAL)) if not LOST[0] <= place < LOST[1]]
BEGIN = datetime(2024, 1, 31, 23, 59, 50)


def at(place):
    return BEGIN + timedelta(milliseconds=4 * place)


def check(record):
    assert record.rate == RATE
    found = record.signal[:, 0]
    wanted = SIGNAL.copy()
    wanted[LOST[0] : LOST[1]] = np.nan
    np.testing.assert_allclose(found, wanted, atol=1e-9)


CLOCKS = {
    "Excel's days": lambda place: f"{45322.99 + place / RATE / 86400:.10f}",
    "ISO without separators": lambda place: at(place).strftime("%Y%m%dT%H%M%S.%f")[:-3],
    "ISO without separators, in UTC": lambda place: at(place).strftime("%Y%m%dT%H%M%S.%fZ"),
    "ISO with a comma": lambda place: at(place).strftime("%Y-%m-%d %H:%M:%S,%f"),
    "a zone": lambda place: at(place).isoformat() + "+0100",
    "a US date": lambda place: at(place).strftime("%m/%d/%Y %I:%M:%S.%f %p"),
    "a colon before milliseconds": lambda place: at(place).strftime("%H:%M:%S:%f")[:-3],
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_in_any_spelling_tells_the_gap(tmp_path, clock):
    rows = "".join(f"{CLOCKS[clock](place)};{SIGNAL[place]:.4f}\n" for place in KEPT)
    (tmp_path / "a.csv").write_text("time;MLII\n" + rows)
    check(read_record(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("unit", "steps"),
    [("10uV", 100), ("0.001 mV", 1000), ("2,5 µV", 400), ("5 uV/LSB", 200), ("nV per bit", 1e6)],
)
def test_the_size_of_a_step_may_be_a_unit(tmp_path, unit, steps):
    rows = "".join(f"{place / RATE:.3f};{SIGNAL[place] * steps:.7f}\n" for place in KEPT)
    (tmp_path / "a.csv").write_text(f"time;MLII ({unit})\n" + rows)
    check(read_record(tmp_path / "a.csv"))


@pytest.mark.parametrize("name", ["a.tab", "a.asc", "a.log", "a.prn", "a.dat", "a.xyz", "a"])
def test_a_table_is_a_text_whatever_its_ending(tmp_path, name):
    rows = "".join(f"{place / RATE:.3f}\t{SIGNAL[place]:.4f}\n" for place in KEPT)
    (tmp_path / name).write_text("time\tMLII\n" + rows)
    check(read_record(tmp_path / name))


def test_other_texts_are_no_recordings(tmp_path):
    (tmp_path / "a.csv").write_text("MLII\n1\n2\n")
    for name in ("server.log", "notes"):
        (tmp_path / name).write_text("Visit of 12 May:\nno complaints.\nsee 1 and 2\n" * 20)
    with pytest.raises(RecordError, match="notes: found a file of unknown format"):
        read_record(tmp_path / "notes", rate=RATE)
    assert find_recordings(tmp_path) == [tmp_path / "a.csv"]
