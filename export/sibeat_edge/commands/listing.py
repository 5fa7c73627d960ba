"""``--list-formats``: a table of the formats that can be read, printed by an option of a command."""

import argparse
from typing import Any


class ListFormats(argparse.Action):
    """Prints the table, and ends the command, as ``--version`` does."""

    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(formats_table(), end="")
        parser.exit()


def formats_table() -> str:
    """Name, endings and description of each format, and the extra that it needs.

    >>> formats_table().splitlines()[0].split()
    ['format', 'endings', 'what', 'it', 'is', 'needs']
    """
    from sibeat_edge.reading.formats import FORMATS

    rows = [("format", "endings", "what it is", "needs")]
    for form in FORMATS:
        needs = (
            f"sibeat_edge[{form.extra}]{'' if form.is_installed else ', not installed'}" if form.needs else ""
        )
        rows.append((form.name, " ".join(form.endings), form.what, needs))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return (
        "".join(f"{line.rstrip()}\n" for line in lines)
        + "Any of them may be compressed (.gz), but for WFDB.\n"
    )
