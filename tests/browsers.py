"""The page of examples/browser, built, served, and opened in this system's Chromium."""

import contextlib
import shutil
import sys
import threading
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples" / "browser"


def need_chromium():
    """The path of Chromium, and playwright's entry; skips where one is not there."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: no browser can be driven")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium: the page cannot be opened here (Debian's package chromium)")
    return path, playwright.sync_playwright


@contextlib.contextmanager
def chromium(*arguments):
    """A headless browser. It runs as root in a container, where Chromium's own sandbox cannot."""
    path, sync_playwright = need_chromium()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", *arguments])
        yield browser
        browser.close()


@contextlib.contextmanager
def served():
    """Address of the built page; skips where npm, its packages or the compiler are not there."""
    sys.path.insert(0, str(FOLDER))
    try:
        import build
        import serve
    finally:
        sys.path.remove(str(FOLDER))
    try:
        server = serve.open_server(0)
    except build.MissingError as error:
        pytest.skip(str(error))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
