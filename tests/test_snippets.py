"""Every block of code in README and docs runs in a test, or says why not; commands that do not run parse."""

import os
import re
import shlex
import subprocess
import sys
import textwrap

import numpy as np
import pages
import pytest
from heartbeats import ecg

from keras_sibeat.config import read_config
from keras_sibeat.results.commands import parse_command

ROOT = pages.ROOT
PAGES = sorted(
    [path.name for path in pages.DOCS.glob("*.md")] + ["README.md", "CONTRIBUTING.md", "export/README.md"]
)
OUTPUT = "text"  # the language of blocks that show what something looks like
# Pages whose blocks of these languages run in a test of their own.
ELSEWHERE = {
    "keras.md": ("tests/models/test_keras_page.py", {"python"}),
    "own-recordings.md": ("tests/data/test_own_recordings.py", {"toml", "python"}),
    "python.md": ("tests/test_python_page.py", {"python", "toml"}),
    "recordings.md": ("tests/edge/test_recordings_page.py", {"sh", "python"}),
    "scoring.md": ("tests/edge/test_scoring_page.py", {"sh", "python"}),
    "series.md": ("tests/train/test_series_docs.py", {"python", "toml", "sh"}),
    "tflite.md": ("tests/export/test_tflite_page.py", {"python"}),
}
TRAINING = {"training.md", "to-a-microcontroller.md"}  # take minutes
LANGUAGES = {"python", "sh", "toml"}  # that run here


def here(page):
    """The blocks of a page that run in this module's test."""
    elsewhere = ELSEWHERE.get(page, ("", set()))[1]
    return [
        block
        for block in pages.all_blocks(page)
        if not block.reason and block.language != OUTPUT and block.language not in elsewhere
    ]


def run_shell(text, folder):
    """Run commands as they stand, by this interpreter and these packages."""
    tools = folder / ".tools"
    tools.mkdir(exist_ok=True)
    for name, command in {
        "python": "",
        "sibeat": "-m sibeat_edge",
        "keras-sibeat": "-m keras_sibeat",
    }.items():
        tool = tools / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
        tool.chmod(0o755)
    settings = {
        **os.environ,
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT / 'export'}{os.pathsep}{ROOT}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=settings, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{text}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder that looks like the checkout, with a recording of the reader's own: microvolts, no rate."""
    for name in ("configs", "examples", "export"):
        (tmp_path / name).symlink_to(ROOT / name)
    np.savetxt(tmp_path / "ride.csv", 1000 * ecg(90), fmt="%.0f", header="ECG", comments="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_page(page, folder):
    """Run the blocks of a page in their order; Python's share their names. Returns what commands print."""
    names, told = {"__name__": "page"}, []
    for number, block in enumerate(here(page)):
        text = textwrap.dedent(block.text)
        if block.title:
            (folder / block.title).write_text(text, encoding="utf-8")
        match block.language:
            case "python":
                exec(compile(text, f"{page}, block {number}", "exec"), names)
            case "sh":
                told.append(run_shell(text, folder))
            case "toml":
                file = folder / f"block{number}.toml"
                file.write_text(text, encoding="utf-8")
                read_config(file, data=folder)
            case other:
                raise AssertionError(f"{page}: a block of {other or 'no language'}; expected a reason")
    return told


@pytest.mark.parametrize("page", [page for page in PAGES if here(page) and page not in TRAINING])
def test_the_blocks_of_a_page_run(page, checkout):
    run_page(page, checkout)


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(TRAINING))
def test_the_blocks_of_a_page_that_trains_run(page, checkout):
    assert run_page(page, checkout)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_a_language_and_what_does_not_run_a_reason(page):
    text = pages.path_of(page).read_text(encoding="utf-8")
    found = pages.all_blocks(page)
    assert len(re.findall(r"^ *```", text, re.M)) == 2 * len(found)
    for block in found:
        assert block.language, block.text
        assert block.reason is None or len(block.reason.split()) >= 4, block.reason
        assert block.reason or block.language in LANGUAGES | {OUTPUT}, block.text
    # An indented line behind an empty one is a block of code, too, unless it goes on with a list.
    outside = pages.FENCE.sub("", text).splitlines()
    for before, line in zip(outside, outside[1:], strict=False):
        assert before or not re.match(r" {4}(?! )", line) or page == "index.md", line


@pytest.mark.parametrize("page", sorted(ELSEWHERE))
def test_a_page_that_is_run_elsewhere_is_named_there(page):
    module, languages = ELSEWHERE[page]
    text = (ROOT / module).read_text(encoding="utf-8")
    assert f'"{page}"' in text
    assert languages <= {block.language for block in pages.all_blocks(page) if not block.reason}


COMMANDS = [
    (page, line)
    for page in PAGES
    for block in pages.all_blocks(page)
    if block.reason and block.language == "sh"
    for line in block.text.replace("\\\n", " ").splitlines()
    if "python -m keras_sibeat" in line or line.startswith("python benchmarks/")
]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_that_does_not_run_parses(page, line):
    words = [word.replace("FOLDER", "folder") for word in shlex.split(line, comments=True)]
    words = words[words.index("python") :]
    parse_command(words, ROOT)
    for word in words[3:]:
        assert not word.endswith(".toml") or word.startswith(("configs/",)) is (ROOT / word).exists(), word


def test_the_reasons_name_tests_that_exist():
    for page in PAGES:
        for block in pages.all_blocks(page):
            for name in re.findall(r"tests/[\w/]+(?:\.py)?", block.reason or ""):
                assert (ROOT / name).exists(), (page, name)


def test_the_first_page_names_beats(checkout, capsys):
    run_page("README.md", checkout)
    named = re.findall(r"^ *[\d.]+ s  ([SV]) by", capsys.readouterr().out, re.M)
    assert (named.count("S"), named.count("V")) == (17, 5)  # as many as were simulated
    assert (checkout / "ride.html").stat().st_size > 10_000
