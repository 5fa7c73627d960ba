"""Text recordings that were changed at random are read, or refused in one sentence: no crash, no hang.

``KERAS_SIBEAT_FUZZ=10000`` tries as many; the report says how many there were.
"""

import gzip
import os
import resource
import time
import warnings

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

EXAMPLES = int(os.environ.get("KERAS_SIBEAT_FUZZ", 200))
SECONDS, MEGABYTES = 10, 1000  # that one example takes at most
TIME = np.arange(600) / 250
ECG = np.round(np.exp(-np.square((TIME % 0.8 - 0.4) / 0.012)), 3)


def rows(form):
    return "".join(
        form.format(t=t, ms=round(t * 1000), ns=round(t * 1e9), i=i, x=x)
        for i, (t, x) in enumerate(zip(TIME, ECG, strict=True))
    )


SEEDS = [
    "time,MLII\n" + rows("{t:.3f},{x}\n"),
    "MLII (uV)\n" + rows("{x}\n"),
    "Name,N\nSample Rate,512 hertz\n\nLead,Lead I\nUnit,µV\n\n" + rows("{x}\n").replace(".", ","),
    '# OpenSignals Text File Format\n# {"00:00": {"sensor": ["ECG"], "column": ["nSeq", "I1", "A2"], '
    '"sampling rate": 250, "resolution": [10]}}\n# EndOfHeader\n' + rows("{i}\t0\t{x}\t\n"),
    "%OpenBCI\n%Sample Rate = 250 Hz\nSample Index, EXG Channel 0, Timestamp\n" + rows("{i}, {x}, {t:.4f}\n"),
    "sep=;\ntime [s];MLII [mV]\n" + rows("{t:.3f};{x}\n").replace(".", ","),
    "'Elapsed time','MLII'\n'hh:mm:ss.mmm','mV'\n" + rows("'0:{t:06.3f}',{x}\n"),
    "Phone timestamp;sensor timestamp [ns];ecg [uV]\n" + rows("2026-01-05T08:00:0{t:.3f};{ns};{x}\n"),
    rows("{t:.4f} {x}\n"),
    ",0\n" + rows("{i},{x}\n"),
]
ODD = [
    b"",
    b"\n",
    b"\r",
    b"\0",
    b",",
    b";",
    b"\t",
    b'"',
    b"'",
    b"-",
    b"1e999",
    b"nan",
    b"9" * 400,
    b"1:2:3",
    b"\xff\xfe",
    b"\x1f\x8b",
    b"\xb5V",
    b"(",
    b"[ms]",
    b"time",
    b"0",
    b"-0",
    b"1_0",
    "\u0661".encode(),
    b"{" * 3000,
    b"# {",
    b"sep=|",
    b"99:99:99.999",
    b"2026-13-45 00:00:00",
    b"18446744073709551616",
    b"1.2.3",
    b" Hz",
    b"Sample Rate,9e9 Hz",
    b"\x1f",
    b"," * 70_000,
    b"0001-01-01T00:00:00",
    b"inf",
    b"+",
    b".",
    b"e",
    b"%",
    b"1/mV",
    b"(0/mV)",
    b"\xe2\x88\x92",
]
place = st.floats(0, 1)
change = st.one_of(
    st.tuples(st.just("put"), place, st.sampled_from(ODD)),
    st.tuples(st.just("head"), st.floats(0, 0.02), st.sampled_from(ODD) | st.binary(max_size=8)),
    st.tuples(st.just("drop"), place, st.integers(1, 400)),
    st.tuples(st.just("again"), place, st.integers(1, 400)),
    st.tuples(st.just("swap"), st.sampled_from(ODD[:10] + [b".", b"0", b"1"]), st.sampled_from(ODD)),
    st.tuples(st.just("cut"), place, st.just(b"")),
)


def changed(data, changes):
    for kind, where, what in changes:
        if kind == "swap":
            data = data.replace(where, what[:20], 500) if where else data
            continue
        at = int(where * len(data))
        if kind in ("put", "head"):
            data = data[:at] + what + data[at:]
        elif kind == "drop":
            data = data[:at] + data[at + what :]
        elif kind == "again":
            data = data[: at + what] + data[at:]
        else:
            data = data[:at]
    return data


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(SEEDS),
    st.lists(change, max_size=4),
    st.booleans(),
    st.sampled_from([None, 250.0]),
    st.sampled_from([None, "uV"]),
    st.sampled_from(["first", "MLII", "2"]),
)
def test_no_change_makes_more_than_a_sentence(tmp_path_factory, tried, seed, changes, pack, rate, unit, lead):
    folder = tmp_path_factory.getbasetemp()
    data = changed(seed.encode(), changes)
    path = folder / ("a.csv.gz" if pack else "a.csv")
    path.write_bytes(changed(gzip.compress(data), changes[2:]) if pack else data)
    begin, most = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            record = read_record(path, lead=lead, rate=rate, unit=unit)
            end = 0.0
            for at, samples in record.blocks(10):
                assert at >= end - 0.5 / record.rate and len(samples)
                assert not np.isinf(samples).any()
                end = at + len(samples) / record.rate
            told = [*record.warnings, *([record.cut] if record.cut else [])]
            tried["text", "read"] += 1
        except RecordError as error:
            told = [str(error)]
            tried["text", "refused"] += 1
    assert all(one.startswith(str(path)) and one.endswith(".") and "\n" not in one for one in told)
    assert time.monotonic() - begin < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < MEGABYTES * 1024
