"""The page of examples/browser, built, served, and opened in this system's Chromium."""

import importlib
import json
import sys
import threading
from pathlib import Path

import pytest
from waiting import LONG, READY

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def imported():
    """Imports modules of a folder that is no package."""

    def imported(folder, *names):
        sys.path.insert(0, str(ROOT / folder))
        try:
            return [importlib.import_module(name) for name in names]
        finally:
            sys.path.remove(str(ROOT / folder))

    return imported


@pytest.fixture(scope="module")
def address(imported):
    """Of the served page; skips where npm, its packages or a compiler for WebAssembly are not there."""
    building, serve = imported("examples/browser", "building", "serve")
    try:
        server = serve.open_server(building.build(), 0)
    except building.MissingError as error:
        pytest.skip(str(error))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browse(imported):
    """Opens pages ``(width, dark)``, of which the newest alone draws."""
    (browser,) = imported("benchmarks", "browser")
    if browser.find_chromium() is None:
        pytest.skip("no chromium: the page cannot be opened here (Debian's package chromium)")
    with browser.browsing() as browse:
        yield browse


@pytest.fixture(scope="module")
def page(browse, address):
    """The page with the simulated wearer, of whom a beat has been judged."""
    page = browse(1280)
    page.open(address, READY, LONG)
    return page


@pytest.fixture(scope="session")
def ask():
    """What a function in the page returns."""

    def ask(page, function, *arguments):
        return page.run(f"({function})(...{json.dumps(arguments)})")

    return ask
