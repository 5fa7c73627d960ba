"""A column of stamps as seconds: numbers in any unit, times of day, and dates with them."""

import re
from collections.abc import Iterable
from datetime import date

import numpy as np

from sibeat_edge.reading.start import Start
from sibeat_edge.reading.text.dates import Dates, day_of, full_year
from sibeat_edge.reading.text.numbers import ZERO, Cells, NoNumber, cells_of_words, numbers

LONGEST = 64  # bytes of a stamp
DAY, HALF, HOUR, HELD_UP = 86_400.0, 43_200.0, 3600.0, 60.0  # s
WRAPS = (2.0**16, 2.0**24, 2.0**31, 2.0**32)  # where devices' counters of ticks begin again
NEAR = 0.9  # of its range, from which a counter is about to begin again
STAMP = re.compile(
    r"\[?(?:(?P<days>\d{1,5}) days?,? )?"  # as pandas and Python write what has gone by
    r"(?P<bare>(?=\d{8}T\d{6}))?"  # 20240131T120000: ISO without separators
    r"(?:(?P<Y>\d{4})(?(bare)|[-/.])(?P<m>\d{1,2})(?(bare)|[-/.])(?P<d>\d{1,2})|(?P<d2>\d{1,2})\.(?P<m2>\d{1,2})\.(?P<Y2>\d{4})"
    r"|(?P<d3>\d{1,2})[- ](?P<name>[A-Z]{3})[- ](?P<Y3>\d{4}|\d{2})"
    r"|(?P<Y4>\d{4})(?P<m4>\d{2})(?P<d4>\d{2})(?=[T _]\d{1,2}:)"
    r"|(?P<name5>[A-Z]{3}) {1,2}(?P<d5>\d{1,2}),? (?P<Y5>\d{4})"
    r"|(?P<p>\d{1,2})[-/.](?P<q>\d{1,2})[-/.](?P<r>\d{4}|\d{2}))?[T ,_]{0,2}"
    r"(?P<H>\d{1,3})(?(bare)|:)(?P<M>\d{2})(?:(?(bare)|:)(?P<S>\d{2}))?(?:[.,:](?P<f>\d{1,9}))?"
    r"(?: ?(?P<half>[AP])\.? ?M\.?)?"
    r"(?: ?(?:Z|UTC|GMT|(?P<zone>[ECMP][SD]T|[CEW]ES?T|MES?Z|BST|AE[SD]T|JST|MSK)"
    r"|(?P<sign>[+-])(?P<zH>\d{2}):?(?P<zM>\d{2})?)(?:\[[A-Z_]+/[A-Z_]+\])?)?"
    r"(?: (?P<p2>\d{1,4})[-/.](?P<q2>\d{1,2})[-/.](?P<r2>\d{4}|\d{1,2}))?\]?",
    re.IGNORECASE | re.ASCII,
)
NUMBERS = (
    ("days", "Y", "m", "d", "d2", "m2", "Y2", "d3", "Y3", "Y4", "m4", "d4", "d5", "Y5")
    + ("p", "q", "r", "p2", "q2", "r2", "H", "M", "S", "f", "zH", "zM")
)  # fmt: skip
DATES = ("Y", "m", "d"), ("Y2", "m2", "d2"), ("Y3", "name", "d3"), ("Y4", "m4", "d4"), ("Y5", "name5", "d5")
UNORDERED = ("p", "q", "r"), ("p2", "q2", "r2")  # day, month and year in any order
# Zones whose clock is an hour ahead in summer; of others, which stay the same, no offset need be known.
SUMMER = re.compile(r"[A-Z]{1,2}DT|[CEW]EST|BST|MESZ", re.IGNORECASE)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")  # as MATLAB has


