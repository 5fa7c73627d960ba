"""Tables in which the rows of several sensors stand among one another."""

import numpy as np
import pytest

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

ECG = np.exp(-np.square((np.arange(2500) / 250 % 0.8 - 0.4) / 0.012))
JITTER = np.random.default_rng(0).normal(0, 0.5, 2500)


def written(folder, text):
    (folder / "a.csv").write_text(text)
    return folder / "a.csv"


def long(heading, names, jitter=0.0, has_clock=True):
    """Rows of an ECG at 250 Hz and of another sensor at 50 Hz, in the order of their times in ms."""
    rows = [(4 * n + jitter * JITTER[n], names[0], value) for n, value in enumerate(ECG)]
    rows += [(20 * n + 1.3, names[1], 9.8) for n in range(500)]
    form = "{1},{0:.3f},{2:.4f}\n" if has_clock else "{1},{2:.4f}\n"
    return heading + "\n" + "".join(form.format(*row) for row in sorted(rows))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        (long("sensor,timestamp_ms,value", ("1", "2")), None),
        (long("sensor,timestamp_ms,value", ("1", "2")), 250),
        (long("sensor_id,timestamp_ms,value", ("1", "2"), jitter=1), None),
        (long("type,timestamp_ms,value", ("ECG", "ACC")), None),
        (long("channel,value", ("0", "1"), has_clock=False), 300),
    ],
)
def test_a_long_table_is_refused(tmp_path, text, rate):
    with pytest.raises(
        RecordError, match="rows of several sensors, which column .* tells .*; expected a column"
    ):
        read_record(written(tmp_path, text), "first", rate=rate)


@pytest.mark.parametrize("name", ["sensor", "type", "label", "id"])
def test_a_column_of_labels_is_none_of_sensors(tmp_path, name):
    rows = (f"{n / 250:.3f},{value:.4f},{int(n % 200 < 9)}\n" for n, value in enumerate(ECG))
    record = read_record(written(tmp_path, f"time,ecg,{name}\n" + "".join(rows)), "ecg")
    assert record.rate == 250
    np.testing.assert_allclose(record.signal[:, 0], ECG, atol=1e-4)


def test_numbered_channels_are_none_of_sensors(tmp_path):
    rows = (f"{value:.4f},{int(n % 200 < 9)}\n" for n, value in enumerate(ECG))
    record = read_record(written(tmp_path, "Channel 1,Channel 2\n" + "".join(rows)), "Channel 1", rate=250)
    np.testing.assert_allclose(record.signal[:, 0], ECG, atol=1e-4)


def merged(step):
    """A table of an ECG at 250 Hz and of another sensor, a sample each ``step`` ms, by their times."""
    cells = {4.0 * n: [f"{value:.4f}", ""] for n, value in enumerate(ECG)}
    for n in range(int(10_000 / step)):
        cells.setdefault(round(step * n, 3), ["", ""])[1] = "9.8"
    return "time_ms,ecg,acc\n" + "".join(f"{time},{','.join(cells[time])}\n" for time in sorted(cells))


@pytest.mark.parametrize("step", [19.23, 10])
def test_a_table_merged_of_two_rates_is_told(tmp_path, step):
    record = read_record(written(tmp_path, merged(step)), "ecg")
    assert "either column ecg or acc, as in a table merged of two rates" in record.warnings[0]


@pytest.mark.parametrize("step", [4, 20, 1000])
def test_a_slower_column_beside_the_ecg_is_well(tmp_path, step):
    record = read_record(written(tmp_path, merged(step)), "ecg")
    assert record.rate == 250 and not record.source.warnings
    np.testing.assert_allclose(record.signal[:, 0], ECG, atol=1e-4)


def test_gaps_of_one_column_are_no_merge(tmp_path):
    rows = (f"{n / 250:.3f},{'' if n % 300 < 40 else value},{n % 7}\n" for n, value in enumerate(ECG))
    record = read_record(written(tmp_path, "time,ecg,resp\n" + "".join(rows)), "ecg")
    assert record.rate == 250 and not record.source.warnings
