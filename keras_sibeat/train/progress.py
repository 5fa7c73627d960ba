"""What a person sees while a model trains."""

from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class EpochProgress(keras.callbacks.Callback):
    """A progress bar over an epoch's steps on a terminal, and a line with the losses after each epoch.

    >>> EpochProgress(Console()).on_epoch_end
    <bound method ...>
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        is_log = not self.console.is_terminal  # which would get an empty line for every bar
        self.bar = Progress(*columns, console=self.console, transient=True, disable=is_log)
        self.task = self.bar.add_task(
            f"epoch {epoch + 1}/{self.params['epochs']}", total=self.params["steps"]
        )
        self.bar.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.bar.update(self.task, completed=batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.bar.disable:  # rich before 14.3 would print an empty line
            self.bar.stop()
        text = "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        self.console.print(f"epoch {epoch + 1}  {text}", highlight=False)
