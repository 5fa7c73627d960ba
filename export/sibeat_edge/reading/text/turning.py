"""Numbers of rows that begin again and again: they are no clock, but a jump of theirs tells lost samples."""

import numpy as np

from sibeat_edge.reading.text.columns import Column
from sibeat_edge.reading.text.numbers import Cells, NoNumber, numbers


class Turning:
    """Looks for jumps of the numbers in a ``column`` that turn at a ``size``.

    Args:
        column: of the numbers.
        size: numbers until they begin again.
        decimal: mark of the file's numbers.

    >>> turning = Turning(Column(0, "nSeq", "", "counter"), 16, ".")
    >>> turning.push(np.array([14.0, 15.0, 0.0, 3.0]))
    >>> turning.told()
    'found 1 of the numbers in column nSeq to jump: samples are lost there, and those behind come too early'
    """

    def __init__(self, column: Column, size: int, decimal: str) -> None:
        self.place = column.place
        self._name, self._size, self._decimal = column.name, size, decimal
        self._jumps, self._last = 0, np.nan

    def read(self, cells: Cells) -> np.ndarray:
        """Numbers; of a column in which there are others, too, none."""
        try:
            return numbers(cells, self._decimal)
        except NoNumber:
            return np.full(len(cells.starts), np.nan)

    def push(self, values: np.ndarray) -> None:
        """Look at the next numbers."""
        steps = np.diff(values, prepend=self._last) % self._size
        self._jumps += int((np.isfinite(steps) & (steps != 1)).sum())
        self._last = values[-1] if len(values) else self._last

    def told(self) -> str:
        """What to warn of; empty for nothing."""
        if not self._jumps:
            return ""
        return (
            f"found {self._jumps:,} of the numbers in column {self._name} to jump: samples are lost there, "
            "and those behind come too early"
        )
