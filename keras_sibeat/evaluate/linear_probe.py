"""What a frozen embedding knows of classes.

SimCLR's own test: a linear classifier on features that were trained without labels, beside the same network
with random weights.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.runs import describe
from keras_sibeat.models.inference import predict
from keras_sibeat.models.simclr import OUTPUTS
from keras_sibeat.train.contrastive import build_contrastive
from keras_sibeat.train.fitting import load

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
