"""What a device decides about whole annotated recordings: kinds of beats, episodes, and what it tells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_sibeat.data.detection import TOLERANCE
from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.recording import Recording, read_recording
from keras_sibeat.errors import DataError
from keras_sibeat.evaluate.ec57_tables import (
    LEARNING,
    Marks,
    average,
    beat_matrix,
    burden,
    class_figures,
    false_abnormal,
    limits_of_agreement,
    match,
    run_counts,
)
from keras_sibeat.evaluate.recordings import annotated_beats
from keras_sibeat.evaluate.summary import summarise
from sibeat_edge.beats.episodes import (
    FREQUENT_ECTOPY,
    IRREGULAR_RHYTHM,
    PAUSE,
    RATED,
    RUN,
    SLOW,
    SLOW_ENDS,
    AlarmPolicy,
    Episode,
    Episodes,
)
from sibeat_edge.beats.timing import SCATTERED
from sibeat_edge.errors import ModelError
from sibeat_edge.model.runtime import Model
from sibeat_edge.reading.leads import find_lead
from sibeat_edge.scorer import BLOCK, Beat, BeatScorer, revise
from sibeat_edge.signal.resampling import RATE

APART = 10.0  # s between false alarms that are one false episode
NEAR = 10.0  # s around an episode in which the experts' beats have to bear it out
MINUTE = 60.0  # s
NINE_IN_TEN = 0.9  # share of further wearers for whom a rate is promised
JUDGEMENTS = ("first", "last")
RUN_COUNTS = ("true", "met", "called", "right")


@dataclass(frozen=True)
class Decided:
    """What was decided about one recording.

    Attributes:
        record, wearer: its name, and that of who wore it.
        hours: behind the learning period.
        rate: Hz.
        experts: their beats, by AAMI's classes.
        judged: the beats found, by judgement: ``first``, as they were told, and ``last``, as revised.
        told: episodes that were told, as the stream went on.

    >>> nothing = Marks(np.zeros(0), np.zeros(0, "U1"))
    >>> Decided("100", 0.4, 360.0, nothing, {"last": nothing}, []).record
    '100'
    """

    record: str
    hours: float
    rate: float
    experts: Marks
    judged: dict[str, Marks]
    told: list[Episode]
    wearer: str = ""


def decide(model: Model, recording: Recording) -> Decided:
    """Play an annotated recording through the device's way, at its defaults.

    The lead is the model's, or the first one if the recording has no such lead.

    Ventricular flutter and fibrillation, between the marks ``[`` and ``]``, are left out, as EC57 does.
    Raises ``DataError`` for a recording without annotations.
    """
    scorer, episodes, policy = BeatScorer(model, recording.rate), Episodes(), AlarmPolicy()
    places = [find_lead(lead, recording.leads) for lead in model.manifest["signal"]["leads"]]
    column = next((place for place in places if place is not None), 0)
    size, samples = max(1, round(BLOCK * recording.rate)), recording.signal[:, column].astype(np.float64)
    first: list[Beat] = []
    last: list[Beat] = []
    told: list[Episode] = []
    for begin in range(0, len(samples) + size, size):
        found = scorer.push(samples[begin : begin + size]) if begin < len(samples) else scorer.finish()
        first += found
        last += found
        revise(last, scorer.revisions)
        told += [e for beat in found for e in policy.push(episodes.push(beat), beat.time)]
    peaks, classes = annotated_beats(recording)
    flutter = _flutter(recording)
    return Decided(
        recording.name,
        _hours(len(samples) / recording.rate, flutter),
        recording.rate,
        _outside(Marks(peaks / RATE, classes), flutter),
        {"first": _outside(_marks(first), flutter), "last": _outside(_marks(last), flutter)},
        [e for e in told if not any(begin <= e.start <= end for begin, end in flutter)],
        recording.person,
    )


def _hours(seconds, flutter):
    """Hours behind the learning period, without flutter."""
    spans = ((max(begin, LEARNING), min(end, seconds)) for begin, end in flutter)
    lost = sum(max(0.0, end - begin) for begin, end in spans)
    return max(0.0, seconds - LEARNING - lost) / 3600


def _marks(beats: Sequence[Beat]) -> Marks:
    labels = np.array([beat.kind for beat in beats], "U1")
    return Marks(np.array([beat.time for beat in beats], float), labels)


def _flutter(recording: Recording) -> list[tuple[float, float]]:
    """Begin and end of each ventricular flutter or fibrillation, s."""
    marks = recording.annotations
    assert marks is not None  # as the beats were read from them
    times = marks.samples / recording.rate
    begins, ends = (times[marks.symbols == symbol] for symbol in "[]")
    return [(begin, min([end for end in ends if end > begin], default=np.inf)) for begin in begins]


def _outside(marks: Marks, spans: Sequence[tuple[float, float]]) -> Marks:
    kept = np.ones(len(marks.times), bool)
    for begin, end in spans:
        kept &= (marks.times < begin) | (marks.times > end)
    return Marks(marks.times[kept], marks.labels[kept])


def record_figures(decided: Decided, judgement: str = "last") -> dict[str, Any]:
    """The figures of one recording, and the matrix that they are of."""
    experts, found = decided.experts, decided.judged[judgement]
    matrix = beat_matrix(experts, found, decided.rate)
    figures: dict[str, Any] = class_figures(matrix)
    for name, label in (("veb", "V"), ("sveb", "S")):
        figures[f"{name}_burden_error"] = burden(found, label) - burden(experts, label)
        runs = run_counts(experts, found, label)
        figures |= {f"{name}_runs_{what}": count for what, count in runs.items()}
    return {
        **figures,
        "false_alarms": false_abnormal(matrix),
        "false_episodes": _episodes(_false_times(decided, judgement)),
        "false_told": len(_false_told(decided)),
        "told": sum(e.start >= LEARNING for e in decided.told),
        "matrix": matrix,
    }


def _false_times(decided, judgement):
    """Times of beats that were called S or V, and are normal or none, behind the learning period."""
    found, experts = decided.judged[judgement], decided.experts
    numbers = match(experts, found, decided.rate)
    is_true = np.isin(np.arange(len(found.times)), numbers[experts.labels != "N"])
    return found.times[np.isin(found.labels, ["S", "V"]) & (found.times >= LEARNING) & ~is_true]


def _episodes(times):
    """How many groups of ``times`` there are with more than ``APART`` between them."""
    return 1 + int(np.sum(np.diff(times) > APART)) if len(times) else 0


def _false_told(decided):
    """Episodes that were told, and that the experts' beats do not bear out."""
    return [e for e in decided.told if e.start >= LEARNING and not _is_borne_out(e, decided.experts)]


