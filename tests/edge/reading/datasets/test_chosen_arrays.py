"""Which of a file's arrays is the ECG, which rate is its own, and which array is an axis instead."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

RATE, LOST = 250, 5000  # samples that are lost behind the first 1300
PLACES = np.arange(5000) + np.where(np.arange(5000) < 1300, 0, LOST)
TIMES = PLACES / RATE
ECG = np.exp(-np.square((TIMES % 0.8 - 0.4) / 0.012)) + 0.1 * np.sin(TIMES)
MOTION = np.random.default_rng(0).normal(size=1000)
STAMPS = 1_767_600_000_000 + np.round(1000 * TIMES).astype(int)  # ms


def written(folder, content, kind="json"):
    path = folder / f"a.{kind}"
    if kind == "mat":
        savemat(path, content)
    elif kind == "npz":
        np.savez(path, **content)
    elif kind == "npy":
        np.save(path, content)
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, content)))
    else:
        path.write_text(json.dumps(content, default=lambda array: array.tolist()))
    return path


def assert_ecg(record, has_gap=True):
    found = record.signal[:, 0]
    assert record.rate == RATE
    expected = np.full(5000 + LOST, np.nan)
    expected[PLACES] = ECG
    np.testing.assert_allclose(found, expected if has_gap else ECG, atol=1e-9)


class TestSignal:
    ROWS = [
        {"timestamp": 1000 * t, "ecgValue": v, "x": 0.1, "y": v, "z": 9.8}
        for t, v in zip(TIMES, ECG, strict=True)
    ]

    @pytest.mark.parametrize("lead", ["first", "ecgValue", None])
    def test_an_object_a_sample_beside_a_sensor_of_motion(self, tmp_path, lead):
        assert_ecg(read_record(written(tmp_path, self.ROWS), lead))

    @pytest.mark.parametrize("name", ["voltage", "value", "ch1"])
    def test_no_axis_of_motion_is_taken(self, tmp_path, name):
        still = np.zeros(5000)
        content = {"time": TIMES, "x": still, "y": still, "z": still, name: ECG}
        assert_ecg(read_record(written(tmp_path, content), "first"))
        assert_ecg(read_record(written(tmp_path, content), name))

    @pytest.mark.parametrize("own", ["data", "signal", "samples", "values", "ecg"])
    @pytest.mark.parametrize("other", ["data", "signal", "x", "lead"])
    def test_the_group_of_the_ecg_has_its_signal_and_its_rate(self, tmp_path, own, other):
        acc = {"fs": 50, "units": "V", other: MOTION}
        content = {"acc": acc, "ecg": {"fs": RATE, "units": "mV", own: ECG}}
        record = read_record(written(tmp_path, content), "first")
        assert_ecg(record, has_gap=False)
        assert record.source.units == ["mV"] and not record.source.warnings

    def test_groups_of_hdf5(self, tmp_path):
        h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["ecg/signal"], file["a_ppg/signal"] = ECG, MOTION
            file["a_ppg"].attrs["fs"], file["ecg"].attrs["Sampling Frequency (Hz)"] = 64, RATE
        assert_ecg(read_record(tmp_path / "a.h5", "first"), has_gap=False)

    def test_an_array_that_might_as_well_be_the_signal_is_told(self, tmp_path):
        content = {"fs": RATE, "signal": ECG, "channel": ECG[::-1], "labels": np.zeros(5000)}
        record = read_record(written(tmp_path, content, "npz"), "first")
        assert "found the arrays signal, channel; took the first" in record.source.warnings[0]

    def test_of_named_leads_an_ecg_comes_first(self, tmp_path):
        content = {"data": np.c_[ECG[::-1], ECG], "fs": RATE, "labels": ["RESP", "ECG II"]}
        assert_ecg(read_record(written(tmp_path, content), "first"), has_gap=False)


class TestRate:
    @pytest.mark.parametrize("other", [{"rate": 72.0}, {"frequency": 60.0}, {"hz": 50.0}])
    @pytest.mark.parametrize("name", ["sampling_rate", "fs", "SamplingFrequency"])
    def test_of_several_the_one_of_samples_is_taken_and_told(self, tmp_path, other, name):
        path = written(tmp_path, {"ecg": ECG, **other, name: 250.0}, "npz")
        record = read_record(path, "first")
        assert_ecg(record, has_gap=False)
        assert f"250 Hz in {name}" in record.warnings[0] and "--rate HZ settles it" in record.warnings[0]
        assert not read_record(path, "first", rate=RATE).source.warnings

    def test_the_option_settles_which_of_several(self, tmp_path):
        record = read_record(
            written(tmp_path, {"ecg": ECG, "fs": 500, "frequency": RATE}, "npz"), "first", RATE
        )
        assert_ecg(record, has_gap=False)

    def test_a_rate_of_another_signal_is_none_of_its_own(self, tmp_path):
        content = {"acc": {"fs": 50, "x": MOTION}, "ecg": {"data": ECG}}
        with pytest.raises(RecordError, match="no sampling rate"):
            read_record(written(tmp_path, content), "first")

    @pytest.mark.parametrize(
        "stated",
        [
            {"samplingFrequency": "250"}, {"samplingFrequencyHz": 250}, {"sampling_rate_hz": "250 Hz"},
            {"rate": {"value": 250, "unit": "Hz"}}, {"isi": 4.0, "isi_units": "ms"},
        ],
    )  # fmt: skip
    def test_ways_to_state_it(self, tmp_path, stated):
        assert_ecg(read_record(written(tmp_path, {"ecg": ECG, **stated}), "first"), has_gap=False)


class TestAxes:
    @pytest.mark.parametrize("kind", ["json", "mat"])
    @pytest.mark.parametrize("rate", [None, RATE])
    @pytest.mark.parametrize("other", ["y", "data", "chest"])
    def test_x_that_rises_evenly_is_the_clock(self, tmp_path, kind, rate, other):
        assert_ecg(read_record(written(tmp_path, {"x": TIMES, other: ECG}, kind), "first", rate))

    @pytest.mark.parametrize("kind", ["json", "mat", "npy"])
    @pytest.mark.parametrize("rate", [None, RATE])
    @pytest.mark.parametrize("unit", [1, 1000])
    def test_pairs_of_a_time_and_a_sample(self, tmp_path, kind, rate, unit):
        pairs = np.c_[unit * TIMES, ECG]
        record = read_record(
            written(tmp_path, pairs if kind == "npy" else {"data": pairs}, kind), "first", rate
        )
        assert_ecg(record)
        assert record.leads == ("2",)
        told = [
            warning for warning in record.source.warnings if "column 1; took it for ms, 250 Hz" in warning
        ]
        assert len(told) == (unit == 1000)

    def test_pairs_that_lie(self, tmp_path):
        assert_ecg(read_record(written(tmp_path, {"data": np.c_[TIMES, ECG].T}, "mat"), "first"))

    def test_two_leads_are_no_pairs(self, tmp_path):
        record = read_record(written(tmp_path, {"data": np.c_[ECG, ECG[::-1]]}, "mat"), "1", RATE)
        assert_ecg(record, has_gap=False)

    @pytest.mark.parametrize("kind", ["json", "mat"])
    @pytest.mark.parametrize("name", ["sample", "index"])
    def test_numbers_of_samples_may_be_of_any_type(self, tmp_path, kind, name):
        content = {name: PLACES.astype(float), "ecg": ECG}
        assert_ecg(read_record(written(tmp_path, content, kind), "first", RATE))


def dates():
    return [str(np.datetime64(int(stamp), "ms")) for stamp in STAMPS]


TABLES = {
    "split": ({"columns": ["ecg"], "index": PLACES, "data": ECG[:, None]}, RATE),
    "split, stamps": ({"columns": ["ecg"], "index": STAMPS, "data": ECG[:, None]}, None),
    "split, dates": ({"columns": ["ecg"], "index": dates(), "data": ECG[:, None]}, None),
    "split, a clock": ({"columns": ["time", "ecg"], "data": np.c_[TIMES, ECG]}, None),
    "split, a clock at its end": ({"columns": ["ecg", "time_s"], "data": np.c_[ECG, TIMES]}, None),
    "columns": ({"ecg": dict(zip(map(str, PLACES), ECG, strict=True))}, RATE),
    "columns, stamps": ({"ecg": dict(zip(map(str, STAMPS), ECG, strict=True))}, None),
    "columns, dates": ({"ecg": dict(zip(dates(), ECG, strict=True))}, None),
    "index": ({str(place): {"ecg": value} for place, value in zip(PLACES, ECG, strict=True)}, RATE),
    "texts": ({"time": list(map(str, TIMES)), "ecg": list(map(str, ECG))}, None),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_pandas_keep_their_gaps(tmp_path, kind):
    content, rate = TABLES[kind]
    assert_ecg(read_record(written(tmp_path, content), "first", rate))


def test_an_object_a_line(tmp_path):
    rows = [{"time": time, "ecg": value} for time, value in zip(TIMES, ECG, strict=True)]
    assert_ecg(read_record(written(tmp_path, rows, "jsonl"), "first"))
