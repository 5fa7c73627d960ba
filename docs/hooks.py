"""MkDocs' hooks: pages of the repository that lie outside of ``docs`` are pages of the site, too.

So a link in a page is the same on GitHub and on the site: relative to the file that it stands in.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = ("RESULTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "export/firmware/README.md")
PATTERNS = (
    "keras_sibeat/presets/*.md",
    "keras_sibeat/presets/*.json",
    "results/*.png",
    "examples/*",
    "LICENSE",
    "CITATION.cff",
)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(?=[)#])")


def on_files(files, config):
    """Add the pages, and the files that they show."""
    found = [ROOT / name for name in PAGES]
    found += [file for pattern in PATTERNS for file in sorted(ROOT.glob(pattern)) if file.is_file()]
    for file in found:
        files.append(File.generated(config, file.relative_to(ROOT).as_posix(), abs_src_path=str(file)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links between ``docs`` and the rest of the repository, which the site holds in one folder."""
    uri = page.file.src_uri
    here = posixpath.dirname(uri if _is_outside(uri) else f"docs/{uri}")
    return LINK.sub(lambda link: _on_the_site(link[1], here, posixpath.dirname(uri)), markdown)


def _is_outside(uri):
    return not (ROOT / "docs" / uri).exists()


def _on_the_site(link, here, folder):
    target = posixpath.normpath(posixpath.join(here, link))
    return posixpath.relpath(target.removeprefix("docs/"), folder or ".")
