"""How files of results begin: by this, a file that this package wrote is told from all others."""

import os

GENERATOR = "sibeat_edge"
TABLE = f"Scored by {GENERATOR}"  # the first line of a table in a file
COLUMNS = ("time", "sample", "score", "alarm", "reason", "rr", "why", "snr", "doubted", "kind", "irregular")
PAGE = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    f'<meta name="generator" content="{GENERATOR}">'
)
HEAD = 512  # bytes of a file that are looked at
RATE = b"## time resolution: "  # behind 4 bytes, how WFDB annotations begin that state their rate
BEGINNINGS = (f"{TABLE}\n", ",".join(COLUMNS) + "\n", f'{{\n  "generator": "{GENERATOR}"', PAGE)


def is_own(path: str | os.PathLike[str]) -> bool:
    """Whether this package wrote the file at ``path``: a table, CSV, JSON, report or annotations of scores.

    Raises ``OSError`` if it cannot be read.

    >>> is_own(__file__)
    False
    """
    with open(path, "rb") as file:
        head = file.read(HEAD)
    is_annotations = head[4:].startswith(RATE) and f"{GENERATOR}: ".encode() in head
    return is_annotations or head.startswith(tuple(text.encode() for text in BEGINNINGS))
