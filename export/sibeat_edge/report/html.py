"""Pieces of HTML that every section of a report is made of."""

from collections.abc import Iterable, Sequence
from html import escape


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0, kind: str = "") -> str:
    """Rows of cells that are HTML already, the last ``numbers`` of them numbers; ``kind`` is the class."""
    width = len(rows[0])
    kinds = ["" if column < width - numbers else ' class="number"' for column in range(width)]
    head = "".join(f"<th{kind}>{cell}</th>" for kind, cell in zip(kinds, heads, strict=False))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>\n"
        for row in rows
    )
    return f'<div class="wide {kind}"><table>{f"<tr>{head}</tr>" if heads else ""}\n{body}</table></div>'


def image(svg: str, text: str) -> str:
    """An SVG text as it stands in a page, with a ``text`` for who does not see it."""
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(text)}" ', 1)


def figure(svg: str, text: str, caption: str) -> str:
    """An ``image`` with a ``caption``, HTML already, above it."""
    return f"<figure><figcaption>{caption}</figcaption>{image(svg, text)}</figure>"


def row(figures: Iterable[str], kind: str) -> str:
    """Figures side by side, as many as there is room for; ``kind`` is their class."""
    return f'<div class="{kind}">' + "\n".join(figures) + "</div>"


def jump(time: float, told: str) -> str:
    """A time as a link that leads to it in the whole recording."""
    return f'<a href="#day" data-time="{time:.2f}">{escape(told)}</a>'


def duration(seconds: float, tenths: bool = False) -> str:
    """h:mm:ss, or h:mm:ss.s

    >>> duration(3725.4), duration(59.96, tenths=True)
    ('1:02:05', '0:01:00.0')
    """
    step = 10 if tenths else 1
    whole, part = divmod(round(seconds * step), step)
    text = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{text}.{part}" if tenths else text
