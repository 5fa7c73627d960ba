"""``python -m keras_sibeat.results [--folder DIR]``: RESULTS.md and the README's tables, made anew."""

import sys
from pathlib import Path

from keras_sibeat.config.command_line import parser
from keras_sibeat.errors import command


@command
def main(arguments=None):
    """Parse the command line, make the pages."""
    line = parser("keras_sibeat.results", "Make RESULTS.md and the README's tables anew.", "--folder results")
    line.add_argument("--folder", type=Path, default=Path("results"), help="of the JSON files")
    options = line.parse_args(sys.argv[1:] if arguments is None else arguments)

    from keras_sibeat.results.pages import renew_pages

    renew_pages(options.folder)


if __name__ == "__main__":
    main()
