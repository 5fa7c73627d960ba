"""The headings above the rows of a text file, and their units."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sibeat_edge.reading.headings import SECONDS, UNIT
from sibeat_edge.reading.leads import millivolts
from sibeat_edge.reading.text.epochs import EPOCH
from sibeat_edge.reading.text.line import COMMENT, REMARK, Layout, is_number, width_of
from sibeat_edge.reading.text.preamble import PERSONAL, states
from sibeat_edge.reading.text.programs import KEYED

LOOK = 100  # rows from which the layout is taken
FEW = 10  # rows, below which none is told to be no sample
LARGER = 3  # times the largest sample, from which a whole number among decimals is none
MOST_HERTZ = 100_000
DECIMAL_COMMA = re.compile(r"(?<!:\d\d),(?!\d{3}(?:,\d{3})*\.\d)")  # but not that of 12:00:00,5 or 1,000.5
TELLING = re.compile(r"time|zeit|stamp|e[ck]g|lead|ableitung|^m?l?(i{1,3}|av[rlf]|v[1-6])$", re.IGNORECASE)
# Units beside those of voltage and time that stand in a row of units.
OTHERS = frozenset(("g", "%", "bpm", "adc", "counts", "raw", "no_units", "nounits", "ut", "deg/s", "kohms"))
TIMES = re.compile(r"h+:mm:ss.*|m/.?s.*|yyyy.*", re.IGNORECASE)
PERSON = re.compile(r"[^\W\d_a-z][^\W\d_]+(?:,? [^\W\d_a-z][^\W\d_]*\.?)+")  # a title that may be a name


def with_headings(layout: Layout, kept: Sequence[tuple[int, str]], place: int) -> Layout:
    """The layout with its headings and width, given the ``place`` in ``kept`` of the first row."""
    rows = [(number, layout.cells(line)) for number, line in kept[: place + LOOK]]
    size = {len(rows[place][1]), width_of(rows[place][1])}
    top = place
    while (
        top
        and size & {len(rows[top - 1][1]), width_of(rows[top - 1][1])}
        and not _is_stated(kept[top - 1][1])
    ):
        top -= 1
    either = [replace(layout, decimal=decimal) for decimal in ".,"]
    numbers = [
        [cell for cell in cells if any(is_number(one, cell) for one in either)]
        for _, cells in rows[top:place]
    ]
    texts = [number for number, found in enumerate(numbers, top) if not found]
    units = ()
    if texts:  # what follows the last of them is a spoilt row
        head, first = texts[-1], texts[-1] + 1
        while head - 1 in texts and rows[head - 1][0] == rows[head][0] - 1:
            head -= 1
        head, units = _of_block([cells for _, cells in rows[head:first]], head)
    elif len(numbers) == 1 and all(map(str.isdigit, numbers[0])):  # columns may be called 1, 2, …
        head, first = top, place
    elif _are_numbered([cells for _, cells in rows[place:]]):
        head, first = place, place + 1
    elif place and (_have_names(rows[place - 1 :]) or _is_narrow(rows[place - 1 : place + 1])):
        head, first = place - 1, place
    else:
        head, first = top, top
    named = rows[head][1] if head < first else []
    if head < first and _have_names(rows[head:]):
        named = ["", *named]  # R writes none above the names of rows
    headings = tuple(named[: width_of(named)])
    if len(headings) == 1 and PERSON.fullmatch(headings[0]) and not _is_telling(headings[0]):
        headings = ()
    decimal = layout.decimal
    if layout.separator != "," and any(
        DECIMAL_COMMA.search(line.partition(REMARK)[0]) for _, line in kept[first:]
    ):
        decimal = ","
    apart = _apart(replace(layout, decimal=decimal), [cells for _, cells in rows[first:]])
    first += len(apart)
    widths = Counter(width_of(cells) for _, cells in rows[first:])
    width = len(headings) or max(widths, key=lambda width: (widths[width], width))
    return Layout(layout.separator, decimal, headings, rows[first][0], width, units, apart)


def _is_stated(line):
    return (
        KEYED.match(line)
        or states(line)
        or bool(PERSONAL.match(line) and not re.search(TELLING.pattern, line, re.IGNORECASE))
    )


def _of_block(block, head):
    """The place of the headings among lines of texts, the first of which is at ``head``; and the units."""
    units = next((tuple(cells) for cells in block[1:] if _are_units(cells)), ())
    differ = [place for place, cells in enumerate(block) if len(set(cells)) == len(cells)]
    names = [place for place in differ if tuple(block[place]) != units]
    telling = [place for place in names if any(map(_is_telling, block[place]))]
    return head + next(iter(telling or names), 0), units[: width_of(units)]


def _are_units(cells):
    told = [cell.casefold() for cell in cells if cell]
    known = sum(
        millivolts(cell) is not None or cell in SECONDS or bool(TIMES.fullmatch(cell)) for cell in told
    )
    return bool(known) and 2 * (known + sum(cell in OTHERS for cell in told)) >= len(told)


def _are_numbered(rows):
    """Whether the first row are the numbers of columns: beside an empty cell, or above decimals alone."""
    first, others = rows[0], rows[1 : 1 + LOOK]
    if not others:
        return False
    if len(first) > 1 and not first[0]:
        is_counted = [row[0] for row in others] == [str(number) for number in range(len(others))]
        return is_counted or (all(map(str.isdigit, first[1:])) and all(row[0] for row in others))
    is_counted = first in [[str(start + place) for place in range(len(first))] for start in (0, 1)]
    return is_counted and all("." in cell or "e" in cell for row in others for cell in row)


def _apart(layout, rows):
    """The numbers in the first rows that are no samples, one of each row.

    They are the same in all columns. A number of samples is whole and larger than all that follow, which
    have decimals or are several in a row. A start since 1970 stands above a rate, as Empatica writes them.
    """
    heads = [{cell for cell in cells if cell} for cells in rows[:2]]
    if len(rows) < FEW or len(heads[0]) != 1:
        return ()
    places = [place for place, cell in enumerate(rows[0]) if cell]
    first, second = (min(head, default="") for head in heads)
    value, rate = layout.number(first), layout.number(second)
    if len(heads[1]) == 1 and value and rate and EPOCH[0] <= value < EPOCH[1] and 1 <= rate <= MOST_HERTZ:
        return first, second
    others = [cells[place] for cells in rows[1:] for place in places if place < len(cells) and cells[place]]
    numbers = [layout.number(cell) for cell in others]
    if not first.isdigit() or None in numbers:
        return ()
    are_decimals = all(re.search(r"[.,]\d", cell) for cell in others)
    least = LARGER * np.nanmax([*map(abs, numbers), 0])
    is_count = (are_decimals or len(places) > 1) and int(first) > max(least, 1)
    return (first,) if is_count else ()


def _have_names(rows):
    """Whether rows have one cell more than the headings above them, which numbers them one by one."""
    (above, names), (place, cells), *_ = [*rows, (0, [])][:2]
    numbers = [cells[0] for _, cells in rows[1:]]
    is_counted = len(numbers) > 1 and numbers == [str(number) for number in range(1, len(rows))]
    return above == place - 1 and len(names) + 1 == len(cells) and is_counted


def _is_narrow(rows):
    """Whether the line right above the first row has fewer cells than it, and can be nothing but headings."""
    (above, names), (place, cells) = rows
    names = [name for name in names if name]
    return above == place - 1 and 0 < len(names) < len(cells) and all(map(_is_telling, names))


def with_comment(layout: Layout, lines: Sequence[str]) -> Layout:
    """The layout with the headings of a comment right above the first row, if it can be nothing else."""
    comment = lines[layout.first - 1].strip() if layout.first else ""
    if not comment.startswith(COMMENT):
        return layout
    cells = layout.cells(comment.lstrip("#%/ "))
    fits = (
        len(cells) == layout.width
        and any(map(_is_telling, cells))
        and None is next((cell for cell in cells if is_number(layout, cell)), None)
    )
    return replace(layout, headings=tuple(cells)) if fits else layout


def _is_telling(cell):
    return bool(UNIT.match(cell) or TELLING.search(cell))