def _is_borne_out(episode, experts):
    """Whether what an episode says is so by the experts' beats, within ``NEAR`` s of it.

    A pause and a slow heart by their intervals, an irregular rhythm by those between normal beats in the
    minute from its start on, and all others by three abnormal beats or more; frequent ones in that minute.
    """
    lasts = MINUTE if episode.what == FREQUENT_ECTOPY else NEAR  # as it is told before its end
    begin, end = episode.start - NEAR, (episode.end or episode.start) + lasts
    intervals, after = np.diff(experts.times), experts.times[1:]
    near = intervals[(after >= begin) & (after <= end + RATED * SLOW)]
    if episode.what == "pause":
        return bool(np.any(near >= PAUSE - TOLERANCE))
    if episode.what == "bradycardia":
        slowest = [np.median(near[first : first + RATED]) for first in range(len(near) - RATED + 1)]
        return bool(slowest and max(slowest) >= SLOW_ENDS)
    if episode.what == IRREGULAR_RHYTHM:
        is_normal = (experts.labels[1:] == "N") & (experts.labels[:-1] == "N")
        minute = (after >= episode.start - NEAR) & (after <= episode.start + MINUTE)
        logs = np.log(intervals[is_normal & minute])
        return bool(len(logs) and np.diff(np.quantile(logs, [0.2, 0.8]))[0] > SCATTERED)
    abnormal = experts.times[np.isin(experts.labels, ["S", "V", "F"])]
    return int(np.sum((abnormal >= begin) & (abnormal <= end))) >= RUN