class Stamps:
    """Reads a column of stamps, part by part, as seconds on one axis.

    A time of day without a date goes on behind midnight. A counter of 16, 24, 31 or 32 bits goes on where it
    begins again.

    Args:
        tick: s that one unit of the numbers is; None for times of day and dates.
        decimal: of the numbers.
        is_dated: whether the dates of times of day stand in a column of their own, which is read beside.

    Attributes:
        parsers: of the columns: of the stamps and, where they are dated, of the dates.

    >>> text, stamps = np.frombuffer(b"23:59:59.5 00:00:00.5", np.uint8), Stamps(None)
    >>> seconds = stamps.seconds(stamps.read(Cells(text, np.array([0, 11]), np.array([10, 21]))))
    >>> float(seconds[1] - seconds[0])
    1.0
    """

    def __init__(self, tick: float | None, decimal: str = ".", is_dated: bool = False) -> None:
        self._tick, self._decimal, self._is_dated = tick, decimal, is_dated
        self._last: float | None = None  # stamp of the part before, as it is written
        self._turns = 0.0  # what has been added to the stamps so far
        self._dates, self._period = Dates(), DAY  # after which a clock of the day begins again
        self.parsers = [self.read, self._dates.read] if is_dated else [self.read]

    def read(self, cells: Cells) -> np.ndarray:
        """The cells as they are written, in units of time; ``NoNumber`` for the first that is no stamp."""
        if self._tick is None and len(cells.starts) and _is_of_minutes(cells.cell(0)[:LONGEST]):
            self._period = HOUR
        return finite(_of_texts(cells, self._dates) if self._tick is None else numbers(cells, self._decimal))

    def joined(self, columns: np.ndarray) -> np.ndarray:
        """The stamps, as ``read`` gives them, of the columns ``(rows, 1 or more)`` that ``parsers`` gave."""
        return columns[:, 0] + DAY * columns[:, 1] if self._is_dated else columns[:, 0]

    def seconds(self, values: np.ndarray) -> np.ndarray:
        """The seconds of the next stamps, as ``read`` gives them."""
        return (values + self._turned(values)) * (self._tick or 1.0)

    def of_words(self, words: Iterable[str]) -> np.ndarray:
        """The seconds of the next stamps, of texts of their own; ``NoNumber`` as of ``read``."""
        return self.seconds(self.read(cells_of_words(words)))

    def _turned(self, values):
        """What is to be added to each, as a clock of the day or a counter has begun again before it."""
        before = values[:1] if self._last is None else [self._last]
        steps = np.diff(values, prepend=before)
        added = np.zeros(len(values))
        turn = _wrap if self._tick is not None else _midnight_of_date if self._is_dated else self._midnight
        is_back = steps < -min(self._period / 2, WRAPS[0] / 2)
        for place in np.flatnonzero(is_back | (steps > DAY - HELD_UP) & (self._tick is None)):
            added[place] = turn(values[place] - steps[place], values[place])
        turned = self._turns + np.cumsum(added)
        if len(values):
            self._last, self._turns = values[-1], turned[-1]
        return turned

    def _midnight(self, before, behind):
        """What is added where a clock of the day, or of the hour, begins again without a date.

        It is taken off for packets from before a midnight.
        """
        if max(before, behind) >= self._period:
            return 0.0
        back = before - behind
        return self._period if back > self._period / 2 else -DAY if -back > DAY - HELD_UP else 0.0


def finite(values: np.ndarray) -> np.ndarray:
    """These values; raises ``NoNumber`` for the first that is missing or infinite."""
    if not np.isfinite(values).all():
        raise NoNumber(int(np.argmin(np.isfinite(values))))
    return values


def _midnight_of_date(before, behind):
    """What is added behind a midnight at which a date in a column of its own stays what it was."""
    return DAY if before - behind > HALF and before // DAY == behind // DAY else 0.0


def _wrap(before, behind):
    """What is added where a counter of so many bits begins again, with or without a sign."""
    for size in WRAPS:
        if NEAR * size < before <= size and behind < (1 - NEAR) * size:
            return 2 * size if behind < -NEAR * size else size
    return 0.0


def is_stamp(cell: str) -> bool:
    """Whether a cell is a time of day, with or without a date.

    >>> [is_stamp(cell) for cell in ("2024-01-31T12:00:00.5Z", "0:00.004", "9:05:01 PM", "20240131T120000")]
    [True, True, True, True]
    >>> [is_stamp(cell) for cell in ("31-Jan-24 12:00:00.5", "Jan 31, 2024 8:00:00 AM", "0 days 00:00:00")]
    [True, True, True]
    >>> [is_stamp(cell) for cell in ("31.1.2024", "1.2", "1706745600000")]
    [False, False, False]
    """
    return STAMP.fullmatch(cell) is not None


def _is_of_minutes(cell):
    """Whether a stamp has minutes and seconds alone, as of a spreadsheet that shows no hours."""
    found = STAMP.fullmatch(cell)
    return found is not None and found["S"] is None and found["f"] is not None


def is_dated(cell: str) -> bool:
    """Whether a stamp has a date.

    >>> is_dated("2024-01-31 12:00:00"), is_dated("12:00:00 1/31/2024"), is_dated("12:00:00")
    (True, True, False)
    """
    found = STAMP.fullmatch(cell)
    return found is not None and any(found[names[0]] for names in (*DATES, *UNORDERED))


