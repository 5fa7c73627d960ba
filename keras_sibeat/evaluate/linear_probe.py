"""What a frozen embedding knows of the classes.

SimCLR's own test: a linear classifier on features that were trained without labels, beside the same network
with random weights.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_sibeat.data.beatset import BeatSet
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.errors import RunError
from keras_sibeat.evaluate.summary import describe
from keras_sibeat.models.inference import predict
from keras_sibeat.models.outputs import discriminator_outputs
from keras_sibeat.train.contrastive import build_contrastive
from keras_sibeat.train.fitting import load
from keras_sibeat.train.provenance import depends_on
from keras_sibeat.train.run import Run

CLASSES = ("N", "S", "V", "F")  # Q has a handful of beats


def embed(discriminator: keras.Model, windows: np.ndarray) -> np.ndarray:
    """The embeddings ``(windows, units)`` of a discriminator."""
    return np.asarray(discriminator_outputs(predict(discriminator, windows))["embedding"])


def linear_probe(
    train: np.ndarray, train_classes: np.ndarray, test: np.ndarray, test_classes: np.ndarray, seed: int = 0
) -> dict[str, float]:
    """Logistic regression from embeddings ``(beats, units)`` to classes, fitted to ``train``, on ``test``.

    The classes weigh the same, whatever their number of beats. Returns balanced accuracy, macro-averaged F1,
    and of each class that both have its F1 and the AUC of its probability, one against the rest.
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
        if not (test_classes == name).any():
            continue
        metrics[f"f1_{name}"] = float(f1)
        metrics[f"auc_{name}"] = float(roc_auc_score(test_classes == name, probability))
    return metrics


def probe(run: Run, folds: Mapping[int, Fold] | None = None) -> dict[str, dict[str, Any]]:
    """Probe every part of a contrastive run under ``inter_patient``: its discriminator, and an untrained one.

    The probe, unlike the network, learns from labels: those of the training wearers.

    Returns two results without a name, for the trained and for the random weights.

    Raises ``RunError`` for a run of another kind, or one that has not finished training.
    """
    config = run.config
    if not config.contrastive or config.protocol.name != "inter_patient":
        raise RunError(f"{run.folder}: expected a contrastive run under protocol inter_patient.")
    folds = folds or load_folds(config)
    metrics: dict[str, list[dict[str, float]]] = {"trained": [], "random": []}
    for (number, seed), part in run.parts().items():
        fold = folds[number]
        abnormal = [] if fold.learning_abnormal is None else [fold.learning_abnormal]
        labelled = BeatSet.join([fold.train, *abnormal], fold.train.sha256)
        train, test = (beats.take(np.isin(beats.classes, CLASSES)) for beats in (labelled, fold.test))
        for verb, beats in (("learn from", train), ("test", test)):
            if len(np.unique(beats.classes)) < 2:
                raise RunError(
                    f"{run.folder}: found only beats of class {fold.normal} to {verb} in fold {number}; "
                    "expected abnormal ones, too, as the probe tells classes apart."
                )
        length, channels = train.windows.shape[1:]
        _, untrained = build_contrastive(config, length, channels, seed, steps=1)
        for name, model in {"trained": load(part / "model.keras"), "random": untrained}.items():
            learnt, tested = (embed(model.discriminator, beats.windows) for beats in (train, test))
            metrics[name].append(linear_probe(learnt, train.classes, tested, test.classes, seed))
    described = {name: describe(config, folds, "none", values) for name, values in metrics.items()}
    described["trained"] |= {key: run.about[key] for key in ("versions", "commit")}
    described["trained"]["models_sha256"] = depends_on(run)
    return described
