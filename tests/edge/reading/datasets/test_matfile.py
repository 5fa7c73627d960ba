"""MATLAB 5 files: numbers and texts as SciPy reads them, in either byte order, and cut anywhere."""

import struct

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.datasets.matfile import HEADER, _Variables, read_mat

CONTENT = {
    "small": 7.0,
    "counts": np.arange(12, dtype="i2").reshape(3, 4),
    "bytes": np.arange(3, dtype="u1"),
    "wide": np.random.default_rng(0).normal(size=(2, 3000)),
    "cube": np.arange(24.0).reshape(2, 3, 4),
    "record": {"fs": 250.0, "inner": {"data": np.arange(9.0)}, "sex": "F"},
}


def variables(path):
    return _Variables(path, path.read_bytes()[:HEADER]).named


@pytest.mark.parametrize("packed", [False, True])
def test_numbers_are_those_that_scipy_reads(tmp_path, packed):
    savemat(tmp_path / "a.mat", CONTENT, do_compression=packed)
    found, oracle = variables(tmp_path / "a.mat").arrays, loadmat(tmp_path / "a.mat", simplify_cells=True)
    assert set(found) == {"small", "counts", "bytes", "wide", "cube", "record/fs", "record/inner/data"}
    for name in ("counts", "bytes", "wide", "cube"):
        np.testing.assert_array_equal(found[name], oracle[name])
    assert found["record/fs"].tolist() == [250] and found["small"].tolist() == [7]
    np.testing.assert_array_equal(found["record/inner/data"], np.arange(9))


def test_texts_and_cells_of_texts(tmp_path):
    texts = {"units": "µV", "leads": np.array(["I", "II", "aVR"], object), "rows": np.array(["MLII", "V5  "])}
    savemat(tmp_path / "a.mat", texts)
    assert variables(tmp_path / "a.mat").texts == {
        "units": ["µV"],
        "leads": ["I", "II", "aVR"],
        "rows": ["MLII", "V5"],
    }


def test_the_other_byte_order(tmp_path):
    def element(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    values = np.arange(20.0)
    body = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", 1, 20)) + element(1, b"ecg")
    whole = (
        b"MATLAB 5.0".ljust(124) + b"\1\0MI" + element(14, body + element(9, values.astype(">f8").tobytes()))
    )
    (tmp_path / "a.mat").write_bytes(whole)
    source = read_mat(tmp_path / "a.mat", 250)
    np.testing.assert_array_equal(next(source.blocks([0], 60))[1][:, 0], values)


def test_every_cut_is_told(tmp_path):
    savemat(tmp_path / "a.mat", {"ecg": np.arange(100.0), "record": CONTENT["record"]})
    whole = (tmp_path / "a.mat").read_bytes()
    for size in range(HEADER + 8, len(whole), 41):
        (tmp_path / "a.mat").write_bytes(whole[:size])
        try:
            assert read_mat(tmp_path / "a.mat", 250).seconds == 0.4
        except RecordError as error:
            assert str(error).startswith(f"{tmp_path / 'a.mat'}: found ")
