"""Pictures of pages at the widths of a phone, a tablet and a desk, light and dark, and as they are printed.

    python benchmarks/screenshots.py report.html http://localhost:8000/ --out /tmp/pictures

A page that is wider than its window, or whose script complains, ends it with exit code 1.
"""

import argparse
import re
import sys
from pathlib import Path

from browser import BrowserError, browsing, url_of

WIDTHS = (400, 900, 1600)


def take(pages: list[str], folder: Path, widths: list[int], ready: str, whole: bool) -> list[str]:
    """Write the pictures of ``pages`` into ``folder``; returns what is wrong with them, a sentence each."""
    folder.mkdir(parents=True, exist_ok=True)
    faults = []
    with browsing() as open_page:
        for address in pages:
            name = re.sub(r"\W+", "-", Path(address.split("://")[-1]).stem or "page").strip("-")
            for dark in (False, True):
                page = open_page(widths[0], dark)
                page.open(url_of(address), ready, seconds=60)
                for width in widths:
                    page.resize(width)
                    page.run("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150)))")
                    path = folder / f"{name}-{width}-{'dark' if dark else 'light'}.png"
                    path.write_bytes(page.picture(whole))
                    print(path)
                    over = page.run("document.documentElement.scrollWidth")
                    if over > width:
                        faults.append(f"{address}: found {over} pixels across; expected at most {width}.")
                if not dark:
                    (folder / f"{name}.pdf").write_bytes(page.print())
                    print(folder / f"{name}.pdf")
                faults += [f"{address}: {told}" for told in page.complaints]
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", metavar="PAGE", help="the path or the address of a page")
    parser.add_argument("--out", type=Path, default=Path("screenshots"), help="folder of the pictures")
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS), metavar="PIXELS")
    parser.add_argument(
        "--ready",
        default="document.readyState === 'complete'",
        metavar="SCRIPT",
        help="what is true once the page may be looked at",
    )
    parser.add_argument("--window", action="store_true", help="only what a window of 900 pixels shows")
    options = parser.parse_args()
    try:
        faults = take(options.pages, options.out, options.widths, options.ready, not options.window)
    except BrowserError as error:
        sys.exit(f"error: {error}")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
