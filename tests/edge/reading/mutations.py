"""Files with random faults: how many are tried, how they are made, and what reading one may do at most."""

import os
import resource
import sys
import time
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.record import read_record

COUNT = int(os.environ.get("KERAS_SIBEAT_FUZZ", 100))  # files of each format; 10,000 for a thorough search
LONGEST = 10  # s to read a small file
MOST = 1 << 30  # bytes of memory beyond those in use before
MOST_BLOCKS = 100_000  # of a small file; more are no end
FAULTY = settings(max_examples=COUNT, suppress_health_check=list(HealthCheck), database=None)

# What readers of numbers, names and texts stumble over.
ODD = [
    b"0", b"-1", b"1", b"9" * 8, b"9" * 20, b"9" * 400, b"1e308", b"1e-308", b"nan", b"inf", b"-0", b"0.5",
    b"~", b"/", b".", b"..", b"x0", b":-1", b"+99999999", b"(", b"#", b"", b" ", b"\0", b"\n", b"\r\n", b"\t",
    b"\xb5V",
    b"\xff\xfe", b"\xc3\x28", b"%s%n", b"A" * 300, b"1,5", b"EDF+D", b"24BIT", b"-32768",
]  # fmt: skip


@st.composite
def changed(draw, content):
    """The ``content`` with one to three faults: bytes replaced, put in, left out, repeated, the end cut."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(content)))
        # Headers are short beside samples, and have most of what can go wrong.
        first = min(first, draw(st.sampled_from([len(content), 64, 512])))
        last = min(len(content), first + draw(st.integers(0, 40)))
        fault = draw(st.sampled_from(["replace", "insert", "leave out", "repeat", "cut", "odd"]))
        if fault == "cut":
            del content[draw(st.integers(0, len(content))) :]
        elif fault == "repeat":
            content[first:first] = content[first:last] * draw(st.integers(1, 5))
        else:
            new = b"" if fault == "leave out" else draw(st.sampled_from(ODD))
            if fault == "replace":
                new = draw(st.binary(min_size=last - first, max_size=last - first))
            elif fault == "odd":
                last = first + len(new)  # in place, as in a field of fixed width
            content[first : first if fault == "insert" else last] = new
    return bytes(content)


@contextmanager
def at_most(size=MOST):
    """Memory is refused, by a ``MemoryError``, beyond ``size`` bytes more than are in use."""
    if not sys.platform.startswith("linux"):
        yield
        return
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def read_to_the_end(path, **options):
    """Read as scoring does; returns whether it could be read. No error but ``RecordError``, no hang."""
    start = time.monotonic()
    try:
        with at_most():
            record = read_record(path, "first", **options)
            for number, (moment, samples) in enumerate(record.blocks()):
                assert number < MOST_BLOCKS and moment >= 0 and samples.ndim == 2
            assert "\n" not in "".join((*record.warnings, record.cut))
    except RecordError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return False
    finally:
        assert time.monotonic() - start < LONGEST
    return True
