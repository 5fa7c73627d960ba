"""Progress through a recording, or through many, on a terminal."""

from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:  # Python 3.10 has none
    from typing_extensions import Self


class Bar:
    """A bar that is gone in the end; nothing where ``console`` is no terminal.

    Args:
        what: is done before the first update.
        columns: of the bar, as rich has them.

    >>> import io
    >>> with Bar(Console(file=io.StringIO()), "reading") as bar:
    ...     pass
    """

    def __init__(self, console: Console, what: str, *columns: ProgressColumn) -> None:
        self._what = what
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def __enter__(self) -> "Self":
        self._progress.start()
        self._task = self._progress.add_task(self._what, total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._progress.disable:  # rich before 14.3 would print an empty line
            self._progress.stop()


class ProgressBar(Bar):
    """Shows how much has been scored; nothing where ``console`` is no terminal.

    >>> import io
    >>> with ProgressBar(Console(file=io.StringIO())) as bar:
    ...     bar.update(60, 3600)
    """

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
        super().__init__(console, "reading", *columns)

    def update(self, done: float, total: float | None) -> None:
        """Show that ``done`` of ``total`` seconds of the recording are scored; None if that is unknown."""
        of = "" if total is None else f" of {total / 3600:.1f}"
        self._progress.update(
            self._task, completed=done, total=total, description=f"{done / 3600:.1f}{of} hours"
        )

    def count(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` recordings are scored."""
        self._progress.update(
            self._task, completed=done, total=total, description=f"{done} of {total} recordings"
        )
