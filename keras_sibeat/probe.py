"""``python -m keras_sibeat.probe RUN [--data DIR] [--report DIR]``: what a frozen embedding knows of classes.

SimCLR's own test: a linear classifier on features that were trained without labels, beside the same network
with random weights.
"""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_sibeat.data.beats import BeatSet
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError, command
from keras_sibeat.evaluate import print_results
from keras_sibeat.evaluation import describe
from keras_sibeat.models.simclr import OUTPUTS
from keras_sibeat.results import write_result
from keras_sibeat.run import Run
from keras_sibeat.scoring import predict
from keras_sibeat.stages.contrastive import build_contrastive
from keras_sibeat.stages.fitting import load

CLASSES = ("N", "S", "V", "F")  # Q has a handful of beats


def embed(discriminator, windows):
    """The embeddings ``(windows, units)`` of a discriminator."""
    return np.asarray(predict(discriminator, windows)[OUTPUTS.index("embedding")])


def linear_probe(train, train_classes, test, test_classes, seed=0):
    """Logistic regression from embeddings ``(beats, units)`` to classes, fitted to ``train``, on ``test``.

    The classes weigh the same, whatever their number of beats. Returns balanced accuracy, macro-averaged F1,
    and of each class its F1 and the AUC of its probability, one against the rest.
    """
    settings = {"class_weight": "balanced", "max_iter": 2000, "random_state": seed}
    model = make_pipeline(StandardScaler(), LogisticRegression(**settings)).fit(train, train_classes)
    found, probabilities = model.predict(test), model.predict_proba(test)
    metrics = {
        "balanced_accuracy": float(balanced_accuracy_score(test_classes, found)),
        "f1_macro": float(f1_score(test_classes, found, average="macro")),
    }
    of_classes = f1_score(test_classes, found, labels=model.classes_, average=None)
    for name, f1, probability in zip(model.classes_, of_classes, probabilities.T, strict=True):
        metrics[f"f1_{name}"] = float(f1)
        metrics[f"auc_{name}"] = float(roc_auc_score(test_classes == name, probability))
    return metrics


def probe(run, folds=None):
    """Probe every part of a contrastive run under ``inter_patient``: its discriminator, and an untrained one.

    The probe, unlike the network, learns from labels: those of the training wearers.

    Returns two results without a name, for the trained and for the random weights.

    Raises ``RunError`` for a run of another kind, or one that has not finished training.
    """
    config = run.config
    if not config.contrastive or config.protocol.name != "inter_patient":
        raise RunError(f"{run.folder}: expected a contrastive run under protocol inter_patient.")
    folds = folds or load_folds(config)
    metrics = {"trained": [], "random": []}
    for (number, seed), part in run.parts().items():
        fold = folds[number]
        labelled = BeatSet.join([fold.train, fold.learning_abnormal], fold.train.sha256)
        train, test = (beats.take(np.isin(beats.classes, CLASSES)) for beats in (labelled, fold.test))
        _, untrained = build_contrastive(config, *train.windows.shape[1:], seed, steps=1)
        for name, model in {"trained": load(part / "model.keras"), "random": untrained}.items():
            parts = [embed(model.discriminator, beats.windows) for beats in (train, test)]
            metrics[name].append(linear_probe(parts[0], train.classes, parts[1], test.classes, seed))
    described = {name: describe(config, folds, "none", values) for name, values in metrics.items()}
    described["trained"] |= {"versions": run.about["versions"], "commit": run.about["commit"]}
    return described


@command
def main(arguments=None):
    """Parse the command line, probe, print, report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="python -m keras_sibeat.probe", description="Linear probe of a run."
    )
    parser.add_argument("run", type=Path, help="the folder of a contrastive run under inter_patient")
    parser.add_argument("--data", type=Path, metavar="DIR", help="a local copy of the data")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write JSON here and RESULTS.md beside it")
    options = parser.parse_args(arguments)
    run = Run(options.run, options.data)
    folds = load_folds(run.config)
    run.check_data(folds)
    results = {f"probe-{run.config.name}-{name}": result for name, result in probe(run, folds).items()}
    print_results(Console(), results)
    if options.report:
        commands = [run.about["command"], shlex.join(("python", "-m", "keras_sibeat.probe", *arguments))]
        for name, result in results.items():
            write_result(options.report, name, {**result, "command": " && ".join(commands)})


if __name__ == "__main__":
    main()
