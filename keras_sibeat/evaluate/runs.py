"""What a trained run, or a baseline, is worth on its test folds."""

import time
from functools import partial

import keras
import numpy as np

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate import plots
from keras_sibeat.evaluate.baselines import baseline_scores
from keras_sibeat.evaluate.metrics import (
    auc_per_class,
    auc_per_record,
    evaluate_scores,
    threshold_for,
    usual_score,
)
from keras_sibeat.evaluate.summary import summarise
from keras_sibeat.evaluate.wearers import measure_own_thresholds, measure_wearers
from keras_sibeat.files import write_json
from keras_sibeat.models.inference import rebuild, rebuild_scores, residuals, score_parts
from keras_sibeat.models.size import count_multiply_adds, count_parameters
from keras_sibeat.models.tflite import convert
from keras_sibeat.presets.loading import describe_preset
from keras_sibeat.presets.making import open_preset
from keras_sibeat.train.beatgan import select
from keras_sibeat.train.fitting import load
from keras_sibeat.train.run import current_commit, installed_versions, parts_of, read_history
from keras_sibeat.train.separation import separation
from keras_sibeat.train.student import as_scorer, load_scorer


def evaluate(run, folds=None, selection=None):
    """Score the test windows of every fold and seed of a run; write metrics and plots into its folder.

    Args:
        run: a finished ``Run``.
        folds: its folds, where they are loaded already.
        selection: ``label_free`` or ``labelled``; the run's own by default.

    Returns the result as ``results/`` holds it, without a name.

    Raises ``RunError`` for a run that has not finished training.
    """
    selection = selection or run.config.protocol.selection
    if run.config.contrastive and selection == "labelled":
        raise RunError(
            f"{run.folder}: a contrastive run has no epoch selected with labels; expected label_free."
        )
    folds = folds or load_folds(run.config)
    metrics, per_record, histories, seconds, left_out = [], [], {}, 0.0, {}
    for (number, seed), part in run.parts().items():
        rows = read_history(part / "history.csv")
        if len(rows) < run.config.epochs:
            raise RunError(
                f"{part}: found {len(rows)} epochs of {run.config.epochs}; expected a finished run."
            )
        fold = folds[number]
        chosen = rows[-1] if run.config.contrastive else select(rows, selection)
        scorer, generator, judge = _load_scorer(run.config, part, selection)
        parts = judge(fold.test.inputs)
        validation, scores = judge(fold.validation.inputs)["score"], parts.pop("score")
        is_normal, rate = ~fold.is_abnormal(fold.validation), run.config.evaluate.false_alarm_rate
        threshold = threshold_for(validation[is_normal], rate)
        per_record.append(auc_per_record(scores, fold.test, fold.normal))
        left_out.setdefault(seed, []).append((scores, fold.test))
        usual = usual_score(validation, fold.validation, is_normal, threshold, rate)
        measured = measure(run.config, scores, fold, threshold, usual)
        alone = {
            f"{name}_{metric}": value
            for name, values in parts.items()
            for metric, value in _alone(run.config, values, fold).items()
        }
        if run.config.student:  # what the default student is chosen by
            alone |= {name: value for name, value in chosen.items() if name.startswith("validation_")}
        metrics.append({**measured, **alone, "selected_epoch": chosen["epoch"]})
        histories[part.name] = [{name: float(f"{value:.6g}") for name, value in row.items()} for row in rows]
        for history in part.rglob("history.csv"):  # of the stages before, too
            seconds += sum(row["seconds"] for row in read_history(history))
        suffix = "" if selection == run.config.protocol.selection else f"-{selection}"
        write_json(part / f"metrics{suffix}.json", {**metrics[-1], "threshold": threshold})
        _plot(part / f"plots{suffix}", run, rows, generator, fold, scores, threshold)
    result = describe(run.config, folds, selection, metrics, per_record, seconds)
    result |= {"versions": run.about["versions"], "commit": run.about["commit"]}  # those that trained
    result["model"] = {
        "parameters": count_parameters(scorer),
        "multiply_adds": count_multiply_adds(scorer),
    }
    if run.config.student:
        result["model"]["int8_bytes"] = len(convert(scorer, fold.train.inputs))
    if run.config.protocol.name == "leave_out" and len(run.config.protocol.folds) > 1:
        result["all_wearers"] = summarise([_measure_all(parts, fold.normal) for parts in left_out.values()])
    return {**result, "history": histories}


