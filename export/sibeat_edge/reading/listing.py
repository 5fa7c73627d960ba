"""The recordings that paths, folders and patterns name, and the files that each consists of."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from sibeat_edge.errors import RecordError
from sibeat_edge.marks import is_own
from sibeat_edge.reading.formats import FORMATS, HEAD, JSON, PACKED, find_format
from sibeat_edge.reading.gzipped import first_bytes
from sibeat_edge.reading.layout import find_layout
from sibeat_edge.reading.text.stream import TextStream
from sibeat_edge.reading.wfdbheader import as_there

HEADER, SIGNAL = ".hea", ".dat"
PROSE = (".txt", ".asc", ".ascii")  # of texts of any kind
LONGEST = 1 << 20  # bytes of a header; a longer file is none
RESULTS = (".csv", ".htm", ".html", ".json", ".sib", ".txt")  # of files that may be a record's results


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, and no WFDB record: those are named without their ending.

    >>> is_folder(Path(".")), is_folder(Path("absent"))
    (True, False)
    """
    return path.is_dir() and not header_of(path).is_file()


def header_of(path: Path) -> Path:
    """Where the header of a WFDB record lies that is named without its ending."""
    return path.with_name(path.name + HEADER) if path.name else path


def find_recordings(path: str | Path) -> list[Path]:
    """The recordings that a ``path`` names: itself, those in a folder, or those that match a pattern.

    Of a folder and its sub-folders all files are taken whose ending is that of a known format, in order. A
    WFDB record is one, named without its ending, and so is a record of several segments. Hidden files and
    results of this package are left out, and so is a ``.txt`` without a row of numbers, or a ``.json`` or
    ``.xml`` of another kind. A pattern has ``*``, ``?``, ``[…]`` or ``**``, and matches files and
    folders. A path that is no folder and matches nothing stands for itself, whether it is there or not.

    Raises ``RecordError`` for a folder without a recording, and ``OSError`` for what cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b.csv", "a.hea", "a.dat", "a.atr", ".c.csv", "notes.md"):
    ...         Path(folder, name).touch()
    ...     [found.name for found in find_recordings(folder)]
    ['a', 'b.csv']
    """
    path = Path(path)
    if is_folder(path):
        found = _in_folder(path)
        if not found:
            raise RecordError(f"{path}: found a folder without a recording; expected one or more in it.")
        return found
    is_there = path.exists() or header_of(path).is_file()
    matches = [] if is_there else [Path(match) for match in glob.glob(str(path), recursive=True)]
    if not matches:
        return [_record(path)]
    inside = (found for match in matches if is_folder(match) for found in _in_folder(match))
    return sorted({*_records(match for match in matches if match.is_file()), *inside})


def _in_folder(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return _records(
        path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _records(files):
    """The recordings among these files, once each, without the files that they consist of."""
    known = {ending for form in FORMATS for ending in form.endings}
    files = [path for path in files if _ending(path) in known and not is_own(path) and _may_be_one(path)]
    headers = [path for path in files if path.suffix.lower() == HEADER]
    parts = {part for path in headers for part in _named_in(path) if part != path}
    found = {_record(path) for path in files if path not in parts}
    return sorted(path for path in found if _ending(path) != SIGNAL or header_of(path).is_file())


def _ending(path):
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix == PACKED else suffix


def _may_be_one(path):
    """Whether a file of an ending that many kinds of files share looks like a recording."""
    ending, is_packed = _ending(path), path.suffix.lower() == PACKED
    try:
        if ending in PROSE:
            return find_layout(TextStream(path).head(HEAD)) is not None
        if sum(ending in form.endings for form in FORMATS) > 1:
            with open(path, "rb") as file:
                head = first_bytes(path, HEAD) if is_packed else file.read(HEAD)
            return find_format(path, head, ending) is not JSON
    except RecordError:
        return False
    return True


def _record(path):
    """The path of a recording as it is called: a WFDB record's has no ending, whichever file is named."""
    others = {ending for form in FORMATS for ending in form.endings} - {HEADER, SIGNAL}
    if path.suffix and _ending(path) not in others and path.with_suffix(HEADER).is_file():
        return path.with_suffix("")
    return path


def _without_packing(path):
    """A WFDB record's name for one of its compressed files; any other path as it is."""
    is_part = path.name.lower().endswith((HEADER + PACKED, SIGNAL + PACKED))
    return path.with_name(Path(path.stem).stem) if is_part else path


def files_of(*paths: str | Path) -> list[Path]:
    """The files that the recordings at ``paths`` consist of, as far as they are there.

    Of a WFDB record these are its header, the files and segments that it names, and its annotations: whatever
    else has the record's name and an ending that is none of results.

    >>> files_of("absent.csv")
    []
    """
    records = [_record(_without_packing(Path(path))) for path in paths]
    found: dict[Path, None] = {}
    names: dict[Path, set[str]] = defaultdict(set)  # of WFDB records, by their folder
    for record in records:
        header = header_of(record)
        if header.is_file() or header.with_name(header.name + PACKED).is_file():
            found.update(dict.fromkeys([header, *_named_in(header)]))
            names[record.parent].add(record.name)
        else:
            found[record] = None
    for folder, known in names.items():
        for entry in os.scandir(folder):
            ends = [place for place, letter in enumerate(entry.name) if letter == "."]
            is_result = Path(entry.name).suffix.lower() in RESULTS
            if not is_result and any(entry.name[:end] in known for end in ends):
                found[folder / entry.name] = None
    return [path for path in found if path.exists()]


def _named_in(header: Path, depth: int = 1) -> Iterator[Path]:
    """The files that a WFDB header names: signals, or segments' headers with the signals of those."""
    if not header.is_file() or header.stat().st_size > LONGEST:
        return
    for name in named_in(header.read_text("latin-1")):
        named = as_there(header.parent / name)
        yield named
        if named.suffix == HEADER and depth:
            yield from _named_in(named, depth - 1)


def named_in(header: str) -> list[str]:
    """The names in the text of a WFDB header: of files with signals, or of segments' headers.

    >>> named_in("100 2 360 10\\n100.dat 212 200\\n100.dat 212 200\\n")
    ['100.dat', '100.dat']
    >>> named_in("a/2 1 360\\na_1 5\\n~ 5\\n")
    ['a_1.hea']
    """
    lines: Iterable[str] = header.splitlines()
    rows = [words for line in lines if (words := line.split("#")[0].split())]
    is_parted = bool(rows) and "/" in rows[0][0]
    names = [words[0] for words in rows[1:]]
    return [f"{name}{HEADER}" for name in names if name != "~"] if is_parted else names
