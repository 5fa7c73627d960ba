"""Pictures of pages, and what is found wrong with them."""

import importlib
import struct
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
PAGE = '<!DOCTYPE html><meta name="viewport" content="width=device-width"><style>{}</style><p>text</p>{}'
READY = "document.readyState === 'complete'"


@pytest.fixture
def screenshots(monkeypatch):
    """The benchmark's module, imported as it is run: beside the others."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    if importlib.import_module("browser").find_chromium() is None:
        pytest.skip("no Chromium is installed")
    return importlib.import_module("screenshots")


def page(folder, style="", body=""):
    path = folder / "a page.html"
    path.write_text(PAGE.format(style, body))
    return str(path)


def size_of(png):
    return struct.unpack(">II", png.read_bytes()[16:24])


def test_a_page_is_taken_at_every_width_light_and_dark_and_printed(screenshots, tmp_path):
    style = (
        "body { height: 1500px; margin: 0 } @media (prefers-color-scheme: dark) { body { background: #000 } }"
    )
    address = page(tmp_path, style)
    out = tmp_path / "pictures"
    assert screenshots.take([address], out, [400, 900], READY, whole=True) == []
    names = {f"a-page-{width}-{scheme}.png" for width in (400, 900) for scheme in ("light", "dark")}
    assert {path.name for path in out.iterdir()} == names | {"a-page.pdf"}
    for width in (400, 900):
        assert size_of(out / f"a-page-{width}-light.png") == (width, 1516)  # with the paragraph's margin
    light, dark = (out / f"a-page-900-{scheme}.png" for scheme in ("light", "dark"))
    assert light.read_bytes() != dark.read_bytes()


def test_a_page_that_is_too_wide_or_complains_is_told(screenshots, tmp_path):
    wide = page(tmp_path, "p { width: 700px }", "<script>nothing.there</script>")
    narrow, complaint = screenshots.take([wide], tmp_path / "pictures", [400], READY, whole=False)[:2]
    assert "pixels across; expected at most 400." in narrow and "nothing is not defined" in complaint


def test_a_page_that_is_not_there_is_told(screenshots, tmp_path, monkeypatch, capsys):
    missing = str(tmp_path / "absent.html")
    monkeypatch.setattr("sys.argv", ["screenshots.py", missing, "--out", str(tmp_path / "pictures")])
    with pytest.raises(SystemExit, match="found no page"):
        screenshots.main()
