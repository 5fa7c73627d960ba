"""What a trained run is worth on its test folds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_sibeat.config import Config
from keras_sibeat.config.chatter import held_back
from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.beat_files import join_tables, tabulate, write_beats
from keras_sibeat.evaluate.folds import measure, measure_all_wearers, measure_alone, set_thresholds
from keras_sibeat.evaluate.judges import open_judge
from keras_sibeat.evaluate.metrics import auc_per_record
from keras_sibeat.evaluate.part_plots import plot_part
from keras_sibeat.evaluate.summary import describe, not_measured, result_name, summarise
from keras_sibeat.files import write_json
from keras_sibeat.models.signature import without_names
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.models.tflite import convert
from keras_sibeat.train.beatgan import select, selections
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run, read_history

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Evaluated", "evaluate", "evaluate_part", "result_name", "tabulate_run"]


@dataclass(frozen=True)
class Evaluated:
    """What one trained part is worth on its test beats.

    Attributes:
        metrics: by name.
        scores: ``(beats,)`` of the test beats.
        threshold: that the validation normals set.
        network: that scored, and whose size counts.

    >>> Evaluated({"auc": 0.9}, np.array([0.1, 3.0]), 1.0, keras.Sequential()).alarms.tolist()
    [False, True]
    """

    metrics: dict[str, float]
    scores: np.ndarray
    threshold: float
    network: keras.Model

    @property
    def alarms(self) -> np.ndarray:
        """``(beats,)`` whether the score lies above the threshold."""
        return self.scores > self.threshold


def evaluate(
    run: Run,
    folds: Mapping[int, Fold] | None = None,
    selection: str | None = None,
    beats_file: Path | None = None,
) -> dict[str, Any]:
    """Score the test windows of every fold and seed of a run; write metrics and plots into its folder.

    Args:
        run: a finished one.
        folds: its folds, where they are loaded already.
        selection: ``label_free`` or ``labelled``; the run's own by default.
        beats_file: gets the table of the test beats' scores, as ``write_beats`` writes it.

    Returns the result as ``results/`` holds it, without a name.

    Raises ``RunError`` for a run that has not finished training, or has no such selection.
    """
    config, selection = run.config, selection or run.config.protocol.selection
    if config.contrastive and selection == "labelled":
        raise RunError(
            f"{run.folder}: a contrastive run has no epoch selected with labels; expected label_free."
        )
    folds = folds or load_folds(config)
    histories = {part.name: _finished_history(config, part) for part in run.parts().values()}
    if any(selection not in selections(rows) for rows in histories.values()):
        raise RunError(
            f"{run.folder}: found no epoch selected with labels, as no validation beat is abnormal; "
            "expected label_free."
        )
    found: list[Evaluated] = []
    tested: dict[int, list[tuple[np.ndarray, np.ndarray, BeatSet]]] = {}
    for (number, seed), part in run.parts().items():
        fold = folds[number]
        evaluated = evaluate_part(config, part, fold, selection, histories[part.name])
        tested.setdefault(seed, []).append((evaluated.scores, evaluated.alarms, fold.test))
        found.append(evaluated)
    if beats_file:
        write_beats(_tabulate(run, folds, found), beats_file)
    per_record = [
        auc_per_record(evaluated.scores, folds[number].test, folds[number].normal)
        for (number, _), evaluated in zip(run.parts(), found, strict=True)
    ]
    metrics = [evaluated.metrics for evaluated in found]
    result = describe(config, folds, selection, metrics, per_record, _training_seconds(run))
    result |= {key: run.about[key] for key in ("versions", "commit")}  # those that trained
    result["models_sha256"] = depends_on(run, selection)
    result["model"] = _size(config, found[-1].network, fold)
    if config.protocol.name == "leave_out" and len(config.protocol.folds) > 1:
        result["all_wearers"] = summarise(
            [measure_all_wearers(parts, fold.normal) for parts in tested.values()]
        )
    rounded = {
        name: [{key: float(f"{value:.6g}") for key, value in row.items()} for row in rows]
        for name, rows in histories.items()
    }
    return {**result, "history": rounded}


def evaluate_part(
    config: Config, part: Path, fold: Fold, selection: str, rows: list[dict[str, float]]
) -> Evaluated:
    """Score the test windows of the ``fold`` by the model in ``part``; write its metrics and plots there.

    Args:
        rows: the part's history.
    """
    chosen = rows[-1] if config.contrastive else select(rows, selection)
    judge = open_judge(config, part, selection)
    scores = judge.judge(fold.test.inputs)
    validation = judge.judge(fold.validation.inputs)["score"]
    threshold, usual = set_thresholds(config, validation, fold)
    own = scores.pop("score")
    metrics = measure(config, own, fold, threshold, usual)
    for name, values in scores.items():
        alone = measure_alone(config, values, fold)
        metrics |= {f"{name}_{metric}": value for metric, value in alone.items()}
    if config.student:  # what the default student is chosen by
        metrics |= {name: value for name, value in chosen.items() if name.startswith("validation_")}
    metrics["selected_epoch"] = chosen["epoch"]
    suffix = "" if selection == config.protocol.selection else f"-{selection}"
    missing = {"not_measured": told} if (told := not_measured({0: fold})) else {}
    write_json(part / f"metrics{suffix}.json", {**metrics, "threshold": threshold, **missing})
    plot_part(part / f"plots{suffix}", config, rows, judge.generator, fold, own, validation, threshold)
    return Evaluated(metrics, own, threshold, judge.network)


def tabulate_run(run: Run, folds: Mapping[int, Fold]) -> "DataFrame":
    """The table of the scores of the test beats of a finished ``run``, as ``tabulate`` makes it.

    Raises ``RunError`` for a run that has not finished training.
    """
    config, found = run.config, []
    for (number, _), part in run.parts().items():
        _finished_history(config, part)
        judge, fold = open_judge(config, part, config.protocol.selection), folds[number]
        threshold, _ = set_thresholds(config, judge.judge(fold.validation.inputs)["score"], fold)
        found.append(Evaluated({}, judge.judge(fold.test.inputs)["score"], threshold, judge.network))
    return _tabulate(run, folds, found)


def _tabulate(run, folds, found):
    return join_tables(
        tabulate(folds[number].test, part.scores, part.alarms, folds[number].normal, number, seed)
        for (number, seed), part in zip(run.parts(), found, strict=True)
    )


def _finished_history(config, part):
    rows = read_history(part / "history.csv")
    if len(rows) < config.epochs:
        raise RunError(f"{part}: found {len(rows)} epochs of {config.epochs}; expected a finished run.")
    return rows


def _training_seconds(run):
    """Of all stages of all parts."""
    files = [file for part in run.parts().values() for file in part.rglob("history.csv")]
    return sum(row["seconds"] for file in files for row in read_history(file))


def _size(config, network, fold):
    size = {"parameters": count_parameters(network), "multiply_adds": count_multiply_adds(network)}
    if config.student:
        with held_back():  # the converter's settings
            size["int8_bytes"] = len(without_names(convert(network, fold.train.inputs)))
    return size
