"""The page of examples/browser, built, served, and opened in this system's Chromium."""

import shutil
import sys
import threading
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "browser"
WAIT = 60_000  # ms, for what has no limit of its own


@pytest.fixture(scope="module")
def address():
    """Of the served page; skips where npm, its packages or a compiler for WebAssembly are not there."""
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
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window; it runs as root in a container, where its own sandbox cannot."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: no browser can be driven")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium: the page cannot be opened here (Debian's package chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser, address):
    """Opens the page, and returns it once it has judged a beat."""

    def opened(**options):
        page = browser.new_page(**options)
        page.goto(address)
        page.wait_for_function("globalThis.sibeat?.player.hasJudged", timeout=WAIT)
        return page

    return opened


@pytest.fixture(scope="module")
def page(opened):
    return opened()
