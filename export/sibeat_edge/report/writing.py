"""Scored beats as JSON, CSV and WFDB annotations; files are written whole or not at all.

In WFDB annotations a beat is ``N``, ``S`` or ``V``, as its kind is, and ``Q`` (unclassifiable) if it was not
scored, so that WFDB's ``bxb`` can count them. Of a model without a template, which names no kinds, an alarm
is ``?``, WFDB's one symbol for an abnormal beat that claims nothing. Each annotation's note is the beat's
score, or the reason for having none.
"""

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sibeat_edge.files import whole_file
from sibeat_edge.marks import COLUMNS, GENERATOR, TABLE
from sibeat_edge.report.scored import Scored
from sibeat_edge.report.table import WIDTH, as_table
from sibeat_edge.scorer import Beat

NO_ALARM, SUPRAVENTRICULAR, VENTRICULAR, ALARM, NOT_SCORED, COMMENT = 'NSV?Q"'
FLAGS = ("alarm", "doubted", "irregular")
LONGEST_NOTE = 255  # bytes, by WFDB's format


def sample_number(scored: Scored, beat: Beat) -> int:
    """Sample of the beat's R-peak at the recording's own rate, from its start."""
    return round(beat.time * scored.rate)


def beat_rows(scored: Scored) -> Iterator[dict[str, Any]]:
    """Each beat's ``COLUMNS`` as a dictionary: time and RR interval in s, the SNR in dB."""
    for beat in scored.beats:
        rr = None if beat.rr is None else round(beat.rr, 6)
        place = round(beat.time, 6), sample_number(scored, beat)
        snr = None if beat.snr is None else round(beat.snr, 2)
        judged = beat.why, snr, beat.doubted, beat.kind, beat.irregular
        values = *place, beat.score, beat.alarm, beat.reason, rr, *judged
        yield dict(zip(COLUMNS, values, strict=True))


def as_json(scored: Scored) -> str:
    """The summary, what was not scored, warnings, and the beats, a line a beat, as a JSON text."""
    head = {
        "generator": GENERATOR,
        **{("beats_found" if name == "beats" else name): value for name, value in scored.summary.items()},
        "episodes": [asdict(episode) for episode in scored.episodes],
        "unscored_beats": scored.unscored,
        "not_scored_seconds": scored.not_scored,
        "warnings": list(scored.warnings),
        "notice": scored.manifest["notice"],
    }
    beats = ",\n    ".join(json.dumps(row, allow_nan=False) for row in beat_rows(scored))
    text = json.dumps(head, indent=2, ensure_ascii=False, allow_nan=False)
    return f'{text.removesuffix("}").rstrip()},\n  "beats": [\n    {beats}\n  ]\n}}\n'


def as_csv(scored: Scored) -> str:
    """The beats as CSV, with a row of headings.

    ``alarm``, ``doubted`` and ``irregular`` are 0 or 1, and a cell without a value is empty.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows({**row, **{name: int(row[name]) for name in FLAGS}} for row in beat_rows(scored))
    return text.getvalue()


def write_text(text: str, path: str | Path) -> None:
    """Write ``text`` to ``path``, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_results(scored: Scored, form: str, path: str | Path) -> None:
    """Write the beats to ``path``, whole or not at all, as a ``table``, ``json``, ``csv`` or ``wfdb``."""
    if form == "wfdb":
        write_annotations(scored, path)
    elif form == "table":
        write_text(f"{TABLE}\n\n{as_table(scored, WIDTH)}", path)
    else:
        write_text(as_json(scored) if form == "json" else as_csv(scored), path)


def write_annotations(scored: Scored, path: str | Path) -> None:
    """Write the beats as the WFDB annotation file ``path``: ``rdann(record, extension)`` reads it.

    A comment at sample 1 names the model, the threshold and the symbols; wfdb hides comments at sample 0.
    """
    import wfdb  # here, as a device that streams its beats needs no files

    legend = f"{GENERATOR}: {scored.manifest['name']}: {_legend(scored)}, {NOT_SCORED} = not scored"
    rows = [(sample_number(scored, beat), _symbol(beat), _note(beat)) for beat in scored.beats]
    rows = sorted([(1, COMMENT, legend), *rows], key=lambda row: row[0])
    samples, symbols, notes = zip(*rows, strict=True)
    with whole_file(path) as partial, tempfile.TemporaryDirectory() as folder:
        # wfdb restricts the names of records and extensions, and writes in place.
        wfdb.wrann(
            "beats",
            "sib",
            np.array(samples),
            np.array(symbols),
            aux_note=[_fits(note) for note in notes],
            fs=scored.rate,
            write_dir=folder,
        )
        shutil.copyfile(f"{folder}/beats.sib", partial)


def _legend(scored):
    if scored.manifest["wearer"]:
        return f"{NO_ALARM} = normal, {SUPRAVENTRICULAR} = premature, {VENTRICULAR} = of another shape"
    return f"{ALARM} = alarm (score above {scored.threshold:.6g}), {NO_ALARM} = no alarm"


def _symbol(beat):
    if beat.score is None:
        return NOT_SCORED
    if beat.kind:
        return beat.kind
    return ALARM if beat.alarm else NO_ALARM


def _note(beat):
    if beat.score is None:
        return f"not scored: {beat.reason}"
    return f"score {beat.score:.6g}" + (f", {beat.why}" if beat.why else "")


def _fits(note):
    """ASCII, as WFDB's notes are, and no longer than the format has room for."""
    return note.encode("ascii", "replace").decode()[:LONGEST_NOTE]
