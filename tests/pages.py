"""The pages of docs/, README and CONTRIBUTING: their blocks of code, which run as they stand."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FENCE = re.compile(
    r"(?:^[ ]*<!-- not run: (?P<reason>[^\n]+?) -->\n)?"
    r"^[ ]*```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n(?P<text>.*?)^[ ]*```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A block of a page: its language, its text, the file it is, and why it does not run, if it does not."""

    language: str
    text: str
    title: str | None
    reason: str | None


def path_of(page):
    """A page of docs/, or one at the root of the repository."""
    return DOCS / page if (DOCS / page).exists() else ROOT / page


def all_blocks(page):
    """All blocks of a page, in their order."""
    text = path_of(page).read_text(encoding="utf-8")
    return [Block(*found.group("language", "text", "title", "reason")) for found in FENCE.finditer(text)]


def blocks(page, language="python"):
    """The texts of a page's blocks in one language that run, in their order."""
    return [block.text for block in all_blocks(page) if block.language == language and not block.reason]


def run_blocks(page, names=None):
    """Run a page's Python blocks one after another in one namespace, which is returned."""
    names = {} if names is None else names
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page}, block {number}", "exec"), names)
    return names
