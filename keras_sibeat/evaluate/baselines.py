"""Baselines from scikit-learn: what a score must beat before a network is worth its electricity."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import OneClassSVM

SVM_BEATS = 10_000  # a one-class SVM's time grows with the square of its training set


def pca_scores(train, test, seed=0):
    """Squared error of what 20 principal components leave of a window."""
    pca = PCA(min(20, *train.shape), svd_solver="randomized", random_state=seed).fit(train)
    return np.square(test - pca.inverse_transform(pca.transform(test))).mean(axis=1)


def knn_scores(train, test, seed=0):
    """Euclidean distance to the nearest normal training window; nothing is drawn, so the seed is unused."""
    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(train).kneighbors(test)[0][:, 0]


def one_class_svm_scores(train, test, seed=0):
    """Negative decision function of a one-class SVM (RBF, nu 0.05) on at most 10,000 training windows."""
    rows = np.random.default_rng(seed).permutation(len(train))[:SVM_BEATS]
    return -OneClassSVM(gamma="scale", nu=0.05).fit(train[rows]).decision_function(test)


def isolation_forest_scores(train, test, seed=0):
    """Anomaly score of an isolation forest of 200 trees."""
    return -IsolationForest(n_estimators=200, random_state=seed).fit(train).score_samples(test)


BASELINES = {
    "pca": pca_scores,
    "knn": knn_scores,
    "ocsvm": one_class_svm_scores,
    "iforest": isolation_forest_scores,
}


def baseline_scores(name, fold, seed=0):
    """Scores of a fold's validation and test windows by one baseline fitted to its training windows.

    Returns two arrays ``(windows,)``, larger = more abnormal.
    """
    parts = [part.windows.reshape(len(part), -1) for part in (fold.train, fold.validation, fold.test)]
    train, validation, test = parts
    scores = BASELINES[name](train, np.concatenate([validation, test]), seed)
    return scores[: len(validation)], scores[len(validation) :]
