"""The Huffman codes of SCP-ECG (EN 1064, annex C)."""

import struct
from pathlib import Path

import numpy as np

from sibeat_edge.errors import RecordError

STANDARD = 19999  # number of tables that stands for the standard's own
LONGEST = 32  # bits of a code, and of the number behind it

# A code's bits, to: how many bits of a signed number follow, the value if none do, and the table to go on in.
Table = dict[str, tuple[int, int, int]]


def _standard():
    """Of ±n: n ones, a zero, and the sign; beyond ±8, numbers of 8 and of 16 bits."""
    table: Table = {"0": (0, 0, -1), "1111111110": (8, 0, -1), "1111111111": (16, 0, -1)}
    for number in range(1, 9):
        table["1" * number + "00"] = (0, number, -1)
        table["1" * number + "01"] = (0, -number, -1)
    return table


DEFAULT = [_standard()]


def read_tables(path: Path, section: bytes) -> list[Table]:
    """The tables of section 2.

    Raises ``RecordError`` for a code that is too long, or leads to a table that there is not.
    """
    (count,) = struct.unpack_from("<H", section)
    if count == STANDARD:
        return DEFAULT
    tables: list[Table] = []
    place = 2
    for _ in range(count):
        (codes,) = struct.unpack_from("<H", section, place)
        place += 2
        table: Table = {}
        for _ in range(codes):
            prefix, whole, mode, value, code = struct.unpack_from("<BBBhI", section, place)
            if not 0 < prefix <= LONGEST or not prefix <= whole <= prefix + LONGEST:
                raise RecordError(f"{path}: found a code of {prefix} bits; expected 1 to {LONGEST}.")
            goes_on = -1 if mode else value - 1
            if not mode and not 0 <= goes_on < count:
                raise RecordError(f"{path}: found a code to table {value}; expected one of {count}.")
            table[f"{code:032b}"[::-1][:prefix]] = (
                whole - prefix,
                value,
                goes_on,
            )  # the first bit is the lowest
            place += 9
        tables.append(table)
    if not tables:
        raise RecordError(f"{path}: found no Huffman table; expected at least one.")
    return tables


def decode(content: bytes, tables: list[Table], samples: int) -> np.ndarray:
    """At most ``samples`` numbers; fewer if the content ends, or holds what is no code.

    >>> decode(bytes([0b0_100_0_110, 0b1_0000000]), DEFAULT, 4)
    array([ 0,  1,  0, -2])
    """
    bits = "".join(f"{byte:08b}" for byte in content)
    lengths = [sorted({len(code) for code in table}) for table in tables]
    values: list[int] = []
    place, number = 0, 0
    while len(values) < samples and place < len(bits):
        table = tables[number]
        for length in lengths[number]:
            entry = table.get(bits[place : place + length])
            if entry is not None:
                break
        else:
            break
        place += length
        more, value, goes_on = entry
        if goes_on >= 0:
            number = goes_on
            continue
        if more:
            word = bits[place : place + more]
            if len(word) < more:
                break
            value = int(word, 2) - (1 << more if word[0] == "1" else 0)
            place += more
        values.append(value)
    return np.array(values, np.int64)
