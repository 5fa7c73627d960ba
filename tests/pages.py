"""The pages of docs/: their blocks of code, which run as they stand."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page, language="python"):
    """The blocks of a page in one language, in their order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_blocks(page, names=None):
    """Run a page's Python blocks one after another in one namespace, which is returned."""
    names = {} if names is None else names
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page}, block {number}", "exec"), names)
    return names
