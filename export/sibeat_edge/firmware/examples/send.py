# SPDX-License-Identifier: MIT
"""Sends a recording to a board that runs one of these examples, and prints what it answers.

python send.py PORT FILE [--baud 115200] [--leads 1]

FILE holds raw little-endian 16-bit samples of all leads, beside each other. Needs pyserial.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MOST = 255  # samples of a block


def replay(line: IO[bytes], samples: bytes, leads: int = 1) -> Iterator[str]:
    """What the board answers to ``samples``, line by line; ends where the board has ended the recording.

    Raises ``EOFError`` where no answer comes.
    """
    size = 2 * leads
    blocks = [
        samples[begin : begin + MOST * size] for begin in range(0, len(samples) // size * size, MOST * size)
    ]
    for block in [block[: len(block) // size * size] for block in blocks] + [b""]:
        line.write(bytes([len(block) // size]) + block)
        line.flush()
        while (answer := line.readline()) not in (b"ok\n", b"end\n"):
            if not answer:
                raise EOFError("found no answer, expected lines of beats.")
            yield answer.decode("ascii", "replace").rstrip("\n")


def main() -> None:
    """Parse the command line, send, print."""
    import serial

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port")
    parser.add_argument("file", type=Path)
    parser.add_argument("--baud", type=int, default=115200)
    parser.add_argument("--leads", type=int, default=1)
    options = parser.parse_args()
    with serial.Serial(options.port, options.baud, timeout=30) as line:
        for answer in replay(line, options.file.read_bytes(), options.leads):
            print(answer)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
