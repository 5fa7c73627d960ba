"""Damaged files of every format: they are read, or told in one sentence; nothing else.

``KERAS_SIBEAT_FUZZ=10000`` tries as many of each format; the report says how many there were.
"""

import faulthandler
import gzip
import os
import resource
import signal
import time
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from device_files import WRITERS, beats, write_ishne, write_scp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

COUNT = int(os.environ.get("KERAS_SIBEAT_FUZZ", "50"))
SLOWEST, MOST = 10, 2**20  # s of a file, KiB of memory
EXTREMES = [
    b"\0\0",
    b"\xff\xff",
    b"\xff\x7f",
    b"\0\x80",
    b"\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff",
    b"9",
    b"-",
    b"e9",
]


def write_plain_mat(path, signal, leads, rate):
    from scipy.io import savemat

    savemat(path, {"ecg": signal.T, "fs": float(rate), "ECG": {"fs": 1.0, "data": signal.T}})
    return path


def write_plain_scp(path, signal, leads, rate):
    return write_scp(path, signal, leads, rate, differences=1, is_huffman=False)


def write_reference_scp(path, signal, leads, rate):
    reference = signal[:80], 30, [(0, 1, 20, 60), (1, 100, 120, 140), (0, 150, 170, 200)]
    return write_scp(path, signal, leads, rate, flags=1, reference=reference)


def write_packed(path, signal, leads, rate):
    inner = write_ishne(path.with_suffix(""), signal, leads, rate)
    path.write_bytes(gzip.compress(inner.read_bytes(), mtime=0))
    return path


KINDS = {
    **WRITERS,
    "MATLAB, plain": ("mat", write_plain_mat, None),
    "SCP-ECG, plain": ("scp", write_plain_scp, None),
    "SCP-ECG, reference": ("scp", write_reference_scp, None),
    "ISHNE, packed": ("ecg.gz", write_packed, None),
}
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["byte", "bit", "extreme", "cut", "remove", "insert", "repeat", "swap"]),
        st.booleans(),  # near the beginning, where headers are
        st.floats(0, 1),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def changed(content, changes):
    """The bytes with changes in turn."""
    content = bytearray(content)
    for what, is_head, where, values in changes:
        size = min(len(content), 1024) if is_head else len(content)
        place, value = int(where * size), values[0]
        if what == "byte":
            content[place : place + 1] = values[:1]
        elif what == "bit" and place < len(content):
            content[place] ^= 1 << value % 8
        elif what == "extreme":
            extreme = EXTREMES[value % len(EXTREMES)]
            content[place : place + len(extreme)] = extreme
        elif what == "cut" and not is_head:
            del content[place:]
        elif what == "remove":
            del content[place : place + value]
        elif what == "insert":
            content[place:place] = values
        elif what == "repeat":
            content[place:place] = content[place : place + 8 * value]
        elif what == "swap":
            part = content[place : place + 4]
            content[place : place + 4] = part[::-1]
    return bytes(content)


@contextmanager
def watched():
    """Fail after ten seconds, or a gigabyte more of memory than before."""

    def stop(*_):
        raise AssertionError(f"not read within {SLOWEST} s")

    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    handler = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SLOWEST)
    faulthandler.dump_traceback_later(
        6 * SLOWEST, exit=True
    )  # a library's own code cannot be stopped otherwise
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # they would go to the screen
            yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    assert time.monotonic() - begun < SLOWEST
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_or_told_in_a_sentence(tmp_path, kind, tried, capfd):
    ending, write, module = KINDS[kind]
    if module is not None:
        pytest.importorskip(module, reason=f"no {module}: pip install 'sibeat_edge[formats]'")
    path = write(tmp_path / f"a.{ending}", beats(2, 250), ("I", "II"), 250)
    content = path.read_bytes()

    @settings(
        max_examples=COUNT,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(CHANGES)
    def look(changes):
        path.write_bytes(changed(content, changes))
        with watched():
            try:
                record, end = read_record(path, "first", rate=250 if kind == "NumPy" else None), 0.0
                for moment, samples in record.blocks():
                    assert samples.ndim == 2 and samples.shape[1] == 1 and not np.isinf(samples).any()
                    assert moment >= end - 0.5 / record.rate
                    end = moment + len(samples) / record.rate
            except RecordError as error:
                tried[kind, "refused"] += 1
                sentences = [str(error)]
            else:
                tried[kind, "read"] += 1
                sentences = [*record.warnings, *([record.cut] if record.cut else [])]
        for one in sentences:
            assert one.startswith(str(path)) and one.endswith(".") and "\n" not in one
            assert "ustermann" not in one

    look()
    out, err = capfd.readouterr()
    assert out == err == ""
