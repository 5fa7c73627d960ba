"""A recording of any format is read as it was written: samples, names, unit, rate and gaps."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from device_files import WRITERS, beats, write_ishne, write_muse
from examples import write_wfdb

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import FORMATS, find_format, locate, open_source
from sibeat_edge.reading.listing import find_recordings
from sibeat_edge.reading.record import read_record

RATE = 250
ONE_LEAD = ("Movesense", "Movesense lines")
UNNAMED = ("MATLAB 7.3", "NumPy")  # these tell no names of leads


def written(folder, kind, signal=None, rate=RATE, leads=("I", "II")):
    ending, write, module = WRITERS[kind]
    if module is not None:
        pytest.importorskip(module, reason=f"no {module}: pip install 'sibeat_edge[formats]'")
    signal = beats(10, rate) if signal is None else signal
    return write(folder / f"a.{ending}", signal, leads, rate)


def given_rate(kind, rate=RATE):
    return rate if kind == "NumPy" else None


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_a_file_is_read_as_it_was_written(tmp_path, kind, packed):
    signal = beats(10, RATE)
    path = written(tmp_path, kind, signal)
    if packed:
        with open(path, "rb") as file, gzip.open(f"{path}.gz", "wb") as there:
            shutil.copyfileobj(file, there)
        path = path.with_name(path.name + ".gz")
    lead = {"Movesense": "ECG", "Movesense lines": "ECG", "MATLAB 7.3": "2", "NumPy": "2"}.get(kind, "II")
    record = read_record(path, lead, rate=given_rate(kind))
    found = record.signal
    assert record.rate == RATE and record.source.rates[0] == RATE
    assert len(found) == len(signal) and record.seconds == pytest.approx(10)
    step = {"MUSE": 0.00488, "Movesense": 0.0004, "Movesense lines": 0.0004}.get(kind, 0.0025)
    expected = signal[:, 0 if kind in ONE_LEAD else 1]
    np.testing.assert_allclose(found[:, 0], expected, atol=step / 2 * 1.001 + 1e-7)
    assert record.cut == "" and not [warning for warning in record.warnings if "expected MLII" not in warning]
    stated = kind != "NumPy"
    assert record.source.units[0] == ("mV" if stated and kind != "DICOM" else "uV" if stated else "")
    assert record.source.named != (kind in UNNAMED)


@pytest.mark.parametrize("name", ["a.mat", "a.ecg", "a.npy", "a.edf", "a.json", "a.xml"])
def test_a_table_of_numbers_is_a_text_whatever_its_ending(tmp_path, name):
    signal = beats(10, RATE)[:, 0]
    np.savetxt(tmp_path / name, np.stack([np.arange(len(signal)) / RATE, signal], axis=1), fmt="%.4f")
    record = read_record(tmp_path / name, "2")
    assert record.rate == RATE
    np.testing.assert_allclose(record.signal[:, 0], signal, atol=1e-4)


@pytest.mark.parametrize("kind", WRITERS)
def test_blocks_of_any_length_join_to_the_same_signal(tmp_path, kind):
    path = written(tmp_path, kind)
    source, _ = open_source(path, given_rate(kind))
    whole = np.concatenate([samples for _, samples in source.blocks([0], 1e6)])
    for seconds in (0.5, 3.0):
        blocks = list(source.blocks([0], seconds))
        np.testing.assert_array_equal(np.concatenate([samples for _, samples in blocks]), whole)
        sizes = np.cumsum([0, *(len(samples) for _, samples in blocks[:-1])])
        np.testing.assert_allclose([time for time, _ in blocks], sizes / RATE, atol=1e-9)


@pytest.mark.parametrize("kind", WRITERS)
def test_a_name_of_the_wearer_is_never_told(tmp_path, kind):
    path = written(tmp_path, kind)
    source, _ = open_source(path, given_rate(kind))
    told = " ".join([*source.leads, *source.units, *source.warnings, *source.told.values()])
    assert "ustermann" not in told and "Erika" not in told


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_without_an_ending_is_known_by_its_first_bytes(tmp_path, kind):
    if kind == "NumPy archive":
        pytest.skip("a zip file may be anything")
    path = written(tmp_path, kind)
    bare = path.rename(tmp_path / "recording")
    source, name = open_source(bare, given_rate(kind))
    form, _, _ = locate(bare)
    assert name == "recording" and form.name == kind.removesuffix(" lines").removesuffix(" 7.3")
    assert source.seconds == pytest.approx(10)


@pytest.mark.parametrize("kind", WRITERS)
def test_half_a_file_gives_what_is_there_and_says_so_or_one_sentence(tmp_path, kind):
    path = written(tmp_path, kind)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    try:
        record = read_record(path, "first", rate=given_rate(kind))
        samples = record.signal
    except RecordError as error:
        assert str(error).startswith(str(path)) and str(error).endswith(".") and "expected" in str(error)
    else:
        assert record.cut and 0 < len(samples) < 2500


def test_every_format_is_tried_here():
    kinds = {kind.removesuffix(" lines").removesuffix(" 7.3") for kind in WRITERS}
    assert {form.name for form in FORMATS} - kinds == {"WFDB", "EDF", "text"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.mp3", "unknown format; expected a WFDB record .* --list-formats"),
        ("a", "unknown format"),
        ("a.json", "neither Movesense nor Kardia"),
        ("a.xml", "neither aECG nor MUSE"),
        ("a.ecg", "neither ISHNE nor SCP-ECG"),
        ("a.npy.gz", "no gzip file"),
        ("a.hea.gz", "no gzip file"),
        ("a.parquet", "expected a Parquet file|no pyarrow to read it"),
        ("a.npz", "expected arrays as numpy.savez"),
        ("a.scp", "SCP-ECG|ends too early"),
    ],
)
def test_what_is_no_recording_is_told_in_a_sentence(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"no recording")
    with pytest.raises(RecordError, match=words) as caught:
        open_source(tmp_path / name, 250)
    assert str(caught.value).startswith(f"{tmp_path / name}: found ")


@pytest.mark.parametrize(
    ("packed", "named"),
    [
        ((".hea", ".dat"), "a.hea.gz"),
        ((".hea", ".dat"), "a.dat.gz"),
        ((".dat",), "a"),
        ((".dat",), "a.hea"),
        ((".dat",), "a.dat.gz"),
        ((".hea",), "a.hea.gz"),
        ((".hea", ".dat"), "a"),
    ],
)
def test_a_wfdb_record_may_be_compressed(tmp_path, packed, named):
    path = write_wfdb(tmp_path, "a", beats()[:, :1], rate=RATE)
    wanted = read_record(path, "first").signal
    for ending in packed:
        plain = tmp_path / f"a{ending}"
        Path(f"{plain}.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    record = read_record(tmp_path / named, "first")
    assert record.name == "a" and not record.cut
    np.testing.assert_array_equal(record.signal, wanted)
    if named != "a.dat.gz":
        assert find_recordings(tmp_path) == [tmp_path / ("a.hea.gz" if ".hea" in packed else "a")]


def test_a_fault_of_a_compressed_record_names_files_that_the_user_has(tmp_path):
    (tmp_path / "a.hea.gz").write_bytes(gzip.compress(b"a 1 360 10\na.dat 16 200\n"))
    with pytest.raises(RecordError) as caught:
        read_record(tmp_path / "a.hea.gz")
    assert str(caught.value) == f"{tmp_path / 'a.dat'}: found no such file; a.hea names it."


def test_matlab_beside_a_header_is_a_wfdb_record(tmp_path):
    path = write_wfdb(tmp_path, "a", beats()[:, :1], rate=RATE)
    path.with_suffix(".mat").write_bytes(b"any")
    assert locate(path.with_suffix(".mat"))[0].name == "WFDB"


def test_formats_of_one_ending_are_told_apart_by_their_bytes(tmp_path):
    shutil.move(written(tmp_path, "SCP-ECG"), tmp_path / "b.ecg")
    assert locate(tmp_path / "b.ecg")[0].name == "SCP-ECG"
    assert locate(write_ishne(tmp_path / "c.ecg", beats(), ("I", "II"), RATE))[0].name == "ISHNE"
    text = write_muse(tmp_path / "m.xml", beats(), ("I", "II"), RATE).read_text("latin-1")
    (tmp_path / "w.xml").write_text(text.replace("ISO-8859-1", "UTF-16"), "utf-16")
    assert locate(tmp_path / "w.xml")[0].name == "MUSE"


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sibeat_edge.reading.formats.importlib.util.find_spec", lambda name: None)
    (tmp_path / "a.dcm").write_bytes(b"abc")
    form = find_format(tmp_path / "a.dcm", b"")
    assert not form.is_installed
    with pytest.raises(RecordError, match=r"no pydicom .*pip install 'sibeat_edge\[formats\]'"):
        open_source(tmp_path / "a.dcm", None)


class TestGzip:
    def test_the_unpacked_file_goes_with_its_reader(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        (tmp_path / "temporary").mkdir()
        with gzip.open(tmp_path / "a.npy.gz", "wb") as file:
            np.save(file, beats(10, RATE)[:, 0])
        record = read_record(tmp_path / "a.npy.gz", rate=RATE)
        assert len(list((tmp_path / "temporary").iterdir())) == 1
        np.testing.assert_array_equal(record.signal[:, 0], beats(10, RATE)[:, 0])
        del record
        assert not list((tmp_path / "temporary").iterdir())

    def test_a_text_needs_no_unpacked_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
        with gzip.open(tmp_path / "a.csv.gz", "wt") as file:
            file.write("MLII\n0.1\n0.2\n")
        record = read_record(tmp_path / "a.csv.gz", rate=RATE)
        np.testing.assert_array_equal(record.signal[:, 0], [0.1, 0.2])

    def test_errors_name_the_compressed_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        (tmp_path / "a.npy.gz").write_bytes(gzip.compress(b"no array"))
        with pytest.raises(RecordError, match=r"a\.npy\.gz") as caught:
            read_record(tmp_path / "a.npy.gz", rate=RATE)
        assert "sibeat-" not in str(caught.value)
        assert [path.name for path in tmp_path.iterdir()] == ["a.npy.gz"]

    def test_a_bomb_is_refused_and_leaves_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setattr("sibeat_edge.reading.gzipped.MOST", 2**22)
        with gzip.open(tmp_path / "a.npy.gz", "wb") as file:
            file.write(bytes(2**23))
        with pytest.raises(RecordError, match="found more than .* unpacked"):
            read_record(tmp_path / "a.npy.gz", rate=RATE)
        assert [path.name for path in tmp_path.iterdir()] == ["a.npy.gz"]

    def test_a_cut_file_gives_what_was_unpacked(self, tmp_path):
        values = np.random.default_rng(0).integers(-999, 999, (2000, 10))
        lines = [
            json.dumps({"ecg": {"Timestamp": 80 * place, "Samples": row.tolist()}})
            for place, row in enumerate(values)
        ]
        whole = gzip.compress(("\n".join(lines) + "\n").encode())
        (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
        source, _ = open_source(tmp_path / "a.jsonl.gz", None)
        assert "end too early" in source.cut
        found = np.concatenate([samples for _, samples in source.blocks([0], 60)])[:, 0]
        np.testing.assert_allclose(found / found[0], values.ravel()[: len(found)] / values[0, 0])
        assert 5000 < len(found) < 15_000
