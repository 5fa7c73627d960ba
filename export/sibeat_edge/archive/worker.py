"""A worker of Ray: it has recordings scored by another process, and watches that."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from sibeat_edge.archive.folder import Folder
from sibeat_edge.archive.tables import FAILED, TIMED_OUT, no_result, told
from sibeat_edge.errors import EdgeError

POLL = 0.1  # s between two looks at the process's memory
TRIES = (
    3  # a process that is ended from outside says nothing about its recording, unless it is again and again
)
MEGABYTE = 1e6
COMMAND = (sys.executable, "-m", "sibeat_edge.archive.scoring")


class Worker:
    """Scores the recordings of the archive in ``folder``, each within the limits of its settings.

    A process of its own scores one recording after the other. It is ended where a recording takes too long or
    too much memory, which is its result then.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Folder(folder)
        settings = self._folder.settings
        self._seconds, self._memory = settings["limit_seconds"], settings["limit_memory"]
        self._reading = ThreadPoolExecutor(1)
        self._process: subprocess.Popen | None = None

    def __call__(self, task: dict[str, Any]) -> dict[str, Any]:
        """What is told of the recording of a ``task``, once its result is kept.

        Raises ``EdgeError`` if it is not the recording that is at fault.
        """
        done = self._folder.kept(task["chunk"], task["number"])
        if done is not None:  # the task was begun by a worker that has ended since
            return {**task, **told(done)}
        for _ in range(TRIES):
            answer = self._ask(task)
            if "stop" in answer:
                raise EdgeError(answer["stop"])
            if answer:
                return {**task, **answer}
        why = f"its process ended {TRIES} times (exit code {self._code}); expected scores"
        return {**task, **self._fail(task, FAILED, why)}

    def _ask(self, task):
        """The answer of the process; nothing if it has ended by itself."""
        process = self._process or self._start()
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            self._end()
            return {}
        answer = self._reading.submit(process.stdout.readline)
        began = time.monotonic()
        while not _is_there(answer):
            if time.monotonic() - began > self._seconds:
                why = f"no end within {self._seconds:g} s; expected one (--limit-seconds)"
                return self._fail(task, TIMED_OUT, why)
            if _memory(process) > self._memory * MEGABYTE:
                why = f"more than {self._memory:g} MB in use; expected less (--limit-memory)"
                return self._fail(task, FAILED, why)
        line = answer.result()
        if not line:
            self._end()
        return json.loads(line or "{}")

    def _start(self):
        """Start the process; its start is no part of a recording's time."""
        for _ in range(TRIES):
            self._scratch = tempfile.mkdtemp(prefix="sibeat-archive-")
            self._process = subprocess.Popen(
                [*COMMAND, str(self._folder.path), self._scratch],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            line = self._process.stdout.readline()
            if line:
                break
            self._end()
        else:
            raise EdgeError(
                f"found that scoring ends at once (exit code {self._code}); expected it to start."
            )
        if "stop" in json.loads(line):
            raise EdgeError(json.loads(line)["stop"])
        return self._process

    def _fail(self, task, status, why):
        """End the process, and keep why as the recording's result."""
        self._end()
        name = task["recording"]
        self._folder.keep(task["chunk"], task["number"], no_result(name, status, f"{name}: found {why}."))
        return {"status": status, "seconds": 0.0}

    def _end(self):
        if self._process is not None:
            self._process.kill()
            self._code = self._process.wait()
            self._process = None
            shutil.rmtree(self._scratch, ignore_errors=True)


def _is_there(answer: "Future[str]") -> bool:
    try:
        answer.result(timeout=POLL)
    except NotYet:
        return False
    return True


def _memory(process: subprocess.Popen) -> int:
    import psutil

    try:
        return psutil.Process(process.pid).memory_info().rss
    except psutil.Error:  # it has ended
        return 0