def summarise_decisions(all_decided: Sequence[Decided]) -> dict[str, float]:
    """The figures over several recordings: gross, so from the sum of their matrices, with the last judgement.

    - ``veb_se``, ``veb_pp``, ``veb_fpr``, the same of ``sveb``, and ``f1`` of any abnormal beat;
      ``…_average`` is the mean over records, ``…_first`` of the first judgement;
    - ``false_alarms_mean``, ``…_median`` and ``…_worst`` an hour, over wearers, and ``…_nine_in_ten``, which
      nine in ten further wearers stay below: beats called S or V that are normal or none;
    - ``false_episodes_…``, the same, false alarms closer than 10 s together counted once; ``told_…``, of
      episodes that a device tells; ``false_told_…``, of those that the experts' beats do not bear out;
    - ``veb_runs_se`` and ``veb_runs_pp`` of three or more V in a row, and the same of S;
    - ``veb_burden_error`` and ``sveb_burden_error``, mean absolute differences in percent of the beats,
      limits of agreement, and ``burden_error``, the mean of both.
    """
    figures: dict[str, float] = {}
    for judgement in JUDGEMENTS:  # the last one's rows and figures are used below
        rows = [record_figures(decided, judgement) for decided in all_decided]
        gross = class_figures(sum(row["matrix"] for row in rows))
        suffix = "" if judgement == "last" else "_first"
        figures |= {f"{name}{suffix}": value for name, value in gross.items()}
    mean = average([{name: row[name] for name in gross} for row in rows])
    figures |= {f"{name}_average": value for name, value in mean.items()}
    for name in ("false_alarms", "false_episodes", "false_told", "told"):
        figures |= _hourly(name, all_decided, [row[name] for row in rows])
    for kind in ("veb", "sveb"):
        total = {what: sum(row[f"{kind}_runs_{what}"] for row in rows) for what in RUN_COUNTS}
        figures[f"{kind}_runs_se"] = total["met"] / total["true"] if total["true"] else np.nan
        figures[f"{kind}_runs_pp"] = total["right"] / total["called"] if total["called"] else np.nan
        errors = [row[f"{kind}_burden_error"] for row in rows]
        figures |= {f"{kind}_burden_{what}": value for what, value in limits_of_agreement(errors).items()}
        known = np.abs([error for error in errors if np.isfinite(error)])
        figures[f"{kind}_burden_error"] = float(known.mean()) if len(known) else np.nan
    figures["burden_error"] = (figures["veb_burden_error"] + figures["sveb_burden_error"]) / 2
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def _hourly(name, all_decided, counts):
    """Quantiles over wearers of counts an hour."""
    hours = np.array([decided.hours for decided in all_decided])
    worn, recorded = np.array([decided.wearer or decided.record for decided in all_decided]), hours > 0
    _, places = np.unique(worn[recorded], return_inverse=True)
    found, time = (np.bincount(places, np.asarray(sums, float)[recorded]) for sums in (counts, hours))
    rates = found / time
    return {
        f"{name}_mean": float(found.sum() / time.sum()),
        f"{name}_median": float(np.median(rates)),
        f"{name}_nine_in_ten": _promise(rates),
        f"{name}_worst": float(rates.max()),
    }


def _promise(rates):
    """The rate that nine in ten further wearers stay below or meet, if they are exchangeable with these.

    By conformal prediction over wearers (Vovk et al. 2005): of n rates the ⌈0.9 (n + 1)⌉-th smallest. NaN for
    fewer than nine wearers, who promise nothing.
    """
    rank = int(np.ceil(NINE_IN_TEN * (len(rates) + 1)))
    return float(np.sort(rates)[rank - 1]) if rank <= len(rates) else np.nan


def measure_decisions(model: Model, recordings: Sequence[Recording]) -> dict[str, Any]:
    """``metrics`` of ``summarise_decisions`` over recordings, and of each its figures and its matrix.

    Raises as ``decide``, and ``DataError`` where no recording is longer than the learning period.
    """
    decided = [decide(model, recording) for recording in recordings]
    if not any(each.hours > 0 for each in decided):
        names = ", ".join(each.record for each in decided)
        raise DataError(f"Records {names}: expected one longer than {LEARNING:g} s, which are not counted.")
    rows = {each.record: record_figures(each) for each in decided}
    return {
        "metrics": summarise_decisions(decided),
        "records": {name: _plain(row) for name, row in rows.items()},
        "matrices": {name: row["matrix"].tolist() for name, row in rows.items()},
    }


def decide_folder(file: Path, folder: Path, names: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """The tables of a model's ``file`` over the annotated records of a ``folder``, by the folder's name.

    Raises ``DataError`` for a folder without records, ``ModelError`` for a model without a template.
    """
    model = Model(file)
    if not model.manifest["wearer"]:
        raise ModelError(f"{file}: found a model without a template; expected a wearer's, which names kinds.")
    recordings = [replace(read_recording(Path(folder) / n), name=n) for n in names or list_records(folder)]
    measured = measure_decisions(model, recordings)
    records = {name: summarise([row]) for name, row in measured["records"].items()}
    tables = {"metrics": summarise([measured["metrics"]]), "records": records}
    return {Path(folder).name: {**tables, "matrices": [measured["matrices"]]}}


def _plain(row):
    """The figures of a record that are numbers; None where there is nothing to divide by."""
    return {
        name: (None if not np.isfinite(value) else value) for name, value in row.items() if name != "matrix"
    }
