"""The whole recording in a browser: drawn, found by links and buttons, on a phone and in the dark."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from examples import MANIFEST, scored_example

from sibeat_edge.reading.start import Start
from sibeat_edge.report.page import write_report
from sibeat_edge.report.trace import Trace

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
from browser import browsing, find_chromium, url_of  # noqa: E402

pytestmark = pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
READY = "document.documentElement.dataset.viewer === 'ready'"
SECONDS = 300
ALARMS = (10.0, 11.0, 140.0, 250.0)
# Whether a canvas shows one of its style's colours anywhere.
SHOWN = """((canvas, name) => {
  const style = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const box = document.createElement("canvas").getContext("2d");
  box.fillStyle = style; box.fillRect(0, 0, 1, 1);
  const [red, green, blue] = box.getImageData(0, 0, 1, 1).data;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let n = 0; n < data.length; n += 4)
    if (Math.hypot(data[n] - red, data[n + 1] - green, data[n + 2] - blue) < 12) return true;
  return false;
})"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A report of 5 minutes that begin 60 s before midnight, with alarms of both kinds."""
    scored = scored_example(SECONDS, ALARMS)
    trace = Trace(100)
    trace.push(0.0, np.cos(np.pi * np.arange(100 * SECONDS) / 100)[:, None] ** 40)
    kinds = {time: "SV"[place % 2] for place, time in enumerate(ALARMS)}
    beats = [replace(beat, kind=kinds.get(beat.time, "N") if beat.score else "") for beat in scored.beats]
    found = replace(
        scored,
        beats=beats,
        trace=trace,
        start=Start(86_340.0),
        manifest={**MANIFEST, "wearer": {"waits": True}},
        name="</script><b>",
    )
    path = tmp_path_factory.mktemp("viewer") / "report.html"
    write_report(found, path)
    return url_of(str(path))


@pytest.fixture(scope="module")
def open_page():
    with browsing() as opened:
        yield opened


def settled(page):
    page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.run("document.getElementById('where').textContent")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 900, 1600])
def test_a_page_fits_its_window_and_its_scripts_complain_of_nothing(open_page, address, width, dark):
    page = open_page(width, dark)
    page.open(address, READY)
    told = settled(page)
    assert page.run("document.documentElement.scrollWidth") <= width and page.complaints == []
    assert "25 mm/s, 10 mm/mV" in told
    for canvas, colours in (("strip", ("ink", "grid", "alarm", "paper")), ("overview", ("pulse", "alarm"))):
        for colour in colours:
            assert page.run(f"{SHOWN}(document.getElementById('{canvas}'), '{colour}')"), (canvas, colour)
    back = page.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, back[4:-1].split(","))) < 200) == dark


def test_links_and_buttons_lead_to_what_was_found(open_page, address):
    page = open_page(900)
    page.open(address, READY)
    page.run("document.querySelector('a[data-time=\"140.00\"]').click()")
    # The strip begins a quarter before the beat: 25 mm/s are 94.5 pixels a second.
    wide = page.run("document.getElementById('strip').clientWidth") / 94.488
    assert settled(page).startswith(clock(140 - wide / 4)) and page.run("location.hash") == "#day"
    page.run("document.getElementById('wanted').value = 'beat:V'")
    page.run("document.querySelector('[data-do=next]').click()")
    assert settled(page).startswith(clock(250 - wide / 4))
    page.run("document.querySelector('[data-do=previous]').click()")
    assert settled(page).startswith(clock(11 - wide / 4))
    page.run("document.querySelector('[data-do=out]').click()")
    assert "12.5 mm/s" in settled(page)
    page.run("document.querySelector('[data-do=in]').click(); document.querySelector('[data-do=in]').click()")
    assert "50 mm/s" in settled(page)
    assert page.complaints == []


def clock(seconds):
    """The time of day with tenths, 60 s before midnight at 0."""
    tenths = round(10 * seconds) + 863_400
    whole = tenths // 10 % 86_400
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{tenths % 10}"


def test_a_printed_report_has_no_viewer_and_several_pages(open_page, address):
    page = open_page(900)
    page.open(address, READY)
    printed = page.print()
    assert printed.startswith(b"%PDF") and printed.count(b"/Type /Page\n") >= 2
    page.call("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.run("getComputedStyle(document.getElementById('day')).display") == "none"
    mm = page.run("document.querySelector('.strip svg').getBoundingClientRect().width") / 96 * 25.4
    assert mm == pytest.approx(125, abs=0.2)  # 5 s: 25 mm/s on paper
