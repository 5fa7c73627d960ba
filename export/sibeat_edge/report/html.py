"""Pieces of HTML that every section of a report is made of."""

import base64
from collections.abc import Sequence
from html import escape


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Rows of cells that are HTML already; the last ``numbers`` columns are numbers."""
    width = len(rows[0])
    kinds = ["" if column < width - numbers else ' class="number"' for column in range(width)]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(kinds, heads, strict=False))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>\n"
        for row in rows
    )
    return f"<table>{f'<tr>{head}</tr>' if heads else ''}\n{body}</table>"


def image(svg: str, text: str) -> str:
    """An SVG text as an image, with a ``text`` for who does not see it."""
    data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<img alt="{escape(text)}" src="data:image/svg+xml;base64,{data}">'


def duration(seconds: float) -> str:
    """h:mm:ss

    >>> duration(3725.4)
    '1:02:05'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
