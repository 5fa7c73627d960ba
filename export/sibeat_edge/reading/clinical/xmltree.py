"""XML files as a tree, read so that a file can neither pull in others nor grow."""

from math import isfinite
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.arrays import checked_size

MOST = 64 * 2**20  # bytes
MOST_PARTS, DEEPEST = 300_000, 100  # elements and attributes; elements within one another


def read_tree(path: Path) -> Element:
    """The root of an XML file; names of elements and attributes are without their namespaces.

    Raises ``RecordError`` for what is no XML, declares entities, or is too large.
    """
    checked_size(path, MOST)
    builder, parts, depth = TreeBuilder(), 0, 0
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def start(name, attributes):
        nonlocal parts, depth
        parts, depth = parts + 1 + len(attributes), depth + 1
        if parts > MOST_PARTS or depth > DEEPEST:
            what = f"{MOST_PARTS} elements" if parts > MOST_PARTS else f"{DEEPEST} within one another"
            raise RecordError(f"{path}: found more than {what}; expected a recording.")
        builder.start(_bare(name), {_bare(key): value for key, value in attributes.items()})

    def end(name):
        nonlocal depth
        depth -= 1
        builder.end(_bare(name))

    def refuse(*_):
        raise RecordError(f"{path}: found entities; expected XML without a declaration of them.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
        return builder.close()
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, RecordError):
            raise
        raise RecordError(f"{path}: found what is no well-formed XML; expected all of the file.") from error


def _bare(name):
    return name.rpartition("}")[2]


def text_of(element: Element | None, name: str) -> str:
    """The text of the child ``name``, stripped; empty if there is none."""
    return (element.findtext(name) or "").strip() if element is not None else ""


def number_of(text: str | None) -> float | None:
    """A finite number, with a point or a comma before its decimals; None for any other text.

    >>> number_of("4.88"), number_of("4,88"), number_of("nan"), number_of(None)
    (4.88, 4.88, None, None)
    """
    try:
        number = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return number if isfinite(number) else None
