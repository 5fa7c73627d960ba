"""Columns whose numbers have a mark of thousands that looks like that of decimals: 987, then 1.056."""

from collections.abc import Iterable

import numpy as np

from sibeat_edge.reading.text.numbers import Cells, NoNumber, cells_of_words, numbers

GROUP = 3  # digits behind each mark
LARGE = 100  # of whole numbers beside 1.056: what is smaller may have lost its decimals


class Numbers:
    """A reader of the cells of a column, part by part.

    All marks are of thousands where three digits stand behind each, and all other numbers are whole, below
    1000, and some of them at least 100.

    Args:
        decimal: the mark before decimals.
        first: cells at the column's beginning.

    Attributes:
        grouped: a cell whose mark was taken for one of thousands, among those read so far; else empty.

    >>> Numbers(".", ["987", "1.056"])(cells_of_words(["998", "-1.024"]))
    array([  998., -1024.])
    >>> Numbers(".", ["987", "0.056"])(cells_of_words(["998", "-1.024"]))
    array([998.   ,  -1.024])
    """

    def __init__(self, decimal: str, first: Iterable[str] = ()) -> None:
        self._decimal, self._may_be, self.grouped = decimal, True, ""
        self(cells_of_words(first))

    def __call__(self, cells: Cells) -> np.ndarray:
        """The numbers, as ``numbers`` reads them but for thousands; ``NoNumber`` for the first misfit."""
        values = numbers(cells, self._decimal)
        if not self._may_be or not len(values):
            return values
        mark = ord(self._decimal)
        is_marked = cells.text.take(cells.ends - GROUP - 1, mode="clip") == mark
        is_marked &= cells.ends - cells.starts > GROUP + 1
        if not is_marked.any() and not self.grouped:
            self._may_be = self._decimal not in cells.cell(0)
            return values
        before = np.concatenate([[0], np.cumsum(cells.text == mark, dtype=np.int32)])
        marks = before[cells.ends] - before[cells.starts]
        size = np.abs(values)
        fits = np.where(is_marked, (marks == 1) & (size >= 1), (marks == 0) & ~(size >= 1000))
        is_large = bool((size[~is_marked] >= LARGE).any())
        if self.grouped and not fits.all():
            raise NoNumber(int(np.argmin(fits)))
        if not fits.all():
            self._may_be = False
        elif is_marked.any() and (is_large or self.grouped):
            self.grouped = self.grouped or cells.cell(int(np.argmax(is_marked)))
            values[is_marked] = np.round(values[is_marked] * 10**GROUP)
        return values
