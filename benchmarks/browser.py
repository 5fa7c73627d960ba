"""A headless Chromium, spoken to by its DevTools protocol over a pipe: pages, widths, schemes, pictures.

Needs nothing but a Chromium (or Chrome) that is installed. https://chromedevtools.github.io/devtools-protocol
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage"),
)


def find_chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class BrowserError(RuntimeError):
    """What the browser, or the script of a page, complains about."""


class Page:
    """A page that is open.

    Attributes:
        complaints: errors of its scripts, and what its security policy refused.
    """

    def __init__(self, pipe: "_Pipe", width: int, dark: bool) -> None:
        self._pipe = pipe
        target = pipe.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = pipe.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        pipe.call("Target.activateTarget", {"targetId": target})  # a page in the background draws nothing
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", {"features": [scheme]})

    def call(self, method: str, parameters: dict | None = None) -> Any:
        """What a method of the protocol returns."""
        result = self._pipe.call(method, parameters or {}, self._session)
        for event in self._pipe.events:
            entry = event["params"].get("entry", {})
            thrown = event["params"].get("exceptionDetails")
            if thrown:
                self.complaints.append(thrown.get("exception", {}).get("description") or thrown["text"])
            elif entry.get("level") == "error":
                self.complaints.append(entry["text"])
        self._pipe.events.clear()
        return result

    def resize(self, width: int, height: int = 900) -> None:
        """Show the page this wide, in CSS pixels; below 640 as a phone does."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 640}
        self.call("Emulation.setDeviceMetricsOverride", size)

    def open(self, url: str, ready: str = "document.readyState === 'complete'", seconds: float = 20) -> None:
        """Go to ``url`` and wait until the script ``ready`` is true; ``BrowserError`` if it never is."""
        failed = self.call("Page.navigate", {"url": url}).get("errorText")
        if failed:
            raise BrowserError(f"{url}: found no page ({failed}); expected one.")
        self.wait(f"location.href !== 'about:blank' && !!document.documentElement && ({ready})", seconds)

    def wait(self, condition: str, seconds: float = 20) -> None:
        """Wait until a script is true; raises ``BrowserError`` after so many seconds."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            if time.monotonic() > end:
                raise BrowserError(
                    f"found {condition} false after {seconds:g} s; expected it to become true."
                )
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """The value of a script, which may be a promise."""
        asked = {"expression": script, "returnByValue": True, "awaitPromise": True}
        found = self.call("Runtime.evaluate", asked)
        if "exceptionDetails" in found:
            raise BrowserError(found["exceptionDetails"]["exception"].get("description", script))
        return found["result"].get("value")

    def picture(self, whole: bool = True) -> bytes:
        """The page as PNG: the ``whole`` of it, or what its window shows."""
        asked: dict[str, Any] = {"format": "png", "captureBeyondViewport": whole}
        if whole:
            asked["clip"] = {"x": 0, "y": 0, "scale": 1, **self._size()}
        return base64.b64decode(self.call("Page.captureScreenshot", asked)["data"])

    def _size(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"width": size["width"], "height": min(size["height"], 16_000)}

    def print(self) -> bytes:
        """The page as it is printed on A4, as PDF."""
        paper = {"paperWidth": 210 / 25.4, "paperHeight": 297 / 25.4, "preferCSSPageSize": True}
        asked = {**paper, "printBackground": True, "marginTop": 0.4, "marginBottom": 0.4}
        return base64.b64decode(self.call("Page.printToPDF", asked)["data"])


class _Pipe:
    """Messages to and from the browser, each ended by a zero byte."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._held, self._last = to, back, b"", 0
        self.events: list[dict] = []

    def call(self, method: str, parameters: dict, session: str | None = None, seconds: float = 60) -> Any:
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        os.write(self._to, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            found = self._receive(end)
            if found.get("id") == self._last:
                if "error" in found:
                    raise BrowserError(f"{method}: {found['error']['message']}")
                return found["result"]
            if found.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.events.append(found)

    def _receive(self, end):
        while b"\0" not in self._held:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._back], [], [], left)[0]:
                raise BrowserError("found no answer of the browser in time; expected one.")
            part = os.read(self._back, 1 << 20)
            if not part:
                raise BrowserError("found the browser ended; expected an answer.")
            self._held += part
        message, _, self._held = self._held.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def browsing(path: str | None = None) -> Iterator[Any]:
    """A function that opens pages ``(width, dark=False)`` in a browser that ends with the context.

    Raises ``BrowserError`` where no Chromium is installed.
    """
    path = path or find_chromium()
    if path is None:
        raise BrowserError("found no Chromium; expected one of " + ", ".join(NAMES) + ".")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        read, to = os.pipe()
        back, write = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (read, write)]

        def place_ends() -> None:
            for number, end in zip((3, 4), ends, strict=True):
                os.dup2(end, number)

        browser = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=place_ends,  # the protocol's pipe has these two numbers
        )
        for end in (read, write, *ends):
            os.close(end)
        pipe = _Pipe(to, back)
        try:
            yield lambda width, dark=False: Page(pipe, width, dark)
        finally:
            with contextlib.suppress(BrowserError, OSError):
                pipe.call("Browser.close", {}, seconds=10)
            try:
                browser.wait(10)
            except subprocess.TimeoutExpired:
                browser.kill()
                browser.wait()
            os.close(to)
            os.close(back)


def url_of(page: str) -> str:
    """The address of a page given as such, or as the path of a file."""
    return page if "://" in page else Path(page).resolve().as_uri()
