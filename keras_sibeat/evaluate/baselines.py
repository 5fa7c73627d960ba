"""Baselines from scikit-learn: what a score must beat before a network is worth its electricity."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import OneClassSVM

from keras_sibeat.config import Config
from keras_sibeat.data.protocols import Fold
from keras_sibeat.data.sources import load_folds
from keras_sibeat.evaluate.folds import measure, set_thresholds
from keras_sibeat.evaluate.metrics import auc_per_record
from keras_sibeat.evaluate.summary import describe
from keras_sibeat.train.run import parts_of

SVM_BEATS = 10_000  # a one-class SVM's time grows with the square of its training set


def pca_scores(train: np.ndarray, test: np.ndarray, seed: int = 0) -> np.ndarray:
    """Squared error of what 20 principal components leave of a window."""
    pca = PCA(min(20, *train.shape), svd_solver="randomized", random_state=seed).fit(train)
    return np.square(test - pca.inverse_transform(pca.transform(test))).mean(axis=1)


def knn_scores(train: np.ndarray, test: np.ndarray, seed: int = 0) -> np.ndarray:
    """Euclidean distance to the nearest normal training window; nothing is drawn, so the seed is unused."""
    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train).kneighbors(test)[0][:, 0]


def one_class_svm_scores(train: np.ndarray, test: np.ndarray, seed: int = 0) -> np.ndarray:
    """Negative decision function of a one-class SVM (RBF, nu 0.05) on at most 10,000 training windows."""
    rows = np.random.default_rng(seed).permutation(len(train))[:SVM_BEATS]
    return -OneClassSVM(gamma="scale", nu=0.05).fit(train[rows]).decision_function(test)


def isolation_forest_scores(train: np.ndarray, test: np.ndarray, seed: int = 0) -> np.ndarray:
    """Anomaly score of an isolation forest of 200 trees."""
    return -IsolationForest(n_estimators=200, random_state=seed).fit(train).score_samples(test)


BASELINES: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "pca": pca_scores,
    "knn": knn_scores,
    "ocsvm": one_class_svm_scores,
    "iforest": isolation_forest_scores,
}


def baseline_scores(name: str, fold: Fold, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a fold's validation and test windows by one baseline fitted to its training windows.

    Returns two arrays ``(windows,)``, larger = more abnormal.
    """
    train, validation, test = (
        beats.windows.reshape(len(beats), -1) for beats in (fold.train, fold.validation, fold.test)
    )
    scores = BASELINES[name](train, np.concatenate([validation, test]), seed)
    return scores[: len(validation)], scores[len(validation) :]


def evaluate_baseline(config: Config, name: str, folds: Mapping[int, Fold] | None = None) -> dict[str, Any]:
    """Score every fold and seed of a configuration by a baseline; returns the result without a name."""
    folds = folds or load_folds(config)
    metrics, per_record, started = [], [], time.perf_counter()
    for number, seed in parts_of(config):
        fold = folds[number]
        validation, scores = baseline_scores(name, fold, seed)
        threshold, _ = set_thresholds(config, validation, fold)
        per_record.append(auc_per_record(scores, fold.test, fold.normal))
        metrics.append(measure(config, scores, fold, threshold))
    return describe(config, folds, "none", metrics, per_record, time.perf_counter() - started)
