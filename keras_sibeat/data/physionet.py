"""PhysioNet databases: download with resume and checksums; records and checksums of a local copy."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import wfdb
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from keras_sibeat.errors import DataError
from keras_sibeat.files import sha256

SERVER = "https://physionet.org/files"
BLOCK = 1 << 16  # bytes


def list_records(folder: Path) -> list[str]:
    """Names of the records in a local copy: those its RECORDS file lists, else every header found.

    The name of a record in a sub-folder begins with that, ``p01/day1``. An entry of RECORDS that ends in
    ``/`` is a folder of records. The segments of a record are none of their own.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected a copy of a WFDB database.")
    index, names = folder / "RECORDS", []
    if index.is_file():
        for name in index.read_text().split():
            is_folder = name.endswith("/")
            names += [f"{name}{record}" for record in list_records(folder / name)] if is_folder else [name]
    else:
        headers = sorted(folder.rglob("*.hea"))
        segments = {path for header in headers for path in _segments(header)}
        names = [
            header.relative_to(folder).with_suffix("").as_posix()
            for header in headers
            if header not in segments
        ]
    if not names:
        raise DataError(f"{folder}: found no WFDB records; expected a RECORDS file or .hea files.")
    return list(dict.fromkeys(names))


def _segments(header):
    """The headers of the segments that a record's header lists, none unless it is of several segments."""
    lines = header.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    of_several = rows and "/" in rows[0][0]
    return [header.with_name(f"{row[0]}.hea") for row in rows[1:]] if of_several else []


def labelled_records(folder: Path, label: str) -> list[str]:
    """Names of the records to which a folder's REFERENCE.csv (record,label) gives the label.

    Raises ``DataError`` where there is no such file, or none of that label.
    """
    file = Path(folder) / "REFERENCE.csv"
    if not file.is_file():
        raise DataError(f"{file}: no such file; expected lines of a record and its label.")
    rows = [line.strip().split(",") for line in file.read_text().splitlines() if line.strip()]
    names = [row[0] for row in rows if row[1:] == [label]]
    if not names:
        raise DataError(f"{file}: found no record labelled {label!r}; expected some.")
    return names


def check_files(folder: Path, records: Iterable[str], annotator: str = "atr") -> dict[str, str]:
    """SHA-256 of every file of these records, checked against SHA256SUMS.txt where the copy has one.

    Returns a mapping of file name to digest. Raises ``DataError`` for a missing file or another checksum.
    """
    folder = Path(folder)
    digests = {}
    expected = _read_sums(folder / "SHA256SUMS.txt") if (folder / "SHA256SUMS.txt").is_file() else {}
    for record in records:
        wanted = [name for name in expected if str(Path(name).with_suffix("")) == record]
        found = [path.relative_to(folder).as_posix() for path in folder.glob(f"{record}.*")]
        kinds = (".hea", ".dat", ".mat", f".{annotator}")
        named = {name for name in _files_of(folder, record) if (folder / name).is_file()}
        for name in sorted({name for name in {*found, *wanted} if Path(name).suffix in kinds} | named):
            if not (folder / name).is_file():
                raise DataError(f"{folder / name}: no such file; SHA256SUMS.txt lists it.")
            digests[name] = sha256(folder / name)
            if digests[name] != expected.get(name, digests[name]):
                raise DataError(
                    f"{folder / name}: found SHA-256 {digests[name][:12]}…; expected {expected[name][:12]}… "
                    "(SHA256SUMS.txt)."
                )
    return digests


def _files_of(folder, record):
    """The files that a record's header names, of whatever name: signals, and segments with theirs."""
    try:
        header = wfdb.rdheader(str(folder / record), rd_segments=True)
    except Exception:
        return []  # a header that cannot be read is an error to whoever reads the record
    parts = [part for part in getattr(header, "segments", [header]) if part is not None]
    names = {name for part in parts for name in (f"{part.record_name}.hea", *(part.file_name or ()))}
    return [(Path(record).parent / name).as_posix() for name in names]


def _read_sums(file):
    pairs = [line.split(maxsplit=1) for line in file.read_text().splitlines() if line.strip()]
    for pair in pairs:
        if len(pair) != 2 or len(pair[0]) != 64:
            raise DataError(f"{file}: found the line {' '.join(pair)[:40]!r}; expected a SHA-256 and a name.")
    return {name.strip(): digest for digest, name in pairs}


def fetch(
    database: str, folder: Path, version: str = "1.0.0", annotator: str = "atr", server: str = SERVER
) -> int:
    """Download a database's records into ``folder``; returns the number of files fetched now.

    Files already there with the right checksum are kept; a file cut short goes on where it stopped.

    Args:
        database: PhysioNet's short name, e.g. ``mitdb``.
        folder: where the files go.
        version: the database's version.
        annotator: extension of the beat annotations.
        server: address that ``database/version/file`` is appended to.

    Raises:
        DataError: an unknown database, a server that cannot be reached or stops short, a record without
            a checksum, or a file whose checksum is wrong after the download.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    base = f"{server}/{database}/{version}"
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        for index in ("RECORDS", "SHA256SUMS.txt"):
            _download(f"{base}/{index}", folder / index, progress)
        sums = _read_sums(folder / "SHA256SUMS.txt")
        records = set((folder / "RECORDS").read_text().split())
        unlisted = sorted(record for record in records if f"{record}.hea" not in sums)
        if unlisted:
            raise DataError(f"{base}: found no checksum of record {unlisted[0]}; expected {unlisted[0]}.hea.")
        suffixes = {".hea", ".dat", f".{annotator}"}
        wanted = [n for n in sums if str(Path(n).with_suffix("")) in records and Path(n).suffix in suffixes]
        missing = [n for n in wanted if not (folder / n).is_file() or sha256(folder / n) != sums[n]]
        for name in missing:
            (folder / name).unlink(missing_ok=True)
            partial = _download(f"{base}/{name}", folder / name, progress, sums[name])
            if partial:
                raise DataError(
                    f"{folder / name}: the download has SHA-256 {partial[:12]}…; expected {sums[name][:12]}…."
                )
    return len(missing)


def _download(url, file, progress, digest=None):
    """Fetch ``url`` into ``file``, going on with ``file.part``; returns the digest found if it is wrong."""
    partial = file.with_name(file.name + ".part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    have = partial.stat().st_size if digest and partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            resumed = response.status == 206
            length = int(response.headers.get("Content-Length", 0)) + (have if resumed else 0)
            task = progress.add_task(file.name, total=length or None, completed=have if resumed else 0)
            with open(partial, "ab" if resumed else "wb") as out:
                while block := response.read(BLOCK):
                    out.write(block)
                    progress.advance(task, len(block))
        size = partial.stat().st_size
        if size < length:
            raise DataError(f"{url}: found {size} bytes; expected {length}; run the same command to go on.")
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: the part is already whole
            raise DataError(
                f"{url}: the server answered {error.code} {error.reason}; expected the file."
            ) from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DataError(
            f"{url}: could not be reached ({error}); run the same command again to go on."
        ) from error
    found = sha256(partial) if digest else None
    if digest and found != digest:
        partial.unlink()
        return found
    partial.replace(file)
    return None
