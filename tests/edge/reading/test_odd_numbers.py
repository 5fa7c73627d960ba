"""Numbers and names that no recorder writes, but a damaged file may hold: told in a sentence, or left out."""

import re
import time
import warnings

import numpy as np
import pytest
from device_files import beats, write_aecg, write_kardia, write_movesense, write_muse

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.inspecting import inspect
from sibeat_edge.reading.record import read_record

SIGNAL, LEADS = beats(4, 250), ("I", "II")
TIMES = np.arange(len(SIGNAL)) / 250
FAR = ("inf", "nan", "1e308", "-1e308", "1e999", "5e-324", "0", "-1")


def sentences(path, **options):
    """Read to the end; what was told. No warning of a library, no infinite value, no time that goes back."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            record, end = read_record(path, "first", **options), 0.0
            for moment, samples in record.blocks():
                assert moment >= end - 0.5 / record.rate and not np.isinf(samples).any()
                end = moment + len(samples) / record.rate
            inspect(path, "first", **options)
            told = [*record.warnings, *([record.cut] if record.cut else [])]
        except RecordError as error:
            told = [str(error)]
    assert all(one.startswith(str(path)) and one.endswith(".") and one.isprintable() for one in told)
    return told


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize(
    "place", ["LeadAmplitudeUnitsPerBit>4.88", "SampleBase>250", "SampleExponent>0"], ids=lambda one: one[:12]
)
def test_muse_numbers(tmp_path, place, far):
    path = write_muse(tmp_path / "a.xml", SIGNAL, LEADS, 250)
    content = path.read_text("latin-1")
    path.write_text(content.replace(f"<{place}<", f"<{place.partition('>')[0]}>{far}<"), "latin-1")
    assert path.read_text("latin-1") != content or far == "0"
    assert sentences(path)


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", ["scale", "origin", "increment", "head"])
def test_aecg_numbers(tmp_path, name, which, far):
    path = write_aecg(tmp_path / "a.xml", SIGNAL, LEADS, 250, gap=(500, 3))
    parts = re.split(rf'(<{name} )(value="[^"]*")', path.read_text())
    unit = 'unit="s" ' if name == "head" else ""
    parts[3 * which + 2] = f'{unit}value="{far}"'
    path.write_text("".join(parts))
    assert sentences(path)


@pytest.mark.parametrize(
    "times",
    [
        np.r_[np.inf, TIMES[1:]],
        np.r_[np.nan, TIMES[1:]],
        np.where(np.arange(1000) % 7, np.inf, -np.inf),
        np.arange(-500, 500) / 500 * 1.7e308,
        np.arange(1000) * 5e-324,
        np.r_[TIMES[:500], TIMES[500:] + 1e15],
        np.r_[TIMES[:500], TIMES[500:] + 1e300],
        np.r_[np.arange(500), np.arange(500)].astype("u8"),
    ],
    ids=["inf", "nan", "both", "huge", "tiny", "gap", "far gap", "unsigned"],
)
@pytest.mark.parametrize("ending", ["npz", "parquet", "csv"])
def test_clocks_that_tell_no_time(tmp_path, ending, times):
    path = tmp_path / f"a.{ending}"
    if ending == "npz":
        np.savez(path, ecg=np.tile(SIGNAL[:, 0], 5), time_s=np.concatenate([times] * 5))  # thinned out
        assert sentences(path)
        np.savez(path, ecg=SIGNAL[:, 0], time=times)
    elif ending == "parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        import pyarrow

        parquet.write_table(pyarrow.table({"time": times, "ecg": SIGNAL[:, 0]}), path)
    else:
        rows = zip(times.tolist(), SIGNAL[:, 0].tolist(), strict=True)
        path.write_text("time,ECG\n" + "".join(f"{moment},{value:.3f}\n" for moment, value in rows))
    assert sentences(path)


@pytest.mark.parametrize("rate", ["0", "nan", "inf", "-1", "1e308", "250 Hz"])
def test_a_table_whose_notes_have_no_rate_needs_one(tmp_path, rate):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    table = pyarrow.table({"ecg": SIGNAL[:, 0]}).replace_schema_metadata({"fs": rate})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert "expected one, or the rate (--rate HZ)" in sentences(tmp_path / "a.parquet")[0]


def test_a_table_with_two_columns_of_a_name(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    table = pyarrow.Table.from_arrays([pyarrow.array(SIGNAL[:, 0])] * 2, names=["a", "a"])
    parquet.write_table(table, tmp_path / "a.parquet")
    assert "columns of the same name" in sentences(tmp_path / "a.parquet", rate=250)[0]


@pytest.mark.parametrize("shape, chunks", [((10**12,), (1000,)), ((10**9,), None), ((10**6, 256), (1000, 1))])
def test_samples_that_a_file_announces_and_lacks(tmp_path, shape, chunks):
    h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("ecg", shape, "f4", chunks=chunks).attrs["fs"] = 250.0
    assert "found 0 bytes in place of" in sentences(tmp_path / "a.h5")[0]


def test_a_recording_of_years(tmp_path):
    path = write_kardia(tmp_path / "a.json", SIGNAL, LEADS, 1e-6)
    path.write_text(path.read_text().replace('"frequency": 1e-06', '"frequency": 1e-320'))
    assert "days; expected at most 100" in sentences(path)[0]


@pytest.mark.parametrize("digits", [20, 400, 5000])
def test_a_packets_address_with_a_number_too_long(tmp_path, digits):
    path = write_movesense(tmp_path / "a.json", SIGNAL, LEADS, 250)
    uri = f'{{"Uri": "/Meas/ECG/{"9" * digits}", "Timestamp"'
    path.write_text(path.read_text().replace('{"Timestamp"', uri))
    assert read_record(path, "first").rate == 250
    assert sentences(path)


@pytest.mark.parametrize("zeros", [0, 315])
def test_packets_of_one_moment(tmp_path, zeros):
    path = write_movesense(tmp_path / "a.json", SIGNAL, LEADS, 250)
    path.write_text(re.sub(r'"Timestamp": (\d+)', rf'"Timestamp": 0.{"0" * zeros}\1', path.read_text()))
    assert sentences(path)


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x1b[31mb", "a\ud800b", "a\u2028b", "a\x85b", "\u202eab"], ids=ascii
)
def test_names_that_change_a_screen(tmp_path, name):
    kardia = write_kardia(tmp_path / "a.json", SIGNAL, LEADS, 250)
    escaped = name.encode("unicode_escape").decode().replace("\\x", "\\u00")
    kardia.write_text(kardia.read_text().replace("leadII", escaped).replace("leadI", escaped))
    bare = name.replace("\ud800", "")
    text = tmp_path / "a.csv"
    text.write_text(f'"{bare}",{bare} [{bare}]\n' + "".join(f"{one:.3f},1\n" for one in SIGNAL[:, 0]))
    aecg = write_aecg(tmp_path / "a.xml", SIGNAL, LEADS, 250)
    lead = "".join(f"&#{ord(one)};" if one != "\x1b" else "?" for one in bare)
    aecg.write_text(aecg.read_text().replace("MDC_ECG_LEAD_II", lead))
    unscaled = tmp_path / "b.xml"
    unscaled.write_text(aecg.read_text().replace("<scale", "<scal"))
    npz = tmp_path / "a.npz"
    np.savez(npz, **{bare: SIGNAL[:, 0], "b": SIGNAL[:-1, 0], "fs": 250})
    for path in (kardia, text, aecg, unscaled, npz):
        assert sentences(path, rate=250)


@pytest.mark.parametrize("unit", ["V", "1e-10/mV", "1e-320/mV"])
def test_values_too_large_for_their_unit_are_missing(tmp_path, unit):
    np.savez(tmp_path / "a.npz", ecg=np.where(SIGNAL[:, 0] > 0.5, 1e308, SIGNAL[:, 0]), fs=250)
    sentences(tmp_path / "a.npz", unit=unit)
    assert np.isnan(read_record(tmp_path / "a.npz", "first", unit=unit).signal).any()


@pytest.mark.parametrize("gain", ["1e-308", "5e-324"])
def test_a_gain_next_to_nothing(tmp_path, gain):
    steps = (SIGNAL[:, 0] * 1000).astype("<i2")
    checksum = int(steps.sum(dtype=np.int64)) % 65536
    (tmp_path / "a.dat").write_bytes(steps.tobytes())
    (tmp_path / "a.hea").write_text(f"a 1 250 {len(steps)}\na.dat 16 {gain}(0)/mV 16 0 0 {checksum} 0 ECG\n")
    assert sentences(tmp_path / "a.hea")


@pytest.mark.parametrize("begin", [",", "0.5,", "0.5,0.1,,0.2"])
def test_a_line_of_very_many_cells_takes_no_time(tmp_path, begin):
    rows = [f"{moment:.3f},{value:.3f}\n" for moment, value in zip(TIMES, SIGNAL[:, 0], strict=True)]
    rows.insert(500, begin + "," * 200_000 + "\n")
    (tmp_path / "a.csv").write_text("time,ECG\n" + "".join(rows))
    start = time.process_time()
    sentences(tmp_path / "a.csv", rate=250)
    assert time.process_time() - start < 5


@pytest.mark.parametrize("length", [0, 3, 2**63, 2**64 - 16])
@pytest.mark.parametrize("userblock", [0, 512])
def test_a_heap_of_texts_that_has_no_end(tmp_path, userblock, length):
    h5py = pytest.importorskip("h5py", reason="no h5py: pip install 'sibeat_edge[formats]'")
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=userblock) as file:
        attributes = file.create_dataset("ecg", data=SIGNAL).attrs
        attributes["fs"] = 250
        attributes.create("leads", list(LEADS), dtype=h5py.string_dtype())
    assert read_record(path, "II").leads == ("II",)
    content = path.read_bytes()
    heap = content.index(b"GCOL") + 16 + 2 * 24  # behind two texts: the free space, of number 0
    assert content[heap : heap + 2] == b"\0\0"
    path.write_bytes(content[: heap + 8] + length.to_bytes(8, "little") + content[heap + 16 :])
    told = sentences(path)
    assert length == 3 or "damaged heap" in told[0]
