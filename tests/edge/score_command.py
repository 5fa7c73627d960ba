"""``sibeat score`` as a test runs it."""

from sibeat_edge.__main__ import main


def run(*arguments):
    """The exit code of ``sibeat score``."""
    try:
        main(["score", *map(str, arguments)])
    except SystemExit as ended:
        return ended.code
    return 0
