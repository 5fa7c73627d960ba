"""The protocol of series: which whole files train, validate and test."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.protocols import FOLDS, HELD_OUT, Fold
from keras_sibeat.errors import DataError


def split_series(beats: BeatSet, normal: str, test_records: Sequence[str] = (), seed: int = 0) -> Fold:
    """Whole files of one class train; the ``test_records`` and all other classes test.

    A tenth of the training files, drawn with the seed, validates. Without ``test_records`` a fifth of the
    normal files, drawn with the seed, tests.

    Raises ``DataError`` for a class without files, too few files, or a file that is not there.
    """
    is_normal = beats.classes == normal
    known, rng = np.unique(beats.records[is_normal]), np.random.default_rng(seed)
    if not len(known):
        found = ", ".join(np.unique(beats.classes).tolist())
        raise DataError(
            f"protocol.normal: found {normal!r} beside the classes {found} of data.groups; "
            "expected one of them."
        )
    notes = beats.notes
    if not len(test_records) and len(known) > 2:
        test_records = sorted(rng.choice(known, int(np.ceil(len(known) / FOLDS)), replace=False).tolist())
        notes = (
            *notes,
            f"Of class {normal}, {', '.join(test_records)} test, as protocol.test_records names none.",
        )
    absent = sorted(set(test_records) - set(known.tolist()))
    if absent:
        raise DataError(
            f"protocol.test_records: found {absent[0]}, which is no file of class {normal}; "
            "expected files of that class."
        )
    names = np.setdiff1d(known, test_records)
    if len(names) < 2 or not len(test_records):
        raise DataError(
            f"Class {normal}: found {len(names)} files to learn from and {len(test_records)} to test "
            "(protocol.test_records); expected at least 2 and 1."
        )
    beats = replace(beats, notes=notes)
    held_out = rng.choice(names, int(np.ceil(HELD_OUT * len(names))), replace=False)
    learning = is_normal & np.isin(beats.records, names)
    validating = learning & np.isin(beats.records, held_out)
    return Fold(beats.take(learning & ~validating), beats.take(validating), beats.take(~learning), normal)