def _measure_all(parts, normal):
    """Metrics over the wearers of all folds, of the pairs of scores and beats of each, by its own model."""
    scores = np.concatenate([scores for scores, _ in parts])
    beats = BeatSet.join([test for _, test in parts], parts[0][1].sha256)
    pooled = separation(scores, beats.classes != normal)
    return {
        **pooled,
        **auc_per_class(scores, beats.classes, normal),
        **measure_wearers(scores, beats, normal),
    }


def _load_scorer(config, part, selection):
    """What a part's model scores with: the model, what rebuilds a beat (or None), and the function from
    windows to scores by name, of which ``score`` is the model's own.
    """
    if config.student:
        network = load(part / "student.keras")
        scorer = as_scorer(network)
        if not config.student.distil:
            return network, None, partial(score_parts, scorer)
        teacher, rebuilding = load_scorer(config, part), None
        if config.has_residuals:
            whole = load(part / "residuals.keras")
            rebuilding = keras.Model(whole.input, whole.get_layer("rebuilt").output)

        def judge(windows):
            theirs = score_parts(teacher, windows)["score"]
            return {**score_parts(scorer, windows), "teacher": theirs}

        return network, rebuilding, judge
    if config.contrastive:
        scorer = load(part / "scorer.keras")
        rebuilding = None if config.wearer else scorer.get_layer("generator")
        return scorer, rebuilding, partial(score_parts, scorer)
    generator = load(part / f"{selection}.keras").generator
    return generator, generator, lambda windows: {"score": rebuild_scores(generator, windows)}


def evaluate_preset(name, data=None):
    """A preset on the test fold that it was measured on: results ``measured`` and as it ``ships``.

    Raises ``ConfigError`` for an unknown preset or no data, and ``DataError`` for other data.
    """
    network, config, fold = open_preset(name, data)
    about = describe_preset(name)
    scores = score_parts(as_scorer(network), fold.test.inputs)["score"]
    threshold = about["metrics"]["threshold"]
    measured = measure(config, scores, fold, threshold)
    shipped = {key: about["metrics"][key] for key in measured}
    return {key: {"metrics": summarise([v])} for key, v in {"measured": measured, "ships": shipped}.items()}


def evaluate_baseline(config, name, folds=None):
    """Score every fold and seed of a configuration by a baseline; returns the result without a name."""
    folds = folds or load_folds(config)
    metrics, per_record, started = [], [], time.perf_counter()
    for number, seed in parts_of(config):
        fold = folds[number]
        validation, scores = baseline_scores(name, fold, seed)
        is_normal = ~fold.is_abnormal(fold.validation)
        threshold = threshold_for(validation[is_normal], config.evaluate.false_alarm_rate)
        per_record.append(auc_per_record(scores, fold.test, fold.normal))
        metrics.append(measure(config, scores, fold, threshold))
    return describe(config, folds, "none", metrics, per_record, time.perf_counter() - started)


def _alone(config, scores, fold):
    """What one part of a score separates by itself; of wearers never seen, also within a record."""
    found = separation(scores, fold.is_abnormal(fold.test))
    aucs = list(auc_per_record(scores, fold.test, fold.normal).values())
    if config.protocol.is_of_wearers and aucs:
        found["auc_record"] = float(np.mean(aucs))
    return found


