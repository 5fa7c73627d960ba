"""The formats of recordings that can be read: how each is told from the others, and which reader opens it."""

import codecs
import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.errors import RecordError
from sibeat_edge.reading.gzipped import PACKED, Gzipped, first_bytes

HEAD = 65_536  # bytes from which formats of one ending are told apart
LINES = 1000  # of a file of unknown ending, by which it is told
ROW = re.compile(r"[\s\"'\[;,|]*[-+]?[.,]?\d")  # begins a row of numbers
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
        begins: is found in the first bytes of its files, where other formats have the same ending, or where
            files may lack one; None for a format that is known by its ending alone.
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
        needed(path, self.name, self.needs, self.extra)
        module, name = self.reader.split(":")
        reader = getattr(importlib.import_module(f"sibeat_edge.reading.{module}"), name)
        with np.errstate(all="ignore"):  # a damaged file has numbers of any size; what is no number is told
            return reader(path, rate) if self.may_lack_rate else reader(path)


def needed(path: Path, name: str, module: str, extra: str) -> None:
    """Raise ``RecordError`` if the ``module`` that reads the format ``name`` is not installed."""
    if module and importlib.util.find_spec(module) is None:
        raise RecordError(
            f"{path}: found {name}, but no {module} to read it; expected it installed "
            f"(pip install 'sibeat_edge[{extra}]')."
        )


def _format(name, what, endings, reader, begins=None, may_lack_rate=False, needs=""):
    pattern = None if begins is None else re.compile(begins, re.DOTALL)
    extra = "formats" if needs else ""
    return Format(name, what, tuple(endings.split()), reader, pattern, may_lack_rate, extra, needs)


# Of the formats of one ending the first whose bytes match is taken, so those without ``begins`` come last.
FORMATS = (
    _format("WFDB", "PhysioNet's records: a header, and signals beside it", ".hea .dat", "wfdbfile:WfdbFile"),
    _format(
        "EDF",
        "European Data Format, and BDF",
        ".edf .bdf",
        "edffile:EdfFile",
        rb"\A(0 {7}|\xffBIOSEMI)",
        may_lack_rate=True,
    ),
    _format(
        "text",
        "a row a sample, a column a lead",
        ".csv .tsv .txt .tab .asc .ascii",
        "csvfile:CsvFile",
        may_lack_rate=True,
    ),
    _format(
        "Movesense",
        "packets of a Movesense sensor, JSON",
        ".json .jsonl .ndjson",
        "jsonfile:read_movesense",
        rb'"Samples"\s*:\s*\[',
        may_lack_rate=True,
    ),
    _format(
        "Kardia",
        "recordings of AliveCor's Kardia, JSON",
        ".json",
        "jsonfile:read_kardia",
        rb'"(samples|frequency|mainsFrequency|amplitudeResolution|recordedAt)"',
        may_lack_rate=True,
    ),
    _format(
        "JSON",
        "lists of numbers, or an object a sample",
        ".json .jsonl .ndjson",
        "datasets.jsonarrays:read_json",
        rb"\A\W*?[\[{]",
        may_lack_rate=True,
    ),
    _format("ATC", "recordings in AliveCor's Kardia app", ".atc", "atcfile:read_atc", rb"\AALIVE"),
    _format(
        "MATLAB",
        "variables of MATLAB and Octave",
        ".mat",
        "datasets.matfile:read_mat",
        rb"\AMATLAB [57]",
        True,
    ),
    _format("NumPy", "an array of NumPy", ".npy", "datasets.numpyfile:read_npy", rb"\A\x93NUMPY", True),
    _format("NumPy archive", "arrays of NumPy", ".npz", "datasets.numpyfile:read_npz", None, True),
    _format(
        "HDF5",
        "datasets of h5py, MATLAB, …",
        ".h5 .hdf5 .hdf",
        "datasets.hdf5file:read_hdf5",
        rb"\A\x89HDF\r\n",
        may_lack_rate=True,
        needs="h5py",
    ),
    _format(
        "Parquet",
        "tables of pandas, Spark, …",
        ".parquet .pq",
        "datasets.parquetfile:ParquetFile",
        rb"\APAR1",
        may_lack_rate=True,
        needs="pyarrow",
    ),
    _format(
        "ISHNE",
        "the standard of Holter recorders",
        ".ecg .ishne",
        "clinical.ishne:read_ishne",
        rb"\AISHNE1\.0",
    ),
    _format("SCP-ECG", "resting ECGs, EN 1064", ".scp .ecg", "clinical.scpfile:read_scp", rb"\A.{16}SCPECG"),
    _format(
        "aECG",
        "HL7's annotated ECG, XML",
        ".xml .aecg",
        "clinical.aecgfile:read_aecg",
        rb"<(\w+:)?AnnotatedECG",
    ),
    _format("MUSE", "resting ECGs of GE MUSE, XML", ".xml", "clinical.musefile:read_muse", rb"<RestingECG"),
    _format(
        "DICOM",
        "ECG waveforms in DICOM",
        ".dcm .dicom",
        "clinical.dicomfile:read_dicom",
        rb"\A.{128}DICM",
        needs="pydicom",
    ),
)
WFDB, _, TEXT, *_ = FORMATS
JSON = next(form for form in FORMATS if form.name == "JSON")  # of any program, mostly no recordings
STANDARD_INPUT = Path("-")  # of text alone
WFDB_SIGNALS = (".hea", ".dat", ".mat")  # of which a file is a part of a record if a header lies beside it


