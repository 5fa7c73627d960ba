"""How well scores separate abnormal beats from normal ones, and how alike two scores order them."""

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score


def separation(scores: np.ndarray, is_abnormal: np.ndarray) -> dict[str, float]:
    """AUC and average precision of scores ``(beats,)``; neither of them where all beats are of one kind.

    >>> separation(np.array([0.1, 0.4, 0.3]), np.array([False, True, False]))
    {'auc': 1.0, 'ap': 1.0}
    >>> separation(np.array([0.1, 0.4, 0.3]), np.array([False, False, False]))
    {}
    """
    if is_abnormal.all() or not is_abnormal.any():
        return {}
    auc, ap = roc_auc_score(is_abnormal, scores), average_precision_score(is_abnormal, scores)
    return {"auc": float(auc), "ap": float(ap)}


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's: how alike two scores order the beats; 0 where one of them is the same for all."""
    return float(spearmanr(first, second).statistic) if np.ptp(first) and np.ptp(second) else 0.0
