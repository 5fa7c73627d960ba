"""MIT-BIH's Arrhythmia Database: which records are its own, and what is known of its wearers.

Its lists hold for its own records alone, one by one, whatever folder they lie in: a record is MIT-BIH's if it
has the name of one, 360 Hz and 650,000 samples, as each of them and hardly any other recording has.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import wfdb

DATABASE = "MIT-BIH"
RATE, SAMPLES = 360, 650_000
PACED = ("102", "104", "107", "217")

# de Chazal et al., IEEE TBME 51(7), 2004. Records 201 (DS1) and 202 (DS2) are of one subject.
DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())
RECORDS = frozenset((*DS1, *DS2, *PACED))

SAME_SUBJECT = {"202": "201"}
MOSTLY_ABNORMAL = "232"  # most of this record's beats are supraventricular, and most of those of DS2


def wearer_of(number: str) -> str:
    """The name of who wears one of MIT-BIH's records; no wearer of another database is called so.

    >>> wearer_of("201"), wearer_of("202")
    ('MIT-BIH 201', 'MIT-BIH 201')
    """
    return f"{DATABASE} {SAME_SUBJECT.get(number, number)}"


def are_wearers(names: Iterable[str]) -> bool:
    """Whether all of these are wearers of MIT-BIH's records.

    >>> are_wearers(["MIT-BIH 100", "MIT-BIH 201"]), are_wearers(["MIT-BIH 100", "ann"])
    (True, False)
    """
    return all(name.startswith(f"{DATABASE} ") for name in names)


def is_own(name: str, rate: float, samples: int) -> bool:
    """Whether a recording is one of MIT-BIH's.

    >>> is_own("102", 360.0, 650_000), is_own("102", 250.0, 650_000)
    (True, False)
    """
    return name in RECORDS and rate == RATE and samples == SAMPLES


def find_own(paths: Mapping[str, Path]) -> dict[str, str]:
    """Of the records at these ``paths`` (without extension) MIT-BIH's own, and the number of each there.

    Only headers are read. A record without a header that can be read is none; whoever reads it says so.
    """
    found = {}
    for name, path in paths.items():
        if path.name not in RECORDS:
            continue
        try:
            header = wfdb.rdheader(str(path))
        except Exception:
            continue
        if is_own(path.name, header.fs, header.sig_len):
            found[name] = path.name
    return found
