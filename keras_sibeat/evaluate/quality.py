"""What the signal-quality index and the judgement of alarms save, and what they cost."""

from collections.abc import Mapping

import numpy as np

LIMITS = (4, 6, 8, 10, 12, 14, 16)  # dB of the index below which beats would not be scored


def saved_and_lost(rows: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """The curve of the index over ``LIMITS``, and the point of the judgement.

    ``saved_L`` is the share of false alarms that a limit of L dB would have spared, ``lost_L`` the share of
    scored abnormal beats that it would have refused. ``saved`` and ``lost`` are those of the judgement: of
    the beats above the threshold, the shares that are doubted, of normal beats and false detections, and of
    abnormal beats. A share of nothing is None.

    Args:
        rows: columns of ``score_detected``, of one or more records.
    """
    is_abnormal = rows["classes"] != "N"
    over = np.concatenate([rows["over"][~is_abnormal], rows["false_over"]])
    alarms = np.concatenate([rows["alarms"][~is_abnormal], rows["false_alarms"]])
    snr = np.concatenate([rows["snr"][~is_abnormal], rows["false_snr"]])[over]
    scored = rows["snr"][is_abnormal & rows["scored"]]
    found = is_abnormal & rows["over"]
    curve = {f"saved_{limit}": share(snr < limit) for limit in LIMITS}
    curve |= {f"lost_{limit}": share(scored < limit) for limit in LIMITS}
    return {**curve, "saved": share(~alarms[over]), "lost": share(~rows["alarms"][found])}


def share(chosen: np.ndarray) -> float | None:
    """The share of a mask that is set; None of an empty one.

    >>> share(np.array([True, False])), share(np.zeros(0, bool))
    (0.5, None)
    """
    return float(chosen.mean()) if len(chosen) else None
