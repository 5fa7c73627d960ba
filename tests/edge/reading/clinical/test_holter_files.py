"""ISHNE files of Holter recorders, and what their writers do differently."""

import struct

import numpy as np
import pytest
from device_files import beats, write_ishne

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.formats import open_source
from sibeat_edge.reading.record import read_record

SIGNAL = beats(20, 200, 3)
LEADS = ("V1", "V5", "aVF")


def write(folder, signal=SIGNAL, leads=LEADS, **options):
    return write_ishne(folder / "a.ecg", signal, leads, 200, **options)


def changed(path, place, form, *values):
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, *values)
    path.write_bytes(content)
    return path


def test_the_samples_stay_in_the_file_until_they_are_read(tmp_path):
    source, _ = open_source(write(tmp_path), None)
    assert isinstance(source._signal, np.memmap) and source.leads == list(LEADS)
    np.testing.assert_allclose(read_record(tmp_path / "a.ecg", "V5").signal[:, 0], SIGNAL[:, 1], atol=0.00126)


@pytest.mark.parametrize("samples", [4000, 12_000, 0, -1])
def test_the_number_of_samples_may_be_of_a_lead_or_of_all_or_missing(tmp_path, samples):
    source, _ = open_source(write(tmp_path, samples=samples), None)
    assert source.seconds == 20 and not source.cut and not source.warnings


def test_a_file_that_is_shorter_than_its_header_says_gives_what_is_there(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-600])
    source, _ = open_source(path, None)
    assert source.seconds == 19.5 and "found 3900 samples a lead; expected 4000" in source.cut


def test_a_header_that_declares_fewer_samples_than_there_are_is_told(tmp_path):
    source, _ = open_source(write(tmp_path, samples=len(SIGNAL) // 2), None)
    assert source.seconds == len(SIGNAL) // 2 / source.rates[0]
    assert "no more are read" in source.warnings[0]


def test_bytes_behind_the_samples_are_left_out(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(5000))
    assert open_source(path, None)[0].seconds == 20


def test_another_checksum_is_told_and_a_missing_one_is_not(tmp_path):
    source, _ = open_source(write(tmp_path, checksum=0x1234), None)
    assert "expected 1234" in source.warnings[0]
    assert not open_source(write(tmp_path, checksum=0), None)[0].warnings


@pytest.mark.parametrize("extra", [b"", b"x" * 300])
def test_the_variable_block_counts_in_the_checksum(tmp_path, extra):
    assert not open_source(write(tmp_path, extra=extra), None)[0].warnings


def test_leads_without_a_code_are_numbered(tmp_path):
    path = write(tmp_path, leads=("?", "??", "???"))
    source, _ = open_source(path, None)
    assert source.leads == ["1", "2", "3"] and not source.named
    path = write(tmp_path, leads=("?", "V5", "V5"))
    assert open_source(path, None)[0].leads == ["1", "V5", "V5 2"]


@pytest.mark.parametrize(
    ("place", "form", "value", "words"),
    [
        (156, "<h", 0, "found 0 leads"),
        (156, "<h", 13, "found 13 leads"),
        (272, "<h", -1, "at -1 Hz"),
        (206, "<h", 0, "a step of 0 nV"),
        (22, "<i", 100, "from byte 100 on"),
        (22, "<i", 10**9, "from byte 1000000000 on"),
        (10, "<i", 10**9, "makes sense"),
        (0, "<8s", b"ISHNE2.0", "no ISHNE header|neither ISHNE"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(tmp_path, place, form, value, words):
    with pytest.raises(RecordError, match=words) as caught:
        open_source(changed(write(tmp_path), place, form, value), None)
    assert "Erika" not in str(caught.value)


def test_a_header_that_is_cut_is_refused(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(RecordError, match="no ISHNE header"):
        open_source(path, None)
