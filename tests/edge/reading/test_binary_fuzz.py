"""Random faults in WFDB, EDF and BDF files: a sentence or a signal, in bounded time and memory.

``KERAS_SIBEAT_FUZZ=10000`` tries as many of each format; the report says how many there were.
"""

import numpy as np
import pyedflib
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st
from mutations import FAULTY, changed, read_to_the_end

HEADER = b"""a 2 360/360(0) 400 12:00:00 01/02/2003
a.dat %s 200(5)/mV 12 0 12 %d 0 MLII
a.dat %s 200(5)/mV 12 0 12 0 0 V1
# 63 M
"""
FORMS = [b"16", b"212", b"310", b"8", b"24", b"16x2:3+24", b"61", b"516"]
SEGMENTS = b"a/4 2 360 1600\nlayout 0\none 400\n~ 400\none 800\n"
STEPS = np.random.default_rng(0).integers(-99, 99, (400, 2))


@pytest.fixture(scope="module")
def flac(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flac")
    wfdb.wrsamp(
        "a", 360, ["mV"] * 2, ["I", "II"], d_signal=STEPS, fmt=["516"] * 2, adc_gain=[200.0] * 2,
        baseline=[0, 0], write_dir=str(folder),
    )  # fmt: skip
    return (folder / "a.dat").read_bytes()


@pytest.fixture(scope="module", params=["edf", "bdf"])
def edf(request, tmp_path_factory):
    """The ending and the content of a file of 2 s, with two leads of several rates, and annotations."""
    path = tmp_path_factory.mktemp("edf") / f"a.{request.param}"
    kind = pyedflib.FILETYPE_EDFPLUS if request.param == "edf" else pyedflib.FILETYPE_BDFPLUS
    with pyedflib.EdfWriter(str(path), 2, file_type=kind) as writer:
        for number, rate in enumerate((100, 10)):
            writer.setSignalHeader(number, {
                "label": f"L{number}", "dimension": "mV", "sample_frequency": rate, "physical_max": 5,
                "physical_min": -5, "digital_max": 32767, "digital_min": -32768, "transducer": "",
                "prefilter": "",
            })  # fmt: skip
        writer.writeSamples([np.zeros(200), np.zeros(20)])
    return request.param, path.read_bytes()


def test_wfdb_headers(tmp_path, tried, flac):
    @FAULTY
    @given(st.data(), st.sampled_from(FORMS))
    def search(data, form):
        (tmp_path / "a.dat").write_bytes(flac if form == b"516" else STEPS.astype("<i2").tobytes())
        header = HEADER % (form, STEPS[:, 0].sum() % 65536, form)
        (tmp_path / "a.hea").write_bytes(data.draw(changed(header)))
        tried["wfdb header", "read" if read_to_the_end(tmp_path / "a.hea") else "refused"] += 1

    search()


def test_wfdb_signal_files(tmp_path, tried, flac):
    @FAULTY
    @given(st.data(), st.sampled_from(FORMS))
    def search(data, form):
        content = flac if form == b"516" else STEPS.astype("<i2").tobytes()
        (tmp_path / "a.dat").write_bytes(data.draw(changed(content)))
        (tmp_path / "a.hea").write_bytes(HEADER % (form, 1, form))
        tried["wfdb signal", "read" if read_to_the_end(tmp_path / "a.dat") else "refused"] += 1

    search()


def test_wfdb_records_of_several_segments(tmp_path, tried):
    one = b"one 2 360 400\none.dat 16 200/mV 12 0 12 0 0 MLII\none.dat 16 200/mV 12 0 12 0 0 V1\n"
    layout = one.replace(b"one.dat", b"~").replace(b"one 2 360 400", b"layout 2 360 0")
    (tmp_path / "one.dat").write_bytes(STEPS.astype("<i2").tobytes())

    @FAULTY
    @given(st.data(), st.sampled_from(["a", "one", "layout"]))
    def search(data, which):
        for name, content in (("a", SEGMENTS), ("one", one), ("layout", layout)):
            content = data.draw(changed(content)) if name == which else content
            (tmp_path / f"{name}.hea").write_bytes(content)
        tried["wfdb segments", "read" if read_to_the_end(tmp_path / "a.hea") else "refused"] += 1

    search()


@pytest.mark.parametrize("gaps", [False, True])
def test_edf_and_bdf_files(tmp_path, tried, edf, gaps):
    ending, content = edf
    content = content.replace(b"F+C", b"F+D") if gaps else content

    @FAULTY
    @given(st.data())
    def search(data):
        (tmp_path / f"a.{ending}").write_bytes(data.draw(changed(content)))
        tried[ending, "read" if read_to_the_end(tmp_path / f"a.{ending}") else "refused"] += 1

    search()
