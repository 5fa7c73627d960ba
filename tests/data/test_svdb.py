"""A database like PhysioNet's svdb is fetched, and beats are cut from all of its records.

Of its record 860 the last annotation lies behind the last sample. Headers have no gain.
"""

import re

import numpy as np
import pytest
import wfdb
from file_server import serving, write_sums

from keras_sibeat.data import physionet
from keras_sibeat.data.__main__ import main
from keras_sibeat.data.beats import load_beats
from keras_sibeat.data.opening import open_recording
from keras_sibeat.data.preprocessing import Preprocessing
from keras_sibeat.data.recording import read_recording, write_recording
from keras_sibeat.data.synthetic import simulate_wearer

RECORDS = ["800", "829", "860", "894"]  # of 78
SECONDS, RATE = 10, 128
LENGTH = SECONDS * RATE


@pytest.fixture(scope="module")
def server_folder(tmp_path_factory):
    """Of records of 10 s, as a server has them; the last two annotations of 860 lie behind its end."""
    folder = tmp_path_factory.mktemp("server") / "svdb" / "1.0.0"
    path = write_recording(simulate_wearer(3, SECONDS, rate=RATE, abnormal={"A": 0.3}), folder)
    header = re.sub(r"1000\.0\(0\)/mV", "0", path.with_suffix(".hea").read_text())
    header = header.replace("MLII", "ECG1").replace("V1", "ECG2")
    contents = {suffix: path.with_suffix(suffix).read_bytes() for suffix in (".dat", ".atr")}
    for file in (path.with_suffix(suffix) for suffix in (".hea", ".dat", ".atr")):
        file.unlink()
    for name in RECORDS:
        (folder / f"{name}.hea").write_text(header.replace(path.name, name))
        for suffix, content in contents.items():
            (folder / f"{name}{suffix}").write_bytes(content)
    found = wfdb.rdann(str(folder / "860"), "atr")
    samples = np.append(found.sample, [LENGTH, LENGTH + 40])
    wfdb.wrann("860", "atr", samples, np.array([*found.symbol, "N", "V"]), write_dir=str(folder))
    (folder / "RECORDS").write_text("\n".join(RECORDS) + "\n")
    write_sums(folder)
    return folder


@pytest.fixture(scope="module")
def svdb(server_folder, tmp_path_factory):
    """The folder that ``python -m keras_sibeat.data fetch svdb`` makes."""
    folder = tmp_path_factory.mktemp("svdb") / "copy"
    with serving(server_folder) as server:
        main(["fetch", "svdb", "--out", str(folder), "--server", server.url])
    return folder


def test_all_records_are_fetched_and_give_beats(svdb, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_SIBEAT_CACHE", str(tmp_path))
    names = physionet.list_records(svdb)
    assert names == RECORDS
    digests = physionet.check_files(svdb, names)
    assert len(digests) == 3 * len(names)
    beats = load_beats({name: svdb / name for name in names}, digests, Preprocessing(leads="first"))
    counts = {name: int((beats.records == name).sum()) for name in names}
    assert (
        len(set(counts.values())) == 1 and counts["860"] > 5
    )  # all annotations inside of the signal are there
    told = [note for note in beats.notes if "outside" in note]
    assert told == [f"Record 860: left out 2 annotations outside of the signal's {LENGTH} samples."]


@pytest.mark.parametrize("beyond", [0, 1, 5000])
def test_an_annotation_at_the_very_end_or_behind_it_costs_no_other(svdb, beyond, tmp_path):
    for suffix in (".hea", ".dat"):
        (tmp_path / f"860{suffix}").write_bytes((svdb / f"860{suffix}").read_bytes())
    last = [LENGTH - 1, LENGTH + beyond]
    wfdb.wrann("860", "atr", np.array([200, *last]), np.array(["N", "A", "N"]), write_dir=str(tmp_path))
    found = read_recording(tmp_path / "860")
    assert found.annotations.samples.tolist() == [200, LENGTH - 1]
    assert found.notes == (f"Record 860: left out 1 annotations outside of the signal's {LENGTH} samples.",)
    opened = open_recording(tmp_path / "860", lead="first")
    assert opened.annotations.samples.tolist() == [200, LENGTH - 1]


def test_a_signal_without_a_gain_has_200_steps_per_mv(svdb):
    expected = wfdb.rdrecord(str(svdb / "860")).p_signal
    np.testing.assert_allclose(read_recording(svdb / "860").signal, expected, rtol=1e-6)
