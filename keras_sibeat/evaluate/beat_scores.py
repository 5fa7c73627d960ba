"""Scored beats of whole recordings as a table, for statistics of one's own."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sibeat.data.detection import match_beats
from keras_sibeat.data.opening import Recorded, open_recording
from keras_sibeat.data.physionet import list_records
from keras_sibeat.data.recording import Recording
from keras_sibeat.errors import ConfigError, DataError
from keras_sibeat.evaluate.int8 import find_export
from keras_sibeat.evaluate.recordings import annotated_beats
from keras_sibeat.train.run import Run
from sibeat_edge.beats.beat import Beat
from sibeat_edge.model.presets import choices, model_path
from sibeat_edge.model.runtime import Model
from sibeat_edge.scorer import BeatScorer, score_signal
from sibeat_edge.signal.resampling import RATE

if TYPE_CHECKING:
    from pandas import DataFrame

FILES = (".csv", ".edf", ".bdf")  # of recordings in a folder, beside WFDB records


def score_beats(
    model: Model | str | Path | bytes,
    recordings: Recorded | Sequence[Recorded] | Mapping[str, Recorded],
    rate: float | None = None,
    lead: str | Sequence[str] | None = None,
    threshold: float | None = None,
    personal: int | None = None,
    false_alarms_per_hour: float | None = None,
) -> "DataFrame":
    """The beats of recordings as the device judges them, a row each, in order of time.

    Args:
        model: a preset's name, the folder of an exported run, whose first fold and seed score, a ``.tflite``
            file, or a ``sibeat_edge.Model``.
        recordings: one or several, each as ``open_recording`` takes it, or a folder of WFDB records, EDF and
            CSV files. A mapping gives their names.
        rate, lead: as for ``open_recording``.
        threshold, personal, false_alarms_per_hour: set the threshold, as for ``sibeat_edge.BeatScorer``.

    Returns a table with the columns

    - ``record``, and ``time`` of the R-peak, s;
    - ``kind``, ``N``, ``S`` or ``V``, and ``why``, as ``sibeat_edge.Beat`` has them: empty without a score,
      and for a model without a template;
    - ``score`` and, of a wearer's model, ``shape`` and ``timing``: the score had the beat been on time, and
      that of the wearer's usual shape at the beat's time. NaN where there is none;
    - ``threshold``, at the recording's end, ``above``, whether the score lay above it as it was then, and
      ``alarm``;
    - ``quality``, ``good`` or why there is no score, ``snr``, dB, and ``rr``, s since the beat before;
    - ``irregular``, whether the rhythm is;
    - ``expert``, where a recording has annotations: the class (AAMI) of the annotated beat within 150 ms, or
      an empty text for a beat that the experts do not know. None where a recording has none.

    An annotated beat that was not detected has no row: ``keras_sibeat.evaluate`` counts those.

    Raises ``DataError`` or ``RecordError`` for recordings that cannot be read or share a name, and
    ``ModelError``, ``RunError`` or ``ConfigError`` for a model that is not there.

    >>> from keras_sibeat.data.synthetic import simulate_wearer
    >>> table = score_beats("mitdb-wearer", simulate_wearer(seed=0, seconds=90.0))
    >>> table.columns[:4].tolist()
    ['record', 'time', 'kind', 'why']
    >>> table.quality.value_counts().index[0], set(table.expert) <= {"", "F", "N", "S", "V"}
    ('good', True)
    """
    from pandas import DataFrame

    opened, rows = _open_model(model), []
    known: Counter[str] = Counter()
    for recording in _opened(recordings, rate, lead, opened.manifest["signal"]["leads"]):
        known[recording.name] += 1
        if known[recording.name] > 1:
            raise DataError(
                f"Record {recording.name}: found two of that name; expected different ones, which a mapping "
                "of names to recordings gives."
            )
        samples = recording.signal.astype(np.float64)
        scorer = BeatScorer(
            opened,
            recording.rate,
            threshold=threshold,
            personal=personal,
            false_alarms_per_hour=false_alarms_per_hour,
            parts=True,
        )
        beats = score_signal(scorer, samples)
        experts = _experts(recording, beats)
        rows += [
            _row(recording.name, beat, scorer.threshold, expert)
            for beat, expert in zip(beats, experts, strict=True)
        ]
    return DataFrame(rows, columns=list(_row("", Beat(0.0, None, False, "", None), 0.0, None)))


def _row(record, beat, threshold, expert):
    numbers = {name: _number(getattr(beat, name)) for name in ("score", "shape", "timing", "snr", "rr")}
    return {
        "record": record,
        "time": beat.time,
        "kind": beat.kind,
        "why": beat.why,
        **{name: numbers[name] for name in ("score", "shape", "timing")},
        "threshold": threshold,
        "above": beat.above,
        "alarm": beat.alarm,
        "quality": beat.quality,
        **{name: numbers[name] for name in ("snr", "rr")},
        "irregular": beat.irregular,
        "expert": expert,
    }


def _number(value):
    return np.nan if value is None else float(value)


def _experts(recording: Recording, beats: Sequence[Beat]) -> list[Any]:
    """The class of the annotated beat that each of the beats found is, as the experts have it."""
    if recording.annotations is None:
        return [None] * len(beats)
    annotated, classes = annotated_beats(recording)
    experts = np.full(len(beats), "", dtype="U1")
    match = match_beats(annotated, np.array([round(beat.time * RATE) for beat in beats], np.int64))
    experts[match[match >= 0]] = classes[match >= 0]
    return experts.tolist()


def _open_model(model: Model | str | Path | bytes) -> Model:
    if isinstance(model, Model | bytes):
        return model if isinstance(model, Model) else Model(model)
    path = model_path(model)
    if path.is_dir():
        run = Run(path)
        return Model(find_export(run, next(iter(run.parts().values())))[0])
    if path.suffix != ".tflite":
        raise ConfigError(
            f"{model}: found no run and no .tflite file of that name; expected one, or {choices(str(model))}."
        )
    return Model(path)


def _opened(recordings: Any, *options: Any) -> Iterator[Recording]:
    """The recordings, one after the other, by the names that they are to have."""
    if isinstance(recordings, Mapping):
        for name, recorded in recordings.items():
            yield replace(open_recording(recorded, *options), name=str(name))
    elif isinstance(recordings, str | Path) and Path(recordings).is_dir():
        for path in _paths(Path(recordings)):
            yield open_recording(path, *options)
    elif isinstance(recordings, list | tuple) and not np.isscalar(recordings[0] if recordings else 0.0):
        for recorded in recordings:
            yield from _opened(recorded, *options)
    else:
        yield open_recording(recordings, *options)


def _paths(folder):
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FILES)
    is_wfdb = not files or (folder / "RECORDS").is_file() or any(folder.glob("*.hea"))
    return [*(folder / name for name in (list_records(folder) if is_wfdb else ())), *files]
