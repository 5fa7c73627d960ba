"""Dates whose order of day, month and year their file does not state: told by how they follow one another."""

import math
import re
from datetime import date

import numpy as np

from sibeat_edge.reading.text.numbers import Cells, NoNumber

# As in 31.1.24, 1/31/2024 and 2024-01-31; and 20240131.
DATE = re.compile(
    r"(\d{1,2}|\d{4})([-/.])(\d{1,2})\2(\d{4}|\d{2})|((?:19|20)\d\d)(0\d|1[012])([0-3]\d)", re.ASCII
)
ORDERS = "dmy", "mdy", "ymd"
CENTURY = 2000  # of years of two digits
LONGEST = 11  # bytes of a date, and one more
EPOCH = date(1970, 1, 1).toordinal()


def is_date(cell: str) -> bool:
    """Whether a cell is a date alone, by its form.

    >>> [is_date(cell) for cell in ("31.1.24", "2024-01-31", "20240131", "12:00", "1.5")]
    [True, True, True, False, False]
    """
    return DATE.fullmatch(cell) is not None


class Dates:
    """Numbers the days of a file's dates, in the order in which they come.

    The order of day and month is the one that all dates so far can have. Of several it is the one by which
    the first change of the date goes on by the fewest days.

    >>> dates = Dates()
    >>> first = dates.day(1, 12, 2026)
    >>> dates.day(1, 13, 2026) - first, dates.day(2, 1, 2026) - first
    (1.0, 20.0)
    """

    def __init__(self) -> None:
        self._orders: list[str] = list(ORDERS)
        self._days: dict[tuple[int, ...], float] = {}

    def day(self, *parts: int) -> float:
        """The days since 1970, or since any day, of a date's three numbers as they stand; NaN for no date."""
        if parts in self._days:
            return self._days[parts]
        known = [*self._days, parts]
        orders = [
            order for order in self._orders if not np.isnan([_in_order(order, one) for one in known]).any()
        ]
        if not orders:
            return np.nan
        day = _in_order(orders[0], parts)
        if self._days:
            last = next(reversed(self._days))
            steps = {order: _in_order(order, parts) - _in_order(order, last) for order in orders}
            best = min(steps.values(), key=lambda step: (step < 0, abs(step)))
            orders = [order for order in orders if steps[order] == best]
            day = self._days[last] + best
        self._orders, self._days[parts] = orders, day
        return day

    def read(self, cells: Cells) -> np.ndarray:
        """The days of cells that are a date each; ``NoNumber`` for the first that is none.

        >>> from sibeat_edge.reading.text.numbers import cells_of_words
        >>> Dates().read(cells_of_words(["31.12.26", "01.01.27"])).tolist()
        [20818.0, 20819.0]
        """
        letters = cells.matrix(LONGEST)
        starts = np.flatnonzero(np.any(np.diff(letters, axis=0, prepend=letters[:1]) != 0, axis=1))
        starts = np.concatenate([[0], starts])  # a day has many rows
        days = []
        for place in starts.tolist():
            found = DATE.fullmatch(cells.cell(place))
            parts = [int(found[n]) for n in (1, 3, 4, 5, 6, 7) if found[n]] if found else []
            days.append(self.day(*parts) if parts else np.nan)
            if np.isnan(days[-1]):
                raise NoNumber(place)
        return np.repeat(days, np.diff(starts, append=len(letters)))


def full_year(year: int) -> int:
    """A year, of which the century may be left out."""
    return year + CENTURY * (year < 100)


def day_of(year: int, month: int, day: int) -> float:
    """The days since 1970 of a date; NaN for none.

    >>> day_of(70, 1, 2), day_of(1970, 1, 2), day_of(1970, 2, 30)
    (36526.0, 1.0, nan)
    """
    try:
        return float(date(full_year(year), month, day).toordinal() - EPOCH)
    except ValueError:
        return math.nan


def _in_order(order, parts):
    return day_of(*(parts[order.index(letter)] for letter in "ymd"))
