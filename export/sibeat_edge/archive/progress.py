"""Progress through an archive, on a terminal."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn


class ArchiveBar:
    """Shows how many recordings are done, at what rate, and for how long; nothing without a terminal.

    >>> import io
    >>> with ArchiveBar(Console(file=io.StringIO())) as bar:
    ...     bar.update(1, 10, 1, 1800.0)
    """

    def __init__(self, console: Console) -> None:
        columns = BarColumn(), TextColumn("{task.description}")
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def __enter__(self) -> "ArchiveBar":
        self._progress.start()
        self._task = self._progress.add_task("looking for recordings", total=None)
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._progress.disable:  # rich before 14.3 would print an empty line
            self._progress.stop()

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
