"""Files that are in order but for one thing, and texts that come through a pipe."""

import gzip
import os
import threading

import numpy as np
import pytest
from examples import write_edf, write_wfdb

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.listing import files_of
from sibeat_edge.reading.record import read_record

ECG = np.exp(-np.square((np.arange(2500) / 250 % 0.8 - 0.4) / 0.012))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_pipe_is_read_as_standard_input_is(tmp_path, is_packed):
    text = ("time,MLII (mV)\n" + "".join(f"{n / 250:.3f},{v:.4f}\n" for n, v in enumerate(ECG))).encode()
    os.mkfifo(tmp_path / "pipe")
    content = gzip.compress(text) if is_packed else text
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    record = read_record(tmp_path / "pipe")
    writer.join()
    for _ in range(2):  # a pipe is read but once
        np.testing.assert_allclose(record.signal[:, 0], ECG, atol=1e-4)
    assert record.rate == 250 and not record.warnings


@pytest.mark.parametrize("line", ["Recorded by hand.", "Age: 64  Sex: F", "one"])
def test_prose_behind_the_signals_of_a_header_is_left_out(tmp_path, line):
    write_wfdb(tmp_path, "rec", ECG[:, None], rate=250)
    with open(tmp_path / "rec.hea", "a") as file:
        file.write(line + "\n")
    np.testing.assert_allclose(read_record(tmp_path / "rec", "first").signal[:, 0], ECG, atol=0.01)


def test_a_signal_more_than_is_declared_is_refused(tmp_path):
    write_wfdb(tmp_path, "rec", ECG[:, None], rate=250)
    with open(tmp_path / "rec.hea", "a") as file:
        file.write("rec.dat 16 200 12 0 0 0 0 V5\n")
    with pytest.raises(RecordError, match="found lines for 2 signals; expected 1"):
        read_record(tmp_path / "rec", "first")


def test_a_signal_file_in_large_letters(tmp_path):
    write_wfdb(tmp_path, "rec", ECG[:, None], rate=250)
    (tmp_path / "rec.dat").rename(tmp_path / "REC.DAT")
    np.testing.assert_allclose(read_record(tmp_path / "rec", "first").signal[:, 0], ECG, atol=0.01)
    assert tmp_path / "REC.DAT" in files_of(tmp_path / "rec")


def test_data_records_of_no_duration_are_read_at_the_rate_that_is_given(tmp_path):
    path = write_edf(tmp_path / "a.edf", [ECG], [250])
    content = bytearray(path.read_bytes())
    content[244:252] = b"0       "
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"expected a duration, or the rate \(--rate HZ\)"):
        open_source(path, None)
    record = read_record(path, "first", rate=250)
    assert record.rate == 250
    np.testing.assert_allclose(record.signal[: len(ECG), 0], ECG, atol=0.01)
