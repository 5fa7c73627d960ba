"""Progress through an archive, on a terminal."""

import time

from rich.console import Console
from rich.progress import BarColumn, TextColumn

from sibeat_edge.report.progress import Bar


class ArchiveBar(Bar):
    """Shows how many recordings are done, at what rate, and for how long; nothing without a terminal.

    >>> import io
    >>> with ArchiveBar(Console(file=io.StringIO())) as bar:
    ...     bar.update(1, 10, 1, 1800.0)
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console, "looking for recordings", BarColumn(), TextColumn("{task.description}"))
        self._began = time.monotonic()

    def update(self, done: int, total: int, now: int, seconds: float) -> None:
        """Show that ``done`` of ``total`` recordings are done.

        Args:
            now: those that were done since the bar began.
            seconds: of signal in the latter.
        """
        description = describe(done, total, now, seconds, time.monotonic() - self._began)
        self._progress.update(self._task, completed=done, total=total, description=description)


def describe(done: int, total: int, now: int, seconds: float, elapsed: float) -> str:
    """The words beside the bar; ``elapsed`` is in s.

    >>> describe(150, 1000, 50, 90_000.0, 100.0)
    '150 of 1,000 recordings, 30 a minute, 15 hours of signal a minute, 0:28:20 left'
    """
    left = round((total - done) * elapsed / now)
    hours, minutes = left // 3600, left // 60 % 60
    rates = f"{60 * now / elapsed:,.0f} a minute, {seconds / 60 / elapsed:,.0f} hours of signal a minute"
    return f"{done:,} of {total:,} recordings, {rates}, {hours}:{minutes:02d}:{left % 60:02d} left"
