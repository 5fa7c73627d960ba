"""The tables of an archive: their columns, and a scored recording as rows of them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from sibeat_edge.report.scored import Scored

DONE, PARTIAL, FAILED, TIMED_OUT = "done", "partial", "failed", "timed out"
# Names of columns, and their types as Arrow calls them.
BEATS = {
    "recording": "string",
    "time": "double",
    "sample": "int64",
    "score": "double",
    "alarm": "bool",
    "reason": "string",
    "rr": "double",
    "why": "string",
    "snr": "double",
    "doubted": "bool",
    "kind": "string",
    "irregular": "bool",
}
EPISODES = {"recording": "string", "what": "string", "start": "double", "end": "double"}
RECORDINGS = {
    "recording": "string",
    "status": "string",
    "reason": "string",
    "rate": "double",
    "leads": "string",
    "seconds": "double",
    "scored_seconds": "double",
    "beats": "int64",
    "scored": "int64",
    "alarms": "int64",
    "doubted": "int64",
    "heart_rate": "double",
    "ventricular_beats": "int64",
    "ventricular_percent": "double",
    "supraventricular_beats": "int64",
    "supraventricular_percent": "double",
    "episodes": "int64",
    "assumed_unit": "string",
    "threshold": "double",
    "model": "string",
    "model_sha256": "string",
    "warnings": "string",
}
TABLES = {"beats": BEATS, "episodes": EPISODES, "recordings": RECORDINGS}
BATCH = 10_000  # beats that are rows of Python at once


def schema(columns: Mapping[str, str]) -> "pa.Schema":
    """The Arrow schema of a table's ``columns``.

    >>> schema(EPISODES).names
    ['recording', 'what', 'start', 'end']
    """
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])


def as_table(columns: Mapping[str, str], rows: Iterable[dict[str, Any]]) -> "pa.Table":
    """The ``rows`` as an Arrow table; what a row lacks is null.

    >>> as_table(EPISODES, [{"recording": "a.edf", "what": "pause"}]).to_pylist()
    [{'recording': 'a.edf', 'what': 'pause', 'start': None, 'end': None}]
    """
    import pyarrow as pa

    wanted = schema(columns)
    batches = (pa.RecordBatch.from_pylist(part, wanted) for part in _parts(iter(rows)))
    return pa.Table.from_batches(batches, wanted)


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while part := list(islice(rows, BATCH)):
        yield part


def result(name: str, scored: "Scored", tell: Callable[[str], str]) -> "pa.Table":
    """A scored recording as one table: its beats, and beside them its episodes and its row of ``recordings``.

    Args:
        name: of the recording in the archive.
        tell: turns a sentence on the file that was read into one on the recording.
    """
    from sibeat_edge.report.writing import beat_rows  # here, as a worker needs no more than the tables

    episodes = [{"recording": name, **asdict(episode)} for episode in scored.episodes]
    row = {
        **{key: value for key, value in scored.summary.items() if key in RECORDINGS},
        "recording": name,
        "status": PARTIAL if scored.partial else DONE,
        "reason": tell(scored.cut),
        "leads": ", ".join(scored.leads),
        "episodes": len(episodes),
        "warnings": "\n".join(map(tell, scored.warnings)),
    }
    beats = as_table(BEATS, ({"recording": name, **row} for row in beat_rows(scored)))
    return _with(beats, row, episodes)


def no_result(name: str, status: str, reason: str) -> "pa.Table":
    """A recording without a result, as ``result`` has those with one.

    >>> row, episodes = parts_of(no_result("a.edf", FAILED, "a.edf: found an empty file; expected EDF."))
    >>> row["status"], episodes
    ('failed', [])
    """
    return _with(as_table(BEATS, []), {"recording": name, "status": status, "reason": reason}, [])


def _with(beats, row, episodes):
    return beats.replace_schema_metadata({"row": json.dumps(row), "episodes": json.dumps(episodes)})


def parts_of(table: "pa.Table") -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of ``recordings``, and those of ``episodes``, that lie beside a recording's beats."""
    return json.loads(table.schema.metadata[b"row"]), json.loads(table.schema.metadata[b"episodes"])


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a recording's row while others are scored.

    >>> told({"recording": "a.edf", "status": "failed"})
    {'status': 'failed', 'seconds': 0.0}
    """
    return {"status": row["status"], "seconds": row.get("seconds") or 0.0}