def measure(config, scores, fold, threshold, usual=None):
    """Metrics of the test beats' ``scores`` at the ``threshold``.

    Given the ``usual_score`` of it, where wearers are kept apart those at their own thresholds, too.
    """
    metrics = evaluate_scores(scores, fold.test, fold.normal, threshold)
    if config.protocol.is_of_wearers:
        metrics |= measure_wearers(scores, fold.test, fold.normal)
        if usual is not None:
            metrics |= measure_own_thresholds(scores, fold.test, fold.normal, threshold, usual)
    return metrics


def describe(config, folds, selection, metrics, per_record=(), seconds=0.0):
    """What a result says besides its name and command: configuration, data and versions behind its metrics.

    Args:
        metrics: list of a dictionary for each fold and seed.
        per_record: the same for the AUC of each record, where wearers are kept apart.
        seconds: that training, or scoring, took.
    """
    result = {
        "protocol": config.protocol.name,
        "folds": list(config.protocol.folds),
        "seeds": list(config.seeds),
        "selection": selection,
        "metrics": summarise(metrics),
        "config": config.describe(),
        "data_sha256": next(iter(folds.values())).train.sha256,
        "versions": installed_versions(),
        "commit": current_commit(),
        "seconds": round(seconds, 1),
    }
    if per_record and config.protocol.is_of_wearers:
        names = sorted({name for part in per_record for name in part})
        found = {name: [{name: part[name]} for part in per_record if name in part] for name in names}
        result["auc_per_record"] = {name: summarise(parts)[name] for name, parts in found.items()}
    return result


def _plot(folder, run, rows, generator, fold, scores, threshold):
    plots.plot_history(rows, folder / "history.png")
    plots.plot_curves(scores, fold.is_abnormal(fold.test), folder / "curves.png")
    plots.plot_scores(scores, fold.test.classes, threshold, folder / "scores.png")
    middles = []  # the window of the median score of each class: neither the best nor the worst
    for name in np.unique(fold.test.classes):
        rows_of_class = np.flatnonzero(fold.test.classes == name)
        middles.append(rows_of_class[np.argsort(scores[rows_of_class])[len(rows_of_class) // 2]])
    if generator is None:
        return
    windows = fold.test.windows[middles]
    rebuilt = rebuild(generator, windows)
    titles = fold.test.classes[middles]
    plots.plot_rebuilt(
        list(zip(titles, windows, rebuilt, residuals(windows, rebuilt), strict=True)), folder / "rebuilt.png"
    )
    if run.config.protocol.name == "series":
        _plot_strips(folder, generator, fold)


def _plot_strips(folder, generator, fold):
    """The first series of each class, every step with the mean residual of the windows that hold it."""
    for name in np.unique(fold.test.classes):
        record = fold.test.records[fold.test.classes == name][0]
        part = fold.test.take(fold.test.records == record)
        windows, length = part.windows, part.windows.shape[1]
        series = np.zeros((part.samples[-1] + length, windows.shape[2]))
        heat, count = np.zeros(len(series)), np.zeros(len(series))
        for start, window, residual in zip(
            part.samples, windows, residuals(windows, rebuild(generator, windows)), strict=True
        ):
            series[start : start + length] = window
            heat[start : start + length] += residual
            count[start : start + length] += 1
        plots.plot_strip(f"{name} {record}", series, heat / count, folder / f"strip-{name}.png")


def result_name(config, selection=None, baseline=None, exported=False):
    """The result's name: the configuration's, with the baseline, another selection than its own, or int8."""
    name = config.name
    if baseline:
        variant = name.removeprefix("beatgan").removeprefix("-")
        name = f"baseline-{baseline}" + (f"-{variant}" if variant else "")
    elif variant := "int8" if exported else selection if selection != config.protocol.selection else None:
        stem = name.removesuffix("-inter")
        name = f"{stem}-{variant}{name[len(stem) :]}"
    return name
