"""ANSI/AAMI EC57: what an algorithm calls each beat, against what experts called it.

Rows of a matrix are the experts' classes, columns the algorithm's. The standard's letters are kept: a beat
that only one of both found is ``O`` in the other's place, and one that the algorithm found without judging it
counts as not found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_sibeat.data.detection import TOLERANCE, match_beats

LEARNING = 300.0  # s at the beginning that are not counted
CLASSES = "NSVFQ"  # AAMI's: normal, supraventricular, ventricular, fusion, unknown
CALLED = "NSVO"  # what the algorithm calls a beat; O: nothing
NONE = "O"

Matrix = np.ndarray  # counts, (len(CLASSES) + 1, len(CALLED)); the last row are beats that no expert marked


@dataclass(frozen=True)
class Marks:
    """Beats at ``times`` (beats,), s, in order of time, with their ``labels`` (beats,): one letter each.

    >>> len(Marks(np.array([0.5, 1.3]), np.array(["N", "V"])).times)
    2
    """

    times: np.ndarray
    labels: np.ndarray

    def since(self, begin: float) -> "Marks":
        """The beats from ``begin`` on, s."""
        late = self.times >= begin
        return Marks(self.times[late], self.labels[late])


def match(experts: Marks, found: Marks, rate: float) -> np.ndarray:
    """For each of the experts' beats the number of the one found within 150 ms, or -1; by ``wfdb``."""
    beats, peaks = (np.round(marks.times * rate).astype(np.int64) for marks in (experts, found))
    return match_beats(beats, peaks, rate)


def beat_matrix(experts: Marks, found: Marks, rate: float, learning: float = LEARNING) -> Matrix:
    """The beats of a recording behind its first ``learning`` s, counted.

    Args:
        experts: labels of ``CLASSES``.
        found: labels ``N``, ``S`` and ``V``; an empty one is a beat that was not judged.
        rate: of the recording, Hz.
    """
    numbers = match(experts, found, rate)
    counts = np.zeros((len(CLASSES) + 1, len(CALLED)), np.int64)
    called = np.append(np.where(found.labels == "", NONE, found.labels), NONE)[numbers]
    for time, true, call in zip(experts.times, experts.labels, called, strict=True):
        if time >= learning:
            counts[CLASSES.index(true), CALLED.index(call)] += 1
    extra = np.setdiff1d(np.arange(len(found.times)), numbers)
    for number in extra:
        if found.times[number] >= learning and found.labels[number]:
            counts[-1, CALLED.index(found.labels[number])] += 1
    return counts


def class_figures(matrix: Matrix) -> dict[str, float]:
    """Sensitivity, positive predictivity and false positive rate for VEB and SVEB, and F1 of abnormal beats.

    As the standard says, a fusion beat (F) or an unknown one (Q) that is called V is no false VEB, and an
    unknown one called S no false SVEB. Of abnormal beats (S, V, F) called S or V the F1 leaves out Q.
    NaN where there is nothing to divide by.
    """
    counts = {
        (true, call): int(matrix[row, column])
        for row, true in enumerate(CLASSES + NONE)
        for column, call in enumerate(CALLED)
    }

    def total(true: str, called: str) -> int:
        return sum(counts[pair] for pair in ((t, c) for t in true for c in called))

    figures = {}
    for name, of, falsely in (("veb", "V", "NSO"), ("sveb", "S", "NVFO")):
        hits, false = total(of, of), total(falsely, of)
        rest = (CLASSES + NONE).replace(of, "")
        others = total(rest, CALLED.replace(of, "").replace(NONE, ""))
        figures[f"{name}_se"] = _share(hits, total(of, CALLED))
        figures[f"{name}_pp"] = _share(hits, hits + false)
        figures[f"{name}_fpr"] = _share(false, false + others)
    hits, false = total("SVF", "SV"), total("NO", "SV")
    figures["se"], figures["pp"] = _share(hits, total("SVF", CALLED)), _share(hits, hits + false)
    figures["f1"] = _share(2 * hits, hits + false + total("SVF", CALLED))
    return figures


def false_abnormal(matrix: Matrix) -> int:
    """Beats called S or V that are normal, or none at all."""
    return int(matrix[[0, -1]][:, [CALLED.index("S"), CALLED.index("V")]].sum())


def runs(marks: Marks, label: str, least: int = 3) -> list[tuple[float, float]]:
    """First and last times of rows of at least ``least`` beats of a ``label``."""
    is_one = np.concatenate([[False], marks.labels == label, [False]])
    edges = np.flatnonzero(np.diff(is_one.astype(int)))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(float(marks.times[a]), float(marks.times[b - 1])) for a, b in pairs if b - a >= least]


def run_counts(experts: Marks, found: Marks, label: str, learning: float = LEARNING) -> dict[str, int]:
    """How many runs of a ``label`` there are, how many are met by one that was found, and the reverse."""
    true, called = ([run for run in runs(marks, label) if run[0] >= learning] for marks in (experts, found))
    return {
        "true": len(true),
        "met": sum(any(_overlap(run, other) for other in called) for run in true),
        "called": len(called),
        "right": sum(any(_overlap(run, other) for other in true) for run in called),
    }


def burden(marks: Marks, label: str, learning: float = LEARNING) -> float:
    """Share of the judged beats behind ``learning`` s with a ``label``, in percent; NaN without beats."""
    labels = marks.since(learning).labels
    judged = labels[labels != ""]
    return 100 * float(np.mean(judged == label)) if len(judged) else np.nan


def limits_of_agreement(differences: Sequence[float]) -> dict[str, float]:
    """Mean difference and the limits between which 95 % lie, by Bland and Altman; NaN do not count.

    >>> limits_of_agreement([0.0, 2.0])["mean"]
    1.0
    """
    known = np.asarray(differences, float)
    known = known[np.isfinite(known)]
    mean, sd = (float(known.mean()), float(known.std(ddof=1))) if len(known) > 1 else (np.nan, np.nan)
    return {"mean": mean, "low": mean - 1.96 * sd, "high": mean + 1.96 * sd}


def _overlap(run: tuple[float, float], other: tuple[float, float]) -> bool:
    return run[0] <= other[1] + TOLERANCE and other[0] <= run[1] + TOLERANCE


def _share(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def average(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over records; a record where it is NaN does not count.

    >>> average([{"veb_se": 1.0}, {"veb_se": np.nan}])
    {'veb_se': 1.0}
    """
    return {name: _mean([row[name] for row in rows]) for name in rows[0]}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan
