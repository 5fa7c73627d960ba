"""How the rows of a text file are written: encoding, separator, decimal mark, headings."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from sibeat_edge.reading.text.head import LOOK, with_comment, with_headings
from sibeat_edge.reading.text.line import EXCEL, Layout, is_number, is_row, is_timestamp
from sibeat_edge.reading.text.programs import with_programs_headings
from sibeat_edge.reading.text.stream import HEAD, encoding_of

# Separators (None: blanks) and decimal marks; of those that fit as many rows, the first.
CHOICES = [(separator, decimal) for separator in (";", "\t", "|", ",", None) for decimal in ".,"]
GROUPED = re.compile(r"[-+]?(?:\d{1,3}|[1-9]\d{0,2},\d{3})")
WHOLE = re.compile(r"[-+]?\d+")
EVEN = 0.9  # of the steps from one blank line to the next, if they are between rows


def open_text(path: Path) -> TextIO:
    """Open a file of UTF-8, of UTF-16, or of Latin-1 if its beginning is neither."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    wide = encoding_of(head)
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
        other = "utf-8-sig"
    except UnicodeDecodeError:
        other = "latin-1"
    return open(path, encoding=wide or other, errors="replace", newline=None)


def find_layout(lines: Sequence[str]) -> Layout | None:
    """The layout of a file that begins with these lines; None if none of them is a row of numbers.

    What comes before the first row of numbers is left out, but for the headings: the line of texts above it
    that has as many cells or, of several such lines in a row, the first whose cells differ (and name a lead
    or a time, if one does), and a row of units below it. A single heading that may be a name is none. A
    first row may be headings that are numbers, as pandas writes them, and a comment right above the first
    row, as NumPy does. A row may hold timestamps, too.
    """
    kept = [(place, line) for place, line in enumerate(lines) if is_row(line)]
    looked = kept[:LOOK] if len(kept) < 2 * LOOK else kept[-LOOK:]
    excel = EXCEL.match(next((line for line in lines if line.strip()), ""))
    if excel:
        choices = [(excel[1], decimal) for decimal in ".,"]
    elif _is_of_decimal_commas([line for _, line in looked]) or _is_of_thousands([line for _, line in kept]):
        choices = [(";", ",")]
    else:
        choices = [  # a file of one column has commas for separators
            choice
            for choice in CHOICES
            if choice[0] not in (";", "\t", "|") or any(choice[0] in line for _, line in looked)
        ]
    best, most = None, (0, 0)
    for separator, decimal in choices:
        layout = Layout(separator, decimal)
        counts = [_count(layout, line) for _, line in looked]
        found = sum(full for full, _ in counts), sum(count for _, count in counts)
        if found[0] > most[0] or (not most[0] and found > most):
            best, most = layout, found
    if best is None:
        return None
    numbers = [_count(best, line) for _, line in kept]
    wanted = (True, 0) if most[0] else max(numbers)
    place = next(place for place, count in enumerate(numbers) if count >= wanted)
    if most[0] and not re.search(r"\w", kept[place][1]):  # as likely a line of signs above the headings
        real = next((place for place, (full, count) in enumerate(numbers) if full and count), place)
        place = max((later + 1 for later in range(place, real) if not numbers[later][0]), default=place)
    layout = with_programs_headings(with_headings(best, kept, place), lines)
    return layout if layout.headings else with_comment(layout, lines)


def _is_of_decimal_commas(lines):
    """Whether the rows are one number each, with a comma before the decimals.

    Two columns of whole numbers look so, too, but for zeros in front of the second and a zero below 0.
    """
    rows = [line.strip().split(",") for line in lines]
    rows = [row for row in rows if 1 <= len(row) <= 2 and all(map(WHOLE.fullmatch, row))]
    pairs = [row for row in rows if len(row) == 2]
    return (
        2 * len(pairs) > len(lines)
        and all(row[1].isdigit() for row in pairs)
        and any((row[1][0] == "0" and len(row[1]) > 1) or row[0] == "-0" for row in pairs)
    )


def _is_of_thousands(lines):
    """Whether the rows are one whole number each, with a comma between its thousands."""
    rows = [line.strip() for line in lines if GROUPED.fullmatch(line.strip())]
    others = [line for line in lines if not GROUPED.fullmatch(line.strip())]
    small = [row for row in rows if "," not in row]
    return (
        len(lines) / 10 < len(small) < len(rows)
        and any(len(row) >= 3 for row in small)
        and all(re.match(r"\W*[^\W\d_][^,]*$", line) for line in others)
    )


def _count(layout, line):
    """Whether a line is a row of nothing but numbers, missing cells and timestamps; and its numbers."""
    cells = layout.cells(line)
    count = sum(is_number(layout, cell) for cell in cells)
    others = [cell for cell in cells if layout.number(cell) is None]
    return bool(cells) and len(others) < len(cells) and all(map(is_timestamp, others)), count


def are_spaced(lines: Sequence[str]) -> bool:
    """Whether blank lines come as evenly as between rows, so that they are no missing samples."""
    places = [place for place, line in enumerate(lines) if not line.strip()]
    if len(places) < 2 or (len(places) < 3 and len(places) < len(lines) / 2):
        return False
    steps = np.diff(places)
    step = np.median(steps)
    return bool(step > 1 and step == places[0] + 1 and np.mean(steps == step) >= EVEN)
