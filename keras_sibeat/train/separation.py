"""How well scores separate abnormal beats from normal ones, and how alike two scores order them."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score


def separation(scores, is_abnormal):
    """AUC and average precision; NaN where only one kind of beat is there."""
    if is_abnormal.all() or not is_abnormal.any():
        return {"auc": float("nan"), "ap": float("nan")}
    auc, ap = roc_auc_score(is_abnormal, scores), average_precision_score(is_abnormal, scores)
    return {"auc": float(auc), "ap": float(ap)}


def rank_correlation(first, second):
    """Spearman's: how alike two scores order the beats; 0 where one of them is the same for all."""
    return float(spearmanr(first, second).statistic) if np.ptp(first) and np.ptp(second) else 0.0
