"""``python -m sibeat_edge``, or ``sibeat``: a wearer's recording in, scored beats and a report out."""

import argparse
import sys
from collections.abc import Sequence

from sibeat_edge import __version__
from sibeat_edge.commands import archive, inspect, score
from sibeat_edge.errors import EdgeError, sentence

COMMANDS = (score, inspect, archive)  # in the order in which --help lists them


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; bad input or a failing disk ends it with one sentence and exit code 2.

    A command's ``run`` takes the parsed options and may return another exit code.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return
    try:
        code = options.run(options)
    except (EdgeError, OSError) as error:
        print(f"error: {sentence(error)}", file=sys.stderr)
        sys.exit(2)
    if code:
        sys.exit(code)


def _parser():
    parser = argparse.ArgumentParser(
        "sibeat",
        description="Finds abnormal heartbeats in the recording of a wearable.",
        epilog="sibeat COMMAND --help tells more, with an example. python -m sibeat_edge does the same.",
    )
    parser.add_argument("--version", action="version", version=f"sibeat_edge {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    main()
