"""The signal among the variables of .mat, .npz and HDF5 files, and arrays without names."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from device_files import beats, write_hdf5, write_mat73
from scipy.io import savemat

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.record import read_record

SIGNAL = beats(10, 250, 3)


def saved(folder, kind, content):
    """A file of the arrays ``content`` in one of three formats."""
    if kind == "mat":
        savemat(folder / "a.mat", content)
    elif kind == "npz":
        np.savez(folder / "a.npz", **{name: np.asarray(value) for name, value in content.items()})
    else:
        h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        with h5py.File(folder / "a.h5", "w") as file:
            for name, value in content.items():
                value = np.asarray(value)
                file[name] = value.astype(h5py.string_dtype()) if value.dtype.kind == "U" else value
    return folder / f"a.{kind}"


@pytest.fixture(params=["mat", "npz", "h5"])
def save(request, tmp_path):
    return lambda **content: saved(tmp_path, request.param, content)


class TestSignal:
    @pytest.mark.parametrize("name", ["ecg", "ECG", "val", "data", "signal", "ECG_signal"])
    def test_the_usual_name_is_taken_whatever_else_there_is(self, save, name):
        path = save(**{name: SIGNAL.T, "resp": np.zeros(625), "age": 64, "rpeaks": np.arange(12), "fs": 250})
        record = read_record(path, "3")
        np.testing.assert_array_equal(record.signal[:, 0], SIGNAL[:, 2])

    def test_arrays_of_one_length_are_leads_by_their_names(self, save):
        path = save(II=SIGNAL[:, 1], V5=SIGNAL[:, 2], Fs=np.array([[250.0]]))
        record = read_record(path)
        assert record.leads == ("II",) and record.rate == 250 and not record.warnings
        np.testing.assert_array_equal(record.signal[:, 0], SIGNAL[:, 1])

    def test_several_that_may_be_the_signal_are_named(self, save):
        path = save(first=SIGNAL, second=SIGNAL[:1000], fs=250)
        with pytest.raises(RecordError, match=r"the arrays first \d+×\d+, second .*; expected one, or leads"):
            read_record(path)

    def test_wide_arrays_of_one_length_have_numbered_leads(self, save):
        path = save(chest=SIGNAL, limb=SIGNAL.T, fs=250)
        source, _ = open_source(path, None)
        assert source.leads == ["chest 1", "chest 2", "chest 3", "limb 1", "limb 2", "limb 3"]
        (_, block), *_ = source.blocks([1, 5], 60)
        np.testing.assert_array_equal(block, SIGNAL[:, [1, 2]])

    def test_no_signal_is_told(self, save):
        with pytest.raises(RecordError, match="found no array of a signal"):
            read_record(save(fs=250, name="Erika"))

    def test_complex_numbers_and_cubes_are_no_signal(self, save):
        with pytest.raises(RecordError, match="found no array of a signal"):
            read_record(save(ecg=SIGNAL.astype(complex), cube=np.zeros((3, 20, 4)), fs=250))

    def test_the_names_of_leads_tell_the_axis_and_the_unit_is_the_files(self, save):
        short = SIGNAL[:9]
        path = save(ecg=short, leads=["I", "II", "V1"], units="uV", sampling_rate=250)
        record = read_record(path, "V1")
        np.testing.assert_allclose(record.signal[:, 0], short[:, 2] / 1000)


class TestRate:
    @pytest.mark.parametrize("name", ["fs", "Fs", "rate", "sampling_rate", "SamplingFrequency", "srate"])
    def test_a_number_of_a_usual_name_is_the_rate(self, save, name):
        record = read_record(save(ecg=SIGNAL, **{name: 500}), "1")
        assert record.rate == 500 and record.source.told["rate"] == f"{name} in the file"

    def test_without_it_the_option_is(self, save):
        path = save(ecg=SIGNAL)
        with pytest.raises(RecordError, match=r"no sampling rate; expected .*--rate HZ"):
            read_record(path, "1")
        assert read_record(path, "1", rate=250).rate == 250

    def test_numbers_of_samples_tell_gaps_if_the_rate_is_given(self, save):
        record = read_record(save(ecg=SIGNAL, sample=np.r_[0:1000, 8500:10_000]), "1", rate=250)
        assert record.rate == 250 and record.seconds == 40
        assert np.isnan(record.signal[1000:8500]).all()

    def test_a_rate_that_contradicts_the_option_is_refused(self, save):
        with pytest.raises(RecordError, match="found a rate of 250 Hz; expected 300 Hz as given"):
            read_record(save(ecg=SIGNAL, fs=250), "1", rate=300)

    @pytest.mark.parametrize(
        ("unit", "name"),
        [
            (1, "time"), (1000, "t"), (10**9, "timestamp"), (1000, "time_ms"), (1, "seconds"), (1000, "ms"),
            (10**9, "sensor_timestamp_ns"), (1000, "ts"), (1, "time_vector"), (1, "ecg_time"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("stated", [{}, {"fs": 250.0}])
    def test_a_clock_gives_rate_and_gaps(self, save, unit, name, stated):
        times = np.arange(2500) / 250.0
        times[1000:] += 30
        stamps = np.round(1.6e9 * unit + times * unit, 3 if unit == 1 else 0)
        path = save(ecg=SIGNAL, **stated, **{name: stamps})
        record = read_record(path, "1")
        found = record.signal[:, 0]
        assert record.rate == 250 and len(found) == 2500 + 7500
        assert np.isnan(found[1000:8500]).all() and not np.isnan(found[8500:]).any()
        assert not record.source.warnings

    @pytest.mark.parametrize(
        ("stamps", "words"),
        [
            (np.arange(2500) / 100, "found 100 Hz by the clock time; expected 250 Hz as fs says"),
            (np.arange(2500) % 500 / 250, "later time in time; took 250 Hz instead"),
        ],
    )
    def test_a_rate_that_is_stated_goes_before_a_clock_that_contradicts_it(self, save, stamps, words):
        record = read_record(save(ecg=SIGNAL, fs=250, time=stamps), "1")
        assert record.rate == 250 and len(record.signal) == 2500
        assert words in record.source.warnings[0]


CLOCKS = {
    "time": 1e3,
    "sensor_timestamp_ns": 1e9,
    "time_ms": 1e3,
    "seconds": 1.0,
}  # and how many are a second


@pytest.mark.parametrize("name", CLOCKS)
@pytest.mark.parametrize("kind", ["npz", "h5", "mat", "cells"])
@pytest.mark.parametrize("form", ["{:%H:%M:%S.%f}", "{:%d.%m.%Y %H:%M:%S,%f}", "{:%Y-%m-%dT%H:%M:%S.%f}Z"])
def test_texts_of_times_of_day_are_a_clock_that_goes_on_behind_midnight(tmp_path, name, kind, form):
    begin, seconds = datetime(2024, 4, 30, 23, 59, 58), np.arange(2500) / 250
    seconds[1000:] += 30
    words = np.array([form.format(begin + timedelta(seconds=time)) for time in seconds], "S")
    record = read_record(_with_words(tmp_path, kind, name, words), "1")
    assert record.rate == 250 and record.seconds == pytest.approx(40)
    assert record.source.told["clock"] == f"the clock {name}, of times of day"


@pytest.mark.parametrize("name", CLOCKS)
@pytest.mark.parametrize("kind", ["npz", "h5", "mat", "cells"])
@pytest.mark.parametrize("rate", [None, 250])
def test_texts_of_numbers_are_a_clock_in_the_unit_of_its_name(tmp_path, name, kind, rate):
    seconds = np.arange(2500) / 250
    seconds[1000:] += 30
    words = np.array([f"{CLOCKS[name] * time:.3f}" for time in seconds], "S")
    record = read_record(_with_words(tmp_path, kind, name, words), "1", rate=rate)
    assert record.rate == 250 and record.seconds == pytest.approx(40)


@pytest.mark.parametrize("kind", ["npz", "mat"])
@pytest.mark.parametrize(
    ("step", "rate", "known"), [(40_000, 250, None), (10_000, 1000, None), (76_923, 130, 130)]
)
def test_ticks_of_100_ns_are_told_by_their_size_and_the_rate(tmp_path, kind, step, rate, known):
    ticks = 639_031_968_000_000_000 + step * np.arange(2500)
    content = {"ecg": SIGNAL, "time": ticks}
    if kind == "mat":
        savemat(tmp_path / "a.mat", content)
    else:
        np.savez(tmp_path / "a.npz", **content)
    record = read_record(tmp_path / f"a.{kind}", "1", rate=known)
    assert record.rate == pytest.approx(rate, rel=1e-4) and "100 ns" in record.source.told["clock"]


def _with_words(folder, kind, name, words):
    """A file of a signal and an array of texts."""
    if kind in ("mat", "cells"):
        texts = np.array(words.astype("U"), object if kind == "cells" else None)
        savemat(folder / "a.mat", {"ecg": SIGNAL, name: texts})
        return folder / "a.mat"
    if kind == "npz":
        np.savez(folder / "a.npz", ecg=SIGNAL, **{name: words})
    else:
        with pytest.importorskip("h5py").File(folder / "a.h5", "w") as file:
            file["ecg"], file[name] = SIGNAL, words
    return folder / f"a.{kind}"


class TestMatlab:
    def test_fields_of_structures(self, tmp_path):
        content = {"ECG": {"sex": "F", "age": 64.0, "data": SIGNAL.T, "fs": 250.0}}
        savemat(tmp_path / "a.mat", content, do_compression=True)
        np.testing.assert_array_equal(read_record(tmp_path / "a.mat", "2").signal[:, 0], SIGNAL[:, 1])

    @pytest.mark.parametrize("form", ["4", "5"])
    def test_old_versions(self, tmp_path, form):
        savemat(tmp_path / "a.mat", {"ecg": SIGNAL, "fs": 250.0}, format=form)
        np.testing.assert_array_equal(read_record(tmp_path / "a.mat", "2").signal[:, 0], SIGNAL[:, 1])

    def test_integers(self, tmp_path):
        savemat(tmp_path / "a.mat", {"val": np.round(SIGNAL.T * 1000).astype("i2")})
        found = read_record(tmp_path / "a.mat", "1", rate=500, unit="uV").signal
        np.testing.assert_allclose(found[:, 0], SIGNAL[:, 0], atol=5.1e-4)

    def test_a_compressed_bomb_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sibeat_edge.reading.datasets.matfile.MOST", 2**20)
        savemat(tmp_path / "a.mat", {"ecg": np.zeros((2, 10**6)), "fs": 250.0}, do_compression=True)
        assert (tmp_path / "a.mat").stat().st_size < 2**18
        with pytest.raises(RecordError, match="more than 1 MiB, compressed"):
            read_record(tmp_path / "a.mat", "1")

    def test_version_7_3_needs_h5py(self, tmp_path, monkeypatch):
        pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        path = write_mat73(tmp_path / "a.mat", SIGNAL, (), 250)
        monkeypatch.setattr("sibeat_edge.reading.formats.importlib.util.find_spec", lambda name: None)
        with pytest.raises(RecordError, match=r"MATLAB 7\.3, but no h5py .*sibeat_edge\[formats\]"):
            open_source(path, None)


class TestNumpy:
    @pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i2", ">i4", "u1"])
    @pytest.mark.parametrize("order", ["C", "F"])
    def test_any_number_either_way_up(self, tmp_path, dtype, order):
        values = np.round(SIGNAL * 100).astype(dtype)
        for array in (values, values.T):
            np.save(tmp_path / "a.npy", np.asarray(array, order=order))
            found = read_record(tmp_path / "a.npy", "2", rate=250, unit="mV").signal
            np.testing.assert_array_equal(found[:, 0], values[:, 1].astype(float))

    def test_a_single_column_is_taken_with_a_warning(self, tmp_path):
        np.save(tmp_path / "a.npy", SIGNAL[:, 0])
        record = read_record(tmp_path / "a.npy", rate=250)
        assert "took its column 1 for MLII" in record.warnings[0]

    def test_a_long_array_stays_in_its_file(self, tmp_path):
        array = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", "f4", (20_000_000, 2))
        array[-1] = 1, 2
        del array
        source, _ = open_source(tmp_path / "a.npy", 250)
        assert isinstance(source._signal, np.memmap) and source.seconds == 80_000

    @pytest.mark.parametrize("shape", [(2500,), (2500, 3)])
    def test_of_a_cut_file_is_read_what_is_there(self, tmp_path, shape):
        whole = np.random.default_rng(0).normal(size=shape)
        np.save(tmp_path / "a.npy", whole)
        content = (tmp_path / "a.npy").read_bytes()
        (tmp_path / "a.npy").write_bytes(content[: -whole[0].nbytes * 500 - 3])
        record = read_record(tmp_path / "a.npy", "1", rate=250)
        np.testing.assert_array_equal(record.signal[:, 0], whole.reshape(2500, -1)[:1999, 0])
        assert "found 1,999 samples; expected 2,500" in record.cut

    def test_objects_are_code_and_not_loaded(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([{"a": 1}] * 20, object))
        with pytest.raises(RecordError, match="expected an array of numbers"):
            open_source(tmp_path / "a.npy", 250)

    def test_times_of_numpy_are_a_clock(self, tmp_path):
        times = np.datetime64("2026-01-05T08:00") + (np.arange(2500) * 4).astype("m8[ms]")
        times[1000:] += np.timedelta64(30, "s")
        np.savez(tmp_path / "a.npz", datetime=times, ecg=SIGNAL)
        record = read_record(tmp_path / "a.npz", "1", rate=250)
        assert record.rate == 250 and record.seconds == pytest.approx(40)
        np.savez(tmp_path / "a.npz", datetime=times.astype(str), ecg=SIGNAL)
        assert read_record(tmp_path / "a.npz", "1", rate=250).seconds == pytest.approx(40)

    def test_fields_of_a_structured_array(self, tmp_path):
        table = np.zeros(2500, [("time", "f8"), ("II", "f4")])
        table["time"], table["II"] = np.arange(2500) / 250, SIGNAL[:, 1]
        np.save(tmp_path / "a.npy", table)
        record = read_record(tmp_path / "a.npy", "II")
        assert record.rate == 250
        np.testing.assert_allclose(record.signal[:, 0], SIGNAL[:, 1], atol=1e-6)

    def test_a_bomb_of_a_zip_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sibeat_edge.reading.datasets.numpyfile.MOST", 2**20)
        np.savez_compressed(tmp_path / "a.npz", ecg=np.zeros(10**6))
        with pytest.raises(RecordError, match="found arrays of 8,000,128 bytes"):
            open_source(tmp_path / "a.npz", 250)


class TestHdf5:
    def test_it_is_read_in_parts(self, tmp_path):
        pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        import h5py

        source, _ = open_source(write_hdf5(tmp_path / "a.h5", SIGNAL, ("I", "II", "V1"), 250), None)
        assert isinstance(source._signal, h5py.Dataset)

    def test_a_chunk_that_unpacks_to_too_much_is_refused(self, tmp_path):
        h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("ecg", (20_000_000,), "f8", chunks=(20_000_000,), compression="gzip")
        with pytest.raises(RecordError, match="found chunks of 153 MiB"):
            open_source(tmp_path / "a.h5", 250)

    @pytest.mark.parametrize("form", ["S", "O"])
    def test_dates_as_texts_are_a_clock(self, tmp_path, form):
        h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        times = np.datetime64("2026-01-05T08:00") + (np.arange(2500) * 4).astype("m8[ms]")
        times[1000:] += np.timedelta64(30, "s")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["ecg"] = SIGNAL
            file["datetime"] = times.astype("S") if form == "S" else times.astype(str).tolist()
        assert read_record(tmp_path / "a.h5", "1", rate=250).seconds == pytest.approx(40)

    @pytest.mark.parametrize("unit", ["\u00b5V".encode("latin-1"), "\u00b5V".encode()])
    def test_a_unit_in_any_encoding(self, tmp_path, unit):
        h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["ecg"] = SIGNAL[:, 0] * 1000
            file["ecg"].attrs["units"], file["ecg"].attrs["fs"] = unit, 250
        np.testing.assert_allclose(read_record(tmp_path / "a.h5", "first").signal[:, 0], SIGNAL[:, 0])
