"""``python -m keras_sibeat.results [verify] [--folder DIR]``: RESULTS.md and the tables of pages."""

import sys
from collections.abc import Sequence
from pathlib import Path

from keras_sibeat.config.command_line import parser
from keras_sibeat.errors import command


@command
def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line; make the pages, or verify what they are made from."""
    line = parser(
        "keras_sibeat.results",
        "Make RESULTS.md and the tables of README and docs anew, or verify the results behind them.",
        "verify --folder results",
    )
    line.add_argument("verb", nargs="?", choices=("verify",), help="check all, write nothing")
    line.add_argument("--folder", type=Path, default=Path("results"), help="of the JSON files")
    options = line.parse_args(sys.argv[1:] if arguments is None else arguments)

    from keras_sibeat.results.pages import renew_pages
    from keras_sibeat.results.verify import verify

    if options.verb is None:
        renew_pages(options.folder)
        return
    found = verify(options.folder)
    for sentence in (*found.skipped, *found.problems):
        print(sentence)
    if found.problems:
        sys.exit(1)
    print(f"{options.folder}: all {found.files} results hold.")


if __name__ == "__main__":
    main()
