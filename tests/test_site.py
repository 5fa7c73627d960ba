"""The site builds, no link leads nowhere, on the site or on GitHub, and the first page is a page."""

import importlib.util
import os
import re
import resource
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pages
import pytest

import keras_sibeat
import sibeat_edge
from keras_sibeat.results.decision_tables import first
from keras_sibeat.results.pages import MARK, read_results

ROOT = pages.ROOT
LINK = re.compile(r"\]\((?![a-z]+:)([^)\s]+)\)")
MINUTES = 2  # of processor time, for a build
TREE = sorted(
    [
        *pages.DOCS.glob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "RESULTS.md")),
    ]
)


class Places(HTMLParser):
    """The ids of a page, and what it links to."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        self.links += [found[name] for name in ("href", "src") if found.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not importlib.util.find_spec("mkdocs") or not importlib.util.find_spec("mkdocstrings"):
        pytest.skip("MkDocs is not installed: pip install 'keras_sibeat[docs]', which needs Python 3.11")
    folder = tmp_path_factory.mktemp("site")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    assert spent < 60 * MINUTES
    return folder


def test_no_link_of_the_site_leads_nowhere(site):
    found = {file: Places(file.read_text(encoding="utf-8")) for file in site.rglob("*.html")}
    assert len(found) > 35
    for file, page in found.items():
        for link in page.links:
            if re.match(r"[a-z]+:|//|data:", link) or file.name == "404.html":
                continue
            where, place = urldefrag(unquote(link))
            there = (file.parent / where).resolve() if where else file
            there = there / "index.html" if there.is_dir() else there
            assert there.exists(), (file, link)
            if place and there in found:
                assert place in found[there].ids | {"__skip"}, (file, link)


def test_nothing_of_the_site_is_loaded_from_elsewhere(site):
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]+src=\"?https?:", text), file
        assert not re.search(r"<link[^>]+rel=\"?stylesheet\"?[^>]+href=\"?https?:", text), file


def test_public_names_are_in_the_api(site):
    for module, page in ((sibeat_edge, "api-device"), (keras_sibeat, "api-training")):
        ids = Places((site / page / "index.html").read_text(encoding="utf-8")).ids
        shown = {name.rsplit(".", 1)[-1] for name in ids}
        assert set(module.__all__) <= shown, set(module.__all__) - shown


@pytest.mark.parametrize("file", TREE, ids=lambda file: file.name)
def test_no_link_of_a_page_on_github_leads_nowhere(file):
    for link in LINK.findall(pages.FENCE.sub("", file.read_text(encoding="utf-8"))):
        where, place = urldefrag(link)
        there = (file.parent / where).resolve() if where else file
        assert there.exists(), link
        if place:
            assert place in headings(there), link


def headings(file):
    """The places of a page's headings, as GitHub names them."""
    text = pages.FENCE.sub("", Path(file).read_text(encoding="utf-8"))
    titles = [re.sub(r"\[(.+?)\]\(.+?\)", r"\1", title) for title in re.findall(r"^#+ (.+)$", text, re.M)]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_first_page_is_a_page():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert "no medical device" in text.split("\n\n")[1]
    _, table, _ = text.split(MARK.format("first"))
    assert table.strip() == first(read_results(ROOT / "results")).strip()
    for block in pages.all_blocks("README.md"):
        assert block.language != "python" or len(block.text.splitlines()) <= 10


def test_the_first_page_s_picture_can_be_drawn_again(tmp_path):
    spec = importlib.util.spec_from_file_location("first_page", ROOT / "benchmarks" / "first_page.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    recording, picture = tmp_path / "again.csv", tmp_path / "strip.svg"
    script.main(["--simulate", "--recording", str(recording), "--picture", str(picture)])
    again, kept = (
        [int(line) for line in file.read_text().splitlines()[3:]] for file in (recording, script.RECORDING)
    )
    assert len(again) == len(kept) and max(abs(a - b) for a, b in zip(again, kept, strict=True)) <= 1
    names = [re.findall(r">([NSV])</text>", file.read_text()) for file in (picture, script.PICTURE)]
    assert names[0] == names[1] and set(names[0]) == set("NSV")
    assert script.PICTURE.stat().st_size < 200_000


def test_the_picture_of_the_house_names_every_folder():
    text = (pages.DOCS / "pictures" / "architecture.svg").read_text(encoding="utf-8")
    for package in (ROOT / "keras_sibeat", ROOT / "export" / "sibeat_edge"):
        for folder in package.iterdir():
            if (folder / "__init__.py").exists() or folder.name == "firmware":
                assert f"{folder.name}/" in text, folder
    tree = (pages.DOCS / "architecture.md").read_text(encoding="utf-8")
    for package in (ROOT / "keras_sibeat", ROOT / "export" / "sibeat_edge"):
        for folder in package.iterdir():
            assert not (folder / "__init__.py").exists() or f"  {folder.name}/" in tree, folder


def test_the_release_has_one_version_and_its_changes():
    version = keras_sibeat.__version__
    assert sibeat_edge.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert f"\nversion = {version}\n" in setup and f"sibeat_edge=={version}\n" in setup
    changes = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    releases = [title for title in changes if title != "Unreleased"]
    assert releases[0].startswith(f"{version} (")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d\d-\d\d\)", title) for title in releases)


def test_make_knows_what_the_pages_name():
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for file in TREE:
        text = file.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, re.M)) - {"check", "arm", "tflm"}
        assert named <= rules, (file.name, named - rules)