def start_of_stamp(cell: str) -> Start | None:
    """The start that a first stamp states, by the clock of its zone; None for one that counts from zero.

    >>> start_of_stamp("2024-01-31 1:05:00.5 PM").told(), start_of_stamp("9:05:01").told()
    ('31 January 2024, 13:05:00', '09:05:01')
    >>> start_of_stamp("0:00:00.004"), start_of_stamp("0:00.004"), start_of_stamp("2024-13-31 12:00:00")
    (None, None, None)
    """
    found = STAMP.fullmatch(cell.strip())
    if found is None or found["S"] is None or found["days"]:
        return None
    hour = int(found["H"])
    if found["half"]:
        hour = hour % 12 + 12 * (found["half"] in "pP")
    clock = hour * 3600 + int(found["M"]) * 60 + int(found["S"]) + float(f"0.{found['f'] or 0}")
    year, month, day = (found[name] for name in _date_names(found))
    month = _month(found) or month
    try:
        known = date(full_year(int(year)), int(month), int(day)) if year else None
    except ValueError:
        return None
    return Start(clock, known) if clock < DAY and (known or clock >= 1) else None


def _of_texts(cells, dates):
    """The seconds of texts, those of one form at once."""
    values, rest = np.empty(len(cells.starts)), np.arange(len(cells.starts))
    while len(rest):  # in each round at least the first
        part = cells if len(rest) == len(values) else cells.some(rest)
        size = int(part.ends[0] - part.starts[0])
        found = STAMP.fullmatch(part.cell(0)) if size <= LONGEST else None
        if found is None:
            raise NoNumber(int(rest[0]))
        seconds, fits = _alike(part, found, dates)
        if not fits[0]:  # no date of any year
            raise NoNumber(int(rest[0]))
        values[rest[fits]], rest = seconds[fits], rest[~fits]
    return values


def _alike(cells, found, dates):
    """The seconds of the texts, and which have the form found; those of others are of no meaning."""
    size = found.end()
    fits = cells.ends - cells.starts == size
    letters = [cells.text.take(cells.starts + place, mode="clip") for place in range(size)]
    parts, others = {}, set(range(size))
    for name in NUMBERS:
        first, last = found.span(name)
        parts[name] = np.zeros(len(fits), np.int64)
        for place in range(first, last):
            digits = letters[place] - np.uint8(ZERO)
            fits &= digits < 10
            parts[name] = parts[name] * 10 + digits
            others.remove(place)
    for place in others:
        fits &= letters[place] == letters[place][0]
    first, last = found.span("f")
    fraction = parts["f"] / 10.0 ** (last - first)
    year, month, day = _date_names(found)
    parts["name"] = parts["name5"] = np.full(len(fits), _month(found))
    unordered = next((names for names in UNORDERED if found[names[0]]), None)
    has_date = bool(found[year] or unordered)
    if found["S"] is None and found["f"] is not None:  # m:ss.fff
        seconds = parts["H"] * 60 + parts["M"] + fraction
    elif found["S"] is None:
        seconds = (parts["H"] * 60.0 + parts["M"]) * (60 if has_date else 1)
    else:
        hours = parts["H"]
        if found["half"]:
            hours = hours % 12 + 12 * (found["half"] in "pP")
        seconds = hours * 3600 + parts["M"] * 60 + parts["S"] + fraction
    if found["sign"]:
        zone = parts["zH"] * 3600 + parts["zM"] * 60
        seconds = seconds - zone * (1 if found["sign"] == "+" else -1)
    if found["zone"] and SUMMER.fullmatch(found["zone"]):
        seconds = seconds - 3600
    seconds = seconds + DAY * parts["days"]
    if unordered:
        seconds = seconds + DAY * _days([parts[name] for name in unordered], dates.day, fits)
    elif has_date:
        seconds = seconds + DAY * _days([parts[year], parts[month], parts[day]], day_of, fits)
    return seconds, fits


def _date_names(found):
    """The names under which year, month and day are found, if they are."""
    return next((names for names in DATES if found[names[0]]), DATES[0])


def _month(found):
    """The number of a month that has its name; 0 for none, which is in no date."""
    name = (found["name"] or found["name5"] or "").casefold()
    return MONTHS.index(name) + 1 if name in MONTHS else 0


def _days(parts, numbered, fits):
    """The days of dates of three numbers each, by ``numbered`` them; those that are none do not fit."""
    places = np.flatnonzero(fits)
    keys = ((parts[0] * 10_000 + parts[1]) * 10_000 + parts[2])[places]
    starts = np.flatnonzero(np.diff(keys, prepend=-1))  # a day has many stamps
    known = {
        key: numbered(key // 10**8, key // 10**4 % 10**4, key % 10**4)
        for key in dict.fromkeys(keys[starts].tolist())
    }
    whole = np.full(len(fits), np.nan)
    whole[places] = np.repeat(
        [known[key] for key in keys[starts].tolist()], np.diff(starts, append=len(keys))
    )
    fits &= np.isfinite(whole)
    return whole
