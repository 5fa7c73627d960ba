"""JSON files of other programs than those that have a reader of their own."""

import json

import numpy as np
import pytest
from device_files import beats

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.listing import find_recordings
from sibeat_edge.reading.record import read_record

RATE = 130
LEAD = np.round(beats(30, RATE)[:, 0], 3)
TIMES = np.arange(len(LEAD)) / RATE + np.where(np.arange(len(LEAD)) < 1300, 0, 20)  # 20 s are lost
PAIRS = list(zip(TIMES, LEAD, strict=True))
START = np.datetime64("2026-01-05T08:00:00", "ms")


def written(folder, content, encoding="utf-8"):
    (folder / "a.json").write_text(json.dumps(content), encoding=encoding)
    return folder / "a.json"


def polar():
    stamps = [(599_616_000 * 10**9 + round(time * 1e9), round(1000 * value)) for time, value in PAIRS]
    return {"samples": [{"timeStamp": stamp, "voltage": value} for stamp, value in stamps]}


def stamps():
    return [str(START + np.timedelta64(round(time * 1000), "ms")) for time in TIMES]


CLOCKED = {
    "Polar": (polar(), {"unit": "uV"}),
    "records": ([{"time": time, "ecg": value} for time, value in PAIRS], {}),
    "columns": ({"time": TIMES.tolist(), "ecg": LEAD.tolist(), "unit": "mV"}, {}),
    "dates": ({"datetime": stamps(), "ecg": LEAD.tolist()}, {}),
    "pandas": ({"time": dict(enumerate(TIMES)), "ecg": dict(enumerate(LEAD))}, {}),
}


@pytest.mark.parametrize("kind", CLOCKED)
@pytest.mark.parametrize("rate", [None, RATE])
def test_a_clock_tells_rate_and_gaps(tmp_path, kind, rate):
    content, options = CLOCKED[kind]
    record = read_record(written(tmp_path, content), "first", rate=rate, **options)
    found = record.signal[:, 0]
    assert record.rate == RATE and record.seconds == pytest.approx(50, abs=1e-3)
    np.testing.assert_allclose(found[:1300], LEAD[:1300], atol=1e-9)
    assert np.isnan(found[1300:3900]).all()
    np.testing.assert_allclose(found[3900:], LEAD[1300:], atol=1e-9)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_health_auto_export(tmp_path, encoding):
    rows = [{"date": "2026-01-05 08:00:00 +0100", "voltage": 1000 * v, "units": "mcV"} for v in LEAD]
    ecg = {"classification": "Sinus Rhythm", "samplingFrequency": RATE, "voltageMeasurements": rows}
    record = read_record(written(tmp_path, {"data": {"ecg": [ecg]}}, encoding), "first")
    assert record.rate == RATE and record.source.units == ["mcV"]
    np.testing.assert_allclose(record.signal[:, 0], LEAD, atol=1e-9)


def test_a_list_alone_is_a_lead(tmp_path):
    record = read_record(written(tmp_path, LEAD.tolist()), rate=RATE)
    np.testing.assert_array_equal(record.signal[:, 0], LEAD)


def test_a_missing_value_is_missing(tmp_path):
    values = [None if place == 5 else value for place, value in enumerate(LEAD)]
    found = read_record(written(tmp_path, {"ecg": values, "fs": RATE}), "first").signal[:, 0]
    assert np.flatnonzero(np.isnan(found)).tolist() == [5]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"ecg": "none"}, "no array of a signal"),
        ({"ecg": LEAD.tolist()}, "no sampling rate"),
        ({"ecg": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}}}, "within one another"),
    ],
)
def test_faults_are_told(tmp_path, content, words):
    with pytest.raises(RecordError, match=words):
        open_source(written(tmp_path, content), None)


def test_in_a_folder_it_is_left_out(tmp_path):
    written(tmp_path, {"epochs": 5, "values": LEAD.tolist()})
    with pytest.raises(RecordError, match="a folder without a recording"):
        find_recordings(tmp_path)