def find_format(path: Path, head: bytes, ending: str | None = None) -> Format:
    """The format of a file by its ending; where several formats share it, or none has it, by its first bytes.

    A table of numbers is a text, whatever its ending: MATLAB's ``save -ascii`` writes one as ``.mat``.

    Args:
        path: of the file.
        head: the first ``HEAD`` bytes of the file; fewer if it is shorter.
        ending: that counts; by default the path's.

    Raises ``RecordError`` if no format fits.
    """
    ending = (path.suffix if ending is None else ending).lower()
    alike = [form for form in FORMATS if ending in form.endings]
    if len(alike) == 1 and alike[0].begins is None:
        return alike[0]
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        head = head.replace(b"\0", b"")
    for form in alike or FORMATS:
        if form.begins is not None and form.begins.search(head):
            return form
    is_text = head.lstrip()[:1] not in (b"", b"[", b"{", b"<") and is_table(head)
    if len(alike) == 1 and not is_text:
        return alike[0]  # whose reader tells what is wrong
    if alike and not is_text:
        names = " nor ".join(form.name for form in alike)
        raise RecordError(f"{path}: found neither {names} in a file {ending}; expected one of them.")
    if is_text:
        return TEXT
    raise RecordError(
        f"{path}: found a file of unknown format; expected a WFDB record (.hea), .edf, .csv or another "
        f"({LIST})."
    )


def locate(path: Path) -> tuple[Format, Path, str]:
    """The format of the recording at ``path``, the path that its reader takes, and the recording's name.

    Args:
        path: of a file, or of a WFDB record without an ending. A file may be compressed, with ``.gz`` behind
            its ending, and so may those of a WFDB record. A pipe has a text.

    Raises ``RecordError`` for a file that is missing, empty or of unknown format.
    """
    if path.name and path.with_name(path.name + ".hea").is_file():
        return WFDB, path, path.name
    if path.name and not path.exists() and path.with_name(f"{path.name}.hea{PACKED}").is_file():
        return WFDB, path.with_name(f"{path.name}.hea{PACKED}"), path.name
    if path.suffix.lower() in WFDB_SIGNALS and path.with_suffix(".hea").is_file():
        return WFDB, path.with_suffix(""), path.stem
    if path.is_fifo():
        return TEXT, path, path.name
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise RecordError(f"{path}: found {what}; expected a recording.")
    if not path.stat().st_size:
        raise RecordError(f"{path}: found an empty file; expected a recording.")
    if path.suffix.lower() == PACKED:
        inner = path.with_suffix("")
        form = find_format(path, first_bytes(path, HEAD), ending=inner.suffix)
        return form, path, inner.stem
    with open(path, "rb") as file:
        head = file.read(HEAD)
    form = find_format(path, head)
    if form is WFDB and path.suffix.lower() != ".hea" and is_table(head):
        return TEXT, path, path.stem  # numbers in letters, and no header beside them
    return form, path.with_suffix("") if form is WFDB else path, path.stem


def open_source(path: Path, rate: float | None) -> tuple[Any, str]:
    """The ``Source`` of the recording at ``path``, and the recording's name.

    Args:
        path: as ``locate`` takes it, or ``-`` for standard input.
        rate: Hz, for a file that states none.

    Raises ``RecordError`` as ``locate``, and for what cannot be read.
    """
    if path == STANDARD_INPUT:
        return TEXT.open(path, rate), "stdin"
    form, place, name = locate(path)
    if form is WFDB and (packed := _packed_part(place, name)) is not None:
        return Gzipped(packed, lambda inner: form.open(inner.with_name(name), rate), name), name
    is_packed = place.suffix.lower() == PACKED and form not in (
        WFDB,
        TEXT,
    )  # a text is unpacked as it is read
    if is_packed or place.is_fifo():
        return Gzipped(path, lambda inner: form.open(inner, rate)), name
    return form.open(place, rate), name


def _packed_part(place, name):
    """A file of a WFDB record that is compressed; None for a record without one."""
    if place.suffix.lower() == PACKED:
        return place
    signals = place.with_name(f"{name}.dat")
    packed = signals.with_name(signals.name + PACKED)
    return packed if packed.is_file() and not signals.is_file() else None


def is_table(head: bytes) -> bool:
    """Whether a file that begins so is a text, of whose lines most are rows of numbers.

    >>> is_table(b"time,ECG\\n0,0.1\\n0.004,0.2\\n"), is_table(b"A story\\nof 2 lines\\n")
    (True, False)
    """
    from sibeat_edge.reading.layout import find_layout, is_row  # here, as they read text by this module

    if b"\0" in head:
        return False
    lines = [
        line for line in head.decode("utf-8", "replace").splitlines(keepends=True)[:LINES] if is_row(line)
    ]
    rows = sum(ROW.match(line) is not None for line in lines)
    return 2 * rows > len(lines) and find_layout(lines) is not None
