"""The formats of recordings that can be read: how each is told from the others, and which reader opens it."""

import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sibeat_edge.errors import RecordError

HEAD = 4096  # bytes from which formats of one ending are told apart
LIST = "sibeat score --list-formats names all"


@dataclass(frozen=True)
class Format:
    """A format of recordings.

    Attributes:
        name: one or two words.
        what: what it is, and whose.
        endings: of its files, in lower case; compressed files have ``.gz`` behind them.
        reader: ``module:name`` of what opens a file and gives a ``Source``; the module lies beside this one,
            and is imported when the reader is used.
        begins: matches the first bytes of its files, where other formats have the same ending, or where files
            may lack one; None for a format that is known by its ending alone.
        may_lack_rate: whether a file may state no rate, so that the reader takes one, too.
        extra: of this package, which installs what the reader needs; or empty.
        needs: the module that it installs.

    >>> find_format(Path("holter.edf"), b"").name
    'EDF'
    """

    name: str
    what: str
    endings: tuple[str, ...]
    reader: str
    begins: re.Pattern[bytes] | None = None
    may_lack_rate: bool = False
    extra: str = ""
    needs: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether the reader has what it needs."""
        return not self.needs or importlib.util.find_spec(self.needs) is not None

    def open(self, path: Path, rate: float | None) -> Any:
        """The ``Source`` of the file at ``path``.

        Raises ``RecordError`` for what the reader cannot read, or if it lacks the module that it needs.
        """
        if not self.is_installed:
            raise RecordError(
                f"{path}: found {self.name}, but no {self.needs} to read it; expected it installed "
                f"(pip install 'sibeat_edge[{self.extra}]')."
            )
        module, name = self.reader.split(":")
        reader = getattr(importlib.import_module(f"sibeat_edge.reading.{module}"), name)
        return reader(path, rate) if self.may_lack_rate else reader(path)


# Of the formats of one ending the first whose bytes match is taken, so those without ``begins`` come last.
FORMATS = (
    Format(
        "WFDB", "PhysioNet's records: a header, and signals beside it", (".hea", ".dat"), "wfdbfile:WfdbFile"
    ),
    Format("EDF", "European Data Format, and EDF+C", (".edf",), "edffile:EdfFile", re.compile(rb"0 {7}")),
    Format(
        "text",
        "a row a sample, a column a lead; any separator",
        (".csv",),
        "csvfile:CsvFile",
        may_lack_rate=True,
    ),
)


def find_format(path: Path, head: bytes) -> Format:
    """The format of a file by its ending; where several formats share it, or none has it, by its first bytes.

    Args:
        path: whose ending counts.
        head: the first ``HEAD`` bytes of the file; fewer if it is shorter.

    Raises ``RecordError`` if no format fits.
    """
    ending = path.suffix.lower()
    alike = [form for form in FORMATS if ending in form.endings]
    for form in alike if len(alike) > 1 else [] if alike else FORMATS:
        if form.begins is not None and form.begins.match(head):
            return form
    if len(alike) == 1 or (alike and alike[-1].begins is None):
        return alike[-1]
    if alike:
        names = " or ".join(form.name for form in alike)
        raise RecordError(f"{path}: found neither {names} in a file {ending}; expected one ({LIST}).")
    raise RecordError(
        f"{path}: found a file of unknown format; expected a WFDB record (.hea), .edf, .csv or another "
        f"({LIST})."
    )


def open_source(path: Path, rate: float | None) -> tuple[Any, str, Format]:
    """The ``Source`` of the recording at ``path``, its name, and its format.

    Args:
        path: of a file, or of a WFDB record without an ending.
        rate: Hz, for a file that states none.

    Raises ``RecordError`` for a file that is missing, empty, of unknown format, or that cannot be read.
    """
    wfdb = FORMATS[0]
    if path.with_name(path.name + ".hea").is_file():
        return wfdb.open(path, rate), path.name, wfdb
    if path.suffix.lower() in wfdb.endings and path.with_suffix(".hea").is_file():
        return wfdb.open(path.with_suffix(""), rate), path.stem, wfdb
    if not path.is_file():
        raise RecordError(f"{path}: found no such file; expected a recording.")
    if not path.stat().st_size:
        raise RecordError(f"{path}: found an empty file; expected a recording.")
    with open(path, "rb") as file:
        head = file.read(HEAD)
    form = find_format(path, head)
    opened = path.with_suffix("") if form is wfdb else path
    return form.open(opened, rate), path.stem, form
