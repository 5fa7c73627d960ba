"""Many cells of a text at once: where they are, and the numbers that they hold."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

NEWLINE, BLANK, MINUS, PLUS, ZERO = 10, 32, 45, 43, 48  # bytes
TRIMMED = np.zeros(256, bool)  # what may stand around a cell's text
TRIMMED[list(b" \t\"'")] = True
LOWEST = 40  # above which no such byte is
# Cells that are missing, case-folded, and errors of spreadsheets in some languages.
MISSING = frozenset(
    "|nan|na|n/a|n.a.|<na>|nat|null|(null)|none|missing|-|--|?|*|.|nan(ind)|-nan(ind)|1.#qnan|1.#ind|-1.#ind".split(
        "|"
    )
)
ERROR = re.compile(
    r"#(?:n/?[adv]|¡?(?:value|valeur|valore?|wert|num|nombre|zahl|ref|bezug|name|null|calc|div/0)[!?])",
    re.IGNORECASE,
)
EXACT = 15  # digits, up to which a quotient by a power of ten is the float64 nearest to the decimal number
WHOLE = 18  # digits that int64 holds
# Thousands that are marked, by the mark before the decimals: without decimals, it might be that mark itself.
GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+", re.ASCII),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+", re.ASCII),
}
BLANKED = re.compile(r"[+-]?\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?", re.ASCII)  # 1 000
FORMATS = 4  # numbers of decimals that a column's plain cells have at most


class NoNumber(ValueError):
    """A cell that is no number, at ``place`` of its column."""

    def __init__(self, place: int) -> None:
        super().__init__(f"expected a number at {place}")
        self.place = place


class Cells(NamedTuple):
    """The cells of one column: ``text[start:end]`` each, without blanks and quotes around them."""

    text: np.ndarray  # uint8
    starts: np.ndarray
    ends: np.ndarray

    def cell(self, place: int) -> str:
        """One of the cells."""
        return self.text[self.starts[place] : self.ends[place]].tobytes().decode("utf-8", "replace")

    def some(self, places: np.ndarray) -> "Cells":
        """Those at these places."""
        return Cells(self.text, self.starts[places], self.ends[places])

    def matrix(self, length: int) -> np.ndarray:
        """The first ``length`` bytes of each cell ``(cells, length)``, uint8, and 0 behind its end."""
        places = self.starts[:, None] + np.arange(length)
        return np.where(places < self.ends[:, None], self.text.take(places, mode="clip"), np.uint8(0))


def cells_of_words(words: Iterable[str]) -> Cells:
    """Words that are texts already, as cells.

    >>> cells_of_words(["0:01", " 0:02"]).cell(1)
    '0:02'
    """
    stripped = [word.strip().encode() for word in words]
    ends = np.cumsum([len(word) for word in stripped], dtype=np.int64)
    starts = np.concatenate([[0], ends[:-1]]) if stripped else ends
    return Cells(np.frombuffer(b"".join(stripped), np.uint8), starts, ends)


def cells_of(text: bytes, separator: str | None, width: int, columns: Sequence[int]) -> list[Cells] | None:
    """The ``columns`` of a text of whole lines, or None if a line has not ``width`` cells.

    Args:
        text: lines, each with a newline at its end; quotes hold no separators.
        separator: between cells, ASCII; None for any number of blanks.
        width: cells of each line; one more is allowed where all of them are empty.
        columns: numbers of those to find.

    >>> [cells.cell(1) for cells in cells_of(b"1, 2\\n3,'4'\\n", ",", 2, [0, 1])]
    ['3', '4']
    """
    a = np.frombuffer(text, np.uint8)
    found = _words(a, width) if separator is None else _between(a, ord(separator), width)
    return found and [_trimmed(a, found[0][:, column], found[1][:, column]) for column in columns]


def _between(a, separator, width):
    is_end = a == NEWLINE
    is_end |= a == separator
    ends = np.flatnonzero(is_end).astype(np.int32)
    for size in (width, width + 1):
        if len(ends) % size == 0:
            table = ends.reshape(-1, size)
            is_newline = a[table] == NEWLINE
            if is_newline[:, -1].all() and not is_newline[:, :-1].any():
                starts = np.empty_like(ends)
                starts[0], starts[1:] = 0, ends[:-1] + 1
                starts = starts.reshape(-1, size)
                if size == width or (table[:, -1] - starts[:, -1] <= 0).all():
                    return starts, table
    return None


def _words(a, width):
    edges = np.flatnonzero(np.diff(a <= BLANK, prepend=True, append=True)).astype(np.int32)
    starts, ends, lines = edges[::2], edges[1::2], np.flatnonzero(a == NEWLINE)
    if len(starts) != width * len(lines):
        return None
    starts, ends = starts.reshape(-1, width), ends.reshape(-1, width)
    is_within = (starts[1:, 0] > lines[:-1]).all() and (ends[:, -1] <= lines).all()
    return (starts, ends) if is_within else None


def _trimmed(a, starts, ends):
    starts, ends = np.ascontiguousarray(starts), np.ascontiguousarray(ends)
    while (a[starts] < LOWEST).any() and (outer := TRIMMED[a[starts]] & (starts < ends)).any():
        starts = starts + outer  # up to a newline, which is behind the last of them
    while (a[ends - 1] < LOWEST).any() and (outer := TRIMMED[a[ends - 1]] & (starts < ends)).any():
        ends = ends - outer
    return Cells(a, starts, ends)


def numbers(cells: Cells, decimal: str = ".") -> np.ndarray:
    """The float64 numbers of the cells, NaN where they are missing; each is the nearest, as by ``float``.

    Raises ``NoNumber`` for the first cell that is neither.

    >>> text = np.frombuffer(b"1.5;-0.25;na;2e1", np.uint8)
    >>> numbers(Cells(text, np.array([0, 4, 10, 13]), np.array([3, 9, 12, 16])))
    array([ 1.5 , -0.25,   nan, 20.  ])
    """
    values, rest = np.empty(len(cells.starts)), np.arange(len(cells.starts))
    for _ in range(FORMATS):
        if not len(rest):
            return values
        part = cells if len(rest) == len(values) else cells.some(rest)
        found, fits = _plain(part, _places(part.cell(0), decimal), ord(decimal))
        if fits.all():
            values[rest] = found
            return values
        values[rest[fits]], rest = found[fits], rest[~fits]
        if not fits.any():
            break
    if len(rest):
        values[rest] = _others(cells, rest, decimal)
    return values


def _places(cell, decimal):
    """The number of decimals."""
    return len(cell) - 1 - place if (place := cell.rfind(decimal)) >= 0 else 0


def _plain(cells, places, decimal):
    """The numbers, and which cells are digits alone, with so many ``places`` of decimals and maybe a sign."""
    if places > EXACT:
        return np.zeros(len(cells.starts)), np.zeros(len(cells.starts), bool)
    a, starts, last = cells.text, cells.starts, cells.ends - 1
    sign = a[starts]
    is_minus = sign == MINUS
    starts = starts + (is_minus | (sign == PLUS))
    length, most = last - starts + 1, EXACT + 1 if places else WHOLE
    fits = (length > (places + 1 if places else 0)) & (length <= most)
    if places:
        fits &= a.take(last - places, mode="clip") == decimal
    shortest, longest = int(length.min()), int(min(length.max(), most))
    whole, weight = np.zeros(len(last), np.int64), 1
    largest = np.zeros(len(last), np.uint8)
    for back in range(longest):
        if places and back == places:
            continue
        digit = a.take(last - back, mode="clip") - np.uint8(ZERO)
        if back >= shortest:
            digit[length <= back] = 0
        np.maximum(largest, digit, out=largest)
        whole += np.multiply(digit, weight, dtype=np.int64)  # NumPy 1 would keep to eight bits
        weight *= 10
    fits &= largest < 10
    values = whole / 10.0**places if places else whole.astype(np.float64)
    return np.where(is_minus, -values, values), fits


def _others(cells, places, decimal):
    """The numbers of other cells: at once if they are nothing but numbers, else one by one."""
    part = cells.some(places)
    length = int((part.ends - part.starts).max())
    if 0 < length <= 32 and (part.ends > part.starts).all():
        letters = part.matrix(length)
        other = ord(".") if decimal == "," else ord(",")
        if not ((letters == ord("_")) | (letters == other)).any():
            letters[letters == ord(decimal)] = ord(".")
            try:
                return letters.view(f"S{length}").ravel().astype(np.float64)
            except ValueError:
                pass  # a cell is missing or no number
    values = np.empty(len(places))
    for row, place in enumerate(places):
        value = number(cells.cell(place), decimal)
        if value is None:
            raise NoNumber(int(place))
        values[row] = value
    return values


def number(cell: str, decimal: str = ".") -> float | None:
    """A cell's number, NaN where it is missing, None where it is neither.

    >>> number("1,5", ","), number("1.234,5", ","), number("NA"), number("one")
    (1.5, 1234.5, nan, None)
    """
    if cell.casefold() in MISSING or ERROR.fullmatch(cell):
        return np.nan
    if BLANKED.fullmatch(cell):
        cell = re.sub(r"[^\d.,+-]", "", cell)
    thousands = "." if decimal == "," else ","
    if thousands in cell:
        if not GROUPED[decimal].fullmatch(cell):
            return None
        cell = cell.replace(thousands, "")
    cell = cell.replace(decimal, ".")
    try:
        return None if "_" in cell else float(cell)  # Python's own 1_000 is no file's
    except ValueError:
        return None
